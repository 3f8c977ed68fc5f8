import type { KafkaCluster } from './kafka-cluster.ts';
import { brokerError, errorCode } from './kafka-errors.ts';
import { ProducerFencedException } from './ports.ts';

/** Who a producer is to the brokers. */
export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

export const noIdentity: ProducerIdentity = { producerId: -1n, producerEpoch: -1 };

/** What brokers answer to InitProducerId. */
export interface InitProducerIdAnswer {
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

/** The error for one that was taken over. */
export function fenced(transactionalId: string): ProducerFencedException {
  return new ProducerFencedException(
    `There is a newer producer with the same transactionalId "${transactionalId}" which fences the current one. This run was taken over and must end.`,
  );
}
