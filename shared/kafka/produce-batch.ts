import { partitionKey } from '../connect/topic-partition.ts';
import type { CompressionType } from './compression.ts';
import type { FetchedRecord } from './fetched-record.ts';
import { type ProducerStamp, stampBatch } from './record-batch.ts';
import { RecordBatchDecoder } from './record-batch-decoder.ts';
import { type BufferPool, type EncodableRecord, RecordBatchEncoder } from './record-batch-encoder.ts';

/** Somebody who waits for a batch to be decided. */
export interface BatchWatcher {
  settled(): void;
}

/**
 * A batch of one partition from its first record to its fate. When the broker refuses a batch for one record's sake it
 * is split; then its parts' fates are its own.
 */
export class ProduceBatch {
  readonly topic: string;
  readonly partition: number;
  readonly createdAt: number;
  readonly pool: BufferPool;
  encoder: RecordBatchEncoder | undefined;
  bytes: Buffer | undefined;
  count = 0;
  baseSequence = -1;
  /** How often it was sent. */
  attempts = 0;
  inFlight = false;
  /** Bytes held against the producer's memory. */
  held = 0;
  baseOffset = -1n;
  logAppendTime = -1;
  error: Error | null = null;
  /** Why it was not acknowledged yet. */
  lastError: Error | undefined;
  parts: readonly ProduceBatch[] | null = null;
  parent: ProduceBatch | null = null;
  watchers: BatchWatcher[] = [];
  done = false;
  #release: Buffer | undefined;

  constructor(topic: string, partition: number, createdAt: number, pool: BufferPool) {
    this.topic = topic;
    this.partition = partition;
    this.createdAt = createdAt;
    this.pool = pool;
  }

  get key(): string {
    return partitionKey(this.topic, this.partition);
  }

  seal(stamp: ProducerStamp, compression: CompressionType): void {
    const { batch, release } = (this.encoder as RecordBatchEncoder).seal(stamp, compression);
    this.bytes = batch;
    this.#release = release;
    this.encoder = undefined;
    this.baseSequence = stamp.baseSequence;
  }

  stamp(stamp: ProducerStamp): void {
    if (this.bytes) stampBatch(this.bytes, stamp);
    this.baseSequence = stamp.baseSequence;
  }

  /** Two halves in its place, sealed as this one was. */
  split(stamp: ProducerStamp, compression: CompressionType): readonly [ProduceBatch, ProduceBatch] {
    const middle = this.count >> 1;
    const decoder = new RecordBatchDecoder(this.bytes as Buffer, { partition: this.key, startOffset: 0n, checkCrcs: false });
    const half = (count: number, baseSequence: number): ProduceBatch => {
      const batch = new ProduceBatch(this.topic, this.partition, this.createdAt, this.pool);
      const records: FetchedRecord[] = [];
      decoder.take(count, records);
      for (const record of records) batch.add(record, record.timestamp, Number.POSITIVE_INFINITY);
      batch.seal({ ...stamp, baseSequence }, compression);
      batch.parent = this;
      return batch;
    };
    const parts = [half(middle, this.baseSequence), half(this.count - middle, nextSequence(this.baseSequence, middle))] as const;
    parts[0].held = this.held >> 1;
    parts[1].held = this.held - parts[0].held;
    this.held = 0;
    this.parts = parts;
    this.#free();
    return parts;
  }

  /** False when there is no room for it below `limit` bytes. */
  add(record: EncodableRecord, timestamp: number, limit: number): boolean {
    this.encoder ??= new RecordBatchEncoder(this.pool);
    if (!this.encoder.append(record, timestamp, limit)) return false;
    this.count++;
    return true;
  }

  /** Decides it, and whatever waits for it. */
  settle(error: Error | null): void {
    this.error = error;
    this.done = true;
    this.#free();
    let batch: ProduceBatch | null = this;
    while (batch?.done) {
      for (const watcher of batch.watchers) watcher.settled();
      batch.watchers = [];
      batch = batch.parent;
      if (batch?.parts?.every((part) => part.done)) batch.done = true;
    }
  }

  /** The batch that a record ended in, and its place there. */
  locate(index: number): { batch: ProduceBatch; index: number } {
    let batch: ProduceBatch = this;
    let place = index;
    while (batch.parts) {
      const [first, second] = batch.parts as readonly [ProduceBatch, ProduceBatch];
      if (place < first.count) batch = first;
      else {
        place -= first.count;
        batch = second;
      }
    }
    return { batch, index: place };
  }

  #free(): void {
    if (this.#release) this.pool.give(this.#release);
    this.#release = undefined;
    this.bytes = undefined;
  }
}

/** Sequence numbers are 31 bits and begin again at 0. */
export function nextSequence(sequence: number, count: number): number {
  return (sequence + count) % 2 ** 31;
}
