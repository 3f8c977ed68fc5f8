import { RetriableException } from '../../connect/errors.ts';
import { FencedException, type Storage, type TaskItem } from '../../storage/ports.ts';
import type { SourceTaskParts } from '../abstract-worker-source-task.ts';
import { ExactlyOnceWorkerSourceTask } from './exactly-once-worker-source-task.ts';
import { type ConnectorClients, OffsetsTopic, offsetsTopicOf, samePlace } from './offsets-topic.ts';
import { transactionBoundary } from './transaction-boundary.ts';
import { takeOver, transactionalProducer } from './transactional-producers.ts';

const defaultTimeoutMs = 60_000;

/**
 * Makes an exactly-once task: its producer takes the transactional id over, then the offsets are read. Throws
 * FencedException when the lease was lost meanwhile: who has it now may have come first, and is fenced; it begins again.
 */
export async function createExactlyOnceTask(clients: ConnectorClients, given: Omit<SourceTaskParts, 'producer'>): Promise<ExactlyOnceWorkerSourceTask> {
  const { parts, item } = given;
  const { storage, clock, settings } = parts;
  const boundary = transactionBoundary(clients.config, settings.offsetFlushIntervalMs, clock);
  const producer = transactionalProducer(clients, item.task, boundary.timeoutMs);
  try {
    await requireLease(storage, item);
    await takeOver(producer);
    await requireLease(storage, item);
    const { topic } = offsetsTopicOf(clients);
    const stored = await new OffsetsTopic(clients, topic).read();
    const transactionTimeoutMs = Number(producerTimeout(clients) ?? boundary.timeoutMs ?? defaultTimeoutMs);
    return new ExactlyOnceWorkerSourceTask({ ...given, producer, offsetsTopic: topic, stored, boundary, transactionTimeoutMs });
  } catch (error) {
    await producer.close();
    throw error;
  }
}

/**
 * Source tasks begin where their kind has its offsets. Where the worker's `exactly.once.source.support` has changed since
 * they were planned, they are planned anew, which carries the offsets over. Throws RetriableException then.
 */
export async function requireHandover(clients: ConnectorClients, storage: Storage, exactlyOnce: boolean): Promise<void> {
  const { connector } = clients;
  const there = (await storage.producers.get(connector))?.offsetsTopic ?? null;
  if (exactlyOnce ? samePlace(there, offsetsTopicOf(clients)) : there === null) return;
  const spec = await storage.connectors.get(connector);
  if (spec !== null) await storage.control.replan(spec);
  throw new RetriableException(`The tasks of connector ${connector} are planned anew, because the worker's settings for exactly-once sources have changed`);
}

async function requireLease(storage: Storage, item: TaskItem): Promise<void> {
  const marks = await storage.runs.marks(item.connector, item.task);
  if (marks === null || marks.epoch !== item.epoch || marks.generation !== item.generation)
    throw new FencedException(`The lease of task ${item.connector}-${item.task} at epoch ${item.epoch} was lost before its producer was ready`);
}

function producerTimeout({ worker, config }: ConnectorClients): string | undefined {
  return config['producer.override.transaction.timeout.ms'] ?? worker['producer.transaction.timeout.ms'];
}
