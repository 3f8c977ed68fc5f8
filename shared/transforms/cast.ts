import {
  Boxed,
  ConfigException,
  configDef,
  DATE,
  DataException,
  DECIMAL,
  Decimal,
  float64,
  int64,
  keyOrValueTransformation,
  list,
  MILLIS_PER_DAY,
  Schema,
  SchemaBuilderException,
  type SchemaType,
  TIME,
  TIMESTAMP,
  validator,
} from '../connect/index.ts';
import { hashOrder } from '../connect/java/hash-order.ts';
import { javaClassName, javaToString, javaTypeOf, unboxed } from '../connect/java/java-value.ts';
import { doubleToInt, doubleToLong, parseDecimal, parseWhole } from '../connect/java/number-text.ts';
import { isoText } from '../connect/values/iso-dates.ts';
import { NestedFields, usesPaths } from './nested-fields.ts';
import { fieldsOf, requireMap, requireStruct } from './requirements.ts';
import { type CopiedField, cacheBySchema, fieldCopier, structLike } from './struct-fields.ts';
import { REPLACE_NULL_WITH_DEFAULT, VERSION } from './transform-keys.ts';

const purpose = 'cast types';
const outputTypes = ['INT8', 'INT16', 'INT32', 'INT64', 'FLOAT32', 'FLOAT64', 'BOOLEAN', 'STRING'] as const;
type OutputType = (typeof outputTypes)[number];
const inputTypes: readonly string[] = [...outputTypes, 'BYTES'];
const allTypes: readonly string[] = [...inputTypes, 'ARRAY', 'MAP', 'STRUCT'];

const config = configDef({
  spec: list({
    validator: validator('list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>', (_name, value) => {
      if (value === null || (value as readonly string[]).length === 0) throw new ConfigException('Must specify at least one field to cast.');
      parseSpec(value as readonly string[]);
    }),
    importance: 'HIGH',
    doc: 'List of fields and the type to cast them to of the form field1:type,field2:type to cast fields of Maps or Structs. A single type to cast the entire value. Valid types are int8, int16, int32, int64, float32, float64, boolean, and string. Note that binary fields can only be cast to string.',
  }),
  ...REPLACE_NULL_WITH_DEFAULT,
});

/**
 * Converts fields, or the whole key or value, to other types. Integers wrap, fractions are cut off.
 * `{"transforms.t.type": "org.apache.kafka.connect.transforms.Cast$Value", "transforms.t.spec": "price:float64,id:string"}`
 */
export const cast = keyOrValueTransformation({
  className: 'org.apache.kafka.connect.transforms.Cast',
  version: VERSION,
  overview: 'Converts fields, or the whole key or value, to other primitive types.',
  config,
  create({ spec, 'replace.null.with.default': replaceNull }, _side, raw) {
    const { whole, fields } = parseSpec(spec);
    const inHashOrder = hashOrder([...fields.keys()]).map((name) => [name, fields.get(name) as OutputType] as const);
    if (usesPaths(raw) && whole === null) {
      const nested = new NestedFields({ purpose, replaceNull });
      for (const [path, type] of fields)
        nested.change(path, { schema: (own) => castSchema(own, type, { keepMetadata: false }), value: (own, value) => castValue(own, value, type) });
      return (side, record) => (side.value === null || side.value === undefined ? side : nested.apply(side, record));
    }
    const wholeSchema = cacheBySchema((schema) => castSchema(schema, whole as OutputType, { keepMetadata: true }));
    const plan = cacheBySchema((schema) => {
      const updated = fieldsOf(schema).map(({ name, schema: own }) => {
        const type = fields.get(name);
        return { name, schema: type === undefined ? own : castSchema(own, type, { keepMetadata: false }) };
      });
      const copied = schema.fields.map((field, at): CopiedField => {
        const type = fields.get(field.name);
        const target = (updated[at] as { schema: Schema }).schema;
        const { name } = field;
        return type === undefined ? { field, name } : { field, name, schema: target, change: (value) => castValue(field.schema, value, type) };
      });
      return { schema: structLike(schema, updated).with({ optional: schema.optional }), copy: fieldCopier(copied, replaceNull) };
    });
    return (side) => {
      const { schema, value } = side;
      if (value === null || value === undefined) return side;
      if (schema === null) {
        if (whole !== null) return { schema: null, value: castValue(null, value, whole) };
        const updated = new Map<string, unknown>(requireMap(value, purpose));
        for (const [name, type] of inHashOrder) updated.set(name, castValue(null, updated.get(name), type));
        return { schema: null, value: updated };
      }
      if (whole !== null) return { schema: wholeSchema(schema), value: castValue(schema, value, whole) };
      const { schema: updatedSchema, copy } = plan(schema);
      return { schema: updatedSchema, value: copy(requireStruct(schema, value, purpose)) };
    };
  },
});

interface Spec {
  /** The type of the whole key or value, or null when fields are told. */
  readonly whole: OutputType | null;
  readonly fields: ReadonlyMap<string, OutputType>;
}

function parseSpec(spec: readonly string[]): Spec {
  const fields = new Map<string, OutputType>();
  let whole: OutputType | null = null;
  for (const mapping of spec) {
    const parts = mapping.replace(/:+$/, '').split(':');
    // The key that the message tells is that of ReplaceField, in Kafka Connect too.
    if (parts.length > 2) throw ConfigException.forValue('renames', spec, `Invalid rename mapping: ${mapping}`);
    const type = outputType((parts.at(-1) as string).trim());
    if (parts.length === 1) whole = type;
    else fields.set((parts[0] as string).trim(), type);
  }
  if (whole !== null && spec.length > 1)
    throw new ConfigException('Cast transformations that specify a type to cast the entire value to may only specify a single cast in their spec');
  return { whole, fields };
}

function outputType(text: string): OutputType {
  const type = text.toUpperCase();
  if (!allTypes.includes(type))
    throw ConfigException.forValue(
      `Invalid type found in casting spec: ${text}`,
      `java.lang.IllegalArgumentException: No enum constant org.apache.kafka.connect.data.Schema.Type.${type}`,
    );
  if (!outputTypes.includes(type as OutputType))
    throw new ConfigException(`Cast transformation does not support casting to ${type}; supported types are [${outputTypes.join(', ')}]`);
  return type as OutputType;
}

/** The schema that a cast makes: of a whole value it keeps name and version, of a field only whether it is optional and its default. */
function castSchema(schema: Schema, type: OutputType, { keepMetadata }: { keepMetadata: boolean }): Schema {
  const { optional, name, version, doc, parameters, defaultValue } = schema;
  const bare = new Schema({ type, optional, ...(keepMetadata && { name, version, doc, parameters }) });
  // The name of a logical type stays, and its default is of a class that does not go with it any more.
  if (defaultValue !== null && keepMetadata && logicalTypes.has(name)) throw new SchemaBuilderException('Invalid default value');
  return defaultValue === null ? bare : bare.with({ defaultValue: castValue(schema, defaultValue, type) });
}

/** A value as another type; without a schema numbers come boxed. Throws DataException. */
function castValue(schema: Schema | null, value: unknown, type: OutputType): unknown {
  if (value === null || value === undefined) return null;
  const from = schema?.type ?? schemalessType(value);
  if (!inputTypes.includes(from)) throw new DataException(`Cast transformation does not support casting from ${from}; supported types are [${inputTypesText}]`);
  if (type === 'STRING') return castToString(schema, value);
  const encoded = schema === null ? value : encodeLogical(schema, value);
  if (type === 'BOOLEAN') return castToBoolean(schema, encoded);
  if (type === 'FLOAT32' || type === 'FLOAT64') {
    const number = toDouble(schema, encoded);
    if (type === 'FLOAT64') return schema === null ? float64(number) : number;
    return schema === null ? new Boxed('FLOAT32', Math.fround(number)) : Math.fround(number);
  }
  if (type === 'INT64') {
    const long = toLong(schema, encoded, 64);
    return schema === null ? int64(long) : long;
  }
  const number = toInt(schema, encoded, type);
  return schema === null ? new Boxed(type, number) : number;
}

const logicalTypes: ReadonlySet<string | null> = new Set([DECIMAL, DATE, TIME, TIMESTAMP]);
const inputTypesText = inputTypes.join(', ');

function schemalessType(value: unknown): SchemaType {
  const type = javaTypeOf(null, value);
  if (type === null || type === 'DATE' || type === 'DECIMAL' || type === 'BIGINTEGER')
    throw new DataException(`Cast transformation was passed a value of type class ${javaClassName(null, value)} which is not supported by Connect's data API`);
  return type;
}

/** Dates as the numbers that stand for them. */
function encodeLogical(schema: Schema, value: unknown): unknown {
  if (!(value instanceof Date)) return value;
  const millis = value.getTime();
  if (schema.name === DATE) {
    if (millis % MILLIS_PER_DAY !== 0) throw new DataException('Kafka Connect Date type should not have any time fields set to non-zero values.');
    return BigInt(millis / MILLIS_PER_DAY);
  }
  if (schema.name === TIME && (millis < 0 || millis > MILLIS_PER_DAY))
    throw new DataException('Kafka Connect Time type should not have any date fields set to non-zero values.');
  return schema.name === TIME || schema.name === TIMESTAMP ? BigInt(millis) : value;
}

function castToString(schema: Schema | null, value: unknown): string {
  if (value instanceof Date) return isoText(value);
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64');
  return javaToString(schema, value);
}

function castToBoolean(schema: Schema | null, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') return value.toLowerCase() === 'true';
  return toLong(schema, value, 64) !== 0n;
}

/** Narrowed to so many bits as Java does: whole numbers lose their upper bits, fractions go to the end of an int's range first. */
function toInt(schema: Schema | null, value: unknown, type: 'INT8' | 'INT16' | 'INT32'): number {
  const bits = Number(type.slice(3));
  if (isDouble(schema, value)) return Number(BigInt.asIntN(bits, BigInt(doubleToInt(Number(unboxed(value))))));
  return Number(BigInt.asIntN(bits, toLong(schema, value, bits)));
}

function toLong(schema: Schema | null, value: unknown, bits: number): bigint {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'string') return parseWhole(value, bits) ?? outOfRange(value);
  if (value instanceof Decimal) {
    const { unscaled, scale } = value;
    return BigInt.asIntN(64, scale <= 0 ? unscaled * 10n ** BigInt(-scale) : unscaled / 10n ** BigInt(scale));
  }
  const number = numberOf(schema, value);
  return typeof number === 'bigint' ? BigInt.asIntN(64, number) : doubleToLong(number);
}

function toDouble(schema: Schema | null, value: unknown): number {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string') return parseDecimal(value) ?? outOfRange(value);
  return value instanceof Decimal ? Number(value.toString()) : Number(numberOf(schema, value));
}

function isDouble(schema: Schema | null, value: unknown): boolean {
  const type = javaTypeOf(schema, value);
  return type === 'FLOAT32' || type === 'FLOAT64';
}

function numberOf(schema: Schema | null, value: unknown): number | bigint {
  const number = unboxed(value);
  if (typeof number === 'number' || typeof number === 'bigint') return number;
  throw new DataException(`Unexpected type in Cast transformation: class ${javaClassName(schema, value)}`);
}

/** Java's, of a text that is no number, or none of its type. */
class NumberFormatException extends Error {
  readonly javaClass = 'java.lang.NumberFormatException';
}

function outOfRange(value: string): never {
  throw new DataException(`Value (${value}) was out of range for requested data type`, { cause: new NumberFormatException(`For input string: "${value}"`) });
}
