import { KafkaCluster } from './kafka-cluster.ts';
import { brokerError, errorCode, isRetriableCode, KafkaTimeoutException, RecordTooLargeException } from './kafka-errors.ts';
import type { ProducerRecord } from './ports.ts';
import { nextSequence, ProduceBatch } from './produce-batch.ts';
import type { ProducedPartition } from './produce-protocol.ts';
import type { ProducerContext } from './producer-context.ts';
import { fenced, initProducerId, noIdentity, type ProducerIdentity } from './producer-identity.ts';

/** Between a failed try and the next. */
export const retryDelayMs = 100;

/**
 * The records of one partition between `send` and their acknowledgement: gathers them into batches, numbers the batches
 * and keeps them in their order through failures (KIP-98, KIP-360).
 */
export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  /** Nothing is to be sent before then; milliseconds. */
  retryAt = 0;
  readonly #context: ProducerContext;
  #open: ProduceBatch | null = null;
  /** Sealed batches in order; those under way come first. */
  readonly #unacked: ProduceBatch[] = [];
  #inFlight = 0;
  #identity: ProducerIdentity = noIdentity;
  /** Of the next batch that is sealed. */
  #nextSequence = 0;
  /** What the broker expects next. */
  #expected = 0;
  /** Something failed: wait for what is under way, then go on one batch at a time until one succeeds. */
  #recovering = false;
  /** Batches were taken out: the rest is numbered anew. */
  #renumber = false;
  /** The identity is of no use any more: get another before going on. */
  #needsIdentity = false;

  constructor(context: ProducerContext, topic: string, partition: number) {
    this.#context = context;
    this.topic = topic;
    this.partition = partition;
    this.key = `${topic}-${partition}`;
  }

  /** True when nothing waits to be sent. */
  get idle(): boolean {
    return !this.#open && this.#unacked.length === this.#inFlight;
  }

  get needsIdentity(): boolean {
    return this.#needsIdentity && this.#inFlight === 0;
  }

  /** When the open batch, which has nothing before it, was begun, milliseconds; undefined when there is something to send before. */
  get gatheringSince(): number | undefined {
    return this.#open && this.#unacked.length === 0 ? this.#open.createdAt : undefined;
  }

  /** Adds a record to the open batch, and returns that. Null when the batch was full: it is sealed now, and the record may go elsewhere. */
  append(record: ProducerRecord, timestamp: number, now: number): ProduceBatch | null {
    this.#open ??= new ProduceBatch(this.topic, this.partition, now, this.#context.pool);
    const batch = this.#open;
    const before = batch.encoder?.size ?? 0;
    if (!batch.add(record, timestamp, this.#context.settings.batchLimit)) {
      this.#seal(batch);
      return null;
    }
    const grown = (batch.encoder?.size ?? 0) - before;
    batch.held += grown;
    this.#context.hold(grown);
    return batch;
  }

  /** The batch that may be sent now, with its bytes; null when what is under way has to be answered before. */
  nextBatch(): ProduceBatch | null {
    const batch = this.#choose();
    // The bytes are made when the batch is first sent: identity and compression are known then.
    if (batch && !batch.bytes) {
      batch.seal(this.#context.stamp(this.#identity, this.#nextSequence), this.#context.settings.compression);
      this.#nextSequence = nextSequence(this.#nextSequence, batch.count);
    }
    return batch;
  }

  sent(batch: ProduceBatch): void {
    this.#inFlight++;
    batch.inFlight = true;
    batch.attempts++;
  }

  /** What the broker said of a batch that was sent. True when the metadata should be asked for again. */
  answered(batch: ProduceBatch, { error: code, baseOffset, logAppendTime }: ProducedPartition): boolean {
    this.#landed(batch);
    if (batch.done) return false;
    const { transaction } = this.#context;
    if (code === errorCode.none || code === errorCode.duplicateSequence) {
      batch.baseOffset = baseOffset;
      batch.logAppendTime = logAppendTime;
      // An earlier batch may still have to be sent again, although this one behind it was taken.
      if (this.#unacked[0] === batch) this.#recovering = false;
      const expected = nextSequence(batch.baseSequence, batch.count);
      if ((expected - this.#expected + 2 ** 31) % 2 ** 31 < 2 ** 30) this.#expected = expected;
      this.#done(batch, null);
      return false;
    }
    const what = `Could not produce to partition ${this.key}`;
    if (code === errorCode.producerFenced || (code === errorCode.invalidProducerEpoch && transaction)) {
      this.#giveUp(batch, fenced(transaction?.transactionalId ?? ''));
      return false;
    }
    if (code === errorCode.outOfOrderSequence || code === errorCode.unknownProducerId || code === errorCode.invalidProducerEpoch) {
      // Behind a batch that failed this only says to wait for it; at the front the broker has lost track of this producer.
      const first = this.#unacked[0] === batch && !this.#renumber && !(this.#recovering && this.#inFlight > 0);
      if (first && transaction) {
        this.#giveUp(batch, brokerError(code, what));
        return false;
      }
      if (first) this.#needsIdentity = true;
      this.#retry(batch, brokerError(code, what), 0);
      return false;
    }
    const mayBeOne = code === errorCode.messageTooLarge || code === errorCode.invalidRecord || code === errorCode.recordListTooLarge;
    if (mayBeOne && batch.count > 1) {
      this.#context.logger.debug(`Splitting a batch of ${batch.count} records for partition ${this.key}`, { code });
      const parts = batch.split(this.#context.stamp(this.#identity, batch.baseSequence), this.#context.settings.compression);
      this.#unacked.splice(this.#unacked.indexOf(batch), 1, ...parts);
      this.#recovering = true;
      return false;
    }
    if (isRetriableCode(code) || KafkaCluster.staleMetadata(code)) {
      this.#retry(batch, brokerError(code, what), retryDelayMs);
      return KafkaCluster.staleMetadata(code);
    }
    const error = brokerError(code, what);
    this.#giveUp(batch, code === errorCode.messageTooLarge ? new RecordTooLargeException(`${error.message} (max.message.bytes of the topic)`) : error);
    return false;
  }

  /** A batch that was sent has no answer: it may have been written, or not. */
  unanswered(batch: ProduceBatch, error: Error): void {
    this.#landed(batch);
    if (!batch.done) this.#retry(batch, error, retryDelayMs);
  }

  /** The broker cannot be reached: not before a while. */
  postpone(now: number, error: Error): void {
    this.retryAt = Math.max(this.retryAt, now + retryDelayMs);
    const batch = this.#unacked[0] ?? this.#open;
    if (batch) batch.lastError = error;
  }

  /** Gives up batches that nobody waits for any longer. One that was sent may have been written: the numbers behind it are in doubt. */
  expire(now: number): void {
    const limit = this.#context.settings.deliveryTimeoutMs;
    for (;;) {
      const batch = this.#unacked[this.#inFlight] ?? (this.#inFlight === this.#unacked.length ? this.#open : null);
      if (!batch || batch.inFlight || now - batch.createdAt < limit) return;
      if (batch === this.#open) this.#seal(batch);
      const age = now - batch.createdAt;
      const cause = batch.lastError;
      const message = `Expiring ${batch.count} record(s) for ${this.key}: ${age} ms has passed since batch creation${cause ? `; the last error was: ${cause.message}` : ''}`;
      this.#abandon(batch, new KafkaTimeoutException(message, { cause }));
    }
  }

  /** Fails what was not decided; with `unsentOnly` all but what is under way. */
  fail(error: Error, unsentOnly: boolean): void {
    if (this.#open) this.#seal(this.#open);
    for (const batch of [...this.#unacked]) if (!unsentOnly || !batch.inFlight) this.#abandon(batch, error);
  }

  /** Gets another identity, for this partition only: what is in doubt on others is still known under the old one. */
  async renewIdentity(): Promise<void> {
    this.#needsIdentity = false;
    this.retryAt = Number.POSITIVE_INFINITY;
    try {
      this.#identity = await initProducerId(this.#context.cluster);
      this.#expected = 0;
      this.#renumber = true;
    } catch (error) {
      this.#needsIdentity = true;
      this.#context.logger.debug('Could not get a new producer id', { error: (error as Error).message });
    }
    this.retryAt = 0;
  }

  /** The producer has a new identity, and nothing is under way. */
  restartSequences(): void {
    this.#identity = noIdentity;
    this.#nextSequence = 0;
    this.#expected = 0;
    this.#renumber = false;
    this.#recovering = false;
  }

  #choose(): ProduceBatch | null {
    const { idempotent } = this.#context.settings;
    if (idempotent && this.#identity === noIdentity) this.#identity = this.#context.identity;
    if (this.#recovering || this.#renumber || !idempotent) {
      if (this.#inFlight > 0) return null;
      if (this.#renumber) this.#numberAnew();
      return this.#unacked[0] ?? (this.#open ? this.#seal(this.#open) : null);
    }
    const next = this.#unacked[this.#inFlight];
    if (next) return next;
    // What is not full waits for the answer to what is under way.
    return this.#open && this.#inFlight === 0 ? this.#seal(this.#open) : null;
  }

  #seal(batch: ProduceBatch): ProduceBatch {
    this.#open = null;
    this.#unacked.push(batch);
    return batch;
  }

  #numberAnew(): void {
    let sequence = this.#expected;
    for (const batch of this.#unacked) {
      if (!batch.bytes) break;
      batch.stamp(this.#context.stamp(this.#identity, sequence));
      sequence = nextSequence(sequence, batch.count);
    }
    this.#nextSequence = sequence;
    this.#renumber = false;
  }

  #landed(batch: ProduceBatch): void {
    this.#inFlight--;
    batch.inFlight = false;
  }

  #retry(batch: ProduceBatch, error: Error, delayMs: number): void {
    this.#recovering = true;
    this.retryAt = Math.max(this.retryAt, Date.now() + delayMs);
    batch.lastError = error;
  }

  #abandon(batch: ProduceBatch, error: Error): void {
    if (batch.attempts > 0) this.#needsIdentity = this.#context.settings.idempotent && !this.#context.transaction;
    this.#giveUp(batch, error);
  }

  // The batch was not written and never will be: those behind it take its numbers.
  #giveUp(batch: ProduceBatch, error: Error): void {
    if (this.#unacked.length > 1) this.#recovering = true;
    this.#renumber = true;
    this.#done(batch, error);
  }

  #done(batch: ProduceBatch, error: Error | null): void {
    const place = this.#unacked[0] === batch ? 0 : this.#unacked.indexOf(batch);
    if (place >= 0) this.#unacked.splice(place, 1);
    const { held } = batch;
    batch.held = 0;
    if (error) this.#context.noteFailure(error);
    batch.settle(error);
    this.#context.release(held);
  }
}
