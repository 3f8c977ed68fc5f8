import type { ConnectorSpec, ConnectorStatus, ConnectorStore, TaskItem } from '../ports.ts';
import { connectorPk, nameKey, offsetsOf, sinkOffsetsKey, specKey, specOf, statusKey, statusOf, taskKey, taskOf, topicKey } from './items.ts';
import type { Item, Key, Table } from './table.ts';

/** Specs, statuses, tasks and active topics, as the herder sees them. */
export function connectorStore(table: Table): ConnectorStore {
  /** Everything but offsets, in one consistent query: the keys are adjacent. */
  const itemsOf = (name: string) =>
    table.query({
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND sk >= :from',
      ExpressionAttributeValues: { ':pk': connectorPk(name), ':from': 'SINKOFFSETS' },
    });

  return {
    async list() {
      const items = await table.query({
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': 'CLUSTER', ':prefix': 'CONNECTOR#' },
        ProjectionExpression: 'sk',
      });
      return items.map(({ sk }) => (sk as string).slice('CONNECTOR#'.length));
    },

    async get(name) {
      const item = await table.get(specKey(name));
      return item === null ? null : specOf(item);
    },

    async snapshot(name) {
      let spec: ConnectorSpec | null = null;
      let status: ConnectorStatus | null = null;
      const tasks: TaskItem[] = [];
      const topics: string[] = [];
      for (const item of await itemsOf(name)) {
        const sk = item['sk'] as string;
        if (sk === 'SPEC') spec = specOf(item);
        else if (sk === 'STATUS') status = statusOf(item);
        else if (sk.startsWith('TASK#')) tasks.push(taskOf(item));
        else if (sk.startsWith('TOPIC#')) topics.push(sk.slice('TOPIC#'.length));
      }
      return spec && { spec, status, tasks: tasks.sort((a, b) => a.task - b.task), topics };
    },

    async create({ name, type, config, targetState }) {
      const now = table.clock.now();
      const item: Item = {
        ...specKey(name),
        connector: name,
        type,
        config,
        targetState,
        generation: now,
        plannedGeneration: 0,
        createdAt: now,
        updatedAt: now,
        revision: 1,
        dueShard: table.shardOf(name),
        dueAt: now,
        wake: table.wake(),
      };
      const absent = { ConditionExpression: 'attribute_not_exists(pk)' };
      const created = await table.transact([
        { Put: { TableName: table.name, Item: item, ...absent } },
        { Put: { TableName: table.name, Item: nameKey(name) } },
      ]);
      return created ? specOf(item) : null;
    },

    async update(expected, change) {
      const now = table.clock.now();
      const values: Record<string, unknown> = {
        ':revision': expected.revision,
        ':next': expected.revision + 1,
        ':now': now,
        ':generation': change.newGeneration ? Math.max(expected.generation + 1, now) : expected.generation,
        ':config': change.config ?? expected.config,
        ':type': change.type ?? expected.type,
        ':targetState': change.targetState ?? expected.targetState,
        ':shard': table.shardOf(expected.name),
        ':wake': table.wake(),
      };
      const item = await table.update({
        Key: specKey(expected.name),
        ConditionExpression: 'revision = :revision',
        UpdateExpression:
          'SET revision = :next, updatedAt = :now, generation = :generation, config = :config, #type = :type, targetState = :targetState, dueShard = :shard, dueAt = :now, wake = :wake',
        ExpressionAttributeNames: { '#type': 'type' },
        ExpressionAttributeValues: values,
      });
      return item && specOf(item);
    },

    async delete(name) {
      const items = await itemsOf(name);
      if (!items.some(({ sk }) => sk === 'SPEC')) return false;
      await keepSinkOffsets(table, name, items);
      const gone = await table.transact([
        { Delete: { TableName: table.name, Key: specKey(name), ConditionExpression: 'attribute_exists(pk)' } },
        { Delete: { TableName: table.name, Key: nameKey(name) } },
      ]);
      // Should this be cut off, what is left belongs to nobody: the next plan of the name replaces it.
      await table.deleteAll(items.filter(({ sk }) => sk !== 'SPEC' && sk !== 'SINKOFFSETS').map(({ pk, sk }) => ({ pk, sk }) as Key));
      return gone;
    },

    async restartTask(name, task) {
      const now = table.clock.now();
      const Key = taskKey(name, task);
      const again = 'restarts = restarts + :one, #state = :running';
      const names = { '#state': 'state', '#owner': 'owner' };
      const common = { ':one': 1, ':running': 'RUNNING' };
      const idle = await table.update({
        Key,
        ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(#owner)',
        UpdateExpression: `SET ${again}, dueAt = :now, dueShard = :shard, wake = :wake, lostRuns = :zero REMOVE trace, failure`,
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: { ...common, ':now': now, ':shard': table.shardOf(name), ':wake': table.wake(), ':zero': 0 },
      });
      if (idle !== null) return true;
      const running = await table.update({
        Key,
        ConditionExpression: 'attribute_exists(pk) AND attribute_exists(#owner)',
        UpdateExpression: `SET ${again} REMOVE wake`,
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: common,
      });
      return running !== null;
    },

    async restartConnector(name) {
      const now = table.clock.now();
      const item = await table.update({
        Key: specKey(name),
        ConditionExpression: 'attribute_exists(pk)',
        UpdateExpression: 'SET dueAt = :now, dueShard = :shard, wake = :wake',
        ExpressionAttributeValues: { ':now': now, ':shard': table.shardOf(name), ':wake': table.wake() },
      });
      if (item === null) return false;
      await table.update({
        Key: statusKey(name),
        ConditionExpression: '#state = :failed',
        UpdateExpression: 'SET #state = :unassigned REMOVE trace',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: { ':failed': 'FAILED', ':unassigned': 'UNASSIGNED' },
      });
      return true;
    },

    async addActiveTopics(name, topics) {
      for (const topic of topics) await table.put(topicKey(name, topic));
    },

    async resetActiveTopics(name) {
      const items = await table.query({
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': connectorPk(name), ':prefix': 'TOPIC#' },
        ConsistentRead: true,
      });
      await table.deleteAll(items.map(({ pk, sk }) => ({ pk, sk }) as Key));
    },
  };
}

/** Copies the offsets of tasks that are about to go to where they stay. Returns all of them. */
export async function keepSinkOffsets(table: Table, name: string, items: readonly Item[]): Promise<Map<string, bigint>> {
  const offsets = new Map<string, bigint>();
  for (const item of items) if (item['offsets'] !== undefined) for (const [key, offset] of offsetsOf(item['offsets'])) offsets.set(key, offset);
  const kept = offsetsOf(items.find(({ sk }) => sk === 'SINKOFFSETS')?.['offsets']);
  const changed = [...offsets].some(([key, offset]) => kept.get(key) !== offset);
  if (changed) await table.put({ ...sinkOffsetsKey(name), offsets: Object.fromEntries(offsets) });
  return offsets;
}
