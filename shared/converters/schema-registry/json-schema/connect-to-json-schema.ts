import { DECIMAL, Decimal, type Schema } from '../../../connect/index.ts';
import { JsonDecimal, JsonParser } from '../../json/json-parser.ts';
import { javaHashOrder } from '../java-hash-order.ts';
import * as names from './json-schema-names.ts';
import { jsonSchemaWriter } from './json-schema-writer.ts';

/** Text of JSON, made as Confluent's converter has it: the registry tells schemas apart by their text. */
type Text = string;

const connectTypes: Readonly<Partial<Record<Schema['type'], string>>> = {
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  FLOAT32: 'float32',
  FLOAT64: 'float64',
  BYTES: 'bytes',
  MAP: 'map',
};

/** The JSON Schema that values of a Connect schema are written with, as text. Throws DataException where a default does not fit. */
export function jsonSchemaOf(schema: Schema, options: names.JsonSchemaOptions): Text {
  return new Translation(options).schema(schema, null, false);
}

class Translation {
  readonly #options: names.JsonSchemaOptions;
  /** Schemas that others refer to. */
  readonly #ids = new Set<string>();

  constructor(options: names.JsonSchemaOptions) {
    this.#options = options;
  }

  /** `index`: the place of a field. */
  schema(schema: Schema, index: number | null, ignoreOptional: boolean): Text {
    const id = schema.parameters?.[names.JSON_ID] ?? null;
    if (id !== null) this.#ids.add(id);
    const { before, after, combined } = this.#body(schema);
    const more = new Map<string, Text>();
    const place: [string, Text][] = index === null ? [] : [['connect.index', String(index)]];
    if (combined) return object([...before, ...idOf(id), ...place, ...after]);
    const connectType = connectTypes[schema.type];
    if (connectType !== undefined) more.set('connect.type', quoted(connectType));
    if (schema.version !== null) more.set('connect.version', String(schema.version));
    const parameters = Object.entries(schema.parameters ?? {}).filter(([key]) => !key.startsWith(names.OWN_PARAMETERS));
    if (parameters.length > 0) {
      const ordered = javaHashOrder(parameters.map(([key]) => key));
      more.set('connect.parameters', object(ordered.map((key) => [key, quoted(schema.parameters?.[key] as string)])));
    }
    const about: [string, Text][] = [];
    if (schema.name !== null) about.push(['title', quoted(schema.name)]);
    if (schema.doc !== null) about.push(['description', quoted(schema.doc)]);
    if (schema.defaultValue !== null) about.push(['default', inHashOrder(jsonSchemaWriter(schema, this.#options)(schema.defaultValue) ?? 'null')]);
    if (schema.optional && !ignoreOptional) {
      const some = object([...before, ...about, ...unprocessed(more), ...after]);
      return object([...idOf(id), ...place, ['oneOf', `[{"type":"null"},${some}]`]]);
    }
    for (const [key, value] of place) more.set(key, value);
    return object([...before, ...about, ...idOf(id), ...unprocessed(more), ...after]);
  }

  /** What says the type itself: what is told before, and after, all that is about the whole. */
  #body(schema: Schema): Body {
    switch (schema.type) {
      case 'INT8':
      case 'INT16':
      case 'INT32':
      case 'INT64':
        return typed('integer');
      case 'FLOAT32':
      case 'FLOAT64':
        return typed('number');
      case 'BOOLEAN':
        return { before: [], after: typed('boolean').before };
      case 'STRING':
        return this.#enum(schema) ?? typed('string');
      case 'BYTES':
        return typed(schema.name === DECIMAL && this.#options.numericDecimals ? 'number' : 'string');
      case 'ARRAY':
        return typed('array', ['items', this.#referred(schema.valueSchema as Schema, null)]);
      case 'MAP':
        return this.#map(schema);
      case 'STRUCT':
        return this.#struct(schema);
    }
  }

  #enum({ parameters }: Schema): Body | null {
    if (parameters?.[names.GENERALIZED_ENUM] === undefined && parameters?.[names.JSON_ENUM] === undefined) return null;
    const prefix = `${this.#options.generalizedSumTypes ? names.GENERALIZED_ENUM : names.JSON_ENUM}.`;
    const symbols = Object.keys(parameters).flatMap((key) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []));
    const values = javaHashOrder(symbols.map((symbol) => (symbol === names.NULL_MARKER ? null : symbol)));
    return { before: [['enum', JSON.stringify(values)]], after: [] };
  }

  #map({ keySchema, valueSchema }: Schema): Body {
    const [key, value] = [keySchema as Schema, valueSchema as Schema];
    if (key.type === 'STRING' && !key.optional) return typed('object', ['additionalProperties', this.schema(value, null, false)]);
    const properties: [string, Text][] = [
      ['value', this.schema(value, 1, false)],
      ['key', this.schema(key, 0, false)],
    ];
    return typed('array', ['items', `{"type":"object","properties":${object(properties)}}`]);
  }

  #struct(schema: Schema): Body {
    if (names.isUnion(schema)) {
      const branches = schema.fields.map((field) => this.schema(field.schema.with({ optional: false }), field.index, true));
      return { before: [], after: [['oneOf', `[${(schema.optional ? ['{"type":"null"}', ...branches] : branches).join(',')}]`]], combined: true };
    }
    if (schema.optional) {
      return { before: [], after: [['oneOf', `[{"type":"null"},${this.schema(schema.with({ optional: false }), null, false)}]`]], combined: true };
    }
    const properties = new Map(schema.fields.map((field) => [field.name, this.#referred(field.schema, field.index)]));
    const { before } = typed('object');
    return {
      before: this.#options.additionalProperties ? before : [...before, ['additionalProperties', 'false']],
      after: properties.size === 0 ? [] : [['properties', object(javaHashOrder([...properties.keys()]).map((name) => [name, properties.get(name) as Text]))]],
    };
  }

  /** A schema, or a reference to one that was told already: it may be within itself. */
  #referred(schema: Schema, index: number | null): Text {
    const id = schema.parameters?.[names.JSON_ID];
    return id !== undefined && this.#ids.has(id) ? object([['$ref', quoted(id)]]) : this.schema(schema, index, false);
  }
}

interface Body {
  readonly before: readonly [string, Text][];
  readonly after: readonly [string, Text][];
  readonly combined?: boolean;
}

function typed(type: string, ...after: [string, Text][]): Body {
  return { before: [['type', quoted(type)]], after };
}

function idOf(id: string | null): [string, Text][] {
  return id === null ? [] : [['id', quoted(id)]];
}

function unprocessed(more: ReadonlyMap<string, Text>): [string, Text][] {
  // Java copies this map, and copies are smaller.
  return javaHashOrder([...more.keys()], 8).map((key) => [key, more.get(key) as Text]);
}

/** The same JSON with the keys of its objects in Java's order, and fractions as Java's decimals have them. */
function inHashOrder(json: Text): Text {
  return ordered(new JsonParser(json).root());
}

function ordered(json: unknown): Text {
  if (json instanceof JsonDecimal) return Decimal.parse(json.text).toString();
  if (typeof json === 'bigint') return String(json);
  if (Array.isArray(json)) return `[${json.map(ordered).join(',')}]`;
  if (typeof json !== 'object' || json === null) return JSON.stringify(json);
  return object(javaHashOrder(Object.keys(json)).map((key) => [key, ordered((json as Record<string, unknown>)[key])]));
}

function object(parts: readonly (readonly [string, Text])[]): Text {
  return `{${parts.map(([key, value]) => `${quoted(key)}:${value}`).join(',')}}`;
}

const quoted = (text: string): Text => JSON.stringify(text);
