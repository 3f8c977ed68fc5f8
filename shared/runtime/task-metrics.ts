import type { Clock } from '../connect/clock.ts';
import type { SourceRecord } from '../connect/data/record.ts';
import type { PartitionRecords } from '../kafka/ports.ts';
import { FencedException } from '../storage/ports.ts';
import type { Dimensions, Measure } from './measures.ts';
import type { Metrics } from './ports.ts';

/** What Kafka Connect measures of every task. Called for batches and commits, never for each record. */
export class TaskMetrics {
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #dimensions: Dimensions;

  constructor(metrics: Metrics, clock: Clock, task: { connector: string; task: number }) {
    this.#metrics = metrics;
    this.#clock = clock;
    this.#dimensions = { connector: task.connector, task: task.task };
  }

  protected get now(): number {
    return this.#clock.now();
  }

  protected add(measure: Measure, value: number): void {
    this.#metrics.add(measure, value, this.#dimensions);
  }

  /** Does what starts the task, and counts how that went. */
  async start(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.add('task-startup-failure-total', 1);
      throw error;
    }
    this.add('task-startup-success-total', 1);
  }

  /** Offsets are stored, or there was nothing new to store. */
  committed(startedAt: number): void {
    this.add('offset-commit-time-ms', this.now - startedAt);
    this.#commit(true);
  }

  commitFailed(): void {
    this.#commit(false);
  }

  #commit(success: boolean): void {
    this.add('offset-commit-success-percentage', success ? 1 : 0);
    this.add('offset-commit-failure-percentage', success ? 0 : 1);
  }
}

/** Of a sink task. */
export class SinkTaskMetrics extends TaskMetrics {
  #active = 0;

  assigned(partitions: number): void {
    this.add('partition-count', partitions);
  }

  /** Records came from Kafka. */
  read(records: number): void {
    if (records === 0) return;
    this.add('sink-record-read-total', records);
    this.add('batch-size', records);
    this.#active += records;
    this.add('sink-record-active-count', this.#active);
  }

  /** The task took what was left of them after the transformations. */
  put(records: number, startedAt: number): void {
    if (records === 0) return;
    this.add('put-batch-time-ms', this.now - startedAt);
    this.add('sink-record-send-total', records);
  }

  /** What was read is put: how old it is now. The first record of a partition's batch stands for the oldest, the last for the newest. */
  delivered(batches: readonly PartitionRecords[]): void {
    for (const { records } of batches) {
      const oldest = records[0]?.timestamp ?? -1;
      const newest = records.at(-1)?.timestamp ?? -1;
      if (oldest >= 0) this.add('end-to-end-latency-ms', Math.max(0, this.now - oldest));
      if (newest >= 0 && records.length > 1) this.add('end-to-end-latency-ms', Math.max(0, this.now - newest));
    }
  }

  /** `uncommitted`: records that the task holds back. */
  sinkCommitted(startedAt: number, uncommitted: number): void {
    this.committed(startedAt);
    this.add('offset-commit-completion-total', 1);
    this.#active = uncommitted;
    this.add('sink-record-active-count', uncommitted);
  }

  /** The offsets could not be stored: too late, when another run has the task. */
  storeFailed(error: unknown): void {
    if (error instanceof FencedException) this.add('offset-commit-skip-total', 1);
    else this.commitFailed();
  }
}

/** Of a source task. */
export class SourceTaskMetrics extends TaskMetrics {
  #active = 0;

  /** The task gave records. The first of a batch stands for the oldest. */
  polled(records: readonly SourceRecord[], startedAt: number): void {
    const now = this.now;
    this.add('poll-batch-time-ms', now - startedAt);
    this.add('source-record-poll-total', records.length);
    this.add('batch-size', records.length);
    const timestamp = records[0]?.timestamp ?? null;
    if (timestamp !== null) this.add('source-import-lag-ms', Math.max(0, now - timestamp));
  }

  sending(records: number): void {
    this.#active += records;
    this.add('source-record-active-count', this.#active);
  }

  /** Kafka has `written` of the records that were sent; the others failed. */
  sent(records: number, written: number): void {
    this.#active -= records;
    this.add('source-record-active-count', this.#active);
    if (written > 0) this.add('source-record-write-total', written);
  }

  /** A transaction with so many records was committed. */
  transaction(records: number): void {
    this.add('transaction-size', records);
  }
}
