import { ConnectException } from '../connect/errors.ts';
import { partitionKey, type TopicPartition } from '../connect/topic-partition.ts';
import type { PartitionReader, PartitionRecords } from '../kafka/ports.ts';

/**
 * Reads what an event source delivered in place of fetching: a task cannot tell the difference. What is stored already is left out,
 * because event sources deliver again after a failure.
 */
export class DeliveredRecordsReader implements PartitionReader {
  readonly #positions = new Map<string, bigint>();
  readonly #paused = new Set<string>();
  #delivered: readonly PartitionRecords[] = [];

  /** The records of the next run; those of the run before are forgotten. */
  offer(batches: readonly PartitionRecords[]): void {
    this.#delivered = batches;
    for (const { topic, partition, records, nextOffset } of batches) {
      const key = partitionKey(topic, partition);
      const first = records[0]?.offset ?? nextOffset;
      const position = this.#positions.get(key);
      // The event source keeps its own position: where it is ahead, what is between was never to be delivered.
      if (position === undefined || position < first) this.#positions.set(key, first);
    }
  }

  /** True when everything that was offered has been read. */
  get drained(): boolean {
    return this.#delivered.every(({ topic, partition, nextOffset }) => (this.#positions.get(partitionKey(topic, partition)) ?? 0n) >= nextOffset);
  }

  assign(positions: readonly (TopicPartition & { readonly offset: bigint | null })[]): void {
    this.#positions.clear();
    for (const { topic, partition, offset } of positions) if (offset !== null) this.#positions.set(partitionKey(topic, partition), offset);
    this.offer(this.#delivered);
  }

  seek({ topic, partition }: TopicPartition, offset: bigint): void {
    const key = partitionKey(topic, partition);
    const batch = this.#delivered.find((each) => partitionKey(each.topic, each.partition) === key);
    const first = batch?.records[0]?.offset;
    if (first !== undefined && offset < first)
      throw new ConnectException(
        `Partition ${key} cannot go back to offset ${offset}: this connector gets its records delivered, and these begin at ${first}. Without sluice.trigger=event it reads them itself.`,
      );
    this.#positions.set(key, offset);
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#paused.add(partitionKey(topic, partition));
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#paused.delete(partitionKey(topic, partition));
  }

  async poll(): Promise<readonly PartitionRecords[]> {
    const ready: PartitionRecords[] = [];
    for (const { topic, partition, records, nextOffset } of this.#delivered) {
      const key = partitionKey(topic, partition);
      const position = this.#positions.get(key) ?? 0n;
      if (position >= nextOffset || this.#paused.has(key)) continue;
      ready.push({ topic, partition, records: records.filter(({ offset }) => offset >= position), nextOffset });
      this.#positions.set(key, nextOffset);
    }
    return ready;
  }

  positions(): ReadonlyMap<string, bigint> {
    return this.#positions;
  }

  caughtUp(): boolean {
    return true;
  }

  async close(): Promise<void> {
    this.#delivered = [];
  }
}
