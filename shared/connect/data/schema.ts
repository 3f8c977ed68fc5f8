import { DataException, SchemaBuilderException } from '../errors.ts';

/** Kafka Connect's types. Logical types (Decimal, Date, Time, Timestamp) are one of these with a name. */
export type SchemaType = 'INT8' | 'INT16' | 'INT32' | 'INT64' | 'FLOAT32' | 'FLOAT64' | 'BOOLEAN' | 'STRING' | 'BYTES' | 'ARRAY' | 'MAP' | 'STRUCT';

/** One field of a STRUCT schema. `index` is its place among the fields. */
export interface Field {
  readonly name: string;
  readonly index: number;
  readonly schema: Schema;
}

/** What a schema is made of; everything but `type` may be left out. */
export interface SchemaParts {
  readonly type: SchemaType;
  readonly optional?: boolean;
  readonly name?: string | null;
  readonly version?: number | null;
  readonly doc?: string | null;
  readonly parameters?: Readonly<Record<string, string>> | null;
  /** `undefined` or `null`: no default. */
  readonly defaultValue?: unknown;
  /** STRUCT: fields in order. */
  readonly fields?: readonly { readonly name: string; readonly schema: Schema }[];
  /** MAP: schema of the keys. Null only in what the parser of header text makes. */
  readonly keySchema?: Schema | null;
  /** MAP and ARRAY: schema of the values. */
  readonly valueSchema?: Schema | null;
}

/**
 * An immutable schema. Records of one batch share their schema objects, so that converters, transforms and sinks
 * may cache by identity (a `WeakMap` keyed by schema); `schemaEquals` compares by content.
 *
 * How values look under each type:
 *
 * | type | value |
 * | --- | --- |
 * | INT8 INT16 INT32 FLOAT32 FLOAT64 | `number` |
 * | INT64 | `bigint` |
 * | BOOLEAN, STRING | `boolean`, `string` |
 * | BYTES | `Buffer` |
 * | ARRAY | `Array` |
 * | MAP | `Map` |
 * | STRUCT | plain object with the fields as keys; a field without value is `null` or absent |
 * | Decimal (BYTES) | `Decimal` |
 * | Date, Time (INT32), Timestamp (INT64) | `Date` |
 */
export class Schema {
  readonly type: SchemaType;
  readonly optional: boolean;
  readonly name: string | null;
  readonly version: number | null;
  readonly doc: string | null;
  readonly parameters: Readonly<Record<string, string>> | null;
  readonly defaultValue: unknown;
  readonly fields: readonly Field[];
  readonly keySchema: Schema | null;
  readonly valueSchema: Schema | null;
  readonly #byName: ReadonlyMap<string, Field> | null;

  constructor(parts: SchemaParts) {
    this.type = parts.type;
    this.optional = parts.optional ?? false;
    this.name = parts.name ?? null;
    this.version = parts.version ?? null;
    this.doc = parts.doc ?? null;
    this.parameters = parts.parameters ?? null;
    this.defaultValue = parts.defaultValue ?? null;
    this.keySchema = parts.keySchema ?? null;
    this.valueSchema = parts.valueSchema ?? null;
    const fields: Field[] = [];
    const byName = parts.type === 'STRUCT' ? new Map<string, Field>() : null;
    for (const { name, schema } of parts.fields ?? []) {
      if (byName?.has(name)) throw new SchemaBuilderException(`Cannot create field because of field name duplication ${name}`);
      const field = { name, index: fields.length, schema };
      fields.push(field);
      byName?.set(name, field);
    }
    this.fields = fields;
    this.#byName = byName;
  }

  /** The field of this name, or undefined. Throws DataException when this is not a STRUCT. */
  field(name: string): Field | undefined {
    if (this.#byName === null) throw new DataException('Cannot look up fields on non-struct type');
    return this.#byName.get(name);
  }

  /** A copy with some parts replaced. */
  with(parts: Partial<SchemaParts>): Schema {
    return new Schema({ ...this.parts(), ...parts });
  }

  /** The parts that this schema was made of. */
  parts(): SchemaParts {
    const { type, optional, name, version, doc, parameters, defaultValue, fields, keySchema, valueSchema } = this;
    return { type, optional, name, version, doc, parameters, defaultValue, fields, keySchema, valueSchema };
  }

  static readonly INT8_SCHEMA = new Schema({ type: 'INT8' });
  static readonly INT16_SCHEMA = new Schema({ type: 'INT16' });
  static readonly INT32_SCHEMA = new Schema({ type: 'INT32' });
  static readonly INT64_SCHEMA = new Schema({ type: 'INT64' });
  static readonly FLOAT32_SCHEMA = new Schema({ type: 'FLOAT32' });
  static readonly FLOAT64_SCHEMA = new Schema({ type: 'FLOAT64' });
  static readonly BOOLEAN_SCHEMA = new Schema({ type: 'BOOLEAN' });
  static readonly STRING_SCHEMA = new Schema({ type: 'STRING' });
  static readonly BYTES_SCHEMA = new Schema({ type: 'BYTES' });
  static readonly OPTIONAL_INT8_SCHEMA = new Schema({ type: 'INT8', optional: true });
  static readonly OPTIONAL_INT16_SCHEMA = new Schema({ type: 'INT16', optional: true });
  static readonly OPTIONAL_INT32_SCHEMA = new Schema({ type: 'INT32', optional: true });
  static readonly OPTIONAL_INT64_SCHEMA = new Schema({ type: 'INT64', optional: true });
  static readonly OPTIONAL_FLOAT32_SCHEMA = new Schema({ type: 'FLOAT32', optional: true });
  static readonly OPTIONAL_FLOAT64_SCHEMA = new Schema({ type: 'FLOAT64', optional: true });
  static readonly OPTIONAL_BOOLEAN_SCHEMA = new Schema({ type: 'BOOLEAN', optional: true });
  static readonly OPTIONAL_STRING_SCHEMA = new Schema({ type: 'STRING', optional: true });
  static readonly OPTIONAL_BYTES_SCHEMA = new Schema({ type: 'BYTES', optional: true });
}

/** A STRUCT schema from field names and schemas, in order: `struct({ id: Schema.INT64_SCHEMA })`. */
export function struct(fields: Readonly<Record<string, Schema>>, parts: Omit<SchemaParts, 'type' | 'fields'> = {}): Schema {
  return new Schema({ ...parts, type: 'STRUCT', fields: Object.entries(fields).map(([name, schema]) => ({ name, schema })) });
}

/** An ARRAY schema. */
export function array(valueSchema: Schema | null, parts: Omit<SchemaParts, 'type' | 'valueSchema'> = {}): Schema {
  return new Schema({ ...parts, type: 'ARRAY', valueSchema });
}

/** A MAP schema. */
export function map(keySchema: Schema | null, valueSchema: Schema | null, parts: Omit<SchemaParts, 'type' | 'keySchema' | 'valueSchema'> = {}): Schema {
  return new Schema({ ...parts, type: 'MAP', keySchema, valueSchema });
}

/** Equality by content, as Java's `Schema.equals`: type, optional, name, version, doc, parameters, default, fields. */
export function schemaEquals(a: Schema | null, b: Schema | null): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  if (a.type !== b.type || a.optional !== b.optional || a.name !== b.name || a.version !== b.version || a.doc !== b.doc) return false;
  if (a.fields.length !== b.fields.length || !sameParameters(a.parameters, b.parameters)) return false;
  if (!schemaEquals(a.keySchema, b.keySchema) || !schemaEquals(a.valueSchema, b.valueSchema)) return false;
  for (let i = 0; i < a.fields.length; i++) {
    const left = a.fields[i] as Field;
    const right = b.fields[i] as Field;
    if (left.name !== right.name || !schemaEquals(left.schema, right.schema)) return false;
  }
  return valueEquals(a.defaultValue, b.defaultValue);
}

function sameParameters(a: Readonly<Record<string, string>> | null, b: Readonly<Record<string, string>> | null): boolean {
  const left = Object.entries(a ?? {});
  return left.length === Object.keys(b ?? {}).length && left.every(([key, value]) => b?.[key] === value);
}

/** Deep equality of two Connect values. */
export function valueEquals(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Buffer.isBuffer(a)) return Buffer.isBuffer(b) && a.equals(b);
  if (a instanceof Date) return b instanceof Date && a.getTime() === b.getTime();
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => valueEquals(item, b[i]));
  if (a instanceof Map) return b instanceof Map && a.size === b.size && [...a].every(([key, item]) => b.has(key) && valueEquals(item, b.get(key)));
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) => valueEquals(left[key] ?? null, right[key] ?? null));
}

/**
 * The value of a struct's field, with the field's default where it is unset (Java's `Struct.get`).
 * Throws DataException when the schema has no such field.
 */
export function structGet(schema: Schema, value: Readonly<Record<string, unknown>>, name: string): unknown {
  const field = schema.field(name);
  if (field === undefined) throw new DataException(`${name} is not a valid field name`);
  return value[name] ?? field.schema.defaultValue;
}
