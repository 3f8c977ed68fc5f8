import type { ProducerRecord, RecordProducer } from '../../kafka/ports.ts';
import { clientOverrides } from '../client-overrides.ts';
import type { ConnectorClients } from './offsets-topic.ts';

/** The group of a worker that names none, in ids of its producers: as in the sample file that comes with Kafka. */
const defaultGroup = 'connect-cluster';
const fencedAtOnce = 8;

/** The transactional id of a task's producer, as in Kafka Connect. */
export function transactionalIdOf(worker: Readonly<Record<string, string>>, connector: string, task: number): string {
  return `${worker['group.id'] ?? defaultGroup}-${connector}-${task}`;
}

/** A producer for transactions of a task. Nothing is fenced before its first transaction begins. */
export function transactionalProducer(clients: ConnectorClients, task: number, transactionTimeoutMs?: number): RecordProducer {
  const { kafka, worker, config, connector } = clients;
  const overrides = clientOverrides('producer', worker, config);
  return kafka.producer(
    {
      clientId: `connector-producer-${connector}-${task}`,
      // A user's own id, or none of idempotence, would break what was promised.
      transactionalId: transactionalIdOf(worker, connector, task),
      idempotent: true,
      ...(transactionTimeoutMs === undefined || overrides['transaction.timeout.ms'] !== undefined ? {} : { transactionTimeoutMs }),
    },
    overrides,
  );
}

/** Fences the producers of the first `count` tasks: what they have open is aborted, and they can commit nothing more (KIP-618). */
export async function fenceProducers(clients: ConnectorClients, count: number): Promise<void> {
  for (let from = 0; from < count; from += fencedAtOnce) {
    const tasks = Array.from({ length: Math.min(fencedAtOnce, count - from) }, (_, index) => from + index);
    await Promise.all(tasks.map((task) => withProducer(clients, task, takeOver)));
  }
}

/** Writes records in one transaction of the first task's producer, which must not be alive. */
export async function sendInTransaction(clients: ConnectorClients, records: readonly ProducerRecord[]): Promise<void> {
  await withProducer(clients, 0, async (producer) => {
    await producer.beginTransaction();
    void producer.send(records);
    await producer.commitTransaction();
  });
}

/** Makes a producer the only one of its transactional id that may write. */
export async function takeOver(producer: RecordProducer): Promise<void> {
  await producer.beginTransaction();
  await producer.abortTransaction();
}

async function withProducer(clients: ConnectorClients, task: number, action: (producer: RecordProducer) => Promise<void>): Promise<void> {
  const producer = transactionalProducer(clients, task);
  try {
    await action(producer);
  } finally {
    await producer.close();
  }
}
