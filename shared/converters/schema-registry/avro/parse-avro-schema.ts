import { type AvroProps, AvroSchema, type AvroType, namespaceOf } from './avro-schema.ts';

/** A text is not an Avro schema. */
export class SchemaParseException extends Error {
  readonly javaClass = 'org.apache.avro.SchemaParseException';
}

const primitives: ReadonlySet<unknown> = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']);
const reserved: Readonly<Record<string, ReadonlySet<string>>> = {
  record: new Set(['type', 'name', 'namespace', 'doc', 'fields', 'aliases']),
  enum: new Set(['type', 'name', 'namespace', 'doc', 'symbols', 'default', 'aliases']),
  fixed: new Set(['type', 'name', 'namespace', 'doc', 'size', 'aliases']),
  array: new Set(['type', 'items']),
  map: new Set(['type', 'values']),
  field: new Set(['name', 'type', 'doc', 'default', 'order', 'aliases']),
};
const ofPrimitives = new Set(['type']);

type Json = Readonly<Record<string, unknown>>;

/** Parses an Avro schema. `references`: texts of schemas whose names it may use. Throws SchemaParseException. */
export function parseAvroSchema(text: string, references: Iterable<string> = []): AvroSchema {
  const names = new Map<string, AvroSchema>();
  for (const each of references) parse(parseExactJson(each), null, names);
  return parse(parseExactJson(text), null, names);
}

/** JSON in which whole numbers that a number cannot hold are bigints. A bare word, which Avro's parser takes for a type, is text. */
function parseExactJson(text: string): unknown {
  const trimmed = text.trim();
  if (primitives.has(trimmed)) return trimmed;
  try {
    return JSON.parse(trimmed, exactNumber as (key: string, value: unknown) => unknown);
  } catch (cause) {
    throw new SchemaParseException(`Cannot parse <${text.slice(0, 200)}> schema`, { cause });
  }
}

function exactNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  return typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

function parse(json: unknown, namespace: string | null, names: Map<string, AvroSchema>): AvroSchema {
  if (typeof json === 'string') return primitives.has(json) ? new AvroSchema(json as AvroType) : named(json, namespace, names);
  if (Array.isArray(json)) return new AvroSchema('union', { branches: json.map((each) => parse(each, namespace, names)) });
  if (typeof json !== 'object' || json === null) throw new SchemaParseException(`Schema not yet supported: ${JSON.stringify(json)}`);
  const from = json as Json;
  const type = from['type'];
  if (typeof type === 'string' && primitives.has(type)) return withProps(new AvroSchema(type as AvroType), from, ofPrimitives);
  switch (type) {
    case 'record':
    case 'error': {
      const name = fullName(from, namespace);
      const record = define(new AvroSchema('record', { name, doc: textOf(from['doc']) }), names);
      if (!Array.isArray(from['fields'])) throw new SchemaParseException(`Record has no fields: ${name}`);
      record.fields = from['fields'].map((each: Json) => parseField(each, namespaceOf(name), names));
      return withProps(record, from, reserved['record'] as ReadonlySet<string>);
    }
    case 'enum': {
      const symbols = from['symbols'];
      if (!Array.isArray(symbols)) throw new SchemaParseException(`Enum has no symbols: ${String(from['name'])}`);
      const parts = { name: fullName(from, namespace), doc: textOf(from['doc']), symbols: symbols as string[], enumDefault: textOf(from['default']) };
      return withProps(define(new AvroSchema('enum', parts), names), from, reserved['enum'] as ReadonlySet<string>);
    }
    case 'fixed': {
      const size = from['size'];
      if (typeof size !== 'number' || !Number.isInteger(size)) throw new SchemaParseException(`Invalid or no size: ${JSON.stringify(json)}`);
      const parts = { name: fullName(from, namespace), doc: textOf(from['doc']), size };
      return withProps(define(new AvroSchema('fixed', parts), names), from, reserved['fixed'] as ReadonlySet<string>);
    }
    case 'array':
      return withProps(new AvroSchema('array', { items: parse(from['items'], namespace, names) }), from, reserved['array'] as ReadonlySet<string>);
    case 'map':
      return withProps(new AvroSchema('map', { items: parse(from['values'], namespace, names) }), from, reserved['map'] as ReadonlySet<string>);
    case undefined:
      throw new SchemaParseException(`No type: ${JSON.stringify(json)}`);
    default:
      // A type within the type: `{"type": {"type": "string"}}`, or the name of another one.
      return parse(type, namespace, names);
  }
}

function parseField(json: Json, namespace: string | null, names: Map<string, AvroSchema>): AvroSchema['fields'][number] {
  const name = textOf(json['name']);
  if (name === null) throw new SchemaParseException('No field name');
  if (json['type'] === undefined) throw new SchemaParseException(`No field type: ${name}`);
  const props: AvroProps = new Map(Object.entries(json).filter(([key]) => !(reserved['field'] as ReadonlySet<string>).has(key)));
  return { name, doc: textOf(json['doc']), schema: parse(json['type'], namespace, names), default: json['default'], props };
}

function named(name: string, namespace: string | null, names: Map<string, AvroSchema>): AvroSchema {
  const found = (name.includes('.') || namespace === null ? undefined : names.get(`${namespace}.${name}`)) ?? names.get(name);
  if (found === undefined) throw new SchemaParseException(`Undefined name: "${name}"`);
  return found;
}

function fullName(json: Json, namespace: string | null): string {
  const name = textOf(json['name']);
  if (name === null) throw new SchemaParseException('No name in schema');
  if (name.includes('.')) return name;
  const space = textOf(json['namespace']) ?? namespace;
  return space === null || space === '' ? name : `${space}.${name}`;
}

function define(schema: AvroSchema, names: Map<string, AvroSchema>): AvroSchema {
  const name = schema.name as string;
  if (names.has(name)) throw new SchemaParseException(`Can't redefine: ${name}`);
  names.set(name, schema);
  return schema;
}

function withProps(schema: AvroSchema, json: Json, known: ReadonlySet<string>): AvroSchema {
  for (const [name, value] of Object.entries(json)) if (!known.has(name)) schema.props.set(name, value);
  return schema;
}

function textOf(json: unknown): string | null {
  return typeof json === 'string' ? json : null;
}
