import type { Headers } from '../connect/data/record.ts';
import { SinkRecord } from '../connect/data/record.ts';
import type { Schema } from '../connect/data/schema.ts';
import type { ConsumerRecord } from '../kafka/ports.ts';

/** A sink record that remembers the bytes it came from, so that a task may report it to the dead letter queue later. */
export class InternalSinkRecord extends SinkRecord {
  readonly consumed: ConsumerRecord;

  constructor(record: SinkRecord, consumed: ConsumerRecord) {
    super(
      record.topic,
      record.kafkaPartition,
      record.keySchema,
      record.key,
      record.valueSchema,
      record.value,
      record.kafkaOffset,
      record.timestamp,
      record.timestampType,
      record.headers,
      record.originalTopic,
      record.originalKafkaPartition,
    );
    this.consumed = consumed;
  }

  override newRecord(
    topic: string,
    kafkaPartition: number | null,
    keySchema: Schema | null,
    key: unknown,
    valueSchema: Schema | null,
    value: unknown,
    timestamp: number | null,
    headers: Headers = this.headers,
  ): this {
    return new InternalSinkRecord(super.newRecord(topic, kafkaPartition, keySchema, key, valueSchema, value, timestamp, headers), this.consumed) as this;
  }
}
