import { partitionKey, type TopicPartition } from '../connect/topic-partition.ts';
import type { FetchedRecord } from './fetched-record.ts';
import type { RecordBatchDecoder } from './record-batch-decoder.ts';

interface FetchedChunk {
  readonly decoder: RecordBatchDecoder;
  readonly bytes: number;
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
  fetching = false;
  /** Raised by whatever makes fetches under way worthless. */
  epoch = 0;
  #chunks: FetchedChunk[] = [];

  constructor(topic: string, partition: number, offset: bigint | null) {
    this.topic = topic;
    this.partition = partition;
    this.key = partitionKey(topic, partition);
    this.position = offset;
    this.fetchOffset = offset;
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
    const bytes = this.#chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
    this.#chunks = [];
    this.position = offset;
    this.fetchOffset = offset;
    this.end = undefined;
    this.epoch++;
    return bytes;
  }

  add(decoder: RecordBatchDecoder, bytes: number, nextFetch: bigint): void {
    this.#chunks.push({ decoder, bytes });
    this.fetchOffset = nextFetch;
  }

  /** Takes up to `max` records; returns the bytes that are free now. The position moves past them. */
  take(max: number, out: FetchedRecord[]): number {
    let freed = 0;
    while (out.length < max) {
      const chunk = this.#chunks[0];
      if (!chunk) break;
      chunk.decoder.take(max - out.length, out);
      const done = chunk.decoder.exhausted;
      this.position = chunk.decoder.nextOffset;
      if (!done) break;
      this.#chunks.shift();
      freed += chunk.bytes;
    }
    return freed;
  }
}
