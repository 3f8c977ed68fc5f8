import { partitionKey, type TopicPartition } from '../connect/topic-partition.ts';
import type { FetchedRecord } from './fetched-record.ts';
import type { RecordBatchDecoder } from './record-batch-decoder.ts';

/**
 * The memory of one fetched answer. What it brought for each partition is a view into it: as long as one of them waits,
 * all of it is held.
 */
export class AnswerMemory {
  readonly #bytes: number;
  #views = 0;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** One view more; returns the bytes that are held now and were not before. */
  hold(): number {
    return this.#views++ === 0 ? this.#bytes : 0;
  }

  /** One view less; returns the bytes that are free now. */
  release(): number {
    return --this.#views === 0 ? this.#bytes : 0;
  }
}

interface FetchedChunk {
  readonly decoder: RecordBatchDecoder;
  readonly memory: AnswerMemory;
}

/** Where one assigned partition stands: what `poll` returns next, what is fetched next, what waits between. */
export class PartitionFetchState implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  /** The next offset that `poll` returns; null until the reset policy has found one. */
  position: bigint | null;
  /** The next offset to ask for; ahead of `position` by what waits. */
  fetchOffset: bigint | null;
  /** End of what can be read, as of the last fetch; undefined before one, and after a seek. */
  end: bigint | undefined;
  paused = false;
  /** Raised by whatever makes fetches under way worthless. */
  epoch = 0;
  #chunks: FetchedChunk[] = [];
  /** The partitions of the fetch that it is part of now. */
  #fetch: readonly PartitionFetchState[] | null = null;
  #fetchEpoch = 0;
  /** Of the batch that is being taken, when it was compressed. */
  #decompressedBytes = 0;

  constructor(topic: string, partition: number, offset: bigint | null) {
    this.topic = topic;
    this.partition = partition;
    this.key = partitionKey(topic, partition);
    this.position = offset;
    this.fetchOffset = offset;
  }

  get fetching(): boolean {
    return this.#fetch !== null;
  }

  startFetch(fetch: readonly PartitionFetchState[]): void {
    this.#fetch = fetch;
    this.#fetchEpoch = this.epoch;
  }

  endFetch(fetch: readonly PartitionFetchState[]): void {
    if (this.#fetch === fetch) this.#fetch = null;
  }

  /** True when the answer to this fetch continues what there is: it was not assigned anew nor moved meanwhile. */
  expects(fetch: readonly PartitionFetchState[]): boolean {
    return this.#fetch === fetch && this.#fetchEpoch === this.epoch;
  }

  /** Fetched answers that wait. */
  get waiting(): number {
    return this.#chunks.length;
  }

  get caughtUp(): boolean {
    return this.end !== undefined && this.position !== null && this.#chunks.length === 0 && this.position >= this.end;
  }

  /** True unless the last fetch showed that what waits is all there is. */
  get more(): boolean {
    return this.end === undefined || this.fetchOffset === null || this.fetchOffset < this.end;
  }

  /** Continues elsewhere, or at an offset that is yet to be found; returns the bytes that were thrown away. */
  restart(offset: bigint | null): number {
    let freed = this.#decompressedBytes;
    for (const { memory } of this.#chunks) freed += memory.release();
    this.#chunks = [];
    this.#decompressedBytes = 0;
    this.position = offset;
    this.fetchOffset = offset;
    this.end = undefined;
    this.epoch++;
    return freed;
  }

  /** Returns the bytes that are held now and were not before. */
  add(decoder: RecordBatchDecoder, memory: AnswerMemory, nextFetch: bigint): number {
    this.#chunks.push({ decoder, memory });
    this.fetchOffset = nextFetch;
    return memory.hold();
  }

  /**
   * Takes up to `max` records of the answer that waits longest; returns the bytes that are free now, which may be
   * negative: a compressed batch became larger. The position moves past the records.
   */
  take(max: number, out: FetchedRecord[]): number {
    const chunk = this.#chunks[0];
    if (!chunk) return 0;
    const { decoder, memory } = chunk;
    decoder.take(max, out);
    const done = decoder.exhausted;
    this.position = decoder.nextOffset;
    const before = this.#decompressedBytes;
    this.#decompressedBytes = decoder.decompressedBytes;
    if (!done) return before - this.#decompressedBytes;
    this.#chunks.shift();
    return before - this.#decompressedBytes + memory.release();
  }
}
