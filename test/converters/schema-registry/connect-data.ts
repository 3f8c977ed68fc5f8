import fc from 'fast-check';
import { array, Decimal, dateSchema, decimalSchema, map, Schema, type SchemaAndValue, timeSchema, timestampSchema } from '../../../shared/connect/index.ts';

interface Generated {
  readonly schema: Schema;
  readonly values: fc.Arbitrary<unknown>;
}

const day = 86_400_000;
const text = fc.string({ unit: 'grapheme', maxLength: 60 });
const dates = fc.integer({ min: -100_000, max: 100_000 }).map((days) => new Date(days * day));
const of = (schema: Schema, values: fc.Arbitrary<unknown>): Generated => ({ schema, values });

const primitive: fc.Arbitrary<Generated> = fc.oneof(
  fc.constantFrom(
    of(Schema.INT8_SCHEMA, fc.integer({ min: -128, max: 127 })),
    of(Schema.INT16_SCHEMA, fc.integer({ min: -32768, max: 32767 })),
    of(Schema.INT32_SCHEMA, fc.integer()),
    of(Schema.INT64_SCHEMA, fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -300n, max: 300n }))),
    of(Schema.FLOAT32_SCHEMA, fc.float({ noNaN: true, noDefaultInfinity: true })),
    of(Schema.FLOAT64_SCHEMA, fc.double({ noNaN: true, noDefaultInfinity: true })),
    of(Schema.BOOLEAN_SCHEMA, fc.boolean()),
    of(Schema.STRING_SCHEMA, text),
    of(
      Schema.BYTES_SCHEMA,
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    ),
    of(dateSchema(), dates),
    of(
      timeSchema(),
      fc.integer({ min: 0, max: day - 1 }).map((millis) => new Date(millis)),
    ),
    of(timestampSchema(), fc.date({ noInvalidDate: true, min: new Date(-62_000_000_000_000), max: new Date(4_000_000_000_000) })),
  ),
  fc.integer({ min: 0, max: 20 }).map((scale) =>
    of(
      decimalSchema(scale),
      fc.bigInt({ min: -(2n ** 90n), max: 2n ** 90n }).map((unscaled) => new Decimal(unscaled, scale)),
    ),
  ),
);

/** Options of the generator: some formats cannot say everything. */
export interface GeneratorOptions {
  /** Keys of maps that are not texts. */
  readonly otherKeys?: boolean;
  readonly maxMapEntries?: number;
  readonly defaults?: boolean;
  readonly nestedArrays?: boolean;
}

/** Schemas of all types, nested, named or not, with docs, parameters and defaults, each with a value that fits it. */
export function connectData(options: GeneratorOptions = {}): fc.Arbitrary<SchemaAndValue & { readonly schema: Schema }> {
  const { otherKeys = true, maxMapEntries = 3, defaults = true, nestedArrays = true } = options;
  let serial = 0;
  const keys: fc.Arbitrary<Generated> = otherKeys
    ? fc.constantFrom(of(Schema.STRING_SCHEMA, text), of(Schema.INT32_SCHEMA, fc.integer()), of(Schema.OPTIONAL_STRING_SCHEMA, text))
    : fc.constant(of(Schema.STRING_SCHEMA, text));
  const notList = ({ schema }: Generated) => nestedArrays || (schema.type !== 'ARRAY' && schema.type !== 'MAP' && !schema.optional);
  const { any } = fc.letrec<{ any: Generated; struct: Generated }>((tie) => ({
    any: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      primitive,
      tie('struct'),
      tie('any').map(({ schema, values }) => of(schema.with({ optional: true }), fc.option(values))),
      tie('any')
        .filter(notList)
        .map(({ schema, values }) => of(array(schema), fc.array(values, { maxLength: 3 }))),
      fc.tuple(keys, tie('any').filter(notList)).map(([key, item]) =>
        of(
          // Without a name, two such maps would be one Avro type.
          map(key.schema, item.schema, key.schema.type === 'STRING' && !key.schema.optional ? {} : { name: `Entry${serial++}` }),
          fc.uniqueArray(fc.tuple(key.values, item.values), { maxLength: maxMapEntries, selector: ([one]) => one }).map((entries) => new Map(entries)),
        ),
      ),
    ),
    struct: fc
      .tuple(
        fc.array(tie('any'), { minLength: 0, maxLength: 4 }),
        fc.option(fc.constantFrom('A', 'B', 'com.example.C'), { nil: null }),
        fc.option(fc.constant('what it is'), { nil: null }),
        fc.option(fc.integer({ min: 1, max: 9 }), { nil: null }),
        fc.option(fc.constant({ first: 'one', second: 'two' }), { nil: null }),
      )
      .chain(([fields, name, doc, version, parameters]) =>
        // Some fields with defaults, which are values like any other.
        fc
          .tuple(...fields.map(({ schema, values }) => (defaults && schema.type !== 'STRUCT' ? fc.option(values, { nil: null, freq: 3 }) : fc.constant(null))))
          .map((some) => {
            const made = fields.map(({ schema }, at) => ({ name: `f${at}`, schema: some[at] === null ? schema : schema.with({ defaultValue: some[at] }) }));
            const schema = new Schema({ type: 'STRUCT', name: name === null ? null : `${name}${serial++}`, doc, version, parameters, fields: made });
            return of(
              schema,
              fc.tuple(...fields.map(({ values }) => values)).map((values) => Object.fromEntries(values.map((value, at) => [`f${at}`, value]))),
            );
          }),
      ),
  }));
  return any.chain(({ schema, values }) => values.map((value) => ({ schema, value })));
}

/** A null becomes the default of its field when it is written. */
export function withDefaults(schema: Schema, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return value.map((each) => withDefaults(schema.valueSchema as Schema, each));
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [key, withDefaults(schema.valueSchema as Schema, each)]));
  if (schema.type !== 'STRUCT') return value;
  const fields = value as Record<string, unknown>;
  return Object.fromEntries(schema.fields.map((field) => [field.name, withDefaults(field.schema, fields[field.name] ?? field.schema.defaultValue)]));
}
