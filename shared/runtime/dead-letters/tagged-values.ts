import { Schema, type SchemaType } from '../../connect/data/schema.ts';
import { Boxed, Decimal, int64 } from '../../connect/data/values.ts';
import { DataException } from '../../connect/errors.ts';
import { type JavaType, javaTypeOf, unboxed } from '../../connect/java/java-value.ts';
import { doubleToString } from '../../connect/java/number-text.ts';

/**
 * Schemas and values as JSON that loses nothing: `{"i64": "5"}`, a tag for each Java class. Dead letters of sources keep
 * records so, and the vectors of the real Kafka Connect are written so.
 */
export type TaggedSchema = Readonly<Record<string, unknown>> | null;
export type TaggedValue = Readonly<Record<string, unknown>> | null;

const types: Readonly<Record<string, SchemaType>> = { float: 'FLOAT32', double: 'FLOAT64' };
const typeNames: Readonly<Record<string, string>> = { FLOAT32: 'float', FLOAT64: 'double' };

/** A schema of this form as ours. */
export function decodeSchema(json: TaggedSchema | undefined): Schema | null {
  if (json === null || json === undefined) return null;
  const type = types[json['type'] as string] ?? ((json['type'] as string).toUpperCase() as SchemaType);
  const schema = new Schema({
    type,
    optional: json['optional'] === true,
    name: (json['name'] as string | undefined) ?? null,
    version: (json['version'] as number | undefined) ?? null,
    doc: (json['doc'] as string | undefined) ?? null,
    parameters: (json['parameters'] as Record<string, string> | undefined) ?? null,
    fields: ((json['fields'] as Record<string, unknown>[] | undefined) ?? []).map((field) => ({
      name: field['field'] as string,
      schema: decodeSchema(field) as Schema,
    })),
    keySchema: decodeSchema(json['keys'] as TaggedSchema),
    valueSchema: decodeSchema((json['items'] ?? json['values']) as TaggedSchema),
  });
  return json['default'] === undefined ? schema : schema.with({ defaultValue: decodeValue(schema, json['default'] as TaggedValue) });
}

/**
 * A value of this form as ours. Where its tag is not what the schema says it keeps its Java class by a box, so that
 * what is to refuse it can name that.
 */
export function decodeValue(schema: Schema | null, tagged: TaggedValue | undefined): unknown {
  if (tagged === null || tagged === undefined) return null;
  const [tag, payload] = Object.entries(tagged)[0] as [string, unknown];
  const number = (type: 'INT8' | 'INT16' | 'INT32' | 'FLOAT32' | 'FLOAT64', value: number): unknown =>
    schema?.type === type || (schema === null && type === 'FLOAT64' && !Number.isInteger(value)) ? value : new Boxed(type, value);
  switch (tag) {
    case 'bool':
    case 'str':
      return payload;
    case 'i8':
      return number('INT8', payload as number);
    case 'i16':
      return number('INT16', payload as number);
    case 'i32':
      return number('INT32', payload as number);
    case 'i64':
      return schema === null ? int64(BigInt(payload as string)) : BigInt(payload as string);
    case 'f32':
      return number('FLOAT32', Math.fround(Number(payload)));
    case 'f64':
      return number('FLOAT64', Number(payload));
    case 'bytes':
    case 'bytebuffer':
      return Buffer.from(payload as string, 'base64');
    case 'decimal': {
      const { unscaled, scale } = payload as { unscaled: string; scale: number };
      return new Decimal(BigInt(unscaled), scale);
    }
    case 'bigint':
      return new Boxed('BIGINTEGER', BigInt(payload as string));
    case 'date':
      return new Date(Number(payload));
    case 'list':
      return (payload as TaggedValue[]).map((item) => decodeValue(elementSchema(schema), item));
    case 'map':
      return new Map(
        (payload as [TaggedValue, TaggedValue][]).map(([key, value]) => [decodeValue(keySchema(schema), key), decodeValue(elementSchema(schema), value)]),
      );
    case 'struct':
      return Object.fromEntries(
        Object.entries(payload as Record<string, TaggedValue>).map(([name, value]) => [name, decodeValue(schema?.field(name)?.schema ?? null, value)]),
      );
    default:
      throw new Error(`unknown tag ${tag}`);
  }
}

/** What Java's `Schema.valueSchema` throws is part of some cases: their value cannot even be made. */
function elementSchema(schema: Schema | null): Schema | null {
  if (schema !== null && schema.type !== 'ARRAY' && schema.type !== 'MAP') throw new DataException('Cannot look up value schema on non-array and non-map type');
  return schema?.valueSchema ?? null;
}

function keySchema(schema: Schema | null): Schema | null {
  if (schema !== null && schema.type !== 'MAP') throw new DataException('Cannot look up key schema on non-map type');
  return schema?.keySchema ?? null;
}

/** A schema of ours in this form. */
export function encodeSchema(schema: Schema | null): TaggedSchema {
  if (schema === null) return null;
  const { type, optional, name, version, doc, parameters, defaultValue } = schema;
  return {
    type: typeNames[type] ?? type.toLowerCase(),
    optional,
    ...(name !== null && { name }),
    ...(version !== null && { version }),
    ...(doc !== null && { doc }),
    ...(parameters !== null && Object.keys(parameters).length > 0 && { parameters }),
    ...(defaultValue !== null && { default: encodeValue(schema, defaultValue) }),
    ...(type === 'ARRAY' && { items: encodeSchema(schema.valueSchema) }),
    ...(type === 'MAP' && { keys: encodeSchema(schema.keySchema), values: encodeSchema(schema.valueSchema) }),
    ...(type === 'STRUCT' && { fields: schema.fields.map((field) => ({ field: field.name, ...encodeSchema(field.schema) })) }),
  };
}

const tags: Readonly<Record<JavaType, string>> = {
  INT8: 'i8',
  INT16: 'i16',
  INT32: 'i32',
  INT64: 'i64',
  FLOAT32: 'f32',
  FLOAT64: 'f64',
  BOOLEAN: 'bool',
  STRING: 'str',
  BYTES: 'bytes',
  ARRAY: 'list',
  MAP: 'map',
  STRUCT: 'struct',
  BIGINTEGER: 'bigint',
  DECIMAL: 'decimal',
  DATE: 'date',
};

/** A value of ours in this form. */
export function encodeValue(schema: Schema | null, value: unknown): TaggedValue {
  const type = javaTypeOf(schema, value);
  return type === null ? null : { [tags[type]]: payloadOf(type, schema, value) };
}

function payloadOf(type: JavaType, schema: Schema | null, value: unknown): unknown {
  switch (type) {
    case 'BOOLEAN':
    case 'STRING':
      return value;
    case 'INT8':
    case 'INT16':
    case 'INT32':
      return Number(unboxed(value));
    case 'INT64':
    case 'BIGINTEGER':
      return String(unboxed(value));
    case 'FLOAT32':
    case 'FLOAT64':
      return doubleToString(Number(unboxed(value)));
    case 'BYTES':
      return Buffer.from(value as Uint8Array).toString('base64');
    case 'DATE':
      return String((value as Date).getTime());
    case 'DECIMAL': {
      const { unscaled, scale } = value as Decimal;
      return { unscaled: String(unscaled), scale };
    }
    case 'ARRAY':
      return (value as unknown[]).map((item) => encodeValue(schema?.valueSchema ?? null, item));
    case 'MAP':
      return [...(value as Map<unknown, unknown>)].map(([key, item]) => [
        encodeValue(schema?.keySchema ?? null, key),
        encodeValue(schema?.valueSchema ?? null, item),
      ]);
    case 'STRUCT': {
      const struct = value as Readonly<Record<string, unknown>>;
      const fields = schema?.fields ?? Object.keys(struct).map((name) => ({ name, schema: null }));
      return Object.fromEntries(fields.map((field) => [field.name, encodeValue(field.schema, struct[field.name])]));
    }
  }
}
