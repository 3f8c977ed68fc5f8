import { DATE, DECIMAL, MILLIS_PER_DAY, TIME, TIMESTAMP } from '../data/logical.ts';
import type { Schema } from '../data/schema.ts';
import { Decimal } from '../data/values.ts';
import { DataException } from '../errors.ts';
import { type JavaType, javaClassName, javaToString, javaTypeOf, schemaText, unboxed } from '../java/java-value.ts';
import { asciiDigits, doubleToLong, doubleToString } from '../java/number-text.ts';
import { parseString } from './parse-string.ts';
import { valueText } from './value-text.ts';

/**
 * A value as another type, as Java's `Values.convertTo…` does it: texts are parsed, numbers narrowed. What comes out is
 * as `toSchema` has it. Throws DataException.
 */
export function convertValue(toSchema: Schema, fromSchema: Schema | null, value: unknown): unknown {
  if (value === null || value === undefined) {
    if (toSchema.optional) return null;
    throw new DataException('Unable to convert a null value to a schema that requires a value');
  }
  const type = javaTypeOf(fromSchema, value) as JavaType;
  switch (toSchema.type) {
    case 'BYTES':
      return toBytes(toSchema, fromSchema, value, type);
    case 'STRING':
      return valueText(fromSchema, value);
    case 'BOOLEAN':
      return toBoolean(fromSchema, value, type);
    case 'INT8':
      return Number(BigInt.asIntN(8, asLong(fromSchema, value)));
    case 'INT16':
      return Number(BigInt.asIntN(16, asLong(fromSchema, value)));
    case 'INT32':
      if (toSchema.name === DATE) return toDate(fromSchema, value);
      if (toSchema.name === TIME) return toTime(fromSchema, value);
      return Number(BigInt.asIntN(32, asLong(fromSchema, value)));
    case 'INT64':
      return toSchema.name === TIMESTAMP ? toTimestamp(fromSchema, value) : asLong(fromSchema, value);
    case 'FLOAT32':
      return Math.fround(asDouble(fromSchema, value));
    case 'FLOAT64':
      return asDouble(fromSchema, value);
    case 'ARRAY':
    case 'MAP': {
      const parsed = parsedText(fromSchema, value);
      if (javaTypeOf(parsed.schema, parsed.value) === toSchema.type) return parsed.value;
      return cannotConvert(parsed.schema, parsed.value, schemaText(toSchema));
    }
    case 'STRUCT':
      return type === 'STRUCT' ? value : cannotConvert(fromSchema, value, schemaText(toSchema));
  }
}

function toBytes(toSchema: Schema, fromSchema: Schema | null, value: unknown, type: JavaType): unknown {
  if (toSchema.name === DECIMAL) {
    if (type === 'BYTES') return new Decimal(Decimal.fromBytes(value as Buffer), Number(toSchema.parameters?.['scale']));
    if (type === 'DECIMAL') return value;
    // Numbers go through a double, and texts do not.
    if (isNumber(type)) return parseDecimal(doubleToString(Number(unboxed(value))));
    if (type === 'STRING') return parseDecimal(value as string);
  }
  return type === 'BYTES' ? value : cannotConvert(fromSchema, value, schemaText(toSchema));
}

function toBoolean(fromSchema: Schema | null, value: unknown, type: JavaType): boolean {
  if (type === 'BOOLEAN') return value as boolean;
  if (type === 'STRING') {
    const parsed = parseString(value as string)?.value;
    if (typeof parsed === 'boolean') return parsed;
  }
  return asLong(fromSchema, value) !== 0n;
}

function toDate(fromSchema: Schema | null, value: unknown): Date {
  const parsed = parsedText(fromSchema, value);
  if (parsed.value instanceof Date) {
    if (fromSchema === null || fromSchema.name === DATE) return parsed.value;
    if (fromSchema.name === TIMESTAMP) return new Date(Math.trunc(parsed.value.getTime() / MILLIS_PER_DAY) * MILLIS_PER_DAY);
  }
  return new Date(Number(BigInt.asIntN(32, asLong(parsed.schema, parsed.value, fromSchema))) * MILLIS_PER_DAY);
}

function toTime(fromSchema: Schema | null, value: unknown): Date {
  const parsed = parsedText(fromSchema, value);
  if (parsed.value instanceof Date) {
    if (fromSchema === null || fromSchema.name === TIME) return parsed.value;
    if (fromSchema.name === TIMESTAMP) {
      const millis = parsed.value.getTime();
      return new Date(millis - Math.floor(millis / MILLIS_PER_DAY) * MILLIS_PER_DAY);
    }
  }
  const millis = Number(BigInt.asIntN(32, asLong(parsed.schema, parsed.value, fromSchema)));
  if (millis < 0 || millis > MILLIS_PER_DAY) throw new DataException('Time values must use number of milliseconds greater than 0 and less than 86400000');
  return new Date(millis);
}

function toTimestamp(fromSchema: Schema | null, value: unknown): Date {
  const parsed = parsedText(fromSchema, value);
  const known = fromSchema === null || fromSchema.name === DATE || fromSchema.name === TIME || fromSchema.name === TIMESTAMP;
  if (parsed.value instanceof Date && known) return parsed.value;
  return new Date(Number(asLong(parsed.schema, parsed.value, fromSchema)));
}

/** What a text says, with its schema; other values as they are. */
function parsedText(schema: Schema | null, value: unknown): { schema: Schema | null; value: unknown } {
  return typeof value === 'string' ? (parseString(value) ?? { schema: null, value: null }) : { schema, value };
}

/** `told` is the schema that a message tells, where the value was parsed from a text. */
function asLong(schema: Schema | null, value: unknown, told: Schema | null = schema): bigint {
  const type = javaTypeOf(schema, value);
  if (type === 'DECIMAL') return BigInt.asIntN(64, wholeOf(value as Decimal));
  if (type !== null && isNumber(type)) {
    const number = unboxed(value);
    return typeof number === 'bigint' ? BigInt.asIntN(64, number) : doubleToLong(number);
  }
  if (type === 'STRING') {
    const decimal = tryDecimal(value as string);
    if (decimal !== undefined) return BigInt.asIntN(64, wholeOf(decimal));
  }
  if (type === 'DATE' && told !== null) {
    const millis = (value as Date).getTime();
    if (told.name === DATE && millis % MILLIS_PER_DAY !== 0)
      throw new DataException('Kafka Connect Date type should not have any time fields set to non-zero values.');
    if (told.name === DATE) return BigInt(millis / MILLIS_PER_DAY);
    if (told.name === TIME && (millis < 0 || millis > MILLIS_PER_DAY))
      throw new DataException('Kafka Connect Time type should not have any date fields set to non-zero values.');
    if (told.name === TIME || told.name === TIMESTAMP) return BigInt(millis);
  }
  return cannotConvert(schema, value, told === null ? 'a number' : schemaText(told));
}

function asDouble(schema: Schema | null, value: unknown): number {
  const type = javaTypeOf(schema, value);
  if (type === 'DECIMAL') return Number(value);
  if (type !== null && isNumber(type)) return Number(unboxed(value));
  const decimal = type === 'STRING' ? tryDecimal(value as string) : undefined;
  return decimal === undefined ? Number(asLong(schema, value)) : Number(decimal);
}

function isNumber(type: JavaType): boolean {
  return type === 'BIGINTEGER' || type.startsWith('INT') || type.startsWith('FLOAT');
}

/** The part before the point. */
function wholeOf({ unscaled, scale }: Decimal): bigint {
  return scale <= 0 ? unscaled * 10n ** BigInt(-scale) : unscaled / 10n ** BigInt(scale);
}

function tryDecimal(text: string): Decimal | undefined {
  try {
    return Decimal.parse(asciiDigits(text));
  } catch {
    return undefined;
  }
}

/** Java's NumberFormatException of BigDecimal. */
class NumberFormatException extends Error {
  readonly javaClass = 'java.lang.NumberFormatException';
}

function parseDecimal(text: string): Decimal {
  const decimal = tryDecimal(text);
  if (decimal === undefined) throw new NumberFormatException(`Not a decimal number: ${text}`);
  return decimal;
}

function cannotConvert(schema: Schema | null, value: unknown, to: string): never {
  throw new DataException(`Unable to convert ${javaToString(schema, value)} (class ${value === null ? 'null' : javaClassName(schema, value)}) to ${to}`);
}
