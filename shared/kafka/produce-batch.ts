import { partitionKey } from '../connect/topic-partition.ts';
import type { CompressionType } from './compression.ts';
import type { FetchedRecord } from './fetched-record.ts';
import type { ProducerRecord, SendResult } from './ports.ts';
import { type ProducerStamp, stampBatch } from './record-batch.ts';
import { RecordBatchDecoder } from './record-batch-decoder.ts';
import { type BufferPool, type EncodableRecord, RecordBatchEncoder } from './record-batch-encoder.ts';

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
  trackers: SendTracker[] = [];
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
      for (const tracker of batch.trackers) tracker.settled();
      batch.trackers = [];
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

/** One `send` until all of its records are decided: which batch each record went to, as runs, and what failed before. */
export class SendTracker implements SendResult {
  readonly promise: Promise<SendResult>;
  readonly #records: readonly ProducerRecord[];
  readonly #now: number;
  readonly #onDone: () => void;
  readonly #starts: number[] = [];
  readonly #batches: ProduceBatch[] = [];
  readonly #places: number[] = [];
  #errors: Map<number, Error> | undefined;
  #last: ProduceBatch | undefined;
  #open = 1;
  #resolve!: (result: SendResult) => void;

  constructor(records: readonly ProducerRecord[], now: number, onDone: () => void) {
    this.#records = records;
    this.#now = now;
    this.#onDone = onDone;
    this.promise = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get acknowledged(): number {
    return this.#records.length - (this.#errors?.size ?? 0);
  }

  get errors(): ReadonlyMap<number, Error> {
    return this.#errors ?? noErrors;
  }

  metadata(index: number): { topic: string; partition: number; offset: bigint; timestamp: number } | null {
    const record = this.#records[index];
    if (!record || this.#errors?.has(index)) return null;
    const run = this.#runOf(index);
    const start = this.#starts[run];
    const found = this.#batches[run];
    if (start === undefined || !found) return null;
    const { batch, index: place } = found.locate((this.#places[run] as number) + index - start);
    const timestamp = batch.logAppendTime >= 0 ? batch.logAppendTime : (record.timestamp ?? this.#now);
    // Offset -1: the broker had the batch already, and has forgotten where.
    return { topic: batch.topic, partition: batch.partition, offset: batch.baseOffset < 0n ? -1n : batch.baseOffset + BigInt(place), timestamp };
  }

  /** Record `index` went into `batch` at `place`. Called in the order of indexes as long as nothing waits for metadata. */
  placed(index: number, batch: ProduceBatch, place: number): void {
    const last = this.#starts.length - 1;
    if (batch === this.#last && index === (this.#starts[last] as number) + place - (this.#places[last] as number)) return;
    this.#starts.push(index);
    this.#batches.push(batch);
    this.#places.push(place);
    this.#last = batch;
    if (batch.trackers.at(-1) !== this) {
      batch.trackers.push(this);
      this.#open++;
    }
  }

  failed(index: number, error: Error): void {
    this.#errors ??= new Map();
    this.#errors.set(index, error);
  }

  /** One more thing to wait for before the result: records that wait for metadata. */
  hold(): void {
    this.#open++;
  }

  settled(): void {
    if (--this.#open > 0) return;
    this.#sort();
    this.#collectErrors();
    this.#onDone();
    this.#resolve(this);
  }

  #runOf(index: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] as number) <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  // Records that waited for metadata were placed after later ones.
  #sort(): void {
    const starts = this.#starts;
    if (starts.every((start, run) => run === 0 || (starts[run - 1] as number) < start)) return;
    const runs = starts.map((start, run) => ({ start, batch: this.#batches[run] as ProduceBatch, place: this.#places[run] as number }));
    runs.sort((a, b) => a.start - b.start);
    for (const [run, { start, batch, place }] of runs.entries()) {
      this.#starts[run] = start;
      this.#batches[run] = batch;
      this.#places[run] = place;
    }
  }

  #collectErrors(): void {
    if (!this.#batches.some((batch) => batch.parts || batch.error)) return;
    const failedBefore = new Set(this.#errors?.keys());
    for (let run = 0; run < this.#starts.length; run++) {
      const from = this.#starts[run] as number;
      const whole = this.#batches[run] as ProduceBatch;
      if (!whole.parts && !whole.error) continue;
      const to = Math.min(this.#starts[run + 1] ?? this.#records.length, from + whole.count - (this.#places[run] as number));
      for (let index = from; index < to; index++) {
        if (failedBefore.has(index)) continue;
        const { batch } = whole.locate((this.#places[run] as number) + index - from);
        if (batch.error) this.failed(index, batch.error);
      }
    }
  }
}

const noErrors: ReadonlyMap<number, Error> = new Map();
