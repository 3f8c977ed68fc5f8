import { ConnectException, DataException, IllegalWorkerStateException, RetriableException } from '../connect/errors.ts';
import type { Logger } from '../connect/logger.ts';
import type { BrokerConnection } from './broker-connection.ts';
import { type CompressionType, loadCompression } from './compression.ts';
import { KafkaCluster } from './kafka-cluster.ts';
import { brokerError, errorCode, isRetriableCode, KafkaTimeoutException, mayPass, RecordTooLargeException } from './kafka-errors.ts';
import { nextStickyPartition, partitionForKey } from './partitioner.ts';
import type { ProducerRecord, RecordProducer, RecordProducerOptions, SendResult } from './ports.ts';
import { nextSequence, ProduceBatch, SendTracker } from './produce-batch.ts';
import { decodeProduceResponse, encodeProduceRequest, type ProducedPartition, produceVersion } from './produce-protocol.ts';
import { fenced, initProducerId, noIdentity, ProducerFencedException, type ProducerIdentity, TransactionSession } from './producer-identity.ts';
import { BufferPool, recordBatchSizeUpperBound } from './record-batch-encoder.ts';

// More would let the broker forget what it needs to know repeats by (KIP-98: it remembers five batches).
const maxInFlight = 5;
const retryDelayMs = 100;
// Nobody waits for metadata that is this old: it is renewed beside the sending (`metadata.max.age.ms`).
const metadataMaxAgeMs = 300_000;

/** The records of one partition between `send` and their acknowledgement. */
class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  open: ProduceBatch | null = null;
  /** Sealed batches in order; those under way come first. */
  readonly unacked: ProduceBatch[] = [];
  inFlight = 0;
  identity: ProducerIdentity = noIdentity;
  /** Of the next batch that is sealed. */
  nextSequence = 0;
  /** What the broker expects next. */
  expected = 0;
  /** Something failed: wait for what is under way, then go on one batch at a time until one succeeds. */
  recovering = false;
  /** Batches were taken out: the rest is numbered anew. */
  renumber = false;
  /** The identity is of no use any more: get another before going on. */
  needsIdentity = false;
  retryAt = 0;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
    this.key = `${topic}-${partition}`;
  }
}

interface TopicQueues {
  readonly topic: string;
  readonly partitions: PartitionQueue[];
  sticky: number;
  /** Records that wait until the topic is known; null when it is. */
  waiting: { tracker: SendTracker; record: ProducerRecord; index: number }[] | null;
  leaders: readonly number[];
  checkedAt: number;
}

interface Sender {
  readonly nodeId: number;
  connection: BrokerConnection | undefined;
  connecting: boolean;
  inFlight: number;
}

/**
 * Produces with acks=all, idempotent unless told otherwise. A batch goes out at once when nothing is under way to its
 * partition; what comes meanwhile gathers into the next, up to `maxRequestSize` bytes, so that batches grow with the
 * load and nobody waits for a timer. Retries keep the order and, with idempotence, neither lose nor repeat.
 */
export class KafkaRecordProducer implements RecordProducer {
  readonly #cluster: KafkaCluster;
  readonly #logger: Logger;
  readonly #options: Required<Omit<RecordProducerOptions, 'clientId' | 'transactionalId' | 'batchSize' | 'compression'>>;
  readonly #compression: CompressionType;
  readonly #batchLimit: number;
  readonly #pool: BufferPool;
  readonly #transaction: TransactionSession | null;
  readonly #topics = new Map<string, TopicQueues>();
  readonly #senders = new Map<number, Sender>();
  readonly #work = new Set<PartitionQueue>();
  #identity: ProducerIdentity | undefined;
  #preparing: Promise<void> | undefined;
  #held = 0;
  #undecided = 0;
  #roomWaiters: (() => void)[] = [];
  #flushWaiters: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #timerAt = 0;
  #refreshing = false;
  #compressionReady: boolean;
  #inTransaction = false;
  #transactionError: Error | null = null;
  #transactionReady = false;
  #adding = false;
  #closed = false;

  constructor(cluster: KafkaCluster, options: RecordProducerOptions, logger: Logger) {
    this.#cluster = cluster;
    this.#logger = logger;
    this.#options = {
      idempotent: options.transactionalId !== undefined || (options.idempotent ?? true),
      maxRequestSize: options.maxRequestSize ?? 1_048_576,
      bufferMemory: options.bufferMemory ?? 33_554_432,
      deliveryTimeoutMs: options.deliveryTimeoutMs ?? 120_000,
      lingerMs: options.lingerMs ?? 0,
      metadataTimeoutMs: options.metadataTimeoutMs ?? cluster.settings.retryTimeoutMs,
      transactionTimeoutMs: options.transactionTimeoutMs ?? 60_000,
    };
    this.#compression = options.compression ?? 'none';
    this.#compressionReady = this.#compression === 'none';
    this.#batchLimit = Math.min(this.#options.maxRequestSize, options.batchSize ?? this.#options.maxRequestSize);
    this.#pool = new BufferPool(Math.max(this.#batchLimit, 262_145), 8);
    this.#transaction =
      options.transactionalId === undefined ? null : new TransactionSession(cluster, options.transactionalId, this.#options.transactionTimeoutMs);
  }

  send(records: readonly ProducerRecord[]): Promise<SendResult> {
    const now = Date.now();
    this.#undecided++;
    const tracker = new SendTracker(records, now, () => this.#sendDecided());
    const refusal = this.#refusal();
    // While the metadata of a first topic is on its way, so is the producer's identity.
    if (!refusal && !this.#identity) this.#prepared();
    let topic: TopicQueues | undefined;
    for (let index = 0; index < records.length; index++) {
      const record = records[index] as ProducerRecord;
      if (refusal) tracker.failed(index, refusal);
      else {
        if (topic?.topic !== record.topic) topic = this.#topic(record.topic, now);
        if (topic.waiting) {
          tracker.hold();
          topic.waiting.push({ tracker, record, index });
        } else this.#place(topic, tracker, record, index, now);
      }
    }
    tracker.settled();
    this.#drain();
    return tracker.promise;
  }

  ready(): Promise<void> | undefined {
    if (this.#held < this.#options.bufferMemory) return undefined;
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  async flush(): Promise<void> {
    if (this.#undecided === 0) return;
    const decided = new Promise<void>((resolve) => this.#flushWaiters.push(resolve));
    this.#drain();
    await decided;
  }

  async beginTransaction(): Promise<void> {
    const transaction = this.#requireTransaction();
    if (this.#inTransaction) throw new IllegalWorkerStateException('A transaction is open already: commit or abort it first');
    if (!this.#transactionReady) {
      await transaction.init();
      this.#forgetSequences();
      this.#transactionReady = true;
    }
    this.#transactionError = null;
    this.#inTransaction = true;
  }

  async commitTransaction(): Promise<void> {
    const transaction = this.#requireOpenTransaction();
    await this.flush();
    if (this.#transactionError instanceof ProducerFencedException) throw this.#transactionError;
    if (this.#transactionError) {
      throw new ConnectException(`The transaction cannot be committed, because records in it failed: ${this.#transactionError.message}`, {
        cause: this.#transactionError,
      });
    }
    await transaction.end(true);
    this.#inTransaction = false;
  }

  async abortTransaction(): Promise<void> {
    const transaction = this.#requireOpenTransaction();
    this.#failUnsent(new ConnectException('The transaction was aborted before the record was sent'));
    await this.flush();
    await transaction.end(false);
    // Sequence numbers were spent on records that never arrived: a new epoch starts them again.
    if (this.#transactionError) this.#transactionReady = false;
    this.#inTransaction = false;
  }

  /** Does not wait: whoever cares about what is under way flushes first. Records undecided by then fail. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const sender of this.#senders.values()) sender.connection?.close();
    const error = new ConnectException('The producer was closed before the record was acknowledged');
    for (const topic of this.#topics.values()) {
      this.#failWaiting(topic, error);
      for (const queue of topic.partitions) this.#failQueue(queue, error);
    }
    for (const resolve of this.#roomWaiters.splice(0)) resolve();
  }

  #refusal(): Error | undefined {
    if (this.#closed) return new ConnectException('The producer was closed');
    if (!this.#transaction) return undefined;
    if (!this.#inTransaction) return new IllegalWorkerStateException('The producer is transactional: begin a transaction before records are sent');
    return this.#transactionError ?? undefined;
  }

  #topic(name: string, now: number): TopicQueues {
    let topic = this.#topics.get(name);
    if (!topic) {
      topic = { topic: name, partitions: [], sticky: -1, waiting: null, leaders: [], checkedAt: now };
      this.#topics.set(name, topic);
      const known = this.#cluster.topic(name);
      if (known?.error === errorCode.none && known.leaders.length > 0) topic.leaders = known.leaders;
    }
    if (topic.leaders.length === 0 && !topic.waiting) {
      topic.waiting = [];
      void this.#resolve(topic);
    } else if (now - topic.checkedAt > metadataMaxAgeMs) {
      topic.checkedAt = now;
      this.#refresh();
    }
    return topic;
  }

  // Looks for the topic, which may be being created, then places what waited in its order.
  async #resolve(topic: TopicQueues): Promise<void> {
    const deadline = Date.now() + this.#options.metadataTimeoutMs;
    let failure: Error | undefined;
    for (let delay = 20; !this.#closed; delay = Math.min(delay * 2, 500)) {
      try {
        const [metadata] = await this.#cluster.refresh([topic.topic], true);
        if (metadata?.error === errorCode.none && metadata.leaders.length > 0) {
          topic.leaders = metadata.leaders;
          failure = undefined;
          break;
        }
        failure = brokerError(metadata?.error ?? errorCode.unknownTopicOrPartition, `Topic "${topic.topic}"`);
      } catch (error) {
        failure = error as Error;
      }
      if (!mayPass(failure)) break;
      if (Date.now() + delay > deadline) {
        failure = new KafkaTimeoutException(`Topic ${topic.topic} not present in metadata after ${this.#options.metadataTimeoutMs} ms.`, { cause: failure });
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
    if (failure) {
      this.#failWaiting(topic, failure);
      return;
    }
    const waiting = topic.waiting ?? [];
    topic.waiting = null;
    const now = Date.now();
    for (const { tracker, record, index } of waiting) {
      this.#place(topic, tracker, record, index, now);
      tracker.settled();
    }
    this.#drain();
  }

  #failWaiting(topic: TopicQueues, error: Error): void {
    const waiting = topic.waiting ?? [];
    topic.waiting = null;
    if (waiting.length > 0) this.#noteFailure(error);
    for (const { tracker, index } of waiting) {
      tracker.failed(index, error);
      tracker.settled();
    }
  }

  #place(topic: TopicQueues, tracker: SendTracker, record: ProducerRecord, index: number, now: number): void {
    const size = recordBatchSizeUpperBound(record);
    if (size > this.#options.maxRequestSize) {
      this.#refuse(
        tracker,
        index,
        new RecordTooLargeException(
          `The message is ${size} bytes when serialized which is larger than ${this.#options.maxRequestSize}, which is the value of the max.request.size configuration.`,
        ),
      );
      return;
    }
    const timestamp = record.timestamp ?? now;
    if (!(Number.isSafeInteger(timestamp) && timestamp >= 0)) {
      this.#refuse(tracker, index, new DataException(`Invalid timestamp: ${record.timestamp}. Timestamp should always be non-negative or null.`));
      return;
    }
    let partition = record.partition;
    if (partition === null) {
      if (record.key !== null) partition = partitionForKey(record.key, topic.leaders.length);
      else {
        if (topic.sticky < 0) topic.sticky = nextStickyPartition(topic.leaders, -1);
        partition = topic.sticky;
      }
    } else if (!(partition >= 0 && partition < topic.leaders.length)) {
      this.#placeLater(topic, tracker, record, index);
      return;
    }
    let queue = topic.partitions[partition];
    if (!queue) {
      queue = new PartitionQueue(topic.topic, partition);
      topic.partitions[partition] = queue;
    }
    let batch = queue.open;
    if (!batch) {
      batch = new ProduceBatch(queue.topic, partition, now, this.#pool);
      queue.open = batch;
      this.#work.add(queue);
    }
    const before = batch.encoder?.size ?? 0;
    if (!batch.add(record, timestamp, this.#batchLimit)) {
      this.#seal(queue);
      if (record.key === null && record.partition === null) topic.sticky = nextStickyPartition(topic.leaders, topic.sticky);
      this.#place(topic, tracker, record, index, now);
      return;
    }
    const grown = (batch.encoder?.size ?? 0) - before;
    batch.held += grown;
    this.#held += grown;
    tracker.placed(index, batch, batch.count - 1);
  }

  #refuse(tracker: SendTracker, index: number, error: Error): void {
    this.#noteFailure(error);
    tracker.failed(index, error);
  }

  // The partition is not in the metadata: look once more, since partitions may have been added, then say so.
  #placeLater(topic: TopicQueues, tracker: SendTracker, record: ProducerRecord, index: number): void {
    tracker.hold();
    void this.#cluster
      .retry(`find topic "${topic.topic}"`, () => this.#cluster.refresh([topic.topic]))
      .then(
        ([metadata]) => {
          if (metadata?.error === errorCode.none) topic.leaders = metadata.leaders;
          if ((record.partition as number) < topic.leaders.length && (record.partition as number) >= 0) {
            this.#place(topic, tracker, record, index, Date.now());
            return;
          }
          const count = topic.leaders.length;
          this.#refuse(
            tracker,
            index,
            new ConnectException(
              `Partition ${record.partition} of topic ${topic.topic} is not present in metadata: the topic has ${count} partition${count === 1 ? '' : 's'}, numbered from 0.`,
            ),
          );
        },
        (error: Error) => this.#refuse(tracker, index, error),
      )
      .then(() => {
        tracker.settled();
        this.#drain();
      });
  }

  #seal(queue: PartitionQueue): ProduceBatch {
    const batch = queue.open as ProduceBatch;
    queue.open = null;
    queue.unacked.push(batch);
    return batch;
  }

  // The bytes are made when the batch is first sent: identity and compression are known then.
  #encode(queue: PartitionQueue, batch: ProduceBatch): void {
    if (batch.bytes) return;
    batch.seal(this.#stamp(queue, queue.nextSequence), this.#compression);
    queue.nextSequence = nextSequence(queue.nextSequence, batch.count);
  }

  #stamp(queue: PartitionQueue, baseSequence: number) {
    return { ...queue.identity, baseSequence: this.#options.idempotent ? baseSequence : -1, transactional: this.#transaction !== null };
  }

  // Sends what can be sent now, one batch of each partition in a request, as the protocol has it.
  #drain(): void {
    if (this.#closed || this.#work.size === 0) return;
    if (!this.#prepared()) return;
    const now = Date.now();
    const requests = new Map<Sender, { queue: PartitionQueue; batch: ProduceBatch }[]>();
    const sizes = new Map<Sender, number>();
    let leaderless = false;
    let wakeAt = Number.POSITIVE_INFINITY;
    const toAdd: PartitionQueue[] = [];
    for (const queue of this.#work) {
      this.#expire(queue, now);
      if (!queue.open && queue.unacked.length === queue.inFlight) {
        this.#work.delete(queue);
        continue;
      }
      if (queue.retryAt > now) {
        wakeAt = Math.min(wakeAt, queue.retryAt);
        continue;
      }
      if (queue.needsIdentity && queue.inFlight === 0) {
        void this.#renewIdentity(queue);
        continue;
      }
      const nodeId = this.#cluster.leader(queue.topic, queue.partition);
      if (nodeId === undefined) {
        leaderless = true;
        wakeAt = Math.min(wakeAt, now + retryDelayMs);
        continue;
      }
      if (this.#transaction && !this.#transaction.has(queue.key)) {
        toAdd.push(queue);
        continue;
      }
      const sender = this.#sender(nodeId);
      if (!sender.connection?.usable) {
        if (!sender.connecting) void this.#connect(sender);
        continue;
      }
      if (sender.inFlight >= maxInFlight) continue;
      const lingerUntil =
        this.#options.lingerMs > 0 && this.#flushWaiters.length === 0 && queue.open && queue.unacked.length === 0
          ? queue.open.createdAt + this.#options.lingerMs
          : 0;
      if (lingerUntil > now) {
        wakeAt = Math.min(wakeAt, lingerUntil);
        continue;
      }
      const batch = this.#nextBatch(queue);
      if (!batch) continue;
      this.#encode(queue, batch);
      const size = (sizes.get(sender) ?? 0) + (batch.bytes as Buffer).length;
      const request = requests.get(sender);
      if (request && size > this.#options.maxRequestSize) continue;
      sizes.set(sender, size);
      if (request) request.push({ queue, batch });
      else requests.set(sender, [{ queue, batch }]);
    }
    if (toAdd.length > 0) void this.#addToTransaction(toAdd);
    if (leaderless) this.#refresh();
    if (wakeAt !== Number.POSITIVE_INFINITY) this.#wakeAt(wakeAt, now);
    for (const [sender, batches] of requests) {
      void this.#produce(sender, batches);
      for (const { queue } of batches) {
        // To the end of the line: others come first next time.
        this.#work.delete(queue);
        if (queue.open || queue.unacked.length > queue.inFlight) this.#work.add(queue);
      }
    }
    // More may fit: another request to the same broker may follow before the first is answered.
    if (requests.size > 0 && this.#work.size > 0) this.#drain();
  }

  // True when everything is there that the first batch needs; otherwise it is fetched, and the draining goes on after that.
  #prepared(): boolean {
    if (!this.#compressionReady) {
      this.#preparing ??= loadCompression(this.#compression).then(() => {
        this.#preparing = undefined;
        this.#compressionReady = true;
        this.#drain();
      });
      return false;
    }
    if (!this.#options.idempotent || this.#transaction || this.#identity) return true;
    this.#preparing ??= initProducerId(this.#cluster)
      .then(
        (identity) => {
          this.#identity = identity;
        },
        (error: Error) => this.#failUnsent(error),
      )
      .then(() => {
        this.#preparing = undefined;
        this.#drain();
      });
    return false;
  }

  #nextBatch(queue: PartitionQueue): ProduceBatch | null {
    if (this.#options.idempotent && queue.identity === noIdentity) queue.identity = this.#transaction?.identity ?? this.#identity ?? noIdentity;
    if (queue.recovering || queue.renumber || !this.#options.idempotent) {
      if (queue.inFlight > 0) return null;
      if (queue.renumber) this.#renumber(queue);
      return queue.unacked[0] ?? (queue.open ? this.#seal(queue) : null);
    }
    const next = queue.unacked[queue.inFlight];
    if (next) return next;
    // What is not full waits for the answer to what is under way.
    return queue.open && queue.inFlight === 0 ? this.#seal(queue) : null;
  }

  async #produce(sender: Sender, batches: readonly { queue: PartitionQueue; batch: ProduceBatch }[]): Promise<void> {
    const connection = sender.connection as BrokerConnection;
    sender.inFlight++;
    for (const { queue, batch } of batches) {
      queue.inFlight++;
      batch.inFlight = true;
      batch.attempts++;
    }
    const timeoutMs = this.#cluster.settings.requestTimeoutMs;
    const parts = encodeProduceRequest(
      this.#transaction?.transactionalId ?? null,
      timeoutMs,
      batches.map(({ batch }) => ({ topic: batch.topic, partition: batch.partition, batch: batch.bytes as Buffer })),
    );
    let answers: ReadonlyMap<string, ProducedPartition> | undefined;
    let failure: Error | undefined;
    try {
      const answer = decodeProduceResponse(await connection.exchange('Produce', produceVersion, parts));
      connection.throttle(answer.throttleMs);
      answers = new Map(answer.partitions.map((produced) => [`${produced.topic}-${produced.partition}`, produced]));
    } catch (error) {
      failure = error as Error;
      // Its requests are lost together; in doubt they are sent again on another connection, in their order.
      connection.close();
    }
    sender.inFlight--;
    if (this.#closed) return;
    let stale = false;
    for (const { queue, batch } of batches) {
      queue.inFlight--;
      batch.inFlight = false;
      if (batch.done) continue;
      const produced = answers?.get(queue.key);
      if (produced) stale = this.#answered(queue, batch, produced) || stale;
      else {
        stale = true;
        this.#retry(queue, batch, failure ?? new RetriableException(`Kafka broker ${connection.address} did not answer for partition ${queue.key}`));
      }
      if (queue.open || queue.unacked.length > queue.inFlight) this.#work.add(queue);
    }
    if (stale) this.#refresh();
    this.#drain();
  }

  // True when the metadata should be asked for again.
  #answered(queue: PartitionQueue, batch: ProduceBatch, { error: code, baseOffset, logAppendTime }: ProducedPartition): boolean {
    if (code === errorCode.none || code === errorCode.duplicateSequence) {
      batch.baseOffset = baseOffset;
      batch.logAppendTime = logAppendTime;
      // An earlier batch may still have to be sent again, although this one behind it was taken.
      if (queue.unacked[0] === batch) queue.recovering = false;
      const expected = nextSequence(batch.baseSequence, batch.count);
      if ((expected - queue.expected + 2 ** 31) % 2 ** 31 < 2 ** 30) queue.expected = expected;
      this.#done(queue, batch, null);
      return false;
    }
    const what = `Could not produce to partition ${queue.key}`;
    if (code === errorCode.producerFenced || (code === errorCode.invalidProducerEpoch && this.#transaction)) {
      this.#giveUp(queue, batch, fenced(this.#transaction?.transactionalId ?? ''));
      return false;
    }
    if (code === errorCode.outOfOrderSequence || code === errorCode.unknownProducerId || code === errorCode.invalidProducerEpoch) {
      // Behind a batch that failed this only says to wait for it; at the front the broker has lost track of this producer.
      const first = queue.unacked[0] === batch && !queue.renumber && !(queue.recovering && queue.inFlight > 0);
      if (first && this.#transaction) {
        this.#giveUp(queue, batch, brokerError(code, what));
        return false;
      }
      if (first) queue.needsIdentity = true;
      this.#retry(queue, batch, brokerError(code, what), 0);
      return false;
    }
    const mayBeOne = code === errorCode.messageTooLarge || code === errorCode.invalidRecord || code === errorCode.recordListTooLarge;
    if (mayBeOne && batch.count > 1) {
      this.#logger.debug(`Splitting a batch of ${batch.count} records for partition ${queue.key}`, { code });
      const parts = batch.split(this.#stamp(queue, batch.baseSequence), this.#compression);
      queue.unacked.splice(queue.unacked.indexOf(batch), 1, ...parts);
      queue.recovering = true;
      return false;
    }
    if (isRetriableCode(code) || KafkaCluster.staleMetadata(code)) {
      this.#retry(queue, batch, brokerError(code, what));
      return KafkaCluster.staleMetadata(code);
    }
    const error = brokerError(code, what);
    this.#giveUp(queue, batch, code === errorCode.messageTooLarge ? new RecordTooLargeException(`${error.message} (max.message.bytes of the topic)`) : error);
    return false;
  }

  #retry(queue: PartitionQueue, batch: ProduceBatch, error: Error, delayMs = retryDelayMs): void {
    queue.recovering = true;
    const now = Date.now();
    queue.retryAt = Math.max(queue.retryAt, now + delayMs);
    batch.lastError = error;
    this.#work.add(queue);
    this.#wakeAt(queue.retryAt, now);
  }

  // The batch was not written and never will be: those behind it take its numbers.
  #giveUp(queue: PartitionQueue, batch: ProduceBatch, error: Error): void {
    if (queue.unacked.length > 1) queue.recovering = true;
    queue.renumber = true;
    this.#done(queue, batch, error);
  }

  #renumber(queue: PartitionQueue): void {
    let sequence = queue.expected;
    for (const batch of queue.unacked) {
      if (!batch.bytes) break;
      batch.stamp(this.#stamp(queue, sequence));
      sequence = nextSequence(sequence, batch.count);
    }
    queue.nextSequence = sequence;
    queue.renumber = false;
  }

  // Batches that nobody waits for any longer. One that was sent may have been written: the numbers behind it are in doubt.
  #expire(queue: PartitionQueue, now: number): void {
    const limit = this.#options.deliveryTimeoutMs;
    for (;;) {
      const batch = queue.unacked[queue.inFlight] ?? (queue.inFlight === queue.unacked.length ? queue.open : null);
      if (!batch || batch.inFlight || now - batch.createdAt < limit) return;
      if (batch === queue.open) this.#seal(queue);
      if (batch.attempts > 0) queue.needsIdentity = this.#options.idempotent && !this.#transaction;
      const cause = batch.lastError;
      this.#giveUp(
        queue,
        batch,
        new KafkaTimeoutException(
          `Expiring ${batch.count} record(s) for ${queue.key}: ${now - batch.createdAt} ms has passed since batch creation${cause ? `; the last error was: ${cause.message}` : ''}`,
          { cause },
        ),
      );
    }
  }

  #done(queue: PartitionQueue, batch: ProduceBatch, error: Error | null): void {
    const place = queue.unacked[0] === batch ? 0 : queue.unacked.indexOf(batch);
    if (place >= 0) queue.unacked.splice(place, 1);
    this.#held -= batch.held;
    batch.held = 0;
    if (error) this.#noteFailure(error);
    batch.settle(error);
    if (this.#roomWaiters.length > 0 && this.#held < this.#options.bufferMemory) for (const resolve of this.#roomWaiters.splice(0)) resolve();
  }

  async #renewIdentity(queue: PartitionQueue): Promise<void> {
    queue.needsIdentity = false;
    queue.retryAt = Number.POSITIVE_INFINITY;
    try {
      // Of this partition only: what is in doubt on others is still known under the old one.
      queue.identity = await initProducerId(this.#cluster);
      queue.expected = 0;
      queue.renumber = true;
    } catch (error) {
      queue.needsIdentity = true;
      this.#logger.debug('Could not get a new producer id', { error: (error as Error).message });
    }
    queue.retryAt = 0;
    this.#drain();
  }

  async #addToTransaction(queues: readonly PartitionQueue[]): Promise<void> {
    if (this.#adding) return;
    this.#adding = true;
    try {
      await (this.#transaction as TransactionSession).add(queues);
    } catch (error) {
      this.#failUnsent(error as Error);
    }
    this.#adding = false;
    this.#drain();
  }

  #sender(nodeId: number): Sender {
    let sender = this.#senders.get(nodeId);
    if (!sender) {
      sender = { nodeId, connection: undefined, connecting: false, inFlight: 0 };
      this.#senders.set(nodeId, sender);
    }
    return sender;
  }

  async #connect(sender: Sender): Promise<void> {
    sender.connecting = true;
    sender.connection?.close();
    try {
      const connection = await this.#cluster.dedicated(sender.nodeId);
      sender.connection = connection;
      if (this.#closed) connection.close();
    } catch (error) {
      if (mayPass(error)) {
        const now = Date.now();
        for (const queue of this.#work) {
          if (this.#cluster.leader(queue.topic, queue.partition) !== sender.nodeId) continue;
          queue.retryAt = Math.max(queue.retryAt, now + retryDelayMs);
          const batch = queue.unacked[0] ?? queue.open;
          if (batch) batch.lastError = error as Error;
        }
        this.#refresh();
        this.#wakeAt(now + retryDelayMs, now);
      } else this.#failUnsent(error as Error);
    } finally {
      sender.connecting = false;
    }
    this.#drain();
  }

  #refresh(): void {
    if (this.#refreshing || this.#closed) return;
    this.#refreshing = true;
    const names = [...this.#topics.values()].filter((topic) => topic.leaders.length > 0).map((topic) => topic.topic);
    this.#cluster
      .refresh(names, false)
      .then(
        (found) => {
          for (const metadata of found) {
            const topic = this.#topics.get(metadata.topic);
            if (topic && metadata.error === errorCode.none) topic.leaders = metadata.leaders;
          }
        },
        (error: Error) => this.#logger.debug('Could not refresh metadata', { error: error.message }),
      )
      .then(() => {
        this.#refreshing = false;
        this.#drain();
      });
  }

  #wakeAt(at: number, now: number): void {
    if (this.#timer && this.#timerAt <= at) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#drain();
      },
      Math.max(1, at - now),
    );
  }

  #failUnsent(error: Error): void {
    for (const topic of this.#topics.values()) {
      for (const queue of topic.partitions) if (queue) this.#failQueue(queue, error, true);
    }
    this.#work.clear();
  }

  #failQueue(queue: PartitionQueue | undefined, error: Error, unsentOnly = false): void {
    if (!queue) return;
    if (queue.open) this.#seal(queue);
    for (const batch of [...queue.unacked]) {
      if (unsentOnly && batch.inFlight) continue;
      if (batch.attempts > 0) queue.needsIdentity = this.#options.idempotent && !this.#transaction;
      this.#giveUp(queue, batch, error);
    }
  }

  #noteFailure(error: Error): void {
    if (this.#inTransaction) this.#transactionError ??= error;
  }

  #forgetSequences(): void {
    for (const topic of this.#topics.values()) {
      for (const queue of topic.partitions) {
        if (!queue) continue;
        queue.identity = noIdentity;
        queue.nextSequence = 0;
        queue.expected = 0;
        queue.renumber = false;
        queue.recovering = false;
      }
    }
  }

  #sendDecided(): void {
    if (--this.#undecided === 0) for (const resolve of this.#flushWaiters.splice(0)) resolve();
  }

  #requireTransaction(): TransactionSession {
    if (!this.#transaction) throw new IllegalWorkerStateException('The producer is not transactional: it was made without a transactionalId');
    return this.#transaction;
  }

  #requireOpenTransaction(): TransactionSession {
    const transaction = this.#requireTransaction();
    if (!this.#inTransaction) throw new IllegalWorkerStateException('There is no open transaction');
    return transaction;
  }
}
