import type { Clock } from './clock.ts';
import type { SinkRecord } from './data/record.ts';
import type { Logger } from './logger.ts';
import type { TopicPartition } from './topic-partition.ts';

/** Takes single records that a sink could not write (KIP-610). Resolves when the dead letter queue has it, rejects when the error is not tolerated. */
export interface ErrantRecordReporter {
  report(record: SinkRecord, error: Error): Promise<void>;
}

/** Positions in Kafka: the next offset to be read, by `partitionKey(topic, partition)`. */
export type SinkOffsets = ReadonlyMap<string, bigint>;

export interface SinkTaskContext {
  readonly connector: string;
  readonly task: number;
  /** The task's config as texts, secrets resolved. */
  readonly config: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted when the run ends. A new one for each run. */
  readonly signal: AbortSignal;
  /** The partitions of this task. */
  assignment(): readonly TopicPartition[];
  /** Continues reading at these offsets (by `partitionKey`) instead. */
  offset(offsets: SinkOffsets): void;
  /** No records of these partitions are put until they are resumed. */
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** The next retry after a RetriableException waits this long, in milliseconds. */
  timeout(ms: number): void;
  /** Ask for offsets to be committed soon. */
  requestCommit(): void;
  /** Null when errors are not tolerated and there is no dead letter queue. */
  readonly errantRecordReporter: ErrantRecordReporter | null;
  /** Fails the task. */
  raiseError(error: Error): void;
}

/** Writes to an external system. One task lives through several runs; see `SourceTask`. */
export abstract class SinkTask {
  /** Called once, before anything else. */
  start(): Promise<void> | void {}
  /** Partitions were assigned: before the first put, and again when the assignment changed. */
  open(_partitions: readonly TopicPartition[]): Promise<void> | void {}
  /**
   * Takes records, in order within each partition. They need not be written when it returns, but must be after
   * `flush`. Throwing RetriableException brings the same records again; any other error fails the task.
   */
  abstract put(records: readonly SinkRecord[]): Promise<void> | void;
  /** Writes out what was put. Offsets are committed only after it. */
  flush(_offsets: SinkOffsets): Promise<void> | void {}
  /** What may be committed; by default everything, after `flush`. Partitions that are left out are not committed. */
  async preCommit(offsets: SinkOffsets): Promise<SinkOffsets> {
    await this.flush(offsets);
    return offsets;
  }
  /** Partitions were taken away. */
  close(_partitions: readonly TopicPartition[]): Promise<void> | void {}
  /** Called once when the task is replaced or the process ends; release everything. */
  stop(): Promise<void> | void {}
}
