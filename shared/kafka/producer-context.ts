import type { Logger } from '../connect/logger.ts';
import type { CompressionType } from './compression.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import type { RecordProducerOptions } from './ports.ts';
import { noIdentity, type ProducerIdentity } from './producer-identity.ts';
import type { ProducerStamp } from './record-batch.ts';
import { BufferPool } from './record-batch-encoder.ts';
import { TransactionSession } from './transaction-session.ts';

/** A producer's options, with Kafka's defaults where they said nothing. Sizes in bytes, times in milliseconds. */
export interface ProducerSettings {
  readonly idempotent: boolean;
  readonly compression: CompressionType;
  readonly maxRequestSize: number;
  /** Of a batch before compression. */
  readonly batchLimit: number;
  readonly bufferMemory: number;
  readonly lingerMs: number;
  readonly deliveryTimeoutMs: number;
  readonly metadataTimeoutMs: number;
}

/** What the parts of one producer share: its settings, who it is to the brokers, and the memory of its records. */
export class ProducerContext {
  readonly cluster: KafkaCluster;
  readonly logger: Logger;
  readonly settings: ProducerSettings;
  readonly transaction: TransactionSession | null;
  readonly pool: BufferPool;
  /** Of an idempotent producer without transactions, once a broker gave it. */
  idempotentIdentity: ProducerIdentity | undefined;
  /** Somebody waits for everything to be decided: nothing waits for more records. */
  flushing = false;
  closed = false;
  #held = 0;
  #roomWaiters: (() => void)[] = [];

  constructor(cluster: KafkaCluster, options: RecordProducerOptions, logger: Logger) {
    this.cluster = cluster;
    this.logger = logger;
    const maxRequestSize = options.maxRequestSize ?? 1_048_576;
    this.settings = {
      idempotent: options.transactionalId !== undefined || (options.idempotent ?? true),
      compression: options.compression ?? 'none',
      maxRequestSize,
      batchLimit: Math.min(maxRequestSize, options.batchSize ?? maxRequestSize),
      bufferMemory: options.bufferMemory ?? 33_554_432,
      lingerMs: options.lingerMs ?? 0,
      deliveryTimeoutMs: options.deliveryTimeoutMs ?? 120_000,
      metadataTimeoutMs: options.metadataTimeoutMs ?? cluster.settings.retryTimeoutMs,
    };
    this.pool = new BufferPool(Math.max(this.settings.batchLimit, 262_145), 8);
    this.transaction =
      options.transactionalId === undefined ? null : new TransactionSession(cluster, options.transactionalId, options.transactionTimeoutMs ?? 60_000);
  }

  /** The identity that partitions begin with; `noIdentity` without idempotence. */
  get identity(): ProducerIdentity {
    return this.transaction?.identity ?? this.idempotentIdentity ?? noIdentity;
  }

  stamp(identity: ProducerIdentity, baseSequence: number): ProducerStamp {
    return { ...identity, baseSequence: this.settings.idempotent ? baseSequence : -1, transactional: this.transaction !== null };
  }

  /** Records failed: a transaction that they belong to must not be committed. */
  noteFailure(error: Error): void {
    this.transaction?.failed(error);
  }

  /** Bytes of records that are not decided yet. */
  hold(bytes: number): void {
    this.#held += bytes;
  }

  release(bytes: number): void {
    this.#held -= bytes;
    if (this.#roomWaiters.length > 0 && this.#held < this.settings.bufferMemory) this.wakeRoomWaiters();
  }

  /** Resolves when there is room for more records; undefined when there is now. */
  room(): Promise<void> | undefined {
    if (this.#held < this.settings.bufferMemory) return undefined;
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  wakeRoomWaiters(): void {
    for (const resolve of this.#roomWaiters.splice(0)) resolve();
  }
}
