import { RetriableException } from '../connect/errors.ts';
import type { BrokerConnection } from './broker-connection.ts';
import type { PartitionQueue } from './partition-queue.ts';
import type { ProduceBatch } from './produce-batch.ts';
import { decodeProduceResponse, encodeProduceRequest, type ProducedPartition, produceVersion } from './produce-protocol.ts';
import type { ProducerContext } from './producer-context.ts';

// More would let the broker forget what it needs to know repeats by (KIP-98: it remembers five batches).
const maxInFlight = 5;

interface QueuedBatch {
  readonly queue: PartitionQueue;
  readonly batch: ProduceBatch;
}

/** The way of one producer to one broker: a connection of its own, made when it is needed, and the requests under way on it. */
export class BrokerSender {
  readonly nodeId: number;
  readonly #context: ProducerContext;
  #connection: BrokerConnection | undefined;
  #connecting = false;
  #inFlight = 0;
  #gathered: QueuedBatch[] = [];
  #gatheredBytes = 0;

  constructor(context: ProducerContext, nodeId: number) {
    this.#context = context;
    this.nodeId = nodeId;
  }

  get connected(): boolean {
    return this.#connection?.usable ?? false;
  }

  get connecting(): boolean {
    return this.#connecting;
  }

  /** True when no other request may be sent before an answer came. */
  get full(): boolean {
    return this.#inFlight >= maxInFlight;
  }

  /** The queues with a batch in the next request. */
  get gathered(): readonly QueuedBatch[] {
    return this.#gathered;
  }

  /** Makes the connection. Rejects with ConnectionLostException, or ConnectException when it never will work. */
  async connect(): Promise<void> {
    this.#connecting = true;
    this.#connection?.close();
    try {
      this.#connection = await this.#context.cluster.dedicated(this.nodeId);
      if (this.#context.closed) this.#connection.close();
    } finally {
      this.#connecting = false;
    }
  }

  /** Makes a batch part of the next request, unless that would be larger than `maxRequestSize`: then it stays where it is. */
  gather(queue: PartitionQueue, batch: ProduceBatch): void {
    const size = this.#gatheredBytes + (batch.bytes as Buffer).length;
    if (this.#gathered.length > 0 && size > this.#context.settings.maxRequestSize) return;
    this.#gathered.push({ queue, batch });
    this.#gatheredBytes = size;
  }

  /** Sends what was gathered, and tells its queues what became of it. True when the metadata should be asked for again. */
  async send(): Promise<boolean> {
    const batches = this.#gathered;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    const connection = this.#connection as BrokerConnection;
    this.#inFlight++;
    for (const { queue, batch } of batches) queue.sent(batch);
    const parts = encodeProduceRequest(
      this.#context.transaction?.transactionalId ?? null,
      this.#context.cluster.settings.requestTimeoutMs,
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
    this.#inFlight--;
    let stale = false;
    for (const { queue, batch } of batches) {
      const produced = answers?.get(queue.key);
      if (produced) stale = queue.answered(batch, produced) || stale;
      else {
        stale = true;
        queue.unanswered(batch, failure ?? new RetriableException(`Kafka broker ${connection.address} did not answer for partition ${queue.key}`));
      }
    }
    return stale;
  }

  close(): void {
    this.#connection?.close();
  }
}
