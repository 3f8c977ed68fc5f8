import type { ConnectorSpec, ConnectorStatus, FailureReport, TaskItem } from '../ports.ts';
import type { Item, Key } from './table.ts';

/** Where things are in the table, and how items become what the ports speak of. */
export const clusterKey = 'CLUSTER';

export const connectorPk = (name: string): string => `CONNECTOR#${name}`;
export const specKey = (name: string): Key => ({ pk: connectorPk(name), sk: 'SPEC' });
export const statusKey = (name: string): Key => ({ pk: connectorPk(name), sk: 'STATUS' });
export const taskKey = (name: string, task: number): Key => ({ pk: connectorPk(name), sk: `TASK#${task}` });
export const topicKey = (name: string, topic: string): Key => ({ pk: connectorPk(name), sk: `TOPIC#${topic}` });
export const sinkOffsetsKey = (name: string): Key => ({ pk: connectorPk(name), sk: 'SINKOFFSETS' });
export const nameKey = (name: string): Key => ({ pk: clusterKey, sk: `CONNECTOR#${name}` });

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
    lostRuns: Number(item['lostRuns'] ?? 0),
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

function numberOrNull(value: unknown): number | null {
  return value === undefined || value === null ? null : Number(value);
}
