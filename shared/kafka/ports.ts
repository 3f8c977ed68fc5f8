import { ConnectException } from '../connect/errors.ts';
import type { TopicPartition } from '../connect/topic-partition.ts';

/**
 * The Kafka port. Its three parts are `PartitionReader`, `RecordProducer` and `ClusterAdmin`; nothing outside
 * `shared/kafka` knows which client is behind it. Partition keys are `partitionKey(topic, partition)`.
 */

/** A header as bytes. */
export interface RecordHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

/** A record as it was fetched: views into the fetched buffer, valid as long as somebody holds them. */
export interface ConsumerRecord {
  readonly offset: bigint;
  /** Milliseconds since the epoch; -1 when there is none. */
  readonly timestamp: number;
  readonly timestampType: 'CreateTime' | 'LogAppendTime' | 'NoTimestampType';
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Decoded on demand, in order. */
  readonly headers: readonly RecordHeader[];
}

/** Records of one partition, in order, and the position after them (also past control batches and compacted gaps). */
export interface PartitionRecords extends TopicPartition {
  readonly records: readonly ConsumerRecord[];
  /** The position once these records are done with. */
  readonly nextOffset: bigint;
}

export type OffsetReset = 'earliest' | 'latest' | 'none';

export interface PartitionReaderOptions {
  readonly isolationLevel?: 'read_committed' | 'read_uncommitted';
  /** What to do where a position is null or out of range. Default earliest, as in Kafka Connect. */
  readonly offsetReset?: OffsetReset;
  /** Most records that one `poll` returns. Default 500 (`max.poll.records`). */
  readonly maxPollRecords?: number;
  readonly fetchMaxBytes?: number;
  readonly maxPartitionFetchBytes?: number;
  readonly fetchMinBytes?: number;
  /** How long a broker may wait for `fetchMinBytes`. Default 500 (`fetch.max.wait.ms`). */
  readonly fetchMaxWaitMs?: number;
  /** Verify the checksum of every batch. Default true (`check.crcs`). */
  readonly checkCrcs?: boolean;
  readonly clientId?: string;
}

/** Reads partitions that were assigned to it, from offsets that it was given; no consumer group. Fetches ahead while a batch is worked on. */
export interface PartitionReader {
  /** Replaces the assignment. A null offset is resolved by `offsetReset`. */
  assign(positions: readonly (TopicPartition & { readonly offset: bigint | null })[]): void;
  /** Continues a partition at another offset; what was fetched ahead of it is thrown away. */
  seek(partition: TopicPartition, offset: bigint): void;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /**
   * The next records, `maxPollRecords` at most over all partitions; an empty list after `timeoutMs` without any, or
   * when the signal is aborted. A partition may come with no records and a moved `nextOffset`.
   * Rejects with RetriableException when the cluster cannot be reached, ConnectException when it never will.
   */
  poll(timeoutMs: number, signal?: AbortSignal): Promise<readonly PartitionRecords[]>;
  /** The next offset that `poll` will return for each assigned partition whose position is known. */
  positions(): ReadonlyMap<string, bigint>;
  /** True when the last fetch showed that there is nothing more to be read now in any partition that is not paused. */
  caughtUp(): boolean;
  close(): Promise<void>;
}

/** A record to be produced. */
export interface ProducerRecord {
  readonly topic: string;
  /** Null: chosen by Kafka's partitioning (murmur2 of the key; sticky without key). */
  readonly partition: number | null;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[];
  /** Milliseconds; null: now. */
  readonly timestamp: number | null;
}

/** What became of the records of one `send`. */
export interface SendResult {
  /** How many were acknowledged. */
  readonly acknowledged: number;
  /** Errors by index in the batch; empty when all went well. */
  readonly errors: ReadonlyMap<number, Error>;
  /** Where a record landed; null for one that failed. */
  metadata(index: number): { topic: string; partition: number; offset: bigint; timestamp: number } | null;
}

export interface RecordProducerOptions {
  readonly clientId?: string;
  readonly idempotent?: boolean;
  readonly transactionalId?: string;
  readonly compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  /** `max.request.size`, bytes. Default 1048576. A larger record is an error of that record. */
  readonly maxRequestSize?: number;
  /** Most bytes of one batch before compression (`batch.size`). Default: as many as `maxRequestSize`, when the records are there. */
  readonly batchSize?: number;
  /** How long a batch that is not full waits for more while nothing is under way (`linger.ms`). Default 0. */
  readonly lingerMs?: number;
  /** How long `send` looks for a topic that is not known yet, and may be being created. Default 15000 (`max.block.ms` of Kafka, shorter). */
  readonly metadataTimeoutMs?: number;
  /** `transaction.timeout.ms`. Default 60000. */
  readonly transactionTimeoutMs?: number;
  /** Where bytes of records not yet acknowledged are bounded, `send` waits. Default 32 MB (`buffer.memory`). */
  readonly bufferMemory?: number;
  /** Longest time from `send` to a record's failure. Default 120000 (Connect sets `delivery.timeout.ms` to the maximum; a run has a deadline). */
  readonly deliveryTimeoutMs?: number;
}

/** Produces with acks=all. Order within a partition is the order of `send`. */
export interface RecordProducer {
  /**
   * Takes a batch and starts to send it. Resolves when every record was acknowledged or has failed; never rejects for
   * a record's sake. Several sends may be under way. Await `ready()` before the next one to respect `bufferMemory`.
   */
  send(records: readonly ProducerRecord[]): Promise<SendResult>;
  /** Resolves when there is room for more. Undefined when there is now, so that the hot path need not wait a turn. */
  ready(): Promise<void> | undefined;
  /** Resolves when everything that was sent is decided. */
  flush(): Promise<void>;
  beginTransaction(): Promise<void>;
  /**
   * Makes offsets of a consumer group, by partition key, part of the open transaction: they become the group's when it
   * is committed, and are forgotten when it is aborted (KIP-98). The group has no members. When it rejects, the
   * transaction can only be aborted.
   */
  sendOffsetsToTransaction(group: string, offsets: ReadonlyMap<string, bigint>): Promise<void>;
  commitTransaction(): Promise<void>;
  abortTransaction(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Another producer with the same transactional id has taken over, or a transaction was open for longer than its timeout: this one must not
 * write any more.
 */
export class ProducerFencedException extends ConnectException {
  override readonly javaClass: string = 'org.apache.kafka.common.errors.ProducerFencedException';
}

export interface NewTopic {
  readonly topic: string;
  /** -1: the broker's default. */
  readonly partitions: number;
  /** -1: the broker's default. */
  readonly replicationFactor: number;
  readonly configs?: Readonly<Record<string, string>>;
}

export interface ClusterDescription {
  readonly clusterId: string;
  /** Node id of the controller, or of the broker that stands for it. */
  readonly controller: number;
  readonly brokers: readonly { readonly id: number; readonly host: string; readonly port: number }[];
}

export interface TopicDescription {
  readonly internal: boolean;
  /** In order of their numbers; nodes by id, leader -1 when there is none now. */
  readonly partitions: readonly {
    readonly partition: number;
    readonly leader: number;
    readonly replicas: readonly number[];
    readonly isr: readonly number[];
  }[];
  /** Every config of the topic with its value now, defaults of the broker among them; null where the broker keeps it to itself. */
  readonly configs: ReadonlyMap<string, string | null>;
}

export interface ClusterAdmin {
  /** The cluster's id. */
  clusterId(): Promise<string>;
  describeCluster(): Promise<ClusterDescription>;
  /** Topics that do not exist are left out. Rejects with the broker's reason, for example that the client may not see a topic. */
  describeTopics(topics: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>>;
  /** Number of partitions of each topic that exists; all topics of the cluster when no names are given. */
  partitionCounts(topics?: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Creates a topic; false when it existed. Rejects with the broker's reason. */
  createTopic(topic: NewTopic): Promise<boolean>;
  /** High watermarks (or the last stable offsets for read_committed), by partition key, in one round for thousands; partitions that do not exist are left out. */
  endOffsets(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, bigint>>;
  beginningOffsets(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, bigint>>;
  /** Offsets at or after a time in milliseconds. */
  offsetsForTime(partitions: readonly TopicPartition[], timestamp: number): Promise<ReadonlyMap<string, bigint>>;
  /** Committed offsets of a consumer group, by partition key; empty when the group is unknown. */
  groupOffsets(group: string): Promise<ReadonlyMap<string, bigint>>;
  /** Commits offsets for a group that has no members (generation -1). */
  commitGroupOffsets(group: string, offsets: ReadonlyMap<string, bigint>): Promise<void>;
  deleteGroup(group: string): Promise<void>;
  deleteTopics(topics: readonly string[]): Promise<void>;
  /**
   * Deletes the records before an offset of each partition (by partition key); -1n: all that there are.
   * Returns where each partition begins now. Rejects with the broker's reason (offset out of range, compacted topic, ...).
   */
  deleteRecords(before: ReadonlyMap<string, bigint>): Promise<ReadonlyMap<string, bigint>>;
  close(): Promise<void>;
}

/** Where the cluster is and how to get in: Kafka's own client keys (`bootstrap.servers`, `security.protocol`, `sasl.*`, `ssl.*`). */
export type KafkaClientConfig = Readonly<Record<string, string>>;

/** Makes clients. Connections are made when first needed. */
export interface KafkaClients {
  reader(options?: PartitionReaderOptions, overrides?: KafkaClientConfig): PartitionReader;
  producer(options?: RecordProducerOptions, overrides?: KafkaClientConfig): RecordProducer;
  admin(overrides?: KafkaClientConfig): ClusterAdmin;
  /** Closes everything that was made. */
  close(): Promise<void>;
}
