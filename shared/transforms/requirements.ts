import { DataException, type Schema } from '../connect/index.ts';
import { javaClassName } from '../connect/java/java-value.ts';

export type StructValue = Readonly<Record<string, unknown>>;

/** The value as a map without schema, or DataException; `purpose` is what the message calls the transformation's work. */
export function requireMap(value: unknown, purpose: string): ReadonlyMap<string, unknown> {
  if (value instanceof Map) return value;
  throw new DataException(`Only Map objects supported in absence of schema for [${purpose}], found: ${found(null, value)}`);
}

/** The same for what may be null. */
export function requireMapOrNull(value: unknown, purpose: string): ReadonlyMap<string, unknown> | null {
  return value === null || value === undefined ? null : requireMap(value, purpose);
}

/** The value as a struct, or DataException. */
export function requireStruct(schema: Schema, value: unknown, purpose: string): StructValue {
  if (value !== null && value !== undefined && schema.type === 'STRUCT') return value as StructValue;
  throw new DataException(`Only Struct objects supported for [${purpose}], found: ${found(schema, value)}`);
}

/** The same for what may be null. */
export function requireStructOrNull(schema: Schema, value: unknown, purpose: string): StructValue | null {
  return value === null || value === undefined ? null : requireStruct(schema, value, purpose);
}

/** The fields of a STRUCT schema; DataException for any other. */
export function fieldsOf(schema: Schema): Schema['fields'] {
  if (schema.type !== 'STRUCT') throw new DataException('Cannot list fields on non-struct type');
  return schema.fields;
}

function found(schema: Schema | null, value: unknown): string {
  return value === null || value === undefined ? 'null' : javaClassName(schema, value);
}

/** A key of a map that takes the place of a struct is a text. Throws TypeError, as Java's ClassCastException. */
export function requireText(key: unknown): void {
  if (typeof key !== 'string') throw new TypeError(`class ${javaClassName(null, key)} cannot be cast to class java.lang.String`);
}
