import type { Clock } from './clock.ts';
import type { RecordMetadata } from './connector.ts';
import type { SourceOffset, SourcePartition, SourceRecord } from './data/record.ts';
import type { Logger } from './logger.ts';

/** Reads the offsets that were committed for this connector (KIP-26). */
export interface OffsetStorageReader {
  /** The committed offset of one partition, or null. */
  offset(partition: SourcePartition): Promise<SourceOffset | null>;
  /** The same for many, in order. */
  offsets(partitions: readonly SourcePartition[]): Promise<(SourceOffset | null)[]>;
}

/** Asks for transaction borders (KIP-618) when `transaction.boundary=connector`. */
export interface TransactionContext {
  commitTransaction(record?: SourceRecord): void;
  abortTransaction(record?: SourceRecord): void;
}

export interface SourceTaskContext {
  readonly connector: string;
  readonly task: number;
  /** The task's config as texts, secrets resolved. */
  readonly config: Readonly<Record<string, string>>;
  readonly offsetStorageReader: OffsetStorageReader;
  readonly transactionContext: TransactionContext | null;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted when the run ends: a poll that waits must come back then. A new one for each run. */
  readonly signal: AbortSignal;
  /** Asks the framework to make task configs anew. */
  requestTaskReconfiguration(): void;
  /** Fails the task. */
  raiseError(error: Error): void;
}

/**
 * Reads from an external system. One task lives through several runs: between two runs the process may be frozen for
 * minutes, so that connections may have gone and timers do not fire.
 */
export abstract class SourceTask {
  /** Called once, before the first poll. */
  start(): Promise<void> | void {}
  /**
   * Returns the next records, or null or nothing when there are none now. It may wait a little (a second, not
   * minutes) and must return soon after `context.signal` is aborted. Throwing RetriableException makes the framework
   * poll again; any other error fails the task.
   */
  abstract poll(): Promise<readonly SourceRecord[] | null> | readonly SourceRecord[] | null;
  /** Called after offsets were committed. */
  commit(): Promise<void> | void {}
  /** Called for each record that Kafka has acknowledged, in order; `metadata` is null for one that a transformation or error tolerance dropped. Override only if needed: it costs a call for each record. */
  commitRecord?(record: SourceRecord, metadata: RecordMetadata | null): void;
  /** Called once when the task is replaced or the process ends; release everything. */
  stop(): Promise<void> | void {}
}
