import type { ConnectorSpec, ConnectorStatus, FailureReport, TaskItem } from '../ports.ts';
import type { Item, Key } from './table.ts';

/**
 * Where things are in the table, and how items become what the ports speak of. The sort keys of a connector are in this
 * order: offsets of sources, what stays of sinks, then, next to each other, what a snapshot needs.
 */
export const clusterPk = 'CLUSTER';
export const infoKey: Key = { pk: clusterPk, sk: 'INFO' };
export const loggerPrefix = 'LOGGER#';
export const namePrefix = 'CONNECTOR#';
export const nameKey = (name: string): Key => ({ pk: clusterPk, sk: `${namePrefix}${name}` });

export const connectorPk = (name: string): string => `CONNECTOR#${name}`;
export const offsetPrefix = 'OFFSET#';
export const sinkOffsetsSk = 'SINKOFFSETS';
export const specSk = 'SPEC';
export const taskPrefix = 'TASK#';
export const topicPrefix = 'TOPIC#';
/** After the last task in the order of sort keys. */
export const afterTasks = 'TASK$';
export const sinkOffsetsKey = (name: string): Key => ({ pk: connectorPk(name), sk: sinkOffsetsSk });
export const specKey = (name: string): Key => ({ pk: connectorPk(name), sk: specSk });
export const statusKey = (name: string): Key => ({ pk: connectorPk(name), sk: 'STATUS' });
export const taskKey = (name: string, task: number): Key => ({ pk: connectorPk(name), sk: `${taskPrefix}${task}` });
export const topicKey = (name: string, topic: string): Key => ({ pk: connectorPk(name), sk: `${topicPrefix}${topic}` });
export const keyOfItem = ({ pk, sk }: Item): Key => ({ pk: pk as string, sk: sk as string });
export const isTask = ({ sk }: Item): boolean => (sk as string).startsWith(taskPrefix);

/** Traces are kept up to this many characters: an item holds two, and 400 KB in all. */
const traceLimit = 30_000;

/** The attributes of the sparse index, of one due at `dueAt` or never. */
export function schedule(connector: string, dueShards: number, dueAt: number | null): { set: Item; remove: readonly string[] } {
  return dueAt === null ? { set: {}, remove: ['dueShard', 'dueAt'] } : { set: { dueShard: dueShard(hash(connector) % dueShards), dueAt }, remove: [] };
}

export const dueShard = (shard: number): string => `DUE#${shard}`;

/** Spreads the index, so that no partition of it gets hot. */
function hash(text: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i++) value = (Math.imul(value, 31) + text.charCodeAt(i)) | 0;
  return value >>> 0;
}

export function specOf(item: Item): ConnectorSpec {
  return {
    name: item['connector'] as string,
    type: item['type'] as ConnectorSpec['type'],
    config: item['config'] as Record<string, string>,
    targetState: item['targetState'] as ConnectorSpec['targetState'],
    generation: Number(item['generation']),
    plannedGeneration: Number(item['plannedGeneration']),
    createdAt: Number(item['createdAt']),
    updatedAt: Number(item['updatedAt']),
    assignedTopics: (item['assignedTopics'] as Record<string, number> | null | undefined) ?? null,
    dueAt: numberOrNull(item['dueAt']),
    revision: Number(item['revision']),
    failedPlans: Number(item['failedPlans'] ?? 0),
  };
}

export function taskOf(item: Item): TaskItem {
  const owner = item['owner'] as string | undefined;
  const epoch = Number(item['epoch']);
  return {
    connector: item['connector'] as string,
    task: Number(item['task']),
    type: item['type'] as TaskItem['type'],
    generation: Number(item['generation']),
    restarts: Number(item['restarts']),
    config: item['config'] as Record<string, string>,
    partitions: item['partitions'] as TaskItem['partitions'],
    offsets: offsetsOf(item['offsets']),
    state: item['state'] as TaskItem['state'],
    trace: (item['trace'] as string | undefined) ?? null,
    workerId: item['workerId'] as string,
    epoch,
    lease: owner === undefined ? null : { owner, epoch, expiresAt: Number(item['leaseExpiresAt']) },
    dueAt: numberOrNull(item['dueAt']),
    lostRuns: Number(item['lostRuns']),
    failedRuns: Number(item['failedRuns'] ?? 0),
    failure: (item['failure'] as FailureReport | undefined) ?? null,
    lastSuccessAt: numberOrNull(item['lastSuccessAt']),
  };
}

export function statusOf(item: Item): ConnectorStatus {
  return { state: item['state'] as ConnectorStatus['state'], trace: (item['trace'] as string | undefined) ?? null, workerId: item['workerId'] as string };
}

export function offsetsOf(value: unknown): Map<string, bigint> {
  return new Map(Object.entries((value ?? {}) as Record<string, number | bigint>).map(([key, offset]) => [key, BigInt(offset)]));
}

/** A trace, or a failure with its trace, as much of it as is kept. */
export function bounded(trace: string): string {
  return trace.length <= traceLimit ? trace : `${trace.slice(0, traceLimit)}\n\t... (${trace.length - traceLimit} more characters)\n`;
}
export function boundedFailure(failure: FailureReport): FailureReport {
  return { ...failure, error: bounded(failure.error), trace: failure.trace === null ? null : bounded(failure.trace) };
}

function numberOrNull(value: unknown): number | null {
  return value === undefined || value === null ? null : Number(value);
}
