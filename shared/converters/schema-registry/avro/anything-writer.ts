import { Boxed, DataException } from '../../../connect/index.ts';
import { javaClassName } from '../../../connect/java/java-value.ts';
import type { AvroOutput } from './avro-output.ts';

/** Places of the fields of `Anything`. */
const places = { boolean: 0, double: 2, float: 3, int: 4, long: 5, string: 6, array: 7, map: 8 };
const FIELDS = 9;

/** Writes a value that has no schema, as a record of `Anything`. Throws DataException. */
export function writeAnything(out: AvroOutput, value: unknown): void {
  const type = value === null || value === undefined ? null : typeOf(value);
  const place = type === null ? FIELDS : places[type];
  for (let at = 0; at < place; at++) out.int(0);
  if (type === null) return;
  out.int(1);
  write(out, type, value);
  for (let at = place + 1; at < FIELDS; at++) out.int(0);
}

function typeOf(value: unknown): keyof typeof places {
  if (typeof value === 'boolean' || typeof value === 'string') return typeof value as 'boolean' | 'string';
  if (typeof value === 'bigint') return 'long';
  if (typeof value === 'number') return Number.isInteger(value) ? 'long' : 'double';
  if (value instanceof Boxed && value.type !== 'BIGINTEGER') return value.type === 'FLOAT32' ? 'float' : value.type === 'FLOAT64' ? 'double' : 'int';
  if (Array.isArray(value)) return 'array';
  if (value instanceof Map) return 'map';
  throw new DataException(`Unknown Java type for schemaless data: class ${javaClassName(null, value)}`);
}

function write(out: AvroOutput, type: keyof typeof places, value: unknown): void {
  switch (type) {
    case 'boolean':
      out.boolean(value as boolean);
      break;
    case 'string':
      out.text(value as string);
      break;
    case 'long':
      out.long(value as bigint | number);
      break;
    case 'double':
      out.double(Number(value));
      break;
    case 'float':
      out.float(Number(value));
      break;
    case 'int':
      out.int(Number(value));
      break;
    case 'array':
      writeItems(out, value as readonly unknown[]);
      break;
    case 'map':
      writeEntries(out, value as ReadonlyMap<unknown, unknown>);
  }
}

function writeItems(out: AvroOutput, items: readonly unknown[]): void {
  if (items.length > 0) out.long(items.length);
  for (const item of items) writeAnything(out, item);
  out.int(0);
}

function writeEntries(out: AvroOutput, map: ReadonlyMap<unknown, unknown>): void {
  if (map.size > 0) out.long(map.size);
  for (const [key, item] of map) {
    writeAnything(out, key);
    writeAnything(out, item);
  }
  out.int(0);
}
