import { ConnectException } from '../connect/errors.ts';
import { coordinatorType, type KafkaCluster } from './kafka-cluster.ts';
import { brokerError, errorCode } from './kafka-errors.ts';

/** Who a producer is to the brokers. */
export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

export const noIdentity: ProducerIdentity = { producerId: -1n, producerEpoch: -1 };

interface InitProducerIdAnswer {
  readonly errorCode: number;
  readonly producerId: string;
  readonly producerEpoch: number;
}

/** A new identity for an idempotent producer, of any broker (KIP-98). */
export async function initProducerId(cluster: KafkaCluster): Promise<ProducerIdentity> {
  return cluster.retry('get a producer id', async () => {
    const connection = await cluster.any();
    const answer = await connection.request<InitProducerIdAnswer>('InitProducerId', { transactionalId: null, transactionTimeout: 0 }, false);
    if (answer.errorCode !== errorCode.none) throw brokerError(answer.errorCode, 'Could not get a producer id');
    return { producerId: BigInt(answer.producerId), producerEpoch: answer.producerEpoch };
  });
}

/** Another producer with the same transactional id has taken over: this one must not write any more. */
export class ProducerFencedException extends ConnectException {
  override readonly javaClass: string = 'org.apache.kafka.common.errors.ProducerFencedException';
}

/** Transactions of one transactional id, by its coordinator (KIP-98). */
export class TransactionSession {
  readonly transactionalId: string;
  readonly #cluster: KafkaCluster;
  readonly #timeoutMs: number;
  readonly #added = new Set<string>();
  identity: ProducerIdentity = noIdentity;

  constructor(cluster: KafkaCluster, transactionalId: string, timeoutMs: number) {
    this.#cluster = cluster;
    this.transactionalId = transactionalId;
    this.#timeoutMs = timeoutMs;
  }

  /** Takes the transactional id over: fences whoever had it, and ends what they left open. */
  async init(): Promise<void> {
    this.#added.clear();
    const answer = await this.#request<InitProducerIdAnswer>('take over', 'InitProducerId', {
      transactionalId: this.transactionalId,
      transactionTimeout: this.#timeoutMs,
    });
    this.identity = { producerId: BigInt(answer.producerId), producerEpoch: answer.producerEpoch };
  }

  has(partition: string): boolean {
    return this.#added.has(partition);
  }

  get empty(): boolean {
    return this.#added.size === 0;
  }

  /** Makes partitions part of the transaction; their records may be sent then. */
  async add(partitions: readonly { readonly topic: string; readonly partition: number; readonly key: string }[]): Promise<void> {
    const byTopic = new Map<string, number[]>();
    for (const { topic, partition } of partitions) byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition]);
    await this.#request('add partitions to', 'AddPartitionsToTxn', {
      transactionalId: this.transactionalId,
      ...this.#producer(),
      topics: [...byTopic].map(([topic, list]) => ({ topic, partitions: list })),
    });
    for (const { key } of partitions) this.#added.add(key);
  }

  /** Commits, or aborts. */
  async end(commit: boolean): Promise<void> {
    if (this.#added.size > 0) {
      await this.#request(commit ? 'commit' : 'abort', 'EndTxn', { transactionalId: this.transactionalId, ...this.#producer(), transactionResult: commit });
    }
    this.#added.clear();
  }

  #producer(): { producerId: string; producerEpoch: number } {
    return { producerId: this.identity.producerId.toString(), producerEpoch: this.identity.producerEpoch };
  }

  #request<Answer>(verb: string, api: string, args: unknown): Promise<Answer> {
    const what = `${verb} the transaction of "${this.transactionalId}"`;
    return this.#cluster.withCoordinator(coordinatorType.transaction, this.transactionalId, what, async (connection) => {
      const answer = await connection.request<Answer & { errorCode?: number; errors?: { partitionErrors: { errorCode: number }[] }[] }>(api, args, false);
      const codes = [answer.errorCode ?? 0, ...(answer.errors ?? []).flatMap(({ partitionErrors }) => partitionErrors.map((error) => error.errorCode))];
      const code = codes.find((candidate) => candidate !== errorCode.none);
      if (code === undefined) return answer;
      if (code === errorCode.producerFenced || code === errorCode.invalidProducerEpoch) throw fenced(this.transactionalId);
      throw brokerError(code, `Could not ${what}`);
    });
  }
}

export function fenced(transactionalId: string): ProducerFencedException {
  return new ProducerFencedException(
    `There is a newer producer with the same transactionalId "${transactionalId}" which fences the current one. This run was taken over and must end.`,
  );
}
