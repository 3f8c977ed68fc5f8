import type { ProducerRecord, SendResult } from './ports.ts';
import type { BatchWatcher, ProduceBatch } from './produce-batch.ts';

/** One `send` until all of its records are decided: which batch each record went to, as runs, and what failed before. */
export class SendTracker implements SendResult, BatchWatcher {
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
    if (batch.watchers.at(-1) !== this) {
      batch.watchers.push(this);
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
