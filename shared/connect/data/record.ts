import type { Schema } from './schema.ts';

/** A value with its schema; `schema` is null for schemaless data. */
export interface SchemaAndValue {
  readonly schema: Schema | null;
  readonly value: unknown;
}

/** A header of a record. The same key may occur again. */
export interface Header extends SchemaAndValue {
  readonly key: string;
}

/** Headers in order. Never mutated: make a new list. `NO_HEADERS` is shared by all records without any. */
export type Headers = readonly Header[];
export const NO_HEADERS: Headers = Object.freeze([]);

/** What sink and source records have in common. Records are immutable; `with` makes a changed copy. */
export abstract class ConnectRecord {
  readonly topic: string;
  readonly kafkaPartition: number | null;
  readonly keySchema: Schema | null;
  readonly key: unknown;
  readonly valueSchema: Schema | null;
  readonly value: unknown;
  /** Milliseconds since the epoch, or null. */
  readonly timestamp: number | null;
  readonly headers: Headers;

  constructor(
    topic: string,
    kafkaPartition: number | null,
    keySchema: Schema | null,
    key: unknown,
    valueSchema: Schema | null,
    value: unknown,
    timestamp: number | null,
    headers: Headers,
  ) {
    this.topic = topic;
    this.kafkaPartition = kafkaPartition;
    this.keySchema = keySchema;
    this.key = key;
    this.valueSchema = valueSchema;
    this.value = value;
    this.timestamp = timestamp;
    this.headers = headers;
  }

  /** A copy with other data; source partition and offset, or Kafka offset, stay. Java's `newRecord`. */
  abstract newRecord(
    topic: string,
    kafkaPartition: number | null,
    keySchema: Schema | null,
    key: unknown,
    valueSchema: Schema | null,
    value: unknown,
    timestamp: number | null,
    headers?: Headers,
  ): this;

  withKey(keySchema: Schema | null, key: unknown): this {
    return this.newRecord(this.topic, this.kafkaPartition, keySchema, key, this.valueSchema, this.value, this.timestamp, this.headers);
  }
  withValue(valueSchema: Schema | null, value: unknown): this {
    return this.newRecord(this.topic, this.kafkaPartition, this.keySchema, this.key, valueSchema, value, this.timestamp, this.headers);
  }
  withTopic(topic: string): this {
    return this.newRecord(topic, this.kafkaPartition, this.keySchema, this.key, this.valueSchema, this.value, this.timestamp, this.headers);
  }
  withHeaders(headers: Headers): this {
    return this.newRecord(this.topic, this.kafkaPartition, this.keySchema, this.key, this.valueSchema, this.value, this.timestamp, headers);
  }
}

/** A place in an external system, as JSON: `{"filename": "a.txt"}`. */
export type SourcePartition = Readonly<Record<string, unknown>>;
/** How far it was read, as JSON: `{"position": 42}`. bigint is allowed and stored exactly. */
export type SourceOffset = Readonly<Record<string, unknown>>;

/** What a source task hands to the framework. `topic` and a value are needed, the rest may be null. */
export class SourceRecord extends ConnectRecord {
  readonly sourcePartition: SourcePartition;
  readonly sourceOffset: SourceOffset | null;

  constructor(
    sourcePartition: SourcePartition,
    sourceOffset: SourceOffset | null,
    topic: string,
    kafkaPartition: number | null,
    keySchema: Schema | null,
    key: unknown,
    valueSchema: Schema | null,
    value: unknown,
    timestamp: number | null = null,
    headers: Headers = NO_HEADERS,
  ) {
    super(topic, kafkaPartition, keySchema, key, valueSchema, value, timestamp, headers);
    this.sourcePartition = sourcePartition;
    this.sourceOffset = sourceOffset;
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
    return new SourceRecord(this.sourcePartition, this.sourceOffset, topic, kafkaPartition, keySchema, key, valueSchema, value, timestamp, headers) as this;
  }
}

export type TimestampType = 'CreateTime' | 'LogAppendTime' | 'NoTimestampType';

/** What a sink task is given. The original topic, partition and offset are those in Kafka, whatever transforms made of the topic. */
export class SinkRecord extends ConnectRecord {
  readonly kafkaOffset: bigint;
  readonly timestampType: TimestampType;
  readonly originalTopic: string;
  readonly originalKafkaPartition: number;

  constructor(
    topic: string,
    kafkaPartition: number | null,
    keySchema: Schema | null,
    key: unknown,
    valueSchema: Schema | null,
    value: unknown,
    kafkaOffset: bigint,
    timestamp: number | null,
    timestampType: TimestampType = 'CreateTime',
    headers: Headers = NO_HEADERS,
    originalTopic: string = topic,
    originalKafkaPartition: number = kafkaPartition ?? 0,
  ) {
    super(topic, kafkaPartition, keySchema, key, valueSchema, value, timestamp, headers);
    this.kafkaOffset = kafkaOffset;
    this.timestampType = timestampType;
    this.originalTopic = originalTopic;
    this.originalKafkaPartition = originalKafkaPartition;
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
    return new SinkRecord(
      topic,
      kafkaPartition,
      keySchema,
      key,
      valueSchema,
      value,
      this.kafkaOffset,
      timestamp,
      this.timestampType,
      headers,
      this.originalTopic,
      this.originalKafkaPartition,
    ) as this;
  }
}
