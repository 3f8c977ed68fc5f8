import { array, Schema, type SchemaParts, schemaEquals } from '../../../connect/index.ts';

/** How payloads are made into structs. */
export interface JsonPayloadOptions {
  /** `table.json.payload.null.behavior` is `optional_bytes`: nulls keep a place. */
  readonly keepNulls: boolean;
  /** Makes the names of fields. */
  readonly fieldName: (name: string) => string;
}

/** A whole number of JSON beyond a long, or one with a fraction; JavaScript would not tell them from others. */
class JsonNumber {
  readonly type: 'INT32' | 'INT64' | 'FLOAT64' | 'BIGINTEGER';
  readonly value: number | bigint;
  constructor(source: string) {
    const whole = /^-?\d+$/.test(source) ? BigInt(source) : null;
    this.type = whole === null ? 'FLOAT64' : BigInt.asIntN(32, whole) === whole ? 'INT32' : BigInt.asIntN(64, whole) === whole ? 'INT64' : 'BIGINTEGER';
    this.value = whole === null || this.type === 'INT32' ? Number(source) : whole;
  }
}

type Json = null | string | boolean | JsonNumber | readonly Json[] | JsonObject;
interface JsonObject {
  readonly [name: string]: Json;
}

/**
 * Guesses the schema of a JSON text that is an object, and its value by it. Undefined where Debezium leaves a payload as it
 * is: no object, lists of different things, numbers beyond a long.
 */
export function expandJson(name: string, text: string, options: JsonPayloadOptions): { readonly schema: Schema; readonly value: unknown } | undefined {
  if (!/^[{[]/.test(text)) return undefined;
  try {
    const json = JSON.parse(text, (_key, value, context?: { readonly source?: string }) =>
      typeof value === 'number' ? new JsonNumber(context?.source ?? String(value)) : value,
    ) as Json;
    const schema = schemaOf(name, json, options);
    // A list has no fields, and so Debezium cannot make a struct of it.
    if (schema === null || !isObject(json)) return undefined;
    return { schema, value: structOf(json, schema) };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof UnfitPayload) return undefined;
    throw error;
  }
}

class UnfitPayload extends Error {}

function schemaOf(name: string | null, json: Json, options: JsonPayloadOptions): Schema | null {
  if (json === null) return options.keepNulls ? Schema.OPTIONAL_BYTES_SCHEMA : null;
  if (typeof json === 'string') return Schema.OPTIONAL_STRING_SCHEMA;
  if (typeof json === 'boolean') return Schema.OPTIONAL_BOOLEAN_SCHEMA;
  if (json instanceof JsonNumber)
    return json.type === 'INT32' ? Schema.OPTIONAL_INT32_SCHEMA : json.type === 'INT64' ? Schema.OPTIONAL_INT64_SCHEMA : Schema.OPTIONAL_FLOAT64_SCHEMA;
  if (isList(json)) return json.length === 0 ? null : array(elementSchema(name, json, options), { optional: true });
  const fields: { name: string; schema: Schema }[] = [];
  for (const [key, item] of Object.entries(json as JsonObject)) {
    const fieldName = options.fieldName(key);
    const schema = schemaOf(name === null || name.trim() === '' ? fieldName : `${name}.${fieldName}`, item, options);
    if (schema !== null && !fields.some((field) => field.name === fieldName)) fields.push({ name: fieldName, schema });
  }
  return new Schema({ type: 'STRUCT', optional: true, name, fields });
}

function elementSchema(name: string | null, list: readonly Json[], options: JsonPayloadOptions): Schema {
  const [sample] = list.filter((item) => item !== null);
  if (sample === undefined) {
    const schema = schemaOf(null, null, options);
    if (schema === null) throw new UnfitPayload('a list of nulls');
    return schema;
  }
  for (const item of list) {
    if (item === null) continue;
    if (kindOf(item) !== kindOf(sample)) throw new UnfitPayload('a list of different things');
    if (sample instanceof JsonNumber && schemaOf(null, item, options) !== schemaOf(null, sample, options))
      throw new UnfitPayload('a list of different numbers');
  }
  if (isObject(sample)) return merged(list.filter(isObject).map((item) => schemaOf(name, item, options) as Schema));
  const schema = schemaOf(null, sample, options);
  if (schema === null) throw new UnfitPayload('a list of empty lists');
  return schema;
}

/** A schema with the fields of all; the first that is no BYTES (what nulls are) tells the type of a field. */
function merged(schemas: readonly Schema[]): Schema {
  const distinct = schemas.filter((schema, at) => schemas.findIndex((other) => schemaEquals(schema, other)) === at);
  if (distinct.length === 1) return distinct[0] as Schema;
  const fields = new Map<string, Schema>();
  for (const schema of distinct) {
    for (const { name, schema: own } of schema.fields) {
      const known = fields.get(name);
      if (known === undefined || (known.type === 'BYTES' && own.type !== 'BYTES')) fields.set(name, own);
    }
  }
  const { name } = distinct[0] as Schema;
  const parts: SchemaParts = { type: 'STRUCT', name, fields: [...fields].map(([each, schema]) => ({ name: each, schema })) };
  return new Schema(parts);
}

function structOf(json: JsonObject, schema: Schema): Record<string, unknown> {
  const struct: Record<string, unknown> = {};
  // A name that was adjusted is not found again, in Debezium too.
  for (const field of schema.fields) struct[field.name] = Object.hasOwn(json, field.name) ? itemOf(json[field.name] as Json, field.schema) : null;
  return struct;
}

function itemOf(json: Json, schema: Schema): unknown {
  if (json instanceof JsonNumber) {
    if (json.type !== schema.type) throw new UnfitPayload('a number that its field does not hold');
    return json.value;
  }
  if (isList(json)) return json.map((item) => itemOf(item, schema.valueSchema as Schema));
  return isObject(json) ? structOf(json, schema) : json;
}

function kindOf(json: Json): string {
  return isList(json) ? 'list' : json instanceof JsonNumber ? 'number' : typeof json;
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

function isObject(json: Json): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json) && !(json instanceof JsonNumber);
}
