import type { SourceRecord } from '../../connect/data/record.ts';
import { ConnectException, isRetriable } from '../../connect/errors.ts';
import { canonicalJson } from '../../connect/exact-json.ts';
import type { OffsetStorageReader, TransactionContext } from '../../connect/source-task.ts';
import type { ProducerRecord, SendResult } from '../../kafka/ports.ts';
import type { TaskItem } from '../../storage/ports.ts';
import { AbstractWorkerSourceTask, type ConvertedBatch, type PolledRecord, refusedBy, type SourceTaskParts } from '../abstract-worker-source-task.ts';
import { InterruptedException } from '../errors/retry-with-tolerance-operator.ts';
import type { RunControl } from '../run-control.ts';
import type { WorkerTaskResult } from '../worker-task.ts';
import { isProducerFenced } from './producer-fenced.ts';
import type { PartitionOffset, StoredOffsets } from './stored-offsets.ts';
import type { TransactionBoundary } from './transaction-boundary.ts';

/** Who produces, for dead letters. */
const className = 'org.apache.kafka.connect.runtime.ExactlyOnceWorkerSourceTask';
/** How long an instance that is given up waits for its open transaction to be aborted; else whoever comes next aborts it. */
const abortTimeoutMs = 2_000;

/** What an exactly-once task is made of besides. Its producer has taken its transactional id over, and the offsets were read after that. */
export interface ExactlyOnceParts extends SourceTaskParts {
  readonly offsetsTopic: string;
  readonly stored: StoredOffsets;
  readonly boundary: TransactionBoundary;
  /** After which the broker aborts an open transaction. */
  readonly transactionTimeoutMs: number;
}

/** A transaction from its first record on. */
interface Transaction {
  readonly beganAt: number;
  /** By content of the partition. */
  readonly offsets: Map<string, PartitionOffset>;
  /** Only kept when the task wants `commitRecord`. */
  readonly sends: { readonly records: readonly PolledRecord[]; readonly result: Promise<SendResult | null> }[];
  size: number;
}

/**
 * A source task whose records and offsets are committed together, or not at all (Kafka Connect's
 * `ExactlyOnceWorkerSourceTask`, KIP-618). While a transaction is being committed the next batch is polled and converted.
 *
 * Invariant: who may commit has read the offsets after everybody before lost the right to. The table only mirrors what
 * is committed.
 */
export class ExactlyOnceWorkerSourceTask extends AbstractWorkerSourceTask {
  protected override readonly transactionContext: TransactionContext | null;
  readonly #topic: string;
  readonly #stored: StoredOffsets;
  readonly #boundary: TransactionBoundary;
  readonly #transactionTimeoutMs: number;
  #open: Transaction | null = null;
  /** The commit under way; what it rejects with is seen by `#settle`. */
  #closing: { readonly transaction: Transaction; readonly done: Promise<void>; readonly startedAt: number } | null = null;
  /** Committed, and not yet in the table; by content of the partition. */
  readonly #mirror = new Map<string, PartitionOffset>();
  /** A transaction could not be ended: it is over when another producer takes the id over. */
  #broken = false;
  /** The run should have ended: nothing is waited for any more. */
  #late = false;
  /** Ends the wait under way. */
  #giveUp: (() => void) | null = null;

  constructor(parts: ExactlyOnceParts) {
    super(parts);
    this.#topic = parts.offsetsTopic;
    this.#stored = parts.stored;
    this.#boundary = parts.boundary;
    this.#transactionTimeoutMs = parts.transactionTimeoutMs;
    this.transactionContext = parts.boundary.context;
  }

  override run(control: RunControl, item: TaskItem): Promise<WorkerTaskResult> {
    this.#boundary.begin();
    this.#late = false;
    control.signal.addEventListener('abort', () => void this.#giveUpLater(), { once: true });
    return super.run(control, item);
  }

  override async stop(): Promise<void> {
    // Readers of committed records wait for transactions that nobody ends. One that was committed in the meantime is no more to be aborted.
    if (this.#open !== null || this.#closing !== null) await this.#within(abortTimeoutMs, this.producer.abortTransaction()).catch(() => {});
    await super.stop();
  }

  protected override offsetStorageReader(): OffsetStorageReader {
    const offset = async (partition: PartitionOffset['partition']) => {
      const stored = this.#stored.get(partition);
      // A run that died after its commit has left the table behind.
      const mirrored = await this.parts.storage.offsets.sourceOffset(this.item.connector, partition);
      if (canonicalJson(stored) !== canonicalJson(mirrored)) this.#mirror.set(canonicalJson(partition), { partition, offset: stored });
      return stored;
    };
    return { offset, offsets: (partitions) => Promise.all(partitions.map(offset)) };
  }

  protected override keepsRecords(): boolean {
    return this.task.commitRecord !== undefined || this.#boundary.context !== null;
  }

  protected override async newTopic(topic: string): Promise<void> {
    // A task that asks for its offsets would wait for the end of its own transaction.
    if (topic === this.#topic) throw new ConnectException('Source tasks may not produce to their own offsets topics when exactly-once support is enabled');
    await super.newTopic(topic);
    await this.activeTopics.store();
  }

  protected override isBusy(): boolean {
    return this.#open !== null && !this.#boundary.commitsAtEnd;
  }

  protected override async submit(batch: ConvertedBatch): Promise<void> {
    const { context } = this.#boundary;
    if (context !== null) {
      await this.#submitWithin(batch, context);
      return;
    }
    const transaction = await this.#begin();
    for (const [partition, offset] of batch.offsets) if (offset !== null) transaction.offsets.set(canonicalJson(partition), { partition, offset });
    if (this.#boundary.afterBatch() === 'commit') {
      // In one go with the records: one round for all partitions to join.
      this.#send(batch, this.#takeOffsetRecords(transaction, batch.produced));
      this.#commit();
      return;
    }
    this.#send(batch);
    const room = this.producer.ready();
    if (room !== undefined) await room;
  }

  /** The same where the task has said after which of the records transactions end. */
  async #submitWithin({ produced, sources, records }: ConvertedBatch, context: NonNullable<TransactionBoundary['context']>): Promise<void> {
    let from = 0;
    const polled = records as readonly PolledRecord[];
    const send = async (to: number) => {
      if (to === from) return;
      const part = polled.slice(from, to);
      from = to;
      const indexes = part.flatMap(({ index }) => (index < 0 ? [] : [index]));
      const transaction = await this.#begin();
      for (const { record } of part) note(transaction, record);
      const first = indexes[0] ?? 0;
      const end = first + indexes.length;
      const moved = part.map(({ record, index }) => ({ record, index: index < 0 ? index : index - first }));
      this.#send({ produced: produced.slice(first, end), sources: sources.slice(first, end), records: moved });
      const room = this.producer.ready();
      if (room !== undefined) await room;
    };
    for (const [at, { record }] of polled.entries()) {
      const asked = context.take(record);
      if (asked === null) continue;
      await send(at + 1);
      await this.#end(asked);
    }
    await send(polled.length);
    const asked = this.#boundary.afterBatch();
    if (asked !== null) await this.#end(asked);
  }

  protected override async polledNothing(answered: boolean): Promise<void> {
    await this.#settle();
    // As in Kafka Connect a task that ends transactions says so with a list, if an empty one.
    if (this.#boundary.context !== null && !answered) return;
    if (this.#open === null && this.#boundary.commitsAtEnd) return;
    const asked = this.#boundary.afterBatch();
    if (asked !== null) await this.#end(asked);
  }

  /** The table follows: it is what people see, and no task begins from. */
  protected override async commitOffsets(): Promise<boolean> {
    await this.activeTopics.store();
    if (this.#mirror.size > 0) {
      const offsets = [...this.#mirror.values()];
      await this.parts.storage.runs.commitSourceOffsets(this.item, offsets);
      this.#mirror.clear();
    }
    return true;
  }

  protected override async finalOffsetCommit(complete: boolean): Promise<boolean> {
    let settled = false;
    try {
      if (!this.#broken) settled = await this.#endAll(complete);
    } catch (error) {
      if (!(error instanceof InterruptedException)) throw error;
      this.parts.logger.warn('Timed out waiting for Kafka to end a transaction; what is not committed will be read again', this.#fields());
    }
    await this.commitOffsets();
    return settled;
  }

  /** Ends the last transaction of a run. False when the task has not ended it: the next run begins where the one before ended. */
  async #endAll(complete: boolean): Promise<boolean> {
    await this.#settle();
    // What the task said last may have been of a batch that is not in the transaction.
    const asked = this.#boundary.commitsAtEnd ? 'commit' : complete ? this.#boundary.afterBatch() : null;
    if (asked !== null) await this.#end(asked);
    if (this.#open === null) return true;
    await this.#abort();
    return false;
  }

  protected override throwFailures(): void {
    // Whatever fails is seen when the transaction is ended.
  }

  /** The open transaction, or a new one, after the one before is committed. */
  async #begin(): Promise<Transaction> {
    await this.#settle();
    if (this.#open === null) {
      const beganAt = this.parts.clock.now();
      try {
        await this.#bounded(this.producer.beginTransaction());
      } catch (error) {
        throw this.#reasonOf(error, beganAt);
      }
      this.#open = { beganAt, offsets: new Map(), sends: [], size: 0 };
    }
    return this.#open;
  }

  #send({ produced, sources, records }: Omit<ConvertedBatch, 'offsets'>, offsetRecords = 0): void {
    const transaction = this.#open as Transaction;
    const count = produced.length - offsetRecords;
    transaction.size += count;
    this.metrics.sending(count);
    const result = this.producer.send(produced).then(
      (each) => {
        this.metrics.sent(count, Math.min(count, each.acknowledged));
        // The transaction fails with it; who mends the record finds it here.
        for (const [index, error] of each.errors)
          if (index < count && !isRetriable(error))
            this.parts.deadLetters?.report(refusedBy(error, sources[index] as SourceRecord, produced[index] as ProducerRecord, className));
        return each;
      },
      () => {
        this.metrics.sent(count, 0);
        return null;
      },
    );
    if (this.task.commitRecord !== undefined && records !== null) transaction.sends.push({ records, result });
  }

  /** Appends the records of the transaction's offsets, and tells how many they are. */
  #takeOffsetRecords(transaction: Transaction, records: ProducerRecord[]): number {
    for (const each of transaction.offsets.values()) records.push(this.#stored.record(this.#topic, each));
    return transaction.offsets.size;
  }

  async #end(how: 'commit' | 'abort'): Promise<void> {
    await this.#settle();
    if (how === 'abort') await this.#abortAsAsked();
    if (this.#open === null) return;
    const records: ProducerRecord[] = [];
    this.#send({ produced: records, sources: [], records: null }, this.#takeOffsetRecords(this.#open, records));
    this.#commit();
    await this.#settle();
  }

  /** What was sent is dropped; its offsets are stored all the same, so that the task does not see the same records again, as in Kafka Connect. */
  async #abortAsAsked(): Promise<void> {
    const { logger } = this.parts;
    if (this.#open === null) {
      logger.warn('Ignoring request by task to abort transaction as the current transaction is empty', this.#fields());
      return;
    }
    logger.info('Aborting transaction as requested by connector', this.#fields());
    const { offsets, sends } = this.#open;
    await this.#abort();
    const transaction = await this.#begin();
    for (const [key, each] of offsets) transaction.offsets.set(key, each);
    for (const { records } of sends) transaction.sends.push({ records: records.map(({ record }) => ({ record, index: -1 })), result: Promise.resolve(null) });
  }

  async #abort(): Promise<void> {
    const { beganAt } = this.#open as Transaction;
    this.#open = null;
    try {
      await this.#bounded(this.producer.abortTransaction());
    } catch (error) {
      throw this.#reasonOf(error, beganAt);
    }
  }

  /** Begins to commit the open transaction. */
  #commit(): void {
    const transaction = this.#open as Transaction;
    this.#open = null;
    const { deadLetters } = this.parts;
    // What was left out of it is told before it is gone past.
    const done = deadLetters === null ? this.producer.commitTransaction() : deadLetters.flush().then(() => this.producer.commitTransaction());
    // Seen by `#settle`, which may come later.
    done.catch(() => {});
    this.#closing = { transaction, done, startedAt: this.parts.clock.now() };
  }

  /** Waits for the commit under way. Throws what it failed with; InterruptedException when the run ended long before it. */
  async #settle(): Promise<void> {
    if (this.#closing === null) return;
    const { transaction, done, startedAt } = this.#closing;
    try {
      await this.#bounded(done);
    } catch (error) {
      if (!(error instanceof InterruptedException)) {
        this.metrics.commitFailed();
        await this.parts.deadLetters?.flush();
      }
      throw this.#reasonOf(error, transaction.beganAt);
    }
    this.#closing = null;
    for (const [key, each] of transaction.offsets) {
      this.#stored.set(each);
      this.#mirror.set(key, each);
    }
    this.metrics.committed(startedAt);
    this.metrics.transaction(transaction.size);
    for (const { records, result } of transaction.sends) {
      const sent = await result;
      for (const { record, index } of records) this.task.commitRecord?.(record, index < 0 ? null : (sent?.metadata(index) ?? null));
    }
    await this.task.commit();
  }

  /** What it means that a transaction, begun then, could not be begun or ended. Nothing can be done with the producer after it. */
  #reasonOf(error: unknown, beganAt: number): unknown {
    this.#broken = true;
    if (error instanceof InterruptedException) return error;
    const { connector, task } = this.item;
    if (!isProducerFenced(error)) {
      const failure = new ConnectException(`Failed to flush offsets and/or records for task ${connector}-${task}`, { cause: error });
      // Kafka Connect's producers never give up where it may pass.
      return retriableCause(error) ? this.circuit.gaveUp(error, failure) : failure;
    }
    if (this.parts.clock.now() - beganAt < this.#transactionTimeoutMs) return error;
    return new ConnectException(
      `The task ${connector}-${task} was unable to finish writing records to Kafka before its producer transaction expired. It may be necessary to reconfigure this connector in order for it to run healthily with exactly-once support. Options for this include: tune the connector's producer configuration for higher throughput, increase the transaction timeout for the connector's producers, decrease the offset commit interval (if using interval-based transaction boundaries), or use the 'poll' transaction boundary (if the connector is not already configured to use it).`,
      { cause: new InvalidProducerEpochException((error as Error).message) },
    );
  }

  /** Waits, until `offset.flush.timeout.ms` after the end of the run at the latest: InterruptedException then. */
  #bounded<T>(waiting: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#giveUp = () => reject(new InterruptedException('The run ended while a transaction was being ended'));
      if (this.#late) this.#giveUp();
      waiting.then(resolve, reject).finally(() => {
        this.#giveUp = null;
      });
    });
  }

  async #giveUpLater(): Promise<void> {
    await this.parts.clock.sleep(this.parts.settings.offsetFlushTimeoutMs);
    this.#late = true;
    this.#giveUp?.();
  }

  async #within(ms: number, waiting: Promise<void>): Promise<void> {
    const over = new AbortController();
    await Promise.race([waiting, this.parts.clock.sleep(ms, over.signal)]);
    over.abort();
  }

  #fields(): { connector: string; task: number } {
    return { connector: this.item.connector, task: this.item.task };
  }
}

/** What Kafka's producer says of a transaction that was open for too long. */
class InvalidProducerEpochException extends ConnectException {
  override readonly javaClass: string = 'org.apache.kafka.common.errors.InvalidProducerEpochException';
}

function retriableCause(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) if (isRetriable(each)) return true;
  return false;
}

function note({ offsets }: Transaction, { sourcePartition, sourceOffset }: SourceRecord): void {
  if (sourceOffset !== null) offsets.set(canonicalJson(sourcePartition), { partition: sourcePartition, offset: sourceOffset });
}
