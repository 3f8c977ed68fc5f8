import { type ConnectRecord, type Header, NO_HEADERS, SinkRecord, SourceRecord } from '../../shared/connect/index.ts';
import { plugins } from '../../shared/plugins.ts';
import { TransformationChain } from '../../shared/runtime/transformation-chain.ts';
import { attempt, type Outcome } from './expectation.ts';
import { decodeSchema, decodeValue, encodeSchema, encodeValue, type TaggedSchema, type TaggedValue } from './tagged-values.ts';

interface TaggedPair {
  readonly schema: TaggedSchema;
  readonly value: TaggedValue;
}

interface TaggedRecord {
  readonly topic: string;
  readonly partition?: number | null;
  readonly offset?: string;
  readonly timestamp: string | null;
  readonly key: TaggedPair;
  readonly value: TaggedPair;
  readonly headers: readonly (TaggedPair & { readonly key: string })[];
}

/** A case of kind `smt`: the transformations of a connector's config, applied to one record. */
export interface SmtCase {
  readonly id: string;
  readonly kind: 'smt';
  readonly connectorType: 'sink' | 'source';
  readonly config: Readonly<Record<string, string>>;
  readonly record: TaggedRecord;
  readonly expect: Readonly<Record<string, unknown>>;
}

/** Makes the chain and applies it once. */
export function runSmt({ config, connectorType, record: tagged }: SmtCase): Outcome {
  const record = decodeRecord(connectorType, tagged);
  const chain = attempt('config', () => new TransformationChain(config, (kind, name) => plugins.find(kind, name) as never));
  if ('error' in chain) return chain;
  const applied = attempt('apply', () => chain.value.apply(record));
  chain.value.close();
  if ('error' in applied) return applied;
  return { answer: applied.value === null ? { dropped: true } : { record: encodeRecord(applied.value) } };
}

function decodeRecord(connectorType: 'sink' | 'source', { topic, partition, offset, timestamp, key, value, headers }: TaggedRecord): ConnectRecord {
  const keySchema = decodeSchema(key.schema);
  const valueSchema = decodeSchema(value.schema);
  const time = timestamp === null || timestamp === undefined ? null : Number(timestamp);
  const list = (headers ?? []).map((header): Header => {
    const schema = decodeSchema(header.schema);
    return { key: header.key, schema, value: decodeValue(schema, header.value) };
  });
  const data = [keySchema, decodeValue(keySchema, key.value), valueSchema, decodeValue(valueSchema, value.value)] as const;
  if (connectorType === 'source') return new SourceRecord({ p: '1' }, { o: 1n }, topic, partition ?? null, ...data, time, list);
  return new SinkRecord(topic, partition ?? 0, ...data, BigInt(offset ?? 0), time, time === null ? 'NoTimestampType' : 'CreateTime', list ?? NO_HEADERS);
}

function encodeRecord(record: ConnectRecord): TaggedRecord {
  return {
    topic: record.topic,
    partition: record.kafkaPartition,
    ...(record instanceof SinkRecord && { offset: String(record.kafkaOffset) }),
    timestamp: record.timestamp === null ? null : String(record.timestamp),
    key: { schema: encodeSchema(record.keySchema), value: encodeValue(record.keySchema, record.key) },
    value: { schema: encodeSchema(record.valueSchema), value: encodeValue(record.valueSchema, record.value) },
    headers: record.headers.map(({ key, schema, value }) => ({ key, schema: encodeSchema(schema), value: encodeValue(schema, value) })),
  };
}
