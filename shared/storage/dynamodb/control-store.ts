import { partitionKey } from '../../connect/topic-partition.ts';
import type { ConnectorSpec, ControlStore, PlannedTask, TaskItem } from '../ports.ts';
import { keepSinkOffsets } from './connector-store.ts';
import { clusterKey, connectorPk, specKey, specOf, statusKey, taskKey, taskOf } from './items.ts';
import { type Item, type Key, type Table, tableSchema } from './table.ts';

const planParallelism = 16;

/** What the controller and connector runs do to the table. */
export function controlStore(table: Table): ControlStore {
  return {
    async due(now) {
      const shards = Array.from({ length: table.dueShards }, (_, shard) =>
        table.query({
          IndexName: tableSchema.dueIndex.name,
          KeyConditionExpression: 'dueShard = :shard AND dueAt <= :now',
          ExpressionAttributeValues: { ':shard': `DUE#${shard}`, ':now': now },
        }),
      );
      const specs: ConnectorSpec[] = [];
      const tasks: TaskItem[] = [];
      for (const item of (await Promise.all(shards)).flat()) {
        if (item['sk'] === 'SPEC') specs.push(specOf(item));
        else tasks.push(taskOf(item));
      }
      return { specs, tasks };
    },

    async deferTask(task, dueAt) {
      const due = dueExpression(table, task.connector, dueAt);
      const item = await table.update({
        Key: taskKey(task.connector, task.task),
        ConditionExpression: `epoch = :epoch AND generation = :generation AND attribute_not_exists(#owner) AND ${sameDue(task.dueAt)}`,
        UpdateExpression: due.expression,
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: { ...due.values, ...dueValue(task.dueAt), ':epoch': task.epoch, ':generation': task.generation },
      });
      return item !== null;
    },

    async deferSpec(spec, dueAt) {
      const due = dueExpression(table, spec.name, dueAt);
      const item = await table.update({
        Key: specKey(spec.name),
        ConditionExpression: `revision = :revision AND generation = :generation AND ${sameDue(spec.dueAt)}`,
        UpdateExpression: due.expression,
        ExpressionAttributeValues: { ...due.values, ...dueValue(spec.dueAt), ':revision': spec.revision, ':generation': spec.generation },
      });
      return item !== null;
    },

    async plan(spec, planned, options) {
      const { name } = spec;
      const items = await table.query({
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: { ':pk': connectorPk(name), ':from': 'SINKOFFSETS', ':to': 'TASK$' },
      });
      const now = table.clock.now();
      const tasks = items.filter(({ sk }) => (sk as string).startsWith('TASK#'));
      if (tasks.some((item) => item['owner'] !== undefined && Number(item['leaseExpiresAt']) > now)) return null;
      const offsets = spec.type === 'sink' ? await keepSinkOffsets(table, name, items) : new Map<string, bigint>();
      const made = planned.map((task, number) => plannedItem(table, spec, number, task, tasks, offsets, options));
      // Done again after it was cut off, items of this generation are there already and may even be at work: they stay.
      const stale = 'attribute_not_exists(pk) OR generation < :generation';
      await inLanes(made, (item) => table.put(item, { ConditionExpression: stale, ExpressionAttributeValues: { ':generation': spec.generation } }));
      await table.deleteAll(tasks.filter((item) => Number(item['task']) >= planned.length).map(({ pk, sk }) => ({ pk, sk }) as Key));
      const due = dueExpression(table, name, options.specDueAt);
      const done = await table.transact([
        {
          Update: {
            TableName: table.name,
            Key: specKey(name),
            ConditionExpression: 'generation = :generation AND plannedGeneration < :generation',
            UpdateExpression: due.expression
              .replace('SET ', 'SET plannedGeneration = :generation, assignedTopics = :assigned, ')
              .replace(/^REMOVE/, 'SET plannedGeneration = :generation, assignedTopics = :assigned REMOVE'),
            ExpressionAttributeValues: { ...due.values, ':generation': spec.generation, ':assigned': options.assignedTopics },
          },
        },
        { Put: { TableName: table.name, Item: { ...statusKey(name), state: 'RUNNING', workerId: options.workerId } } },
      ]);
      return done ? made.map(taskOf) : null;
    },

    async failConnector(spec, failure, workerId) {
      await table.transact([
        {
          Update: {
            TableName: table.name,
            Key: specKey(spec.name),
            ConditionExpression: 'generation = :generation',
            UpdateExpression: 'REMOVE dueAt, dueShard, wake',
            ExpressionAttributeValues: { ':generation': spec.generation },
          },
        },
        { Put: { TableName: table.name, Item: { ...statusKey(spec.name), state: 'FAILED', trace: failure.trace ?? failure.error, workerId } } },
      ]);
    },

    async loseRun(task, dueAt, failure) {
      const item = await table.update({
        Key: taskKey(task.connector, task.task),
        ConditionExpression: 'epoch = :epoch AND #owner = :owner',
        // Due at once, for the failure to be told; `resumeAt` is when the task itself goes on.
        UpdateExpression:
          'SET lostRuns = if_not_exists(lostRuns, :zero) + :one, failure = :failure, dueAt = :now, dueShard = :shard, resumeAt = :resumeAt, wake = :wake REMOVE #owner, leaseExpiresAt',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: {
          ':epoch': task.epoch,
          ':owner': task.lease?.owner ?? '',
          ':zero': 0,
          ':one': 1,
          ':failure': failure,
          ':now': table.clock.now(),
          ':shard': table.shardOf(task.connector),
          ':resumeAt': dueAt,
          ':wake': table.wake(),
        },
      });
      return item !== null;
    },

    async clearFailure(task) {
      const failed = task.state === 'FAILED';
      await table.update({
        Key: taskKey(task.connector, task.task),
        ConditionExpression: 'epoch = :epoch AND attribute_exists(failure) AND attribute_not_exists(#owner)',
        UpdateExpression: failed ? 'REMOVE failure, dueAt, dueShard, wake' : 'SET dueAt = if_not_exists(resumeAt, :now), wake = :wake REMOVE failure, resumeAt',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: { ':epoch': task.epoch, ...(failed ? {} : { ':now': table.clock.now(), ':wake': table.wake() }) },
      });
    },

    async replan(spec) {
      const now = table.clock.now();
      const item = await table.update({
        Key: specKey(spec.name),
        ConditionExpression: 'generation = :generation',
        UpdateExpression: 'SET generation = :next, revision = revision + :one, dueAt = :now, dueShard = :shard, wake = :wake',
        ExpressionAttributeValues: {
          ':generation': spec.generation,
          ':next': Math.max(spec.generation + 1, now),
          ':one': 1,
          ':now': now,
          ':shard': table.shardOf(spec.name),
          ':wake': table.wake(),
        },
      });
      return item !== null;
    },

    async task(connector, task) {
      const item = await table.get(taskKey(connector, task));
      return item && taskOf(item);
    },

    async heartbeat({ at, clusterId }) {
      await table.update({
        Key: { pk: clusterKey, sk: 'INFO' },
        UpdateExpression: clusterId === null ? 'SET heartbeatAt = :at' : 'SET heartbeatAt = :at, clusterId = :clusterId',
        ExpressionAttributeValues: { ':at': at, ...(clusterId === null ? {} : { ':clusterId': clusterId }) },
      });
    },
  };
}

function plannedItem(
  table: Table,
  spec: ConnectorSpec,
  task: number,
  { config, partitions }: PlannedTask,
  old: readonly Item[],
  offsets: ReadonlyMap<string, bigint>,
  { taskDueAt, workerId }: { taskDueAt: number | null; workerId: string },
): Item {
  const before = old.find((item) => Number(item['task']) === task);
  const own: Record<string, bigint> = {};
  for (const { topic, partition } of partitions) {
    const key = partitionKey(topic, partition);
    const offset = offsets.get(key);
    if (offset !== undefined) own[key] = offset;
  }
  return {
    ...taskKey(spec.name, task),
    connector: spec.name,
    task,
    type: spec.type,
    generation: spec.generation,
    restarts: 0,
    config,
    partitions,
    offsets: own,
    state: 'RUNNING',
    workerId,
    // Never goes back, so that a run of long ago is fenced for ever.
    epoch: Number(before?.['epoch'] ?? 0),
    lostRuns: 0,
    ...(taskDueAt === null ? {} : { dueShard: table.shardOf(spec.name), dueAt: taskDueAt }),
  };
}

/** How `dueAt` is set or taken away; a deferred item is nothing to wake the controller for. */
function dueExpression(table: Table, connector: string, dueAt: number | null): { expression: string; values: Record<string, unknown> } {
  if (dueAt === null) return { expression: 'REMOVE dueAt, dueShard, wake', values: {} };
  return { expression: 'SET dueAt = :dueAt, dueShard = :shard REMOVE wake', values: { ':dueAt': dueAt, ':shard': table.shardOf(connector) } };
}

const sameDue = (dueAt: number | null) => (dueAt === null ? 'attribute_not_exists(dueAt)' : 'dueAt = :seen');
const dueValue = (dueAt: number | null): Record<string, unknown> => (dueAt === null ? {} : { ':seen': dueAt });

async function inLanes<T>(items: readonly T[], action: (item: T) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) await action(items[next++] as T);
  };
  await Promise.all(Array.from({ length: Math.min(planParallelism, items.length) }, lane));
}
