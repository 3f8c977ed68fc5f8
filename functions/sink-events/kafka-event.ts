import type { ConsumerRecord, PartitionRecords } from '../../shared/kafka/ports.ts';

/** A record in an event of a Kafka event source mapping: bytes in base64, headers as lists of bytes. */
interface EventRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly timestampType: 'CREATE_TIME' | 'LOG_APPEND_TIME' | 'NO_TIMESTAMP_TYPE' | 'NoTimestampType';
  readonly key?: string | null;
  readonly value?: string | null;
  readonly headers?: readonly Readonly<Record<string, readonly number[] | null>>[];
}

/** What an event source mapping sends, of MSK (`aws:kafka`) or of a cluster of one's own (`SelfManagedKafka`). */
export interface KafkaEvent {
  readonly eventSource: 'aws:kafka' | 'SelfManagedKafka';
  readonly bootstrapServers?: string;
  readonly eventSourceArn?: string;
  readonly records: Readonly<Record<string, readonly EventRecord[]>>;
}

const timestampTypes = {
  CREATE_TIME: 'CreateTime',
  LOG_APPEND_TIME: 'LogAppendTime',
  NO_TIMESTAMP_TYPE: 'NoTimestampType',
  NoTimestampType: 'NoTimestampType',
} as const;

/** The records of an event by partition, in the order of their offsets, as if they had been fetched. */
export function deliveredRecords({ records }: KafkaEvent): readonly PartitionRecords[] {
  return Object.values(records)
    .filter((some) => some.length > 0)
    .map((some) => {
      const { topic, partition } = some[0] as EventRecord;
      const read = some.map(recordOf).sort((a, b) => (a.offset < b.offset ? -1 : 1));
      return { topic, partition, records: read, nextOffset: (read.at(-1) as ConsumerRecord).offset + 1n };
    });
}

function recordOf({ offset, timestamp, timestampType, key, value, headers = [] }: EventRecord): ConsumerRecord {
  return {
    offset: BigInt(offset),
    timestamp,
    timestampType: timestampTypes[timestampType] ?? 'CreateTime',
    key: bytes(key),
    value: bytes(value),
    // Java's bytes have a sign: -1 is 0xff.
    headers: headers.flatMap((each) =>
      Object.entries(each).map(([name, list]) => ({ key: name, value: list === null ? null : Buffer.from(Int8Array.from(list)) })),
    ),
  };
}

function bytes(base64: string | null | undefined): Buffer | null {
  return base64 === null || base64 === undefined ? null : Buffer.from(base64, 'base64');
}
