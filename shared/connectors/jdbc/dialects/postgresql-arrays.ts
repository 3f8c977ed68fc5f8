import { DataException, type Decimal, type Schema, type SinkRecord } from '../../../connect/index.ts';
import { javaToString } from '../../../connect/java/java-value.ts';
import type { SinkRecordField } from '../fields-metadata.ts';
import type { SinkTimes } from '../sink-times.ts';
import { logicalTypeOf } from './dialect.ts';

/**
 * The values of one column for all rows of a statement, as a PostgreSQL array in binary form: a header of five words, then
 * for each value its length and its bytes, -1 for NULL. Made without a thing per row, and read by the server without parsing.
 */
export interface ColumnEncoder {
  /** Element type of the array, for `$1::type[]`. */
  readonly elementType: string;
  /** Type that an element is cast to before it is assigned to the column; null where assignment does it. */
  readonly cast: string | null;
  /** Throws DataException naming the column when a value does not fit. */
  encode(records: readonly SinkRecord[]): Buffer;
}

const headerBytes = 20;
/** 2000-01-01, from which PostgreSQL counts. */
const epochMs = 946_684_800_000;
const epochMicros = 946_684_800_000_000n;
const msPerDay = 86_400_000;
const twoTo32 = 4_294_967_296;
const exactMicrosMs = 2 ** 56 / 1_000;
const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

const oids = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  float4: 700,
  float8: 701,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  timestamptz: 1184,
} as const;
type ElementType = keyof typeof oids;

type Read = SinkRecordField['read'];
/** Writes one value at a place. */
type Put = (view: DataView, at: number, value: unknown) => void;

/** Text types: whatever is written into them is text. */
const textTypes: ReadonlySet<string> = new Set(['text', 'varchar', 'bpchar', 'name', 'citext']);

/**
 * How values of a field are written into a column. `columnType` is the type's internal name (`int4`, `_text`), `castType` the
 * same as SQL writes it. Throws DataException for types that no column can hold.
 */
export function columnEncoder(field: Pick<SinkRecordField, 'name' | 'schema' | 'read'>, columnType: string, castType: string, times: SinkTimes): ColumnEncoder {
  const { name, schema, read } = field;
  const cast = textTypes.has(columnType) ? null : castType;
  if ((schema.type === 'INT64' || schema.type === 'STRING') && times.timestampFields.has(name)) {
    if (columnType === 'timestamp') return fixed(name, read, 'timestamp', 8, (view, at, value) => view.setBigInt64(at, localMicros(name, value, times)));
    if (columnType === 'timestamptz')
      return fixed(name, read, 'timestamptz', 8, (view, at, value) => view.setBigInt64(at, times.microseconds(name, value) - epochMicros));
    return text(name, read, (value) => timestampText(Number(times.microseconds(name, value) / 1000n), times), cast);
  }
  switch (logicalTypeOf(schema)) {
    case 'DECIMAL':
      return text(name, read, (value) => (value as Decimal).toString(), 'numeric');
    case 'TIMESTAMP':
      if (columnType === 'timestamp')
        return fixed(name, read, 'timestamp', 8, (view, at, value) => putMicros(view, at, times.local((value as Date).getTime())));
      if (columnType === 'timestamptz')
        return fixed(name, read, 'timestamptz', 8, (view, at, value) => putMicros(view, at, times.instant((value as Date).getTime())));
      return text(name, read, (value) => timestampText((value as Date).getTime(), times), cast);
    case 'DATE':
      if (columnType === 'date')
        return fixed(name, read, 'date', 4, (view, at, value) =>
          view.setInt32(at, Math.floor((times.localDate((value as Date).getTime()) - epochMs) / msPerDay)),
        );
      return text(name, read, (value) => isoDate(times.localDate((value as Date).getTime())), cast);
    case 'TIME':
      if (columnType === 'time') return fixed(name, read, 'time', 8, (view, at, value) => putInt64(view, at, timeOfDay(value, times) * 1000));
      return text(name, read, (value) => new Date(timeOfDay(value, times)).toISOString().slice(11, 23), cast);
    default:
      return primitive(name, schema, read, cast, castType);
  }
}

function primitive(name: string, schema: Schema, read: Read, cast: string | null, castType: string): ColumnEncoder {
  switch (schema.type) {
    case 'INT8':
    case 'INT16':
      return fixed(name, read, 'int2', 2, (view, at, value) => {
        if (((value as number) << 16) >> 16 !== value) throw outOfRange(value);
        view.setInt16(at, value);
      });
    case 'INT32':
      return fixed(name, read, 'int4', 4, (view, at, value) => {
        if (((value as number) | 0) !== value) throw outOfRange(value);
        view.setInt32(at, value);
      });
    case 'INT64':
      return fixed(name, read, 'int8', 8, (view, at, value) => {
        if ((value as bigint) > maxInt64 || (value as bigint) < minInt64) throw outOfRange(value);
        view.setBigInt64(at, value as bigint);
      });
    case 'FLOAT32':
      return fixed(name, read, 'float4', 4, (view, at, value) => view.setFloat32(at, number(value)));
    case 'FLOAT64':
      return fixed(name, read, 'float8', 8, (view, at, value) => view.setFloat64(at, number(value)));
    case 'BOOLEAN':
      return fixed(name, read, 'bool', 1, (view, at, value) => view.setUint8(at, value ? 1 : 0));
    case 'STRING':
      return text(name, read, string, cast);
    case 'BYTES':
      return { elementType: 'bytea', cast: null, encode: (records) => encodeBytes(name, read, records) };
    case 'ARRAY':
      return text(name, read, (value) => arrayLiteral(schema, value), castType);
    default:
      throw new DataException(`Unsupported source data type: ${schema.type}`);
  }
}

function fixed(name: string, read: Read, elementType: ElementType, size: number, put: Put): ColumnEncoder {
  return {
    elementType,
    cast: null,
    encode(records) {
      const buffer = Buffer.allocUnsafe(headerBytes + records.length * (4 + size));
      const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
      let at = putHeader(view, oids[elementType], records.length);
      for (let i = 0; i < records.length; i++) {
        const value = read(records[i] as SinkRecord);
        if (value === null || value === undefined) {
          view.setInt32(at, -1);
          at += 4;
          continue;
        }
        view.setInt32(at, size);
        try {
          put(view, at + 4, value);
        } catch (error) {
          throw unfit(name, error);
        }
        at += 4 + size;
      }
      return buffer.subarray(0, at);
    },
  };
}

function text(name: string, read: Read, textOf: (value: unknown) => string, cast: string | null): ColumnEncoder {
  return { elementType: 'text', cast, encode: (records) => encodeText(name, read, textOf, records) };
}

function encodeText(name: string, read: Read, textOf: (value: unknown) => string, records: readonly SinkRecord[]): Buffer {
  let buffer: Buffer = Buffer.allocUnsafe(headerBytes + records.length * 32);
  let at = putHeader(new DataView(buffer.buffer, buffer.byteOffset, buffer.length), oids.text, records.length);
  for (let i = 0; i < records.length; i++) {
    const value = read(records[i] as SinkRecord);
    let length = -1;
    let string = '';
    if (value !== null && value !== undefined) {
      try {
        string = textOf(value);
        length = string.length * 3;
      } catch (error) {
        throw unfit(name, error);
      }
    }
    if (at + 4 + length > buffer.length) buffer = grown(buffer, at, 4 + length);
    if (length > 0) length = writeText(buffer, string, at + 4);
    buffer[at] = length >>> 24;
    buffer[at + 1] = length >>> 16;
    buffer[at + 2] = length >>> 8;
    buffer[at + 3] = length;
    at += 4 + Math.max(length, 0);
  }
  return buffer.subarray(0, at);
}

/** Short ASCII texts, which most are, are faster written here than through a native call. Returns the bytes written. */
function writeText(buffer: Buffer, text: string, at: number): number {
  const { length } = text;
  if (length > 64) return buffer.write(text, at, 'utf8');
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return buffer.write(text, at, 'utf8');
    buffer[at + i] = code;
  }
  return length;
}

function encodeBytes(name: string, read: Read, records: readonly SinkRecord[]): Buffer {
  let buffer: Buffer = Buffer.allocUnsafe(headerBytes + records.length * 64);
  let at = putHeader(new DataView(buffer.buffer, buffer.byteOffset, buffer.length), oids.bytea, records.length);
  for (let i = 0; i < records.length; i++) {
    const value = read(records[i] as SinkRecord) ?? null;
    if (value !== null && !(value instanceof Uint8Array)) throw unfit(name, new TypeError(`bytes are expected, not ${typeof value}`));
    const length = value === null ? 0 : value.length;
    if (at + 4 + length > buffer.length) buffer = grown(buffer, at, 4 + length);
    buffer.writeInt32BE(value === null ? -1 : length, at);
    if (value !== null) buffer.set(value, at + 4);
    at += 4 + length;
  }
  return buffer.subarray(0, at);
}

function grown(buffer: Buffer, used: number, needed: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, used + needed));
  buffer.copy(larger, 0, 0, used);
  return larger;
}

/** One dimension, NULLs may occur, element type, number of elements, first index. */
function putHeader(view: DataView, oid: number, elements: number): number {
  view.setInt32(0, 1);
  view.setInt32(4, 1);
  view.setInt32(8, oid);
  view.setInt32(12, elements);
  view.setInt32(16, 1);
  return headerBytes;
}

/** Microseconds since 2000 of a time in milliseconds since 1970. */
function putMicros(view: DataView, at: number, ms: number): void {
  if (Number.isNaN(ms)) throw new RangeError('it is no valid time');
  const since2000 = ms - epochMs;
  if (since2000 > exactMicrosMs || since2000 < -exactMicrosMs) view.setBigInt64(at, BigInt(since2000) * 1000n);
  else putInt64(view, at, since2000 * 1000);
}

/** A whole number that a double holds exactly. */
function putInt64(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / twoTo32);
  view.setInt32(at, high);
  view.setUint32(at + 4, value - high * twoTo32);
}

function localMicros(name: string, value: unknown, times: SinkTimes): bigint {
  const micros = times.microseconds(name, value);
  const ofMs = ((micros % 1000n) + 1000n) % 1000n;
  return BigInt(times.local(Number((micros - ofMs) / 1000n))) * 1000n + ofMs - epochMicros;
}

function timeOfDay(value: unknown, times: SinkTimes): number {
  const local = times.local((value as Date).getTime()) % msPerDay;
  return local < 0 ? local + msPerDay : local;
}

/** As the JDBC driver writes it where the column is no timestamp: local time and its offset. */
function timestampText(ms: number, times: SinkTimes): string {
  const local = new Date(times.local(ms));
  const minutes = Math.round(times.offset(ms) / 60_000);
  const offset = `${minutes < 0 ? '-' : '+'}${twoDigits(Math.floor(Math.abs(minutes) / 60))}:${twoDigits(Math.abs(minutes) % 60)}`;
  return `${yearMonthDay(local)} ${local.toISOString().slice(-13, -1)}${offset}${era(local)}`;
}

/** `YYYY-MM-DD`, with `BC` behind it for years before 1. */
function isoDate(localMs: number): string {
  const date = new Date(localMs);
  return `${yearMonthDay(date)}${era(date)}`;
}

function yearMonthDay(date: Date): string {
  const year = date.getUTCFullYear();
  return `${String(year > 0 ? year : 1 - year).padStart(4, '0')}-${twoDigits(date.getUTCMonth() + 1)}-${twoDigits(date.getUTCDate())}`;
}

function era(date: Date): string {
  return date.getUTCFullYear() > 0 ? '' : ' BC';
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** An array as PostgreSQL reads it from text: `{"a","b",NULL}`. Throws DataException for elements that it cannot hold. */
export function arrayLiteral(schema: Schema, value: unknown): string {
  const element = schema.valueSchema;
  if (element === null || !Array.isArray(value)) throw new DataException('Unsupported source data type: ARRAY');
  const items = value.map((item) => {
    if (item === null || item === undefined) return 'NULL';
    if (element.type === 'ARRAY') return arrayLiteral(element, item);
    if (item instanceof Uint8Array || element.type === 'STRUCT' || element.type === 'MAP' || item instanceof Date)
      throw new DataException(`Unsupported type for array item: ${element.name ?? element.type}`);
    return `"${javaToString(element, item).replace(/["\\]/g, '\\$&')}"`;
  });
  return `{${items.join(',')}}`;
}

function number(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError(`a number is expected, not ${typeof value}`);
  return value;
}

function string(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`a string is expected, not ${typeof value}`);
  return value;
}

function outOfRange(value: unknown): RangeError {
  return new RangeError(typeof value === 'number' || typeof value === 'bigint' ? 'it is out of range' : `a whole number is expected, not ${typeof value}`);
}

function unfit(name: string, error: unknown): DataException {
  return new DataException(`The value of field ${name} cannot be written: ${(error as Error).message}`, { cause: error });
}
