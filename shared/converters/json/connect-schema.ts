import { array, DataException, map, Schema, SchemaBuilderException, type SchemaType } from '../../connect/index.ts';
import { writeString } from './json-writer.ts';

/** Kafka Connect's names of types in JSON. */
const typeNames: Readonly<Record<SchemaType, string>> = {
  BOOLEAN: 'boolean',
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  FLOAT32: 'float',
  FLOAT64: 'double',
  BYTES: 'bytes',
  STRING: 'string',
  ARRAY: 'array',
  MAP: 'map',
  STRUCT: 'struct',
};
const typesByName: ReadonlyMap<unknown, SchemaType> = new Map(Object.entries(typeNames).map(([type, name]) => [name, type as SchemaType]));

/** Reads and writes the values of defaults, with the converter's own settings. */
export interface DefaultValues {
  read(schema: Schema, json: unknown): unknown;
  write(schema: Schema, value: unknown): string;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** The schema of an envelope, from parsed JSON; null for JSON's null. Keys of the wrong type are ignored as Kafka Connect ignores them. Throws DataException. */
export function asConnectSchema(json: unknown, defaults: DefaultValues): Schema | null {
  if (json === null) return null;
  const from = (typeof json === 'object' && !Array.isArray(json) ? json : {}) as JsonObject;
  const typeName = own(from, 'type');
  if (typeof typeName !== 'string') throw new DataException("Schema must contain 'type' field");
  const type = typesByName.get(typeName);
  if (type === undefined) throw new DataException(`Unknown schema type: ${typeName}`);
  const { optional, name, version, doc, parameters } = from;
  const bare = ofType(type, from, defaults).with({
    optional: optional === true,
    name: typeof name === 'string' ? name : null,
    version: typeof version === 'number' || typeof version === 'bigint' ? Number(BigInt.asIntN(32, BigInt(version))) : null,
    doc: typeof doc === 'string' ? doc : null,
    parameters: typeof parameters === 'object' && parameters !== null && !Array.isArray(parameters) ? textsOf(parameters as JsonObject) : null,
  });
  if (!Object.hasOwn(from, 'default')) return bare;
  const defaultValue = defaults.read(bare, from['default']);
  // A struct of Java knows its schema, which is not yet the one that it is the default of.
  if (bare.type === 'STRUCT' ? defaultValue !== null || !bare.optional : defaultValue === null && !bare.optional)
    throw new SchemaBuilderException('Invalid default value');
  return bare.with({ defaultValue });
}

function ofType(type: SchemaType, from: JsonObject, defaults: DefaultValues): Schema {
  switch (type) {
    case 'ARRAY': {
      const items = own(from, 'items') ?? null;
      if (items === null) throw new DataException('Array schema did not specify the element type');
      return array(asConnectSchema(items, defaults));
    }
    case 'MAP': {
      const keys = own(from, 'keys');
      if (keys === undefined) throw new DataException('Map schema did not specify the key type');
      const values = own(from, 'values');
      if (values === undefined) throw new DataException('Map schema did not specify the value type');
      const [keySchema, valueSchema] = [asConnectSchema(keys, defaults), asConnectSchema(values, defaults)];
      if (keySchema === null) throw new SchemaBuilderException('keySchema cannot be null.');
      if (valueSchema === null) throw new SchemaBuilderException('valueSchema cannot be null.');
      return map(keySchema, valueSchema);
    }
    case 'STRUCT': {
      const fields = own(from, 'fields');
      if (!Array.isArray(fields)) throw new DataException('Struct schema\'s "fields" argument is not an array.');
      return new Schema({ type, fields: fields.map((field) => structField(field, defaults)) });
    }
    default:
      return new Schema({ type });
  }
}

function structField(json: unknown, defaults: DefaultValues): { name: string; schema: Schema } {
  const name = typeof json === 'object' && json !== null ? own(json as JsonObject, 'field') : undefined;
  if (typeof name !== 'string') throw new DataException("Struct schema's field name not specified properly");
  return { name, schema: asConnectSchema(json, defaults) as Schema };
}

function textsOf(parameters: JsonObject): Record<string, string> {
  for (const value of Object.values(parameters)) if (typeof value !== 'string') throw new DataException('Schema parameters must have string values.');
  return { ...parameters } as Record<string, string>;
}

function own(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** A schema as JSON text, its keys in Kafka Connect's order: keys of records are hashed by their bytes. */
export function asJsonSchema(schema: Schema | null, defaults: DefaultValues, field?: string): string {
  if (schema === null) return 'null';
  const parts = [`"type":"${typeNames[schema.type]}"`];
  if (schema.type === 'ARRAY') parts.push(`"items":${asJsonSchema(schema.valueSchema, defaults)}`);
  if (schema.type === 'MAP') parts.push(`"keys":${asJsonSchema(schema.keySchema, defaults)}`, `"values":${asJsonSchema(schema.valueSchema, defaults)}`);
  if (schema.type === 'STRUCT') parts.push(`"fields":[${schema.fields.map((each) => asJsonSchema(each.schema, defaults, each.name)).join(',')}]`);
  parts.push(`"optional":${schema.optional}`);
  if (schema.name !== null) parts.push(`"name":${writeString(schema.name)}`);
  if (schema.version !== null) parts.push(`"version":${schema.version}`);
  if (schema.doc !== null) parts.push(`"doc":${writeString(schema.doc)}`);
  if (schema.parameters !== null) parts.push(`"parameters":${writeTexts(schema.parameters)}`);
  if (schema.defaultValue !== null) parts.push(`"default":${defaults.write(schema, schema.defaultValue)}`);
  if (field !== undefined) parts.push(`"field":${writeString(field)}`);
  return `{${parts.join(',')}}`;
}

function writeTexts(texts: Readonly<Record<string, string>>): string {
  const members = Object.entries(texts).map(([name, text]) => `${writeString(name)}:${writeString(text)}`);
  return `{${members.join(',')}}`;
}
