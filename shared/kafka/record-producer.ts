import { ConnectException, IllegalWorkerStateException } from '../connect/errors.ts';
import type { Logger } from '../connect/logger.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import type { ProducerRecord, RecordProducer, RecordProducerOptions, SendResult } from './ports.ts';
import { ProduceDispatcher } from './produce-dispatcher.ts';
import { ProducerContext } from './producer-context.ts';
import { SendTracker } from './send-tracker.ts';
import type { TopicQueues } from './topic-queues.ts';
import type { TransactionSession } from './transaction-session.ts';

/**
 * Produces with acks=all, idempotent unless told otherwise. A batch goes out at once when nothing is under way to its
 * partition; what comes meanwhile gathers into the next, up to `maxRequestSize` bytes, so that batches grow with the
 * load and nobody waits for a timer. Retries keep the order and, with idempotence, neither lose nor repeat.
 *
 * A record's way: `TopicQueues` chooses its partition, `PartitionQueue` puts it into a numbered `ProduceBatch`,
 * `ProduceDispatcher` decides when that is sent, `BrokerSender` sends it, and `SendTracker` tells what became of it.
 */
export class KafkaRecordProducer implements RecordProducer {
  readonly #context: ProducerContext;
  readonly #dispatcher: ProduceDispatcher;
  readonly #sendDecided = () => this.#decided();
  #undecided = 0;
  #flushWaiters: (() => void)[] = [];

  constructor(cluster: KafkaCluster, options: RecordProducerOptions, logger: Logger) {
    this.#context = new ProducerContext(cluster, options, logger);
    this.#dispatcher = new ProduceDispatcher(this.#context);
  }

  send(records: readonly ProducerRecord[]): Promise<SendResult> {
    const now = Date.now();
    this.#undecided++;
    const tracker = new SendTracker(records, now, this.#sendDecided);
    const refusal = this.#refusal();
    if (refusal) for (let index = 0; index < records.length; index++) tracker.failed(index, refusal);
    else {
      // While the metadata of a first topic is on its way, so is the producer's identity.
      this.#dispatcher.prepared();
      let topic: TopicQueues | undefined;
      for (let index = 0; index < records.length; index++) {
        const record = records[index] as ProducerRecord;
        if (topic?.topic !== record.topic) topic = this.#dispatcher.topic(record.topic, now);
        topic.take(tracker, record, index, now);
      }
    }
    tracker.settled();
    this.#dispatcher.drain();
    return tracker.promise;
  }

  ready(): Promise<void> | undefined {
    return this.#context.room();
  }

  async flush(): Promise<void> {
    if (this.#undecided === 0) return;
    const decided = new Promise<void>((resolve) => this.#flushWaiters.push(resolve));
    this.#context.flushing = true;
    this.#dispatcher.drain();
    await decided;
  }

  async beginTransaction(): Promise<void> {
    if (await this.#transaction().begin()) this.#dispatcher.restartSequences();
  }

  async sendOffsetsToTransaction(group: string, offsets: ReadonlyMap<string, bigint>): Promise<void> {
    await this.#transaction().addOffsets(group, offsets);
  }

  async commitTransaction(): Promise<void> {
    const transaction = this.#openTransaction();
    await this.flush();
    await transaction.commit();
  }

  async abortTransaction(): Promise<void> {
    const transaction = this.#openTransaction();
    this.#dispatcher.failUnsent(new ConnectException('The transaction was aborted before the record was sent'));
    await this.flush();
    await this.#dispatcher.joined();
    await transaction.abort();
  }

  /** Does not wait: whoever cares about what is under way flushes first. Records undecided by then fail. */
  async close(): Promise<void> {
    if (this.#context.closed) return;
    this.#context.closed = true;
    this.#dispatcher.close(new ConnectException('The producer was closed before the record was acknowledged'));
    this.#context.wakeRoomWaiters();
  }

  #refusal(): Error | undefined {
    if (this.#context.closed) return new ConnectException('The producer was closed');
    const { transaction } = this.#context;
    if (!transaction) return undefined;
    if (!transaction.open) return new IllegalWorkerStateException('The producer is transactional: begin a transaction before records are sent');
    return transaction.failure ?? undefined;
  }

  #decided(): void {
    if (--this.#undecided > 0) return;
    this.#context.flushing = false;
    for (const resolve of this.#flushWaiters.splice(0)) resolve();
  }

  #transaction(): TransactionSession {
    const { transaction } = this.#context;
    if (!transaction) throw new IllegalWorkerStateException('The producer is not transactional: it was made without a transactionalId');
    return transaction;
  }

  #openTransaction(): TransactionSession {
    const transaction = this.#transaction();
    transaction.requireOpen();
    return transaction;
  }
}
