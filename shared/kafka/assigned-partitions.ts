import { ConnectException } from '../connect/errors.ts';
import { partitionKey, type TopicPartition } from '../connect/topic-partition.ts';
import type { FetchedRecord } from './fetched-record.ts';
import { type AnswerMemory, PartitionFetchState } from './partition-fetch-state.ts';
import type { PartitionRecords } from './ports.ts';
import type { RecordBatchDecoder } from './record-batch-decoder.ts';

/** The partitions of one reader, whose turn it is, and how much memory what was fetched of them takes. */
export class AssignedPartitions {
  #byKey = new Map<string, PartitionFetchState>();
  #order: readonly PartitionFetchState[] = [];
  #turn = 0;
  #held = 0;

  /** Bytes of what waits: answers, and batches that were decompressed. */
  get held(): number {
    return this.#held;
  }

  /** Neighbours of a topic are together. */
  get all(): readonly PartitionFetchState[] {
    return this.#order;
  }

  get topics(): string[] {
    return [...new Set(this.#order.map((state) => state.topic))];
  }

  replace(positions: readonly (TopicPartition & { readonly offset: bigint | null })[]): void {
    for (const state of this.#order) this.restart(state, null);
    this.#byKey = new Map(positions.map(({ topic, partition, offset }) => [partitionKey(topic, partition), new PartitionFetchState(topic, partition, offset)]));
    this.#order = [...this.#byKey.values()].sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1));
    this.#turn = 0;
  }

  find(topic: string, partition: number): PartitionFetchState | undefined {
    return this.#byKey.get(partitionKey(topic, partition));
  }

  require(topic: string, partition: number): PartitionFetchState {
    const state = this.find(topic, partition);
    if (!state) throw new ConnectException(`Partition ${partitionKey(topic, partition)} is not assigned to this reader`);
    return state;
  }

  positions(): ReadonlyMap<string, bigint> {
    const positions = new Map<string, bigint>();
    for (const { key, position } of this.#order) if (position !== null) positions.set(key, position);
    return positions;
  }

  caughtUp(): boolean {
    for (const state of this.#order) if (!state.paused && !state.caughtUp) return false;
    return true;
  }

  /** True when there is something to take. */
  get waiting(): boolean {
    return this.#order.some((state) => !state.paused && state.waiting > 0);
  }

  /** Continues a partition elsewhere, or at an offset that is yet to be found. */
  restart(state: PartitionFetchState, offset: bigint | null): void {
    this.#held -= state.restart(offset);
  }

  /** Takes in what an answer brought for a partition. */
  add(state: PartitionFetchState, decoder: RecordBatchDecoder, memory: AnswerMemory, nextFetch: bigint): void {
    this.#held += state.add(decoder, memory, nextFetch);
  }

  /** Throws away what waits for partitions that are paused. */
  dropPaused(): void {
    for (const state of this.#order) if (state.paused) this.restart(state, state.position);
  }

  /** What can be fetched now, in turn: first where nothing waits, then one answer ahead of the one that is being worked on. */
  toFetch(): readonly PartitionFetchState[] {
    const first: PartitionFetchState[] = [];
    const ahead: PartitionFetchState[] = [];
    const count = this.#order.length;
    for (let step = 0; step < count; step++) {
      const state = this.#order[(this.#turn + step) % count] as PartitionFetchState;
      if (state.paused || state.fetching || state.fetchOffset === null) continue;
      if (state.waiting === 0) first.push(state);
      else if (state.waiting === 1) ahead.push(state);
    }
    return ahead.length === 0 ? first : first.concat(ahead);
  }

  /** Takes up to `max` records, in turn. What is corrupt is told to `onCorrupt`; what comes before it is returned. */
  take(max: number, onCorrupt: (error: Error) => void): PartitionRecords[] {
    const result: PartitionRecords[] = [];
    const count = this.#order.length;
    let left = max;
    for (let step = 0; step < count && left > 0; step++) {
      const state = this.#order[(this.#turn + step) % count] as PartitionFetchState;
      const { waiting, position: before } = state;
      if (state.paused || waiting === 0) continue;
      const records: FetchedRecord[] = [];
      try {
        this.#held -= state.take(left, records);
      } catch (error) {
        const last = records.at(-1);
        this.restart(state, last ? last.offset + 1n : before);
        onCorrupt(error as Error);
      }
      left -= records.length;
      if (records.length > 0 || state.position !== before) {
        result.push({ topic: state.topic, partition: state.partition, records, nextOffset: state.position as bigint });
      }
      // A partition that filled the poll goes on in the next one, until its answer is done with: then that memory is
      // free, and no more than one batch is decompressed at a time. After that it comes last.
      if (left === 0) this.#turn = (this.#turn + step + (state.waiting < waiting ? 1 : 0)) % count;
    }
    return result;
  }
}
