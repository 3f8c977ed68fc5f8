import { unrolledCopy } from '../connect/data/unrolled.ts';
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

/** A field of a copy: where its value comes from, and its name and schema in the copy. */
export interface CopiedField {
  readonly field: Field;
  readonly name: string;
  /** Without it, that of `field`. */
  readonly schema?: Schema;
  /** Makes another value; it is given the default where that counts. */
  readonly change?: (value: unknown) => unknown;
}

/** Compiles a copier of some fields, to be kept with the schema. It throws DataException as `putField` does. */
export function fieldCopier(fields: readonly CopiedField[], replaceNull: boolean): (struct: StructValue) => Record<string, unknown> {
  return unrolledCopy(
    fields.map(({ field, name, schema = field.schema, change }) => {
      const whenNull = replaceNull ? field.schema.defaultValue : null;
      const { optional } = schema;
      const checked = (value: unknown): unknown => {
        if (value === null && !optional) throw new DataException(`Invalid value: null used for required field: "${name}", schema type: ${schema.type}`);
        return value;
      };
      const part = change === undefined ? (value: unknown) => checked(value ?? whenNull) : (value: unknown) => checked(change(value ?? whenNull));
      return { from: field.name, to: name, part };
    }),
  );
}

/** Throws DataException where a required field has no value, in a struct or in any within it (Java's `Struct.validate`). */
export function requireComplete(schema: Schema, value: unknown): void {
  if (value === null || value === undefined) return;
  const { valueSchema } = schema;
  if (schema.type === 'ARRAY' && valueSchema !== null) for (const item of value as readonly unknown[]) requireComplete(valueSchema, item);
  else if (schema.type === 'MAP' && valueSchema !== null)
    for (const item of (value as ReadonlyMap<unknown, unknown>).values()) requireComplete(valueSchema, item);
  else if (schema.type === 'STRUCT') {
    for (const field of schema.fields) {
      const item = (value as StructValue)[field.name] ?? null;
      if (item === null && !field.schema.optional && field.schema.defaultValue === null)
        throw new DataException(`Invalid value: null used for required field: "${field.name}", schema type: ${field.schema.type}`);
      requireComplete(field.schema, item);
    }
  }
}
