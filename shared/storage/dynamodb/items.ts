import {
  type ConnectorSpec,
  type ConnectorStatus,
  type ConnectorSummary,
  type CountedConnector,
  DamagedItemException,
  type FailureReport,
  type LastError,
  type OpenCircuit,
  type TaskItem,
} from '../ports.ts';
import type { Item, Key, Projection } from './table.ts';

/**
 * Where things are in the table, and how items become what the ports speak of. The sort keys of a connector are in this
 * order: offsets of sources, their transactional producers, what stays of sinks, then, next to each other, what a snapshot needs.
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
/** After the last topic. */
export const afterTopics = 'TOPIC$';
export const producersKey = (name: string): Key => ({ pk: connectorPk(name), sk: 'PRODUCERS' });
export const sinkOffsetsKey = (name: string): Key => ({ pk: connectorPk(name), sk: sinkOffsetsSk });
export const specKey = (name: string): Key => ({ pk: connectorPk(name), sk: specSk });
export const statusKey = (name: string): Key => ({ pk: connectorPk(name), sk: 'STATUS' });
export const taskKey = (name: string, task: number): Key => ({ pk: connectorPk(name), sk: `${taskPrefix}${task}` });
export const topicKey = (name: string, topic: string): Key => ({ pk: connectorPk(name), sk: `${topicPrefix}${topic}` });
export const keyOfItem = ({ pk, sk }: Item): Key => ({ pk: pk as string, sk: sk as string });
export const isTask = ({ sk }: Item): boolean => (sk as string).startsWith(taskPrefix);

/** Traces are kept up to this many characters: an item holds two, and 400 KB in all. */
const traceLimit = 30_000;
const lastErrorLimit = 2_000;

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

/** Reads a spec. Throws DamagedItemException, naming the item and its attribute, when somebody has written into the table what is no spec. */
export function specOf(item: Item): ConnectorSpec {
  const read = new ItemReader(item);
  return {
    name: read.text('connector'),
    type: read.oneOf('type', types),
    config: read.texts('config'),
    targetState: read.oneOf('targetState', targetStates),
    generation: read.integer('generation'),
    plannedGeneration: read.integer('plannedGeneration'),
    createdAt: read.integer('createdAt'),
    updatedAt: read.integer('updatedAt'),
    assignedTopics: (item['assignedTopics'] as Record<string, number> | null | undefined) ?? null,
    dueAt: numberOrNull(item['dueAt']),
    revision: read.integer('revision'),
    failedPlans: Number(item['failedPlans'] ?? 0),
    topicResets: Number(item['topicResets'] ?? 0),
    lastError: (item['lastError'] as LastError | undefined) ?? null,
  };
}

/** Reads a task; throws as `specOf` does. */
export function taskOf(item: Item): TaskItem {
  const read = new ItemReader(item);
  const epoch = read.integer('epoch');
  return {
    connector: read.text('connector'),
    task: read.integer('task'),
    type: read.oneOf('type', types),
    generation: read.integer('generation'),
    restarts: read.integer('restarts'),
    config: read.texts('config'),
    partitions: read.partitions(),
    offsets: read.offsets(),
    state: read.oneOf('state', taskStates),
    trace: (item['trace'] as string | undefined) ?? null,
    workerId: item['workerId'] as string,
    epoch,
    lease: read.lease(epoch),
    dueAt: numberOrNull(item['dueAt']),
    lostRuns: read.integer('lostRuns'),
    failedRuns: Number(item['failedRuns'] ?? 0),
    failure: (item['failure'] as FailureReport | undefined) ?? null,
    lastSuccessAt: numberOrNull(item['lastSuccessAt']),
    lastError: (item['lastError'] as LastError | undefined) ?? null,
    circuit: read.circuit(),
    ...(item['wokenAt'] !== undefined && { woken: true }),
  };
}

/** What the functions below read. */
export const summaryAttributes = (configs: boolean): readonly Projection[] => [
  ...['pk', 'sk', 'type', 'targetState', 'generation', 'plannedGeneration', 'task', 'state', 'trace', 'workerId', 'epoch', 'owner', 'leaseExpiresAt'],
  configs ? 'config' : ['config', 'connector.class'],
];
export const countedAttributes: readonly Projection[] = [
  ...['pk', 'sk', 'type', 'targetState', 'generation', 'task', 'state', 'epoch', 'owner', 'leaseExpiresAt', 'circuit', 'partitions', 'offsets'],
];
/** Sort keys of the items from which they read. */
export const summaryPrefixes = [specSk, 'STATUS', taskPrefix] as const;
export const countedPrefixes = [specSk, taskPrefix] as const;

export function specSummaryOf(item: Item): ConnectorSummary['spec'] {
  const read = new ItemReader(item);
  // Without the class, and with nothing else asked for, there is no map.
  return { ...countedSpecOf(item), config: item['config'] === undefined ? {} : read.texts('config'), plannedGeneration: read.integer('plannedGeneration') };
}

export function taskSummaryOf(item: Item): ConnectorSummary['tasks'][number] {
  const { task, generation, state, lease } = countedStateOf(item);
  return { task, generation, state, lease, trace: (item['trace'] as string | undefined) ?? null, workerId: item['workerId'] as string };
}

export function countedSpecOf(item: Item): CountedConnector['spec'] {
  const read = new ItemReader(item);
  const name = connectorOf(item);
  return { name, type: read.oneOf('type', types), targetState: read.oneOf('targetState', targetStates), generation: read.integer('generation') };
}

export function countedTaskOf(item: Item): CountedConnector['tasks'][number] {
  const read = new ItemReader(item);
  return { ...countedStateOf(item), circuit: read.circuit(), partitions: read.partitions(), offsets: read.offsets() };
}

function countedStateOf(item: Item): Pick<TaskItem, 'task' | 'generation' | 'state' | 'lease'> {
  const read = new ItemReader(item);
  return {
    task: read.integer('task'),
    generation: read.integer('generation'),
    state: read.oneOf('state', taskStates),
    lease: read.lease(read.integer('epoch')),
  };
}

export const connectorOf = ({ pk }: Item): string => (pk as string).slice(connectorPk('').length);

const types = ['source', 'sink'] as const;
const targetStates = ['STARTED', 'PAUSED', 'STOPPED'] as const;
const taskStates = ['RUNNING', 'FAILED', 'RESTARTING'] as const;

/** Reads attributes of an item that anybody with access to the table may have written. */
class ItemReader {
  readonly #item: Item;

  constructor(item: Item) {
    this.#item = item;
  }

  text(name: string): string {
    const value = this.#item[name];
    return typeof value === 'string' ? value : this.#refuse(name, 'a text');
  }

  integer(name: string): number {
    const value = this.#item[name];
    return typeof value === 'number' && Number.isSafeInteger(value) ? value : this.#refuse(name, 'a whole number');
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T {
    const value = this.#item[name] as T;
    return values.includes(value) ? value : this.#refuse(name, `one of ${values.join(', ')}`);
  }

  texts(name: string): Readonly<Record<string, string>> {
    const value = this.#item[name];
    if (!isMap(value)) return this.#refuse(name, 'a map of texts');
    for (const key in value) if (typeof value[key] !== 'string') return this.#refuse(name, 'a map of texts');
    return value as Record<string, string>;
  }

  partitions(): TaskItem['partitions'] {
    const value = this.#item['partitions'];
    const isPartition = (each: unknown) => isMap(each) && typeof each['topic'] === 'string' && Number.isSafeInteger(each['partition']);
    return Array.isArray(value) && value.every(isPartition) ? value : this.#refuse('partitions', 'a list of maps of topic and partition');
  }

  offsets(): Map<string, bigint> {
    try {
      return offsetsOf(this.#item['offsets']);
    } catch {
      return this.#refuse('offsets', 'a map of whole numbers');
    }
  }

  circuit(): OpenCircuit | null {
    const value = this.#item['circuit'];
    if (value === undefined) return null;
    const numbers = isMap(value) && ['since', 'attempts', 'nextTryAt'].every((name) => typeof value[name] === 'number');
    return numbers && typeof value['error'] === 'string'
      ? (value as unknown as OpenCircuit)
      : this.#refuse('circuit', 'a map of since, attempts, nextTryAt and error');
  }

  lease(epoch: number): TaskItem['lease'] {
    const owner = this.#item['owner'] as string | undefined;
    return owner === undefined ? null : { owner, epoch, expiresAt: this.integer('leaseExpiresAt') };
  }

  #refuse(name: string, expected: string): never {
    const { pk, sk } = this.#item;
    const value = this.#item[name];
    const found =
      value === undefined ? 'missing' : typeof value === 'string' ? `the text '${value.slice(0, 40)}'` : Array.isArray(value) ? 'a list' : typeof value;
    throw new DamagedItemException(
      `The item ${pk} ${sk} of the table cannot be read: its attribute '${name}' must be ${expected}, and is ${found}. Somebody has changed it by hand: put it right, or delete the item and create the connector again`,
    );
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
/** What is kept of a failure when its trace is gone. */
export function lastErrorOf({ kind, error, trace, at }: FailureReport | LastError): LastError {
  return { kind, error: error.slice(0, lastErrorLimit), trace: trace?.split('\n', 1)[0]?.slice(0, lastErrorLimit) ?? null, at };
}

function numberOrNull(value: unknown): number | null {
  return value === undefined || value === null ? null : Number(value);
}
