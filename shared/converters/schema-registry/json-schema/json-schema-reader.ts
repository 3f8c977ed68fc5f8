import { DATE, DataException, DECIMAL, Decimal, type Schema, TIME, TIMESTAMP } from '../../../connect/index.ts';
import { JsonDecimal } from '../../json/json-parser.ts';
import { fromUnderlying } from '../avro/logical-values.ts';
import { CyclicSchema } from '../cyclic-schema.ts';
import { isUnion } from './json-schema-names.ts';

/** Reads parsed JSON; undefined is what is missing. */
export type JsonSchemaReader = (json: unknown) => unknown;

/** Thrown when `JSON.parse` lost digits that are needed: the text is to be parsed again by JsonParser. */
export const lostDigits = Symbol('lost digits');

/** Compiles a reader of a schema's values, from `JSON.parse` or JsonParser. The reader throws DataException. */
export function jsonSchemaReader(schema: Schema): JsonSchemaReader {
  return new Readers().reader(schema);
}

class Readers {
  readonly #structs = new Map<Schema, { read: JsonSchemaReader }>();

  reader(schema: Schema): JsonSchemaReader {
    const read = logicalReader(schema) ?? this.#plain(schema);
    const { defaultValue, optional, type } = schema;
    return (json) => {
      if (json !== null && json !== undefined) return read(json);
      if (defaultValue !== null) return defaultValue;
      if (json === undefined || optional) return null;
      throw new DataException(`Invalid null value for required ${type} field`);
    };
  }

  #plain(schema: Schema): JsonSchemaReader {
    switch (schema.type) {
      case 'BOOLEAN':
        return (json) => json === true;
      case 'INT8':
        return (json) => (whole(json) << 24) >> 24;
      case 'INT16':
        return (json) => (whole(json) << 16) >> 16;
      case 'INT32':
        return (json) => whole(json) | 0;
      case 'INT64':
        return long;
      case 'FLOAT32':
        return (json) => Math.fround(numberOf(json));
      case 'FLOAT64':
        return numberOf;
      case 'STRING':
        return (json) => (typeof json === 'string' ? json : null);
      case 'BYTES':
        return (json) => (typeof json === 'string' ? base64(json, 'Invalid bytes field') : decimalOf(json));
      case 'ARRAY': {
        const read = this.reader(schema.valueSchema as Schema);
        return (json) => (Array.isArray(json) ? json.map(read) : isObject(json) ? Object.values(json).map(read) : []);
      }
      case 'MAP':
        return this.#map(schema);
      case 'STRUCT':
        return isUnion(schema) ? this.#union(schema) : this.#struct(schema);
    }
  }

  #map(schema: Schema): JsonSchemaReader {
    const readKey = this.reader(schema.keySchema as Schema);
    const read = this.reader(schema.valueSchema as Schema);
    if (schema.keySchema?.type === 'STRING' && !schema.keySchema.optional) {
      return (json) => {
        if (!isObject(json)) throw new DataException(`Maps with string fields should be encoded as JSON objects, but found ${nodeType(json)}`);
        return new Map(Object.entries(json).map(([key, item]) => [key, read(item)]));
      };
    }
    return (json) => {
      if (!Array.isArray(json)) throw new DataException(`Maps with non-string fields should be encoded as JSON array of objects, but found ${nodeType(json)}`);
      return new Map(
        json.map((entry) => {
          if (!isObject(entry)) throw new DataException(`Found invalid map entry instead of object: ${nodeType(entry)}`);
          const { length } = Object.keys(entry);
          if (length !== 2) throw new DataException(`Found invalid map entry, expected length 2 but found :${length}`);
          return [readKey(entry['key']), read(entry['value'])];
        }),
      );
    };
  }

  /** JSON does not say which branch it is of: the first whose type it has, or the struct that shares most properties. */
  #union(schema: Schema): JsonSchemaReader {
    const members = schema.fields.map((field) => ({ name: field.name, schema: field.schema, read: this.reader(field.schema) }));
    const empty = Object.fromEntries(members.map(({ name }) => [name, null]));
    return (json) => {
      let most = 0;
      let best: (typeof members)[number] | null = null;
      for (const member of members) {
        if (isOfType(member.schema, json)) return { ...empty, [member.name]: member.read(json) };
        const matching = sharedProperties(member.schema, json);
        if (matching <= most) continue;
        most = matching;
        best = member;
      }
      if (best === null) throw new DataException('Did not find matching oneof field for data');
      return { ...empty, [best.name]: best.read(json) };
    };
  }

  #struct(given: Schema): JsonSchemaReader {
    const schema = given instanceof CyclicSchema ? given.target() : given;
    const made = this.#structs.get(schema);
    if (made !== undefined) return (json) => made.read(json);
    const entry = { read: (() => null) as JsonSchemaReader };
    this.#structs.set(schema, entry);
    const names = schema.fields.map(({ name }) => name);
    const readers = schema.fields.map((field) => this.reader(field.schema));
    const inherited = names.some((name) => name in Object.prototype);
    const count = names.length;
    entry.read = (json) => {
      if (!isObject(json)) throw new DataException(`Structs should be encoded as JSON objects, but found ${nodeType(json)}`);
      const struct: Record<string, unknown> = {};
      for (let at = 0; at < count; at++) {
        const name = names[at] as string;
        struct[name] = (readers[at] as JsonSchemaReader)(inherited && !Object.hasOwn(json, name) ? undefined : json[name]);
      }
      return struct;
    };
    return entry.read;
  }
}

function logicalReader(schema: Schema): JsonSchemaReader | null {
  const { name } = schema;
  const fromNumber = (type: string, wanted: string, fits: (json: unknown) => boolean): JsonSchemaReader => {
    const logical = fromUnderlying(schema) as (value: unknown) => unknown;
    return (json) => {
      if (!fits(json)) throw new DataException(`Invalid type for ${type}, underlying representation should be ${wanted} but was ${nodeType(json)}`);
      return logical(type === 'Timestamp' ? long(json) : json);
    };
  };
  const isInt = (json: unknown) => typeof json === 'number' && (json | 0) === json;
  switch (name) {
    case DECIMAL:
      return (json) => {
        if (typeof json === 'string') return new Decimal(bigIntOf(base64(json, 'Invalid bytes for Decimal field')), Number(schema.parameters?.['scale']));
        if (isNumber(json)) return decimalOf(json);
        throw new DataException(`Invalid type for Decimal, underlying representation should be numeric or bytes but was ${nodeType(json)}`);
      };
    case DATE:
      return fromNumber('Date', 'integer', isInt);
    case TIME:
      return fromNumber('Time', 'integer', isInt);
    case TIMESTAMP:
      return fromNumber('Timestamp', 'integral', (json) => Number.isInteger(json) || typeof json === 'bigint');
    default:
      return null;
  }
}

function isOfType({ type }: Schema, json: unknown): boolean {
  switch (type) {
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'INT64':
      return Number.isInteger(json) || typeof json === 'bigint';
    case 'FLOAT32':
    case 'FLOAT64':
      return isNumber(json);
    case 'BOOLEAN':
      return typeof json === 'boolean';
    case 'STRING':
      return typeof json === 'string';
    case 'ARRAY':
      return Array.isArray(json);
    case 'MAP':
      return isObject(json) || Array.isArray(json);
    default:
      return false;
  }
}

function sharedProperties(schema: Schema, json: unknown): number {
  if (schema.type !== 'STRUCT' || !isObject(json)) return 0;
  let count = 0;
  for (const field of schema.fields) if (Object.hasOwn(json, field.name)) count += 1 + sharedProperties(field.schema, json[field.name]);
  return count;
}

function isNumber(json: unknown): boolean {
  return typeof json === 'number' || typeof json === 'bigint' || json instanceof JsonDecimal;
}

/** As Jackson has it: what is no number is 0, fractions are cut off. */
function whole(json: unknown): number {
  if (typeof json === 'number') return Math.trunc(json);
  if (typeof json === 'bigint') return Number(BigInt.asIntN(32, json));
  return json instanceof JsonDecimal ? Math.trunc(json.toNumber()) : 0;
}

function long(json: unknown): bigint {
  if (typeof json === 'bigint') return BigInt.asIntN(64, json);
  if (typeof json === 'number') {
    const cut = Math.trunc(json);
    if (!Number.isSafeInteger(cut)) throw lostDigits;
    return BigInt(cut);
  }
  return json instanceof JsonDecimal ? BigInt(Math.trunc(json.toNumber())) : 0n;
}

function numberOf(json: unknown): number {
  if (typeof json === 'number') return json;
  if (json instanceof JsonDecimal) return json.toNumber();
  return typeof json === 'bigint' ? Number(json) : 0;
}

/** Every digit counts: what `JSON.parse` made will not do, unless it is a small whole number. */
function decimalOf(json: unknown): Decimal {
  if (json instanceof JsonDecimal) return Decimal.parse(json.text);
  if (typeof json === 'bigint') return new Decimal(json, 0);
  throw lostDigits;
}

const wholeDigits = /^[A-Za-z0-9+/]*={0,2}$/;

function base64(text: string, message: string): Buffer {
  if (text.length % 4 !== 0 || !wholeDigits.test(text)) throw new DataException(message);
  return Buffer.from(text, 'base64');
}

function bigIntOf(bytes: Buffer): bigint {
  try {
    return Decimal.fromBytes(bytes);
  } catch (cause) {
    throw new DataException('Invalid bytes for Decimal field', { cause });
  }
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json) && !(json instanceof JsonDecimal);
}

/** Jackson's name for what a JSON value is. */
function nodeType(json: unknown): string {
  if (json === null) return 'NULL';
  if (Array.isArray(json)) return 'ARRAY';
  if (typeof json === 'string') return 'STRING';
  if (typeof json === 'boolean') return 'BOOLEAN';
  return isObject(json) ? 'OBJECT' : 'NUMBER';
}
