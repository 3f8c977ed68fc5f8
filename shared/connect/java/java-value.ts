import type { Schema, SchemaType } from '../data/schema.ts';
import { Boxed, Decimal, float64, int64 } from '../data/values.ts';
import { calendarFields } from './java-calendar.ts';
import { doubleToString, floatToString } from './number-text.ts';
import { SimpleDateFormat } from './simple-date-format.ts';

/** The Java classes that values of Connect have, by the type that stands for them. */
export type JavaType = SchemaType | 'BIGINTEGER' | 'DECIMAL' | 'DATE';

const numberTypes: ReadonlySet<SchemaType> = new Set(['INT8', 'INT16', 'INT32', 'FLOAT32', 'FLOAT64']);

/**
 * The Java class of a value that is not null. A schema tells numbers apart; without one the conventions of `Boxed` do.
 * Null for what Java would not have here.
 */
export function javaTypeOf(schema: Schema | null, value: unknown): JavaType | null {
  switch (typeof value) {
    case 'string':
      return 'STRING';
    case 'number':
      if (schema !== null && numberTypes.has(schema.type)) return schema.type;
      return Number.isInteger(value) ? 'INT64' : 'FLOAT64';
    case 'bigint':
      return 'INT64';
    case 'boolean':
      return 'BOOLEAN';
    case 'object':
      if (value === null) return null;
      if (value instanceof Boxed) return value.type;
      if (Array.isArray(value)) return 'ARRAY';
      if (value instanceof Map) return 'MAP';
      if (value instanceof Uint8Array) return 'BYTES';
      if (value instanceof Date) return 'DATE';
      if (value instanceof Decimal) return 'DECIMAL';
      return 'STRUCT';
    default:
      return null;
  }
}

const classNames: Readonly<Record<JavaType, string>> = {
  INT8: 'java.lang.Byte',
  INT16: 'java.lang.Short',
  INT32: 'java.lang.Integer',
  INT64: 'java.lang.Long',
  FLOAT32: 'java.lang.Float',
  FLOAT64: 'java.lang.Double',
  BOOLEAN: 'java.lang.Boolean',
  STRING: 'java.lang.String',
  BYTES: '[B',
  ARRAY: 'java.util.ArrayList',
  MAP: 'java.util.LinkedHashMap',
  STRUCT: 'org.apache.kafka.connect.data.Struct',
  BIGINTEGER: 'java.math.BigInteger',
  DECIMAL: 'java.math.BigDecimal',
  DATE: 'java.util.Date',
};

/** The name of the Java class of a value, for messages that tell it: `java.lang.String`. */
export function javaClassName(schema: Schema | null, value: unknown): string {
  const type = javaTypeOf(schema, value);
  return type === null ? 'java.lang.Object' : classNames[type];
}

/** A number of any form as the JavaScript number or bigint that it holds. */
export function unboxed(value: unknown): number | bigint {
  return value instanceof Boxed ? value.value : (value as number | bigint);
}

/**
 * Java's `toString` of a value: `[1, a, null]`, `{a=1}`, `Struct{a=1}` without fields that are null, floats in Java's
 * form. Bytes have no text of their own in Java; they are `[B`.
 */
export function javaToString(schema: Schema | null, value: unknown): string {
  if (value === null || value === undefined) return 'null';
  switch (javaTypeOf(schema, value)) {
    case 'FLOAT32':
      return floatToString(Number(unboxed(value)));
    case 'FLOAT64':
      return doubleToString(Number(unboxed(value)));
    case 'ARRAY':
      return `[${(value as unknown[]).map((item) => javaToString(schema?.valueSchema ?? null, item)).join(', ')}]`;
    case 'MAP': {
      const entries = [...(value as Map<unknown, unknown>)];
      return `{${entries.map(([key, item]) => `${javaToString(schema?.keySchema ?? null, key)}=${javaToString(schema?.valueSchema ?? null, item)}`).join(', ')}}`;
    }
    case 'STRUCT': {
      const struct = value as Readonly<Record<string, unknown>>;
      const fields = (schema?.fields ?? []).filter(({ name }) => (struct[name] ?? null) !== null);
      return `Struct{${fields.map((field) => `${field.name}=${javaToString(field.schema, struct[field.name])}`).join(',')}}`;
    }
    case 'DATE':
      return dateToString(value as Date);
    case 'BYTES':
      return '[B';
    default:
      return String(unboxed(value));
  }
}

/** Java's `Date.toString` in UTC: `Thu Jan 01 14:34:54 UTC 1970`. */
function dateToString(date: Date): string {
  const { year } = calendarFields(date.getTime());
  return `${dateFormat.format(date.getTime())} ${year > 0 ? year : 1 - year}`;
}

const dateFormat = new SimpleDateFormat("EEE MMM dd HH:mm:ss 'UTC'", 0);

/** Java's text of a schema: `Schema{STRING}`, `Schema{name:BYTES}`. */
export function schemaText({ name, type }: Schema): string {
  return name === null ? `Schema{${type}}` : `Schema{${name}:${type}}`;
}

/** A value of a schema in the form that it has without one: numbers keep their Java class (`Boxed`). */
export function withoutSchema(schema: Schema | null, value: unknown): unknown {
  if (schema === null || value === null || value === undefined) return value ?? null;
  const type = javaTypeOf(schema, value);
  switch (type) {
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'FLOAT32':
      return new Boxed(type, Number(value));
    case 'FLOAT64':
      return float64(Number(value));
    case 'INT64':
      return int64(BigInt(value as bigint));
    case 'ARRAY':
      return (value as unknown[]).map((item) => withoutSchema(schema.valueSchema, item));
    case 'MAP':
      return new Map(
        [...(value as Map<unknown, unknown>)].map(([key, item]) => [withoutSchema(schema.keySchema, key), withoutSchema(schema.valueSchema, item)]),
      );
    default:
      return value;
  }
}
