import { dateSchema, decimalSchema, MILLIS_PER_DAY, timeSchema, timestampSchema } from '../data/logical.ts';
import type { SchemaAndValue } from '../data/record.ts';
import { array, map, Schema, type SchemaType, schemaEquals } from '../data/schema.ts';
import { Decimal } from '../data/values.ts';
import { DataException, isConnectException } from '../errors.ts';
import { withoutSchema } from '../java/java-value.ts';
import { asciiDigits } from '../java/number-text.ts';
import { isoFormats } from './iso-dates.ts';
import { Tokens, trimmed } from './tokens.ts';

const DATE_SCHEMA = dateSchema();
const TIME_SCHEMA = timeSchema();
const TIMESTAMP_SCHEMA = timestampSchema();

/**
 * Guesses what a text means, as Kafka Connect does with headers (Java's `Values.parseString`): null, booleans, the
 * smallest whole number, fractions, dates, lists and maps much like JSON; everything else stays a text. `null` gives null.
 */
export function parseString(text: string | null): SchemaAndValue | null {
  if (text === null) return { schema: null, value: null };
  if (text === '') return { schema: Schema.STRING_SCHEMA, value: text };
  return parse(new Tokens(text), false);
}

function parse(tokens: Tokens, embedded: boolean): SchemaAndValue | null {
  if (!tokens.hasNext()) return null;
  if (embedded && tokens.consume('"')) return parseQuoted(tokens);
  if (isLiteral(tokens, embedded, 'null')) return null;
  if (isLiteral(tokens, embedded, 'true')) return { schema: Schema.BOOLEAN_SCHEMA, value: true };
  if (isLiteral(tokens, embedded, 'false')) return { schema: Schema.BOOLEAN_SCHEMA, value: false };
  const start = tokens.mark();
  try {
    if (tokens.consume('[')) return parseArray(tokens);
    if (tokens.consume('{')) return parseMap(tokens);
  } catch (error) {
    if (!isConnectException(error)) throw error;
    tokens.rewind(start);
  }
  const token = tokens.next();
  if (/^\s*$/.test(token)) return { schema: Schema.STRING_SCHEMA, value: token };
  return parseToken(tokens, trimmed(token), embedded);
}

function isLiteral(tokens: Tokens, embedded: boolean, literal: string): boolean {
  const start = tokens.mark();
  if (tokens.consume(literal) && (embedded || !tokens.hasNext())) return true;
  tokens.rewind(start);
  return false;
}

function parseToken(tokens: Tokens, token: string, embedded: boolean): SchemaAndValue {
  const startsWithDigit = /^\p{Nd}/u.test(token);
  const parsed = (startsWithDigit ? parseDates(tokens, token) : null) ?? (startsWithDigit || /^[+-]/.test(token) ? parseNumber(token) : null);
  if (parsed !== null) return parsed;
  if (embedded) throw new DataException('Failed to parse embedded value');
  return { schema: Schema.STRING_SCHEMA, value: tokens.text };
}

function parseQuoted(tokens: Tokens): SchemaAndValue {
  let content = '';
  while (tokens.hasNext() && !tokens.consume('"')) content += tokens.next();
  return parseDate(content) ?? { schema: Schema.STRING_SCHEMA, value: content };
}

/** A time has colons in it, which are delimiters: first five tokens together are tried, then one alone. */
function parseDates(tokens: Tokens, token: string): SchemaAndValue | null {
  const place = tokens.mark();
  const rest = tokens.take(4);
  if (rest !== null) {
    const date = parseDate(token + rest);
    if (date !== null) return date;
  }
  tokens.rewind(place);
  return parseDate(token);
}

function parseDate(escaped: string): SchemaAndValue | null {
  const text = escaped.replaceAll('\\:', ':');
  const { date, time, timestamp } = isoFormats;
  if (text.length === time.length) return parseDateAs(text, TIME_SCHEMA, time.format);
  if (text.length === timestamp.length) return parseDateAs(text, TIMESTAMP_SCHEMA, timestamp.format);
  return text.length === date.length ? parseDateAs(text, DATE_SCHEMA, date.format) : null;
}

function parseDateAs(text: string, schema: Schema, format: { parse(text: string): number }): SchemaAndValue | null {
  try {
    return { schema, value: new Date(format.parse(text)) };
  } catch {
    return null;
  }
}

const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;

function parseNumber(text: string): SchemaAndValue | null {
  let decimal: Decimal;
  try {
    decimal = Decimal.parse(asciiDigits(text));
  } catch {
    return null;
  }
  const whole = wholeNumber(decimal);
  if (whole !== null && whole >= LONG_MIN && whole <= LONG_MAX) {
    const value = Number(whole);
    if ((value << 24) >> 24 === value) return { schema: Schema.INT8_SCHEMA, value };
    if ((value << 16) >> 16 === value) return { schema: Schema.INT16_SCHEMA, value };
    return (value | 0) === value ? { schema: Schema.INT32_SCHEMA, value } : { schema: Schema.INT64_SCHEMA, value: whole };
  }
  const double = Number(decimal);
  const float = Math.fround(double);
  if (Number.isFinite(float) && decimal.scale !== 0) return { schema: Schema.FLOAT32_SCHEMA, value: float };
  if (Number.isFinite(double) && decimal.scale !== 0) return { schema: Schema.FLOAT64_SCHEMA, value: double };
  return { schema: decimalSchema(decimal.scale), value: decimal };
}

/** The whole number that a decimal is, if it is one with no more digits than could fit a long. */
function wholeNumber({ unscaled, scale }: Decimal): bigint | null {
  if (unscaled === 0n) return 0n;
  const digits = String(unscaled).replace('-', '');
  if (digits.length - scale > 20 || digits.length - scale < 1) return null;
  if (scale <= 0) return unscaled * 10n ** BigInt(-scale);
  const unit = 10n ** BigInt(scale);
  return unscaled % unit === 0n ? unscaled / unit : null;
}

/** The schema that all elements of a list have in common, as they come. */
class CommonSchema {
  schema: Schema | null = null;
  #compatible = true;

  add(element: SchemaAndValue | null): void {
    if (element === null || element.schema === null || !this.#compatible) return;
    this.schema = this.schema === null ? element.schema : merged(this.schema, element.schema);
    this.#compatible = this.schema !== null;
  }
}

/** Numbers widen in this order. */
const widths: readonly SchemaType[] = ['INT8', 'INT16', 'INT32', 'INT64', 'FLOAT32', 'FLOAT64'];

function merged(one: Schema, other: Schema): Schema | null {
  if (one.type === other.type) return other;
  const width = widths.indexOf(one.type);
  const otherWidth = widths.indexOf(other.type);
  if (width === -1 || otherWidth === -1) return null;
  return width > otherWidth ? one : other;
}

/** An element as the schema that all have in common has it: of its own type, or a wider number. Throws DataException. */
function aligned(schema: Schema, element: SchemaAndValue | null): unknown {
  if (element === null || element.value === null) throw new DataException('Unable to convert a null value to a schema that requires a value');
  // Lists and maps within keep their own types where others have others.
  if (element.schema !== null && (schema.type === 'ARRAY' || schema.type === 'MAP') && !schemaEquals(schema, element.schema)) return loose(element);
  const { value } = element;
  const isDate = schema.name === DATE_SCHEMA.name || schema.name === TIME_SCHEMA.name || schema.name === TIMESTAMP_SCHEMA.name;
  if (value instanceof Date && !isDate) throw new DataException(`Unable to convert ${value.toISOString()} to a number`);
  if (typeof value !== 'number' && typeof value !== 'bigint') return value;
  if (schema.name === TIME_SCHEMA.name && (value < 0 || value > MILLIS_PER_DAY))
    throw new DataException('Time values must use number of milliseconds greater than 0 and less than 86400000');
  if (isDate) return new Date(Number(value) * (schema.name === DATE_SCHEMA.name ? MILLIS_PER_DAY : 1));
  if (schema.type === 'INT64') return BigInt(value);
  return schema.type === 'FLOAT32' ? Math.fround(Number(value)) : Number(value);
}

function parseArray(tokens: Tokens): SchemaAndValue {
  const elements: (SchemaAndValue | null)[] = [];
  const common = new CommonSchema();
  while (tokens.hasNext()) {
    if (tokens.consume(']')) {
      const { schema } = common;
      return { schema: array(schema), value: elements.map((each) => (schema === null ? loose(each) : aligned(schema, each))) };
    }
    if (tokens.consume(',')) throw new DataException(`Unable to parse an empty array element: ${tokens.text}`);
    const element = parse(tokens, true);
    common.add(element);
    elements.push(element);
    const place = tokens.mark();
    if (tokens.consume(']')) tokens.rewind(place);
    else if (!tokens.consume(',')) throw new DataException("Array elements missing ',' delimiter");
  }
  throw new DataException(`Array is missing terminating ']': ${tokens.text}`);
}

function parseMap(tokens: Tokens): SchemaAndValue {
  // By class and value, as a HashMap tells keys apart: of entries with the same key the last one counts.
  const entries = new Map<unknown, [key: SchemaAndValue, value: SchemaAndValue | null]>();
  const keys = new CommonSchema();
  const values = new CommonSchema();
  while (tokens.hasNext()) {
    if (tokens.consume('}')) {
      const keySchema = keys.schema;
      const valueSchema = keySchema === null ? null : values.schema;
      const pairs = [...entries.values()].map(([key, value]): [unknown, unknown] => [
        keySchema === null ? loose(key) : aligned(keySchema, key),
        valueSchema === null ? loose(value) : aligned(valueSchema, value),
      ]);
      return { schema: map(keySchema, valueSchema), value: new Map(pairs) };
    }
    if (tokens.consume(',')) throw new DataException(`Unable to parse a map entry with no key or value: ${tokens.text}`);
    const key = parse(tokens, true);
    if (key === null || key.value === null) throw new DataException(`Map entry may not have a null key: ${tokens.text}`);
    if (!tokens.consume(':')) throw new DataException(`Map entry is missing ':' in ${tokens.text}`);
    const value = parse(tokens, true);
    entries.set(typeof key.value === 'object' ? key.value : `${key.schema?.type} ${String(key.value)}`, [key, value]);
    tokens.consume(',');
    keys.add(key);
    values.add(value);
  }
  throw new DataException(`Map is missing terminating '}': ${tokens.text}`);
}

/** An element of a list whose elements have no schema in common. */
function loose(element: SchemaAndValue | null): unknown {
  return element === null ? null : withoutSchema(element.schema, element.value);
}
