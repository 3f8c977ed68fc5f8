import { type ConnectRecord, DataException, type Schema, Schema as SchemaClass, type SchemaType } from '../../connect/index.ts';
import { javaClassName } from '../../connect/java/java-value.ts';
import type { StructValue } from '../requirements.ts';

/** The release of Debezium whose transformations these are. */
export const VERSION = '3.3.1.Final';

/** Whether a record is a change event of Debezium, by the name of its schema. */
export function isEnvelope({ valueSchema }: ConnectRecord): boolean {
  return valueSchema?.name?.endsWith('.Envelope') ?? false;
}

/** A value as a struct with its schema. Throws DataException for anything else; `purpose` is what the message calls the work. */
export function structOf(schema: Schema | null, value: unknown, purpose: string): { readonly schema: Schema; readonly struct: StructValue } {
  if (schema?.type === 'STRUCT' && value !== null && value !== undefined) return { schema, struct: value as StructValue };
  throw new DataException(
    `Only Struct objects supported for [${purpose}], found: ${value === null || value === undefined ? 'null' : javaClassName(schema, value)}`,
  );
}

/** The raw value of a field of this type, or null (Java's `Struct.getString` and its like). Throws DataException. */
export function typedValue(schema: Schema, struct: StructValue, name: string, type: SchemaType): unknown {
  const field = schema.field(name);
  if (field === undefined) throw new DataException(`${name} is not a valid field name`);
  if (field.schema.type !== type) throw new DataException(`Field '${name}' is not of type ${type}`);
  return struct[name] ?? null;
}

/** The value of a field, or its default (Java's `Struct.get`). Throws DataException when there is no such field. */
export function fieldGet(schema: Schema, struct: StructValue, name: string): unknown {
  const field = schema.field(name);
  if (field === undefined) throw new DataException(`${name} is not a valid field name`);
  return struct[name] ?? field.schema.defaultValue;
}

/** A schema without its default, and optional. */
export function optionalLike({ type, name, version, doc, parameters, keySchema, valueSchema }: Schema): Schema {
  return new SchemaClass({ type, optional: true, name, version, doc, parameters, keySchema, valueSchema });
}

/** Java's NullPointerException, where Debezium looks into a field that is not there. */
export class NullPointerException extends Error {
  readonly javaClass = 'java.lang.NullPointerException';
}
