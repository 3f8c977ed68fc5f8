import avsc from 'avsc';
import { ConfigException, dateSchema, decimalSchema, Schema, timeSchema, timestampSchema } from '../../connect/index.ts';

/** An Avro schema with `arg.properties`, references to named types resolved. */
export interface AvroSchema {
  readonly type: string;
  readonly logicalType?: string;
  readonly scale?: number;
  readonly size?: number;
  readonly name: string | null;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly fields: readonly { readonly name: string; readonly schema: AvroSchema }[];
  readonly items?: AvroSchema;
  readonly values?: AvroSchema;
  readonly symbols: readonly string[];
  readonly branches: readonly AvroSchema[];
}

/** Reads the text of an Avro schema; it must be a record. Throws ConfigException. */
export function parseAvroSchema(text: string): AvroSchema {
  let json: unknown;
  try {
    json = JSON.parse(text);
    if (typeof json !== 'object' || json === null || Array.isArray(json) || !('type' in json)) throw new TypeError('it is no JSON object with a type');
    avsc.Type.forSchema(json as Parameters<typeof avsc.Type.forSchema>[0], { wrapUnions: true, noAnonymousTypes: false });
  } catch (error) {
    throw new ConfigException(`Unable to parse the provided schema: ${(error as Error).message}`);
  }
  const schema = resolve(json, new Map(), null);
  if (schema.type !== 'record') throw new ConfigException(`The provided schema must be a record, not ${schema.type}`);
  return schema;
}

function resolve(json: unknown, named: Map<string, AvroSchema>, namespace: string | null): AvroSchema {
  const nothing = { name: null, properties: {}, fields: [], symbols: [], branches: [] };
  if (Array.isArray(json)) return { ...nothing, type: 'union', branches: json.map((each) => resolve(each, named, namespace)) };
  if (typeof json === 'string') return named.get(fullName(json, namespace)) ?? named.get(json) ?? { ...nothing, type: json };
  const parts = json as Record<string, unknown>;
  if (typeof parts['type'] !== 'string') return resolve(parts['type'], named, namespace);
  const isNamed = typeof parts['name'] === 'string';
  const inner = typeof parts['namespace'] === 'string' ? parts['namespace'] : namespace;
  const name = isNamed ? fullName(parts['name'] as string, inner) : null;
  const schema = {
    ...nothing,
    type: parts['type'],
    name,
    properties: (parts['arg.properties'] ?? {}) as Record<string, unknown>,
    ...(typeof parts['logicalType'] === 'string' && { logicalType: parts['logicalType'] }),
    ...(typeof parts['scale'] === 'number' && { scale: parts['scale'] }),
    ...(typeof parts['size'] === 'number' && { size: parts['size'] }),
    symbols: (parts['symbols'] ?? []) as string[],
    fields: [] as { name: string; schema: AvroSchema }[],
    ...(parts['items'] !== undefined && { items: resolve(parts['items'], named, inner) }),
    ...(parts['values'] !== undefined && { values: resolve(parts['values'], named, inner) }),
  };
  // A reference under the name of a type that was defined before.
  const known = named.get(fullName(schema.type, namespace)) ?? named.get(schema.type);
  if (known !== undefined) return { ...known, properties: schema.properties };
  if (name !== null) named.set(name, schema);
  for (const field of (parts['fields'] ?? []) as { name: string; type: unknown }[]) {
    schema.fields.push({ name: field.name, schema: resolve(field.type, named, inner) });
  }
  return schema;
}

function fullName(name: string, namespace: string | null): string {
  return name.includes('.') || namespace === null || namespace === '' ? name : `${namespace}.${name}`;
}

const primitives: Readonly<Record<string, Schema['type']>> = {
  boolean: 'BOOLEAN',
  int: 'INT32',
  long: 'INT64',
  float: 'FLOAT32',
  double: 'FLOAT64',
  string: 'STRING',
  bytes: 'BYTES',
  fixed: 'BYTES',
  enum: 'STRING',
};

/** The Connect schema for an Avro one, as Confluent's Avro converter makes it. Throws ConfigException for a union other than with null. */
export function connectSchemaOf(avro: AvroSchema, optional = false): Schema {
  if (avro.type === 'union') {
    const [branch, ...more] = avro.branches.filter(({ type }) => type !== 'null');
    if (branch === undefined || more.length > 0) throw new ConfigException('A union must be of null and one other type');
    return connectSchemaOf(branch, optional || avro.branches.length > 1);
  }
  switch (avro.logicalType) {
    case 'decimal':
      return decimalSchema(avro.scale ?? 0, optional);
    case 'date':
      return dateSchema(optional);
    case 'time-millis':
      return timeSchema(optional);
    case 'timestamp-millis':
      return timestampSchema(optional);
  }
  if (avro.type === 'record') {
    return new Schema({
      type: 'STRUCT',
      name: avro.name,
      optional,
      fields: avro.fields.map(({ name, schema }) => ({ name, schema: connectSchemaOf(schema) })),
    });
  }
  if (avro.type === 'array') return new Schema({ type: 'ARRAY', optional, valueSchema: connectSchemaOf(avro.items as AvroSchema) });
  if (avro.type === 'map')
    return new Schema({ type: 'MAP', optional, keySchema: Schema.STRING_SCHEMA, valueSchema: connectSchemaOf(avro.values as AvroSchema) });
  const type = primitives[avro.type];
  if (type === undefined) throw new ConfigException(`The Avro type ${avro.type} cannot be generated`);
  const parameters =
    avro.type === 'enum'
      ? {
          'io.confluent.connect.avro.Enum': avro.name ?? '',
          ...Object.fromEntries(avro.symbols.map((each) => [`io.confluent.connect.avro.Enum.${each}`, each])),
        }
      : null;
  return new Schema({ type, optional, name: avro.type === 'fixed' ? avro.name : null, parameters });
}
