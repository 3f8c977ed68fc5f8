import { unrolledCopy } from '../../connect/data/unrolled.ts';
import { DATE, DataException, DECIMAL, Decimal, float64, int64, MILLIS_PER_DAY, type Schema, TIME, TIMESTAMP, valueEquals } from '../../connect/index.ts';
import { JsonDecimal, maxDepth } from './json-parser.ts';

/** Turns parsed JSON into a Connect value. */
export type JsonReader = (json: unknown) => unknown;

/**
 * Thrown by a reader that was given what `JSON.parse` made, where that may not be exact (an INT64 beyond 2^53, a decimal):
 * the text is to be read again by JsonParser.
 */
export const needsExactNumbers = Symbol('needs exact numbers');

/** Where a message is blank: it is no null, and coerced like a value of another type. */
export const MISSING = Symbol('missing');

/** Whether a value can have lost digits in `JSON.parse`. */
const inexact = (json: number): boolean => !Number.isSafeInteger(json) && Math.abs(json) >= 2 ** 53;

export interface ReaderOptions {
  readonly replaceNullWithDefault: boolean;
  /** The JSON comes from JsonParser, so that nothing is lost. */
  readonly exact: boolean;
}

/** Compiles a reader for a schema. Nothing is checked that Kafka Connect does not check: values are coerced as Jackson does. Throws DataException. */
export function jsonReader(schema: Schema | null, options: ReaderOptions): JsonReader {
  if (schema === null) return options.exact ? readExactSchemaless : readSchemaless;
  const read = readerOf(schema, options);
  const whenNull = nullReader(schema, options);
  return (json) => (json === null || json === undefined ? whenNull() : read(json));
}

/** What becomes of a null: the default, null, or DataException. */
function nullReader({ defaultValue, optional, type }: Schema, { replaceNullWithDefault }: ReaderOptions): () => unknown {
  if (replaceNullWithDefault && defaultValue !== null) return () => defaultValue;
  if (optional) return () => null;
  return () => {
    throw new DataException(`Invalid null value for required ${type} field`);
  };
}

/** Whether `JSON.parse` hides what matters to a reader of this schema: `1.0` is no whole number there. */
export function tellsWholeNumbers(schema: Schema | null): boolean {
  if (schema === null) return true;
  if (schema.name === DATE || schema.name === TIME || schema.name === TIMESTAMP) return true;
  if (schema.type === 'STRUCT') return schema.fields.some((field) => tellsWholeNumbers(field.schema));
  if (schema.type === 'MAP' && tellsWholeNumbers(schema.keySchema)) return true;
  return (schema.type === 'MAP' || schema.type === 'ARRAY') && tellsWholeNumbers(schema.valueSchema);
}

function readerOf(schema: Schema, options: ReaderOptions): JsonReader {
  switch (schema.name) {
    case DECIMAL:
      return (json) => readDecimal(schema, json, options.exact);
    case DATE:
      return (json) => new Date(wholeInt(json, 'Date') * MILLIS_PER_DAY);
    case TIME:
      return (json) => readTime(wholeInt(json, 'Time'));
    case TIMESTAMP:
      return readTimestamp;
  }
  switch (schema.type) {
    case 'BOOLEAN':
      return (json) => json === true;
    case 'INT8':
      return (json) => (int32(json) << 24) >> 24;
    case 'INT16':
      return (json) => (int32(json) << 16) >> 16;
    case 'INT32':
      return int32;
    case 'INT64':
      return readInt64;
    case 'FLOAT32':
      return (json) => Math.fround(float(json));
    case 'FLOAT64':
      return float;
    case 'STRING':
      return (json) => (typeof json === 'string' ? json : null);
    case 'BYTES':
      return readBytes;
    case 'ARRAY':
      return arrayReader(schema, options);
    case 'MAP':
      return schema.keySchema?.type === 'STRING' ? mapReader(schema, options) : pairsReader(schema, options);
    case 'STRUCT':
      return structReader(schema, options);
  }
}

function int32(json: unknown): number {
  if (typeof json === 'number') {
    if (inexact(json)) throw needsExactNumbers;
    return json | 0;
  }
  if (typeof json === 'bigint') return Number(BigInt.asIntN(32, json));
  return json instanceof JsonDecimal ? Number(BigInt.asIntN(32, truncated(json))) : 0;
}

function readInt64(json: unknown): bigint {
  if (typeof json === 'number') {
    if (Number.isSafeInteger(json)) return BigInt(json);
    if (inexact(json)) throw needsExactNumbers;
    return BigInt(Math.trunc(json));
  }
  if (typeof json === 'bigint') return BigInt.asIntN(64, json);
  return json instanceof JsonDecimal ? BigInt.asIntN(64, truncated(json)) : 0n;
}

/** The digits before the point. Exponents beyond reason leave nothing in the low 64 bits. */
function truncated({ text }: JsonDecimal): bigint {
  const { unscaled, scale } = Decimal.parse(text);
  if (scale < -1000 || scale > 10_000) return 0n;
  return scale <= 0 ? unscaled * 10n ** BigInt(-scale) : unscaled / 10n ** BigInt(scale);
}

function float(json: unknown): number {
  if (typeof json === 'number') return json === 0 ? 0 : json;
  if (typeof json === 'bigint') return Number(json);
  return json instanceof JsonDecimal ? json.toNumber() : 0;
}

const base64 = /^(?:[\0- ]*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=))*[\0- ]*$/;

/** Base64 with padding; blanks between groups of four are skipped. Null for what is no text. */
function readBytes(json: unknown): Buffer | null {
  if (typeof json !== 'string') return null;
  if (!base64.test(json)) throw new DataException('Invalid bytes field');
  return Buffer.from(json, 'base64');
}

function readDecimal(schema: Schema, json: unknown, exact: boolean): Decimal {
  if (typeof json === 'number' || typeof json === 'bigint') {
    if (!exact) throw needsExactNumbers;
    return new Decimal(BigInt(json), 0);
  }
  if (json instanceof JsonDecimal) return Decimal.parse(json.text);
  if (typeof json !== 'string')
    throw new DataException(`Invalid type for Decimal, underlying representation should be numeric or bytes but was ${nodeType(json)}`);
  try {
    const scale = schema.parameters?.['scale'] ?? '';
    if (!/^[+-]?\d+$/.test(scale)) throw new RangeError(`The schema of the Decimal has no scale: ${scale}`);
    return new Decimal(Decimal.fromBytes(readBytes(json) as Buffer), Number(scale));
  } catch (cause) {
    throw new DataException('Invalid bytes for Decimal field', { cause });
  }
}

function wholeInt(json: unknown, type: string): number {
  if (typeof json === 'number' && (json | 0) === json) return json;
  throw new DataException(`Invalid type for ${type}, underlying representation should be integer but was ${nodeType(json)}`);
}

function readTime(millis: number): Date {
  if (millis < 0 || millis > MILLIS_PER_DAY) throw new DataException('Time values must use number of milliseconds greater than 0 and less than 86400000');
  return new Date(millis);
}

function readTimestamp(json: unknown): Date {
  if (typeof json === 'number' && Number.isInteger(json)) {
    if (inexact(json)) throw needsExactNumbers;
    return new Date(json);
  }
  if (typeof json === 'bigint') return new Date(Number(BigInt.asIntN(64, json)));
  throw new DataException(`Invalid type for Timestamp, underlying representation should be integral but was ${nodeType(json)}`);
}

function arrayReader(schema: Schema, options: ReaderOptions): JsonReader {
  const read = jsonReader(schema.valueSchema, options);
  return (json) => (Array.isArray(json) ? json.map(read) : isObject(json) ? Object.values(json).map(read) : []);
}

function mapReader(schema: Schema, options: ReaderOptions): JsonReader {
  const read = jsonReader(schema.valueSchema, options);
  return (json) => {
    if (!isObject(json)) throw new DataException(`Maps with string fields should be encoded as JSON objects, but found ${nodeType(json)}`);
    const map = new Map<string, unknown>();
    for (const name of Object.keys(json)) map.set(name, read(json[name]));
    return map;
  };
}

function pairsReader(schema: Schema, options: ReaderOptions): JsonReader {
  const readKey = jsonReader(schema.keySchema, options);
  const readValue = jsonReader(schema.valueSchema, options);
  const { keySchema } = schema;
  const isObjectKey = keySchema !== null && (keySchema.name !== null || ['ARRAY', 'MAP', 'STRUCT'].includes(keySchema.type));
  return (json) => {
    if (!Array.isArray(json)) throw new DataException(`Maps with non-string fields should be encoded as JSON array of tuples, but found ${nodeType(json)}`);
    const map = new Map<unknown, unknown>();
    for (const entry of json) {
      if (!Array.isArray(entry)) throw new DataException(`Found invalid map entry instead of array tuple: ${nodeType(entry)}`);
      if (entry.length !== 2) throw new DataException(`Found invalid map entry, expected length 2 but found :${entry.length}`);
      const key = readKey(entry[0]);
      map.set(isObjectKey ? sameKey(map, key) : key, readValue(entry[1]));
    }
    return map;
  };
}

/** The key of the map that is equal, as a HashMap finds it; JavaScript's Map tells objects apart. Byte arrays are told apart in Java too. */
function sameKey(map: ReadonlyMap<unknown, unknown>, key: unknown): unknown {
  if (typeof key !== 'object' || key === null || key instanceof Uint8Array) return key;
  for (const each of map.keys()) if (valueEquals(each, key)) return each;
  return key;
}

function structReader(schema: Schema, options: ReaderOptions): JsonReader {
  const { fields } = schema;
  const parts = fields.map((field, at) => {
    const read = readerOf(field.schema, options);
    const whenNull = nullReader(field.schema, options);
    const { optional } = field.schema;
    return (item: unknown): unknown => {
      const value = item === null || item === undefined ? whenNull() : read(item);
      if (value === null && !optional) throw nullInRequired(schema, at);
      return value;
    };
  });
  const copy = unrolledCopy(fields.map(({ name }, at) => ({ from: name, to: name, part: parts[at] as JsonReader })));
  // A field called `constructor` is not there only because every object has one.
  const inherited = fields.flatMap(({ name }) => (name in Object.prototype ? [name] : []));
  return (json) => {
    if (!isObject(json)) throw new DataException(`Structs should be encoded as JSON objects, but found ${nodeType(json)}`);
    return copy(inherited.length === 0 ? json : withOwnOnly(json, inherited));
  };
}

/** The same with null for what is only inherited. */
function withOwnOnly(json: Readonly<Record<string, unknown>>, names: readonly string[]): Readonly<Record<string, unknown>> {
  const own: Record<string, unknown> = Object.assign(Object.create(null), json);
  for (const name of names) if (!Object.hasOwn(json, name)) own[name] = null;
  return own;
}

function nullInRequired(schema: Schema, at: number): DataException {
  const field = schema.fields[at];
  return new DataException(`Invalid value: null used for required field: "${field?.name}", schema type: ${field?.schema.type}`);
}

/** Values without a schema as `JSON.parse` made them; only where no number in the text needs more. */
function readSchemaless(json: unknown): unknown {
  return typeof json === 'object' && json !== null ? readNested(json, 1) : json;
}

function readNested(json: object, depth: number): unknown {
  if (depth > maxDepth) throw needsExactNumbers;
  if (Array.isArray(json)) {
    for (let at = 0; at < json.length; at++) {
      const item = json[at];
      if (typeof item === 'object' && item !== null) json[at] = readNested(item, depth + 1);
    }
    return json;
  }
  const map = new Map<string, unknown>();
  // What JSON.parse made has nothing from a prototype that could be listed.
  for (const name in json) {
    const value = (json as Record<string, unknown>)[name];
    map.set(name, typeof value === 'object' && value !== null ? readNested(value, depth + 1) : value);
  }
  return map;
}

/** Values without a schema as JsonParser made them, with Maps for objects already. A whole number beyond INT64 wraps, as in Kafka Connect. */
function readExactSchemaless(json: unknown): unknown {
  if (typeof json === 'bigint') return int64(BigInt.asIntN(64, json));
  if (typeof json !== 'object' || json === null) return json ?? null;
  if (json instanceof JsonDecimal) return float64(json.toNumber());
  if (Array.isArray(json)) return json.map(readExactSchemaless);
  if (!(json instanceof Map)) return new Map(Object.entries(json).map(([name, value]) => [name, readExactSchemaless(value)]));
  for (const [name, value] of json) json.set(name, readExactSchemaless(value));
  return json;
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json) && !(json instanceof JsonDecimal);
}

/** Jackson's name for what a JSON value is. */
function nodeType(json: unknown): string {
  if (json === null) return 'NULL';
  if (json === MISSING) return 'MISSING';
  if (Array.isArray(json)) return 'ARRAY';
  if (typeof json === 'string' || typeof json === 'boolean') return typeof json === 'string' ? 'STRING' : 'BOOLEAN';
  return isObject(json) ? 'OBJECT' : 'NUMBER';
}
