import { ConnectException, IllegalWorkerStateException } from '../connect/errors.ts';
import { parsePartitionKey } from '../connect/topic-partition.ts';
import { coordinatorType, type KafkaCluster } from './kafka-cluster.ts';
import { brokerError, errorCode } from './kafka-errors.ts';
import { ProducerFencedException } from './ports.ts';
import { fenced, type InitProducerIdAnswer, noIdentity, type ProducerIdentity } from './producer-identity.ts';

/** The transaction before is over once its markers are written, which takes a few milliseconds as a rule; who asks for longer is retried as for anything else. */
const longestMarkerWaitMs = 16;

/** Error codes wherever the answers of the requests below have them. */
interface Answer {
  readonly errorCode?: number;
  readonly errors?: readonly { readonly partitionErrors: readonly { readonly errorCode: number }[] }[];
  readonly topics?: readonly { readonly partitions: readonly { readonly errorCode: number }[] }[];
}

/** Transactions of one transactional id, one after another, by its coordinator (KIP-98). */
export class TransactionSession {
  readonly transactionalId: string;
  readonly #cluster: KafkaCluster;
  readonly #timeoutMs: number;
  readonly #partitions = new Set<string>();
  readonly #groups = new Set<string>();
  #identity: ProducerIdentity = noIdentity;
  #ready = false;
  #open = false;
  #failure: Error | null = null;
  #fenced: ProducerFencedException | null = null;

  /** `timeoutMs`: after which the coordinator aborts a transaction that was left open (`transaction.timeout.ms`). */
  constructor(cluster: KafkaCluster, transactionalId: string, timeoutMs: number) {
    this.#cluster = cluster;
    this.transactionalId = transactionalId;
    this.#timeoutMs = timeoutMs;
  }

  /** With what records are stamped; `noIdentity` before the first `begin`. */
  get identity(): ProducerIdentity {
    return this.#identity;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Why the open transaction can only be aborted, or why there will be no other; null when all is well. */
  get failure(): Error | null {
    return this.#fenced ?? this.#failure;
  }

  /**
   * Opens a transaction; true when it has a new identity, with which sequence numbers start again. The first one takes
   * the transactional id over: it fences whoever had it, and ends what they left open.
   */
  async begin(): Promise<boolean> {
    // Taking the id back would fence those who have it by right.
    if (this.#fenced) throw this.#fenced;
    if (this.#open) throw new IllegalWorkerStateException('A transaction is open already: commit or abort it first');
    const renewed = !this.#ready;
    if (renewed) {
      this.#forget();
      const answer = await this.#request<InitProducerIdAnswer>('take over', 'InitProducerId', {
        transactionalId: this.transactionalId,
        transactionTimeout: this.#timeoutMs,
      });
      this.#identity = { producerId: BigInt(answer.producerId), producerEpoch: answer.producerEpoch };
      this.#ready = true;
    }
    this.#failure = null;
    this.#open = true;
    return renewed;
  }

  /** True when records of this partition (its key) may be sent. */
  has(partition: string): boolean {
    return this.#partitions.has(partition);
  }

  /** Makes partitions part of the transaction; their records may be sent then. */
  async add(partitions: readonly { readonly topic: string; readonly partition: number; readonly key: string }[]): Promise<void> {
    const byTopic = new Map<string, number[]>();
    for (const { topic, partition } of partitions) {
      const group = byTopic.get(topic);
      if (group) group.push(partition);
      else byTopic.set(topic, [partition]);
    }
    await this.#request('add partitions to', 'AddPartitionsToTxn', {
      transactionalId: this.transactionalId,
      ...this.#producer(),
      topics: [...byTopic].map(([topic, list]) => ({ topic, partitions: list })),
    });
    for (const { key } of partitions) this.#partitions.add(key);
  }

  /** Makes offsets of a group, by partition key, part of the transaction: they are the group's once it is committed (KIP-98, TxnOffsetCommit). */
  async addOffsets(group: string, offsets: ReadonlyMap<string, bigint>): Promise<void> {
    this.requireOpen();
    if (this.failure) throw this.failure;
    if (offsets.size === 0) return;
    const byTopic = new Map<string, { partition: number; offset: string; metadata: string }[]>();
    for (const [key, offset] of offsets) {
      const { topic, partition } = parsePartitionKey(key);
      const entry = { partition, offset: offset.toString(), metadata: '' };
      const entries = byTopic.get(topic);
      if (entries) entries.push(entry);
      else byTopic.set(topic, [entry]);
    }
    const args = { transactionalId: this.transactionalId, ...this.#producer(), groupId: group };
    try {
      if (!this.#groups.has(group)) await this.#request(`add offsets of group "${group}" to`, 'AddOffsetsToTxn', args);
      this.#groups.add(group);
      const topics = [...byTopic].map(([topic, partitions]) => ({ topic, partitions }));
      const what = `commit offsets of group "${group}" in`;
      await this.#request(what, 'TxnOffsetCommit', { ...args, topics }, { type: coordinatorType.group, key: group });
    } catch (error) {
      // Some of the offsets may be in it, and others not.
      this.failed(error as Error);
      throw error;
    }
  }

  /** Something that belongs to the transaction failed: it can only be aborted. */
  failed(error: Error): void {
    if (error instanceof ProducerFencedException) this.#fenced ??= error;
    else if (this.#open) this.#failure ??= error;
  }

  /** Commits. What belongs to the transaction has been decided. */
  async commit(): Promise<void> {
    if (this.#fenced) throw this.#fenced;
    if (this.#failure) {
      throw new ConnectException(`The transaction cannot be committed, because records or offsets in it failed: ${this.#failure.message}`, {
        cause: this.#failure,
      });
    }
    await this.#end(true);
  }

  async abort(): Promise<void> {
    if (this.#fenced) throw this.#fenced;
    await this.#end(false);
    // Sequence numbers were spent on records that never arrived: a new epoch starts them again.
    if (this.#failure) this.#ready = false;
  }

  requireOpen(): void {
    if (!this.#open) throw new IllegalWorkerStateException('There is no open transaction');
  }

  async #end(commit: boolean): Promise<void> {
    if (this.#partitions.size > 0 || this.#groups.size > 0) {
      const args = { transactionalId: this.transactionalId, ...this.#producer(), transactionResult: commit };
      await this.#request(commit ? 'commit' : 'abort', 'EndTxn', args);
    }
    this.#forget();
    this.#open = false;
  }

  #forget(): void {
    this.#partitions.clear();
    this.#groups.clear();
  }

  #producer(): { producerId: string; producerEpoch: number } {
    return { producerId: this.#identity.producerId.toString(), producerEpoch: this.#identity.producerEpoch };
  }

  #request<Result>(
    verb: string,
    api: string,
    args: unknown,
    coordinator = { type: coordinatorType.transaction as number, key: this.transactionalId },
  ): Promise<Result> {
    const what = `${verb} the transaction of "${this.transactionalId}"`;
    return this.#cluster.withCoordinator(coordinator.type, coordinator.key, what, async (connection) => {
      const ask = async () => {
        const answer = await connection.request<Result & Answer>(api, args, false);
        return { answer, code: codesOf(answer).find((candidate) => candidate !== errorCode.none) };
      };
      let { answer, code } = await ask();
      for (let wait = 1; code === errorCode.concurrentTransactions && wait <= longestMarkerWaitMs; wait *= 2) {
        await new Promise((resolve) => setTimeout(resolve, wait));
        ({ answer, code } = await ask());
      }
      if (code === undefined) return answer;
      if (code === errorCode.producerFenced || code === errorCode.invalidProducerEpoch) {
        const error = fenced(this.transactionalId);
        this.failed(error);
        throw error;
      }
      throw brokerError(code, `Could not ${what}`);
    });
  }
}

function codesOf({ errorCode: code, errors, topics }: Answer): number[] {
  return [
    code ?? errorCode.none,
    ...(errors ?? []).flatMap(({ partitionErrors }) => partitionErrors.map((error) => error.errorCode)),
    ...(topics ?? []).flatMap(({ partitions }) => partitions.map((partition) => partition.errorCode)),
  ];
}
