import fc from 'fast-check';
import {
  array,
  Decimal,
  dateSchema,
  decimalSchema,
  map,
  Schema,
  type SchemaAndValue,
  struct,
  timeSchema,
  timestampSchema,
} from '../../shared/connect/index.ts';

interface Generated {
  readonly schema: Schema;
  readonly values: fc.Arbitrary<unknown>;
}

const day = 86_400_000;
const wellFormed = fc.string({ unit: 'grapheme' });
/** Kafka's JsonConverter reads decimals as BigDecimal, which has no zero below zero: that sign does not come back. */
const unsignedZero = (value: number) => (value === 0 ? 0 : value);
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map(unsignedZero);

const primitive: fc.Arbitrary<Generated> = fc.oneof(
  fc.constant({ schema: Schema.INT8_SCHEMA, values: fc.integer({ min: -128, max: 127 }) }),
  fc.constant({ schema: Schema.INT16_SCHEMA, values: fc.integer({ min: -32768, max: 32767 }) }),
  fc.constant({ schema: Schema.INT32_SCHEMA, values: fc.integer() }),
  fc.constant({ schema: Schema.INT64_SCHEMA, values: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
  fc.constant({ schema: Schema.FLOAT32_SCHEMA, values: fc.float({ noNaN: true, noDefaultInfinity: true }).map(unsignedZero) }),
  fc.constant({ schema: Schema.FLOAT64_SCHEMA, values: finite }),
  fc.constant({ schema: Schema.BOOLEAN_SCHEMA, values: fc.boolean() }),
  fc.constant({ schema: Schema.STRING_SCHEMA, values: wellFormed }),
  fc.constant({ schema: Schema.BYTES_SCHEMA, values: fc.uint8Array().map((bytes) => Buffer.from(bytes)) }),
  fc.constant({ schema: dateSchema(), values: fc.integer({ min: -100_000, max: 100_000 }).map((days) => new Date(days * day)) }),
  fc.constant({ schema: timeSchema(), values: fc.integer({ min: 0, max: day - 1 }).map((millis) => new Date(millis)) }),
  fc.constant({ schema: timestampSchema(), values: fc.date({ noInvalidDate: true }) }),
  fc.integer({ min: -5, max: 20 }).map((scale) => ({ schema: decimalSchema(scale), values: fc.bigInt().map((unscaled) => new Decimal(unscaled, scale)) })),
);

const fieldNames = fc.uniqueArray(fc.oneof(wellFormed, fc.constantFrom('id', 'constructor', 'toString', '7')), { minLength: 0, maxLength: 4 });

const { generated } = fc.letrec<{ generated: Generated }>((tie) => ({
  generated: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    primitive,
    tie('generated').map(({ schema, values }) => ({ schema: schema.with({ optional: true }), values: fc.option(values) })),
    tie('generated').map(({ schema, values }) => ({ schema: array(schema), values: fc.array(values, { maxLength: 3 }) })),
    tie('generated').map(({ schema, values }) => ({
      schema: map(Schema.STRING_SCHEMA, schema),
      values: fc
        .array(
          fc.tuple(
            wellFormed.filter((key) => !/^\d+$/.test(key) && key !== '__proto__'),
            values,
          ),
          { maxLength: 3 },
        )
        .map((entries) => new Map(entries)),
    })),
    fc.tuple(fieldNames, fc.array(tie('generated'), { minLength: 4, maxLength: 4 })).map(([names, fields]) => ({
      schema: struct(Object.fromEntries(names.map((name, at) => [name, (fields[at] as Generated).schema]))),
      values: fc
        .tuple(...names.map((_, at) => (fields[at] as Generated).values))
        .map((values) => Object.fromEntries(names.map((name, at) => [name, values[at]]))),
    })),
  ),
}));

/** Schemas of every type, nested, optional or not, each with a value that fits it. */
export const schemaAndValue: fc.Arbitrary<SchemaAndValue & { readonly schema: Schema }> = generated.chain(({ schema, values }) =>
  values.map((value) => ({ schema, value })),
);
