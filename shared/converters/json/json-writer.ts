import { unrolledText } from '../../connect/data/unrolled.ts';
import { Boxed, DATE, DataException, DECIMAL, Decimal, MILLIS_PER_DAY, type Schema, TIME, TIMESTAMP } from '../../connect/index.ts';
import { javaClassName } from '../../connect/java/java-value.ts';
import { doubleToString, floatToString } from '../../connect/java/number-text.ts';

/** Writes a Connect value as JSON text. */
export type JsonWriter = (value: unknown) => string;

export interface WriterOptions {
  readonly replaceNullWithDefault: boolean;
  /** `decimal.format`: numbers instead of base64. */
  readonly numericDecimals: boolean;
}

/** Compiles a writer for a schema. Throws DataException where a value is not what the schema says. */
export function jsonWriter(schema: Schema | null, options: WriterOptions): JsonWriter {
  if (schema === null) return writeSchemaless;
  const write = writerOf(schema, options);
  const { defaultValue, optional } = schema;
  const whenNull = (): string => {
    if (options.replaceNullWithDefault && defaultValue !== null) return write(defaultValue);
    if (optional) return 'null';
    throw new DataException('Conversion error: null value for field that is required and has no default value');
  };
  return (value) => (value === null || value === undefined ? whenNull() : write(value));
}

function writerOf(schema: Schema, options: WriterOptions): JsonWriter {
  switch (schema.name) {
    case DECIMAL:
      return (value) => writeDecimal(schema, value, options.numericDecimals);
    case DATE:
      return (value) => writeDate(dateOf(schema, value, 'Date'));
    case TIME:
      return (value) => writeTime(dateOf(schema, value, 'Time'));
    case TIMESTAMP:
      return (value) => String(dateOf(schema, value, 'Timestamp').getTime());
  }
  const fail = (value: unknown): never => {
    throw new DataException(`Invalid type for ${schema.type}: class ${javaClassName(schema, value)}`);
  };
  switch (schema.type) {
    case 'INT8':
    case 'INT16':
    case 'INT32':
      return (value) => (typeof value === 'number' && (value | 0) === value ? String(value) : fail(value));
    case 'INT64':
      return (value) => (typeof value === 'bigint' || Number.isSafeInteger(value) ? String(value) : fail(value));
    case 'FLOAT32':
      return (value) => (typeof value === 'number' ? writeFloat(value, floatToString) : fail(value));
    case 'FLOAT64':
      return (value) => (typeof value === 'number' ? writeFloat(value, doubleToString) : fail(value));
    case 'BOOLEAN':
      return (value) => (typeof value === 'boolean' ? String(value) : fail(value));
    case 'STRING':
      return (value) => (typeof value === 'string' ? writeString(value) : fail(value));
    case 'BYTES':
      return (value) => {
        if (value instanceof Uint8Array) return writeBytes(value);
        throw new DataException(`Invalid type for bytes type: class ${javaClassName(schema, value)}`);
      };
    case 'ARRAY': {
      const write = jsonWriter(schema.valueSchema, options);
      return (value) => (Array.isArray(value) ? writeArray(value, write) : fail(value));
    }
    case 'MAP': {
      const writeKey = jsonWriter(schema.keySchema, options);
      const write = jsonWriter(schema.valueSchema, options);
      const asObject = schema.keySchema?.type === 'STRING';
      return (value) => (value instanceof Map ? writeMap(value, asObject, writeKey, write) : fail(value));
    }
    case 'STRUCT':
      return structWriter(schema, options, fail);
  }
}

function structWriter(schema: Schema, options: WriterOptions, fail: (value: unknown) => never): JsonWriter {
  const { fields } = schema;
  if (fields.length === 0) return () => '{}';
  const write = unrolledText(
    fields.map(({ name, schema: of }, at) => ({ before: `${at === 0 ? '{' : ','}${writeString(name)}:`, name, part: jsonWriter(of, options) })),
  );
  return (value) => {
    if (typeof value !== 'object' || value === null || value instanceof Map || Array.isArray(value)) return fail(value);
    return `${write(value as Readonly<Record<string, unknown>>)}}`;
  };
}

function writeArray(items: readonly unknown[], write: JsonWriter): string {
  let text = '[';
  for (let at = 0; at < items.length; at++) text += at === 0 ? write(items[at]) : `,${write(items[at])}`;
  return `${text}]`;
}

/** Maps whose keys are not texts are lists of pairs. */
function writeMap(map: ReadonlyMap<unknown, unknown>, asObject: boolean, writeKey: JsonWriter, write: JsonWriter): string {
  let text = '';
  for (const [key, value] of map) {
    if (text !== '') text += ',';
    text += asObject ? `${writeName(key, writeKey)}:${write(value)}` : `[${writeKey(key)},${write(value)}]`;
  }
  return asObject ? `{${text}}` : `[${text}]`;
}

/** A key of null becomes the text `null`, as Jackson's `asText` has it. */
function writeName(key: unknown, writeKey: JsonWriter): string {
  const text = writeKey(key);
  return text.startsWith('"') ? text : writeString(text);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what JSON must escape
const needsCare = /["\\\u0000-\u001f\ud800-\udfff]/;
const lowerEscape = /\\u[0-9a-f]{4}/g;
const surrogates = /[\ud800-\udfff]/;

/** Jackson's escapes: hexadecimal digits are upper case, and what is beyond the first 65,536 characters is escaped as its two halves. */
export function writeString(text: string): string {
  if (!needsCare.test(text)) return `"${text}"`;
  const written = JSON.stringify(text);
  const escaped = surrogates.test(written) ? written.replace(/[\ud800-\udfff]/g, (half) => `\\u${half.charCodeAt(0).toString(16)}`) : written;
  return escaped.includes('\\u')
    ? escaped.replace(lowerEscape, (found, at: number) => (isEscape(escaped, at) ? `\\u${found.slice(2).toUpperCase()}` : found))
    : escaped;
}

/** Whether the backslash at this place begins an escape, and is not the second half of one. */
function isEscape(text: string, at: number): boolean {
  let before = at;
  while (text[before - 1] === '\\') before--;
  return (at - before) % 2 === 0;
}

function writeFloat(value: number, toText: (value: number) => string): string {
  return Number.isFinite(value) ? toText(value) : `"${value}"`;
}

function writeBytes(bytes: Uint8Array): string {
  return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')}"`;
}

function dateOf(schema: Schema, value: unknown, type: string): Date {
  if (value instanceof Date) return value;
  throw new DataException(`Invalid type for ${type}, expected Date but was class ${javaClassName(schema, value)}`);
}

function writeDate(date: Date): string {
  const days = date.getTime() / MILLIS_PER_DAY;
  if (!Number.isInteger(days)) throw new DataException('Kafka Connect Date type should not have any time fields set to non-zero values.');
  return String(days | 0);
}

function writeTime(date: Date): string {
  const millis = date.getTime();
  if (millis < 0 || millis > MILLIS_PER_DAY) throw new DataException('Kafka Connect Time type should not have any date fields set to non-zero values.');
  return String(millis);
}

function writeDecimal(schema: Schema, value: unknown, numeric: boolean): string {
  if (!(value instanceof Decimal)) throw new DataException(`Invalid type for Decimal, expected BigDecimal but was class ${javaClassName(schema, value)}`);
  if (numeric) return value.toString();
  const scale = Number(schema.parameters?.['scale']);
  if (value.scale !== scale)
    throw new DataException(`Decimal value has mismatching scale for given Decimal schema. Schema has scale ${scale}, value has scale ${value.scale}.`);
  return writeBytes(Decimal.toBytes(value.unscaled));
}

function writeSchemaless(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return writeString(value);
    case 'number':
      return Number.isInteger(value) ? String(value) : writeFloat(value, doubleToString);
    case 'boolean':
    case 'bigint':
      return String(value);
  }
  if (value === null || value === undefined) return 'null';
  if (value instanceof Map) return writeSchemalessMap(value);
  if (Array.isArray(value)) return writeArray(value, writeSchemaless);
  if (value instanceof Boxed) return writeBoxed(value);
  if (value instanceof Uint8Array) return writeBytes(value);
  throw new DataException(`Java class class ${javaClassName(null, value)} does not have corresponding schema type.`);
}

/** Names of fields with their quotes and colon: the same ones come again and again. */
const openings = new Map<string, string>();
const maxOpenings = 10_000;

function opening(name: string): string {
  const known = openings.get(name);
  if (known !== undefined) return known;
  const made = `${writeString(name)}:`;
  if (openings.size < maxOpenings) openings.set(name, made);
  return made;
}

function writeSchemalessMap(map: ReadonlyMap<unknown, unknown>): string {
  let text = '';
  for (const [key, value] of map) {
    if (typeof key !== 'string') return writeMap(map, false, writeSchemaless, writeSchemaless);
    text += (text === '' ? '{' : ',') + opening(key) + writeSchemaless(value);
  }
  return text === '' ? '{}' : `${text}}`;
}

function writeBoxed(value: Boxed): string {
  if (value.type === 'FLOAT32') return writeFloat(Number(value.value), floatToString);
  if (value.type === 'FLOAT64') return writeFloat(Number(value.value), doubleToString);
  if (value.type === 'BIGINTEGER') throw new DataException('Java class class java.math.BigInteger does not have corresponding schema type.');
  return String(value.value);
}
