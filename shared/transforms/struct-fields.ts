import { DataException, type Field, Schema, type SchemaParts } from '../connect/index.ts';
import type { StructValue } from './requirements.ts';

/** Makes a schema out of another one only once for each: records of a batch share their schemas. */
export function cacheBySchema<T>(make: (schema: Schema) => T): (schema: Schema) => T {
  const known = new WeakMap<Schema, T>();
  return (schema) => {
    const cached = known.get(schema);
    if (cached !== undefined) return cached;
    const made = make(schema);
    known.set(schema, made);
    return made;
  };
}

/** A STRUCT schema with other fields; name, version, doc and parameters stay, it is neither optional nor has a default. */
export function structLike(schema: Schema, fields: SchemaParts['fields']): Schema {
  const { name, version, doc, parameters } = schema;
  return new Schema({ type: 'STRUCT', name, version, doc, parameters, fields: fields ?? [] });
}

/** The value of a field of a struct; the default of its schema where it is null and `replaceNull` says so. */
export function fieldValue(field: Field, struct: StructValue, replaceNull: boolean): unknown {
  const value = struct[field.name] ?? null;
  return value === null && replaceNull ? field.schema.defaultValue : value;
}

/** Sets a field of a new struct. Throws DataException for a null where there must be a value, even if the schema has a default. */
export function putField(struct: Record<string, unknown>, name: string, schema: Schema, value: unknown): void {
  if (value === null && !schema.optional) throw new DataException(`Invalid value: null used for required field: "${name}", schema type: ${schema.type}`);
  struct[name] = value;
}

/** A copy of some fields, under names that may be new. */
export function copyFields(
  source: readonly { readonly field: Field; readonly name: string }[],
  struct: StructValue,
  replaceNull: boolean,
): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (let at = 0; at < source.length; at++) {
    const { field, name } = source[at] as { field: Field; name: string };
    putField(copy, name, field.schema, fieldValue(field, struct, replaceNull));
  }
  return copy;
}

/** Throws DataException where a required field has no value, here or in a struct within (Java's `Struct.validate`). */
export function requireComplete(schema: Schema, struct: StructValue): void {
  for (const field of schema.fields) {
    const value = struct[field.name] ?? null;
    if (value === null && !field.schema.optional && field.schema.defaultValue === null)
      throw new DataException(`Invalid value: null used for required field: "${field.name}", schema type: ${field.schema.type}`);
    if (value !== null && field.schema.type === 'STRUCT') requireComplete(field.schema, value as StructValue);
  }
}
