import { FencedException, type RunStore, type TaskItem } from '../ports.ts';
import { specKey, specOf, taskKey, taskOf } from './items.ts';
import { sourceOffsetItem, sourceOffsetKey } from './offset-store.ts';
import { type Table, transactionLimit } from './table.ts';

/** Most offsets in one update: the expression may have 4 KB. */
const offsetsPerUpdate = 100;

/** What runs do to the table; every write but `acquire` is conditional on the lease that `acquire` gave. */
export function runStore(table: Table): RunStore {
  const held = ({ epoch, lease }: TaskItem) => ({
    condition: 'epoch = :epoch AND #owner = :owner',
    names: { '#owner': 'owner' },
    values: { ':epoch': epoch, ':owner': lease?.owner ?? '' },
  });
  const fenced = ({ connector, task, epoch }: TaskItem) => new FencedException(`The lease of task ${connector}-${task} at epoch ${epoch} is lost`);

  return {
    async acquire({ connector, task, generation, owner, workerId, expiresAt }) {
      const found = await table.get(specKey(connector));
      if (found === null) return null;
      const spec = specOf(found);
      const now = table.clock.now();
      const names = { '#owner': 'owner', '#state': 'state' };
      const free = 'attribute_exists(pk) AND generation = :generation AND (attribute_not_exists(#owner) OR leaseExpiresAt < :now OR #owner = :owner)';
      if (spec.targetState !== 'STARTED' || spec.generation !== generation) {
        // Nothing to do until the spec changes again: off the schedule, so that it is not started in vain at each look.
        await table.update({
          Key: taskKey(connector, task),
          ConditionExpression: 'attribute_exists(pk) AND generation = :generation AND attribute_not_exists(#owner) AND attribute_not_exists(failure)',
          UpdateExpression: 'REMOVE dueAt, dueShard, wake',
          ExpressionAttributeNames: { '#owner': 'owner' },
          ExpressionAttributeValues: { ':generation': generation },
        });
        return null;
      }
      const item = await table.update({
        Key: taskKey(connector, task),
        ConditionExpression: `${free} AND #state <> :failed`,
        UpdateExpression:
          'SET #owner = :owner, leaseExpiresAt = :expiresAt, epoch = epoch + :one, dueAt = :expiresAt, dueShard = :shard, #state = :running, workerId = :workerId REMOVE wake',
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: {
          ':generation': generation,
          ':now': now,
          ':owner': owner,
          ':failed': 'FAILED',
          ':running': 'RUNNING',
          ':expiresAt': expiresAt,
          ':one': 1,
          ':shard': table.shardOf(connector),
          ':workerId': workerId,
        },
      });
      return item && { spec, task: taskOf(item) };
    },

    async marks(connector, task) {
      const [spec, item] = await Promise.all([
        table.get(specKey(connector), ['generation', 'targetState']),
        table.get(taskKey(connector, task), ['restarts', 'epoch']),
      ]);
      if (spec === null || item === null) return null;
      return {
        generation: Number(spec['generation']),
        targetState: spec['targetState'] as 'STARTED' | 'PAUSED' | 'STOPPED',
        restarts: Number(item['restarts']),
        epoch: Number(item['epoch']),
      };
    },

    async commitSinkOffsets(task, offsets) {
      const entries = [...offsets];
      const { condition, names, values } = held(task);
      for (let at = 0; at < entries.length; at += offsetsPerUpdate) {
        const some = entries.slice(at, at + offsetsPerUpdate);
        const item = await table.update({
          Key: taskKey(task.connector, task.task),
          ConditionExpression: condition,
          UpdateExpression: `SET ${some.map((_, i) => `offsets.#k${i} = :o${i}`).join(', ')} REMOVE wake`,
          ExpressionAttributeNames: { ...names, ...Object.fromEntries(some.map(([key], i) => [`#k${i}`, key])) },
          ExpressionAttributeValues: { ...values, ...Object.fromEntries(some.map(([, offset], i) => [`:o${i}`, offset])) },
        });
        if (item === null) throw fenced(task);
      }
    },

    async commitSourceOffsets(task, offsets) {
      const { condition, names, values } = held(task);
      const check = {
        ConditionCheck: {
          TableName: table.name,
          Key: taskKey(task.connector, task.task),
          ConditionExpression: condition,
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: values,
        },
      };
      for (let at = 0; at < offsets.length; at += transactionLimit - 1) {
        const writes = offsets
          .slice(at, at + transactionLimit - 1)
          .map(({ partition, offset }) =>
            offset === null
              ? { Delete: { TableName: table.name, Key: sourceOffsetKey(task.connector, partition) } }
              : { Put: { TableName: table.name, Item: sourceOffsetItem(task.connector, partition, offset) } },
          );
        if (!(await table.transact([check, ...writes]))) throw fenced(task);
      }
    },

    async release(task, { dueAt, failure, wake }) {
      const { condition, names, values } = held(task);
      const now = table.clock.now();
      const set: Record<string, unknown> = failure
        ? { state: 'FAILED', trace: failure.trace ?? failure.error, failure, dueAt: now, dueShard: table.shardOf(task.connector) }
        : { lostRuns: 0, lastSuccessAt: now, ...(dueAt === null ? {} : { dueAt, dueShard: table.shardOf(task.connector) }) };
      if (failure || wake) set['wake'] = table.wake();
      const remove = ['#owner', 'leaseExpiresAt', ...(failure || wake ? [] : ['wake']), ...(!failure && dueAt === null ? ['dueAt', 'dueShard'] : [])];
      const entries = Object.entries(set);
      const item = await table.update({
        Key: taskKey(task.connector, task.task),
        ConditionExpression: condition,
        UpdateExpression: `SET ${entries.map((_, i) => `#s${i} = :s${i}`).join(', ')} REMOVE ${remove.join(', ')}`,
        ExpressionAttributeNames: { ...names, ...Object.fromEntries(entries.map(([name], i) => [`#s${i}`, name])) },
        ExpressionAttributeValues: { ...values, ...Object.fromEntries(entries.map(([, value], i) => [`:s${i}`, value])) },
      });
      if (item === null) throw fenced(task);
    },
  };
}
