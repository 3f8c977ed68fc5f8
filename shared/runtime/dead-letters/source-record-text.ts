import { type Header, SourceRecord } from '../../connect/data/record.ts';
import { parseExact, stringifyExact } from '../../connect/exact-json.ts';
import { decodeSchema, decodeValue, encodeSchema, encodeValue, type TaggedSchema, type TaggedValue } from './tagged-values.ts';

interface TextOfRecord {
  readonly topic: string;
  readonly partition: number | null;
  readonly timestamp: number | null;
  readonly sourcePartition: Record<string, unknown>;
  readonly sourceOffset: Record<string, unknown> | null;
  readonly key: TextOfValue;
  readonly value: TextOfValue;
  readonly headers: readonly (TextOfValue & { readonly key: string })[];
}

interface TextOfValue {
  readonly schema: TaggedSchema;
  readonly value: TaggedValue;
}

/**
 * A source's record as JSON from which the same record can be made again: schemas, and a tag at each value for its Java
 * class. What cannot be written (a value that holds itself) is told, with where it is from.
 */
export function recordText(record: SourceRecord): string {
  try {
    return stringifyExact(textOf(record));
  } catch (error) {
    const { topic, sourcePartition, sourceOffset } = record;
    return stringifyExact({ topic, sourcePartition, sourceOffset, unreadable: `The record cannot be written as JSON: ${(error as Error).message}` });
  }
}

function textOf(record: SourceRecord): TextOfRecord {
  return {
    topic: record.topic,
    partition: record.kafkaPartition,
    timestamp: record.timestamp,
    sourcePartition: record.sourcePartition,
    sourceOffset: record.sourceOffset,
    key: { schema: encodeSchema(record.keySchema), value: encodeValue(record.keySchema, record.key) },
    value: { schema: encodeSchema(record.valueSchema), value: encodeValue(record.valueSchema, record.value) },
    headers: record.headers.map(({ key, schema, value }) => ({ key, schema: encodeSchema(schema), value: encodeValue(schema, value) })),
  };
}

/** The other way round. Throws on what `recordText` did not write. */
export function recordOfText(text: string): SourceRecord {
  const record = parseExact(text) as TextOfRecord;
  const keySchema = decodeSchema(record.key.schema);
  const valueSchema = decodeSchema(record.value.schema);
  return new SourceRecord(
    record.sourcePartition,
    record.sourceOffset,
    record.topic,
    record.partition,
    keySchema,
    decodeValue(keySchema, record.key.value),
    valueSchema,
    decodeValue(valueSchema, record.value.value),
    record.timestamp,
    record.headers.map(({ key, schema, value }): Header => {
      const decoded = decodeSchema(schema);
      return { key, schema: decoded, value: decodeValue(decoded, value) };
    }),
  );
}
