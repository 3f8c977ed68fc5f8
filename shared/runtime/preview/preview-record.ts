import { numberText, parseExactly } from './raw-json.ts';

/** A header that a preview is given. */
export interface PreviewHeader {
  readonly key: string;
  readonly content: PreviewContent;
}

/** A key or value: as bytes for a sink, as JSON with or without a schema for a source. Both are there, and the connector decides. */
export interface PreviewContent {
  /** As the bytes in Kafka: a text is its UTF-8, any other JSON its text. */
  readonly bytes: Buffer | null;
  /** JSON text. */
  readonly json: string;
  /** JSON text of a schema as JsonConverter has it; null without one. */
  readonly schema: string | null;
}

/** A record that a preview is given. */
export interface PreviewRecord {
  readonly topic: string;
  readonly partition: number | null;
  readonly offset: bigint;
  /** Milliseconds since the epoch. */
  readonly timestamp: number | null;
  readonly key: PreviewContent;
  readonly value: PreviewContent;
  readonly headers: readonly PreviewHeader[];
}

/** A record of a preview that is written wrongly: the message says which, and what would be right. */
export class PreviewRecordException extends Error {}

const fields = ['topic', 'partition', 'offset', 'timestamp', 'key', 'key_schema', 'key_base64', 'value', 'value_schema', 'value_base64', 'headers'];
const headerFields = ['key', 'value', 'schema', 'value_base64'];

/** Most records of one preview. */
export const maxPreviewRecords = 1000;

/**
 * Reads records from JSON text: a list, or whatever `listOf` takes out of the text's root.
 * Throws SyntaxError where it is no JSON, and PreviewRecordException.
 */
export function previewRecords(text: string, listOf: (root: unknown) => unknown = (root) => root): readonly PreviewRecord[] {
  const list = listOf(parseExactly(text));
  if (!Array.isArray(list)) throw new PreviewRecordException('Expected a list of records');
  if (list.length > maxPreviewRecords) throw new PreviewRecordException(`Expected at most ${maxPreviewRecords} records, found ${list.length}`);
  return list.map((each, at) => recordOf(each, `Record ${at + 1}`));
}

function recordOf(given: unknown, where: string): PreviewRecord {
  const record = objectOf(given, where, fields);
  const topic = record['topic'];
  if (typeof topic !== 'string' || topic === '') throw new PreviewRecordException(`${where}: expected "topic" as a text`);
  const headers = record['headers'] ?? [];
  if (!Array.isArray(headers)) throw new PreviewRecordException(`${where}: expected "headers" as a list of objects with "key" and "value"`);
  const partition = wholeNumber(record, 'partition', where);
  const timestamp = wholeNumber(record, 'timestamp', where);
  return {
    topic,
    partition: partition === null ? null : Number(partition),
    offset: wholeNumber(record, 'offset', where) ?? 0n,
    timestamp: timestamp === null ? null : Number(timestamp),
    key: contentOf(record, 'key', 'key_schema', 'key_base64', where),
    value: contentOf(record, 'value', 'value_schema', 'value_base64', where),
    headers: headers.map((each, at) => headerOf(each, `${where}, header ${at + 1}`)),
  };
}

function headerOf(given: unknown, where: string): PreviewHeader {
  const header = objectOf(given, where, headerFields);
  const key = header['key'];
  if (typeof key !== 'string') throw new PreviewRecordException(`${where}: expected "key" as a text`);
  return { key, content: contentOf(header, 'value', 'schema', 'value_base64', where) };
}

function contentOf(record: Readonly<Record<string, unknown>>, name: string, schemaName: string, base64Name: string, where: string): PreviewContent {
  const json = JSON.stringify(record[name] ?? null);
  const schema = record[schemaName] ?? null;
  const base64 = record[base64Name] ?? null;
  const rest = { json, schema: schema === null ? null : JSON.stringify(schema) };
  if (base64 !== null) {
    if (typeof base64 !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw new PreviewRecordException(`${where}: expected "${base64Name}" in base64`);
    if (record[name] !== undefined) throw new PreviewRecordException(`${where}: expected either "${name}" or "${base64Name}"`);
    return { ...rest, bytes: Buffer.from(base64, 'base64') };
  }
  const value = record[name] ?? null;
  return { ...rest, bytes: value === null ? null : Buffer.from(typeof value === 'string' ? value : json) };
}

function wholeNumber(record: Readonly<Record<string, unknown>>, name: string, where: string): bigint | null {
  const value = record[name] ?? null;
  if (value === null) return null;
  const text = numberText(value);
  if (text === null || !/^\d{1,18}$/.test(text)) throw new PreviewRecordException(`${where}: expected "${name}" as a whole number, 0 or more`);
  return BigInt(text);
}

function objectOf(given: unknown, where: string, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof given !== 'object' || given === null || Array.isArray(given) || numberText(given) !== null)
    throw new PreviewRecordException(`${where}: expected an object with ${known.join(', ')}`);
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new PreviewRecordException(`${where}: unrecognized field "${unknown}"; known are ${known.join(', ')}`);
  return given as Record<string, unknown>;
}
