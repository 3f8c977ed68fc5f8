import { partitionKey, type TopicPartition } from '../../../connect/topic-partition.ts';
import type { PartitionReader, PartitionRecords } from '../../../kafka/ports.ts';

/** Gives a sink task the records of letters in place of fetched ones: each batch once, whatever was read of a partition before. */
export class LetterBatchReader implements PartitionReader {
  readonly #paused = new Set<string>();
  #waiting: readonly PartitionRecords[] = [];
  #rewound = false;

  offer(batches: readonly PartitionRecords[]): void {
    this.#waiting = batches;
    this.#rewound = false;
  }

  /** True when everything was read, and the task did not go back to read some of it again. */
  get drained(): boolean {
    return this.#waiting.length === 0 && !this.#rewound;
  }

  assign(): void {}

  /** A task goes back when a commit failed, or when it asks to: what was offered must be offered again. */
  seek(): void {
    this.#rewound = true;
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#paused.add(partitionKey(topic, partition));
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#paused.delete(partitionKey(topic, partition));
  }

  async poll(): Promise<readonly PartitionRecords[]> {
    const isPaused = ({ topic, partition }: TopicPartition) => this.#paused.has(partitionKey(topic, partition));
    const ready = this.#waiting.filter((batch) => !isPaused(batch));
    this.#waiting = this.#waiting.filter(isPaused);
    return ready;
  }

  positions(): ReadonlyMap<string, bigint> {
    return new Map();
  }

  caughtUp(): boolean {
    return true;
  }

  async close(): Promise<void> {
    this.#waiting = [];
  }
}
