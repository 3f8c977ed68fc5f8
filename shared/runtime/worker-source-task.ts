import type { SourceOffset, SourcePartition, SourceRecord } from '../connect/data/record.ts';
import { ConnectException, isRetriable } from '../connect/errors.ts';
import { canonicalJson } from '../connect/exact-json.ts';
import type { OffsetStorageReader } from '../connect/source-task.ts';
import type { ProducerRecord, SendResult } from '../kafka/ports.ts';
import { AbstractWorkerSourceTask, type ConvertedBatch, refusedBy } from './abstract-worker-source-task.ts';

/** Most batches under way; the producer bounds the bytes. */
const maxBatchesInFlight = 32;

/** Who produces, for dead letters. */
const className = 'org.apache.kafka.connect.runtime.WorkerSourceTask';

/** One batch on its way to Kafka (Kafka Connect's `SubmittedRecords`, a batch at a time). */
interface SubmittedBatch extends Pick<ConvertedBatch, 'offsets' | 'records'> {
  result: SendResult | null;
  failure: unknown;
}

/**
 * A source task that produces at least once (Kafka Connect's `WorkerSourceTask`).
 *
 * Invariant: an offset is stored only after its record, and all before it, are acknowledged by all replicas or dropped
 * on purpose.
 */
export class WorkerSourceTask extends AbstractWorkerSourceTask {
  protected override readonly transactionContext = null;
  readonly #submitted: SubmittedBatch[] = [];
  /** Sends that are not decided yet, what Kafka refused of them reported included. */
  readonly #deciding = new Set<Promise<void>>();

  protected override offsetStorageReader(): OffsetStorageReader {
    const { offsets } = this.parts.storage;
    const { connector } = this.item;
    return {
      offset: (partition) => offsets.sourceOffset(connector, partition),
      offsets: (partitions) => Promise.all(partitions.map((each) => offsets.sourceOffset(connector, each))),
    };
  }

  protected override keepsRecords(): boolean {
    return this.task.commitRecord !== undefined;
  }

  protected override async submit(batch: ConvertedBatch): Promise<void> {
    const { produced, offsets, records } = batch;
    const submitted: SubmittedBatch = { offsets, records, result: null, failure: null };
    this.#submitted.push(submitted);
    this.metrics.sending(produced.length);
    const sending = this.producer.send(produced).then(
      async (result) => {
        this.metrics.sent(produced.length, result.acknowledged);
        if (result.errors.size > 0) submitted.failure = await this.#produceFailed(batch, result);
        submitted.result = result;
      },
      (error: unknown) => {
        submitted.failure = error;
        this.metrics.sent(produced.length, 0);
      },
    );
    this.#deciding.add(sending);
    void sending.then(() => this.#deciding.delete(sending));
    const room = this.producer.ready();
    if (room !== undefined) await room;
    if (this.#submitted.length >= maxBatchesInFlight && this.#submitted.every(({ result, failure }) => result === null && failure === null)) await sending;
  }

  /**
   * Kafka Connect reports and skips records that could not be produced under `errors.tolerance=all`, and fails the task otherwise: what is
   * returned. Here the dead letter queue has them in either case, before their batch counts as decided. Where Kafka itself takes nothing no
   * record is to blame: its producers never give up then, and here the task waits.
   */
  async #produceFailed({ produced, sources }: ConvertedBatch, { errors }: SendResult): Promise<unknown> {
    const { operator, deadLetters, logger, settings } = this.parts;
    const { connector, task } = this.item;
    const [cause] = errors.values();
    const outage = [...errors.values()].find(isRetriable);
    if (outage !== undefined)
      return this.circuit.gaveUp(outage, new ConnectException('Unrecoverable exception from producer send callback', { cause: outage }));
    const tolerated = settings.policy.tolerance === 'all';
    if (tolerated)
      logger.error('Records could not be produced and are skipped (errors.tolerance=all)', { connector, task, records: errors.size, error: String(cause) });
    try {
      for (const [index, error] of errors) {
        const context = refusedBy(error, sources[index] as SourceRecord, produced[index] as ProducerRecord, className);
        if (tolerated) await operator.executeFailed(context);
        else deadLetters?.report(context);
      }
      await deadLetters?.flush();
    } catch (error) {
      return error;
    }
    return tolerated ? null : new ConnectException('Unrecoverable exception from producer send callback', { cause });
  }

  protected override async finalOffsetCommit(): Promise<boolean> {
    const flushed = await this.#flush();
    await this.commitOffsets();
    return flushed && this.#submitted.length === 0;
  }

  /** Waits for what is under way, within `offset.flush.timeout.ms`. False when something is left: the next run will read it again. */
  async #flush(): Promise<boolean> {
    const { clock, settings, logger } = this.parts;
    const done = new AbortController();
    const flushed = await Promise.race([
      this.producer
        .flush()
        .then(() => Promise.all(this.#deciding))
        .then(() => true),
      clock.sleep(settings.offsetFlushTimeoutMs, done.signal).then(() => done.signal.aborted),
    ]);
    done.abort();
    if (!flushed)
      logger.warn('Timed out waiting for Kafka to acknowledge records; they will be read again', { connector: this.item.connector, task: this.item.task });
    return flushed;
  }

  /** Stores the offsets of everything that is safe, in order; a batch that is not stops it. */
  protected override async commitOffsets(): Promise<boolean> {
    const { clock, storage } = this.parts;
    const offsets = new Map<string, { partition: SourcePartition; offset: SourceOffset | null }>();
    const done: SubmittedBatch[] = [];
    while (this.#submitted[0]?.result && this.#submitted[0].failure === null) {
      const batch = this.#submitted.shift() as SubmittedBatch;
      done.push(batch);
      for (const [partition, offset] of batch.offsets) if (offset !== null) offsets.set(canonicalJson(partition), { partition, offset });
    }
    await this.activeTopics.store();
    if (done.length === 0) return false;
    await this.parts.deadLetters?.flush();
    for (const batch of done) this.#tellRecords(batch);
    const startedAt = clock.now();
    try {
      if (offsets.size > 0) await storage.runs.commitSourceOffsets(this.item, [...offsets.values()]);
      await this.task.commit();
    } catch (error) {
      this.metrics.commitFailed();
      throw error;
    }
    this.metrics.committed(startedAt);
    return true;
  }

  #tellRecords({ records, result }: SubmittedBatch): void {
    if (records === null || result === null) return;
    for (const { record, index } of records) this.task.commitRecord?.(record, index < 0 ? null : result.metadata(index));
  }

  protected override throwFailures(): void {
    for (const { failure } of this.#submitted) if (failure !== null) throw failure;
  }
}
