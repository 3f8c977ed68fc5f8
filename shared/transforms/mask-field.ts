import {
  Boxed,
  configDef,
  DataException,
  Decimal,
  keyOrValueTransformation,
  list,
  nonDuplicateValues,
  nonEmptyString,
  Schema,
  string,
} from '../connect/index.ts';
import { hashOrder } from '../connect/java/hash-order.ts';
import { type JavaType, javaClassName, javaTypeOf, withoutSchema } from '../connect/java/java-value.ts';
import { asciiDigits } from '../connect/java/number-text.ts';
import { convertValue } from '../connect/values/convert-value.ts';
import { NestedFields, usesPaths } from './nested-fields.ts';
import { requireMap, requireStruct } from './requirements.ts';
import { cacheBySchema, fieldCopier } from './struct-fields.ts';
import { REPLACE_NULL_WITH_DEFAULT, VERSION } from './transform-keys.ts';

const purpose = 'mask fields';

/** Types whose replacement is a number out of the text. */
const numberSchemas: Partial<Record<JavaType, Schema>> = {
  INT8: Schema.OPTIONAL_INT8_SCHEMA,
  INT16: Schema.OPTIONAL_INT16_SCHEMA,
  INT32: Schema.OPTIONAL_INT32_SCHEMA,
  INT64: Schema.OPTIONAL_INT64_SCHEMA,
  FLOAT32: Schema.OPTIONAL_FLOAT32_SCHEMA,
  FLOAT64: Schema.OPTIONAL_FLOAT64_SCHEMA,
};

/**
 * Replaces fields by a constant, or by what is zero for their type. Nulls stay.
 * `{"transforms.t.type": "org.apache.kafka.connect.transforms.MaskField$Value", "transforms.t.fields": "password"}`
 */
export const maskField = keyOrValueTransformation({
  className: 'org.apache.kafka.connect.transforms.MaskField',
  version: VERSION,
  overview: 'Replaces fields by a constant, or by the zero of their type (0, false, an empty text).',
  config: configDef({
    fields: list({ validator: nonDuplicateValues({ emptyAllowed: false }), importance: 'HIGH', doc: 'Names of fields to mask.' }),
    replacement: string({
      default: null,
      validator: nonEmptyString,
      importance: 'LOW',
      doc: "Custom value replacement, that will be applied to all 'fields' values (numeric or non-empty string values only).",
    }),
    ...REPLACE_NULL_WITH_DEFAULT,
  }),
  create({ fields, replacement, 'replace.null.with.default': replaceNull }, _side, raw) {
    const masked = new Set(hashOrder([...new Set(fields)]));
    const mask = (schema: Schema | null, value: unknown): unknown => {
      if (value === null || value === undefined) return null;
      return replacement === null ? zero(schema, value) : replaced(schema, value, replacement);
    };
    if (usesPaths(raw)) {
      const nested = new NestedFields({ purpose, replaceNull });
      for (const path of fields) nested.change(path, { value: mask });
      return (side, record) => nested.apply(side, record);
    }
    const copierOf = cacheBySchema((schema) =>
      fieldCopier(
        schema.fields.map((field) => ({ field, name: field.name, ...(masked.has(field.name) && { change: (value: unknown) => mask(field.schema, value) }) })),
        replaceNull,
      ),
    );
    return ({ schema, value }) => {
      if (schema === null) {
        const map = requireMap(value, purpose);
        const updated = new Map<string, unknown>(map);
        for (const name of masked) updated.set(name, mask(null, map.get(name)));
        return { schema: null, value: updated };
      }
      return { schema, value: copierOf(schema)(requireStruct(schema, value, purpose)) };
    };
  },
});

function zero(schema: Schema | null, value: unknown): unknown {
  const type = javaTypeOf(schema, value);
  switch (type) {
    case 'BOOLEAN':
      return false;
    case 'STRING':
      return '';
    case 'ARRAY':
      return [];
    case 'MAP':
      return new Map();
    case 'DATE':
      return new Date(0);
    case 'DECIMAL':
      return new Decimal(0n, 0);
    case 'BIGINTEGER':
      return new Boxed(type, 0n);
  }
  const number = type === null ? undefined : numberSchemas[type];
  if (number === undefined) throw new DataException(`Cannot mask value of type: class ${javaClassName(schema, value)}`);
  const nothing = type === 'INT64' ? 0n : 0;
  return schema === null ? withoutSchema(number, nothing) : nothing;
}

function replaced(schema: Schema | null, value: unknown, replacement: string): unknown {
  const type = javaTypeOf(schema, value);
  if (type === 'STRING') return replacement;
  if (type === 'DECIMAL' || type === 'BIGINTEGER') return type === 'DECIMAL' ? decimal(replacement) : new Boxed(type, whole(replacement));
  const number = type === null ? undefined : numberSchemas[type];
  if (number === undefined) throw new DataException(`Cannot mask value of type class ${javaClassName(schema, value)} with custom replacement.`);
  const converted = convertValue(number, null, replacement);
  return schema === null ? withoutSchema(number, converted) : converted;
}

function decimal(text: string): Decimal {
  try {
    return Decimal.parse(asciiDigits(text));
  } catch (cause) {
    throw noNumber(text, cause);
  }
}

function whole(text: string): bigint {
  if (!/^[+-]?\p{Nd}+$/u.test(text)) throw noNumber(text);
  return BigInt(asciiDigits(text.replace('+', '')));
}

function noNumber(text: string, cause?: unknown): DataException {
  return new DataException(`Unable to convert ${text} (class java.lang.String) to number`, { cause });
}
