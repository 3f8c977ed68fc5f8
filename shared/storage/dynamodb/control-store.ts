import { randomUUID } from 'node:crypto';
import { partitionKey } from '../../connect/topic-partition.ts';
import type { ConnectorSpec, ControlStore, PlannedTask, Replay, TaskItem } from '../ports.ts';
import { connectorRounds } from './all-connectors.ts';
import {
  afterTasks,
  bounded,
  boundedFailure,
  connectorPk,
  dueShard,
  infoKey,
  isTask,
  keyOfItem,
  lastErrorOf,
  schedule,
  sinkOffsetsSk,
  specKey,
  specOf,
  specSk,
  statusKey,
  taskKey,
  taskOf,
} from './items.ts';
import { keep, type Remains, remainsAfter, remainsOf } from './remains.ts';
import { replayOf, replayPrefix } from './replay-store.ts';
import { atMost, equal, type Item, less, missing, notEqual, type Operation, present, same, transactions } from './table.ts';
import type { TableContext } from './table-storage.ts';

/** What the controller and connector runs do to the table. */
export function controlStore(context: TableContext): ControlStore {
  const { table, clock, dueShards, leaseClock = clock } = context;
  return {
    async due(now) {
      const shards = await Promise.all(Array.from({ length: dueShards }, (_, shard) => table.due(dueShard(shard), now)));
      const [specs, tasks, replays, unreadable]: [ConnectorSpec[], TaskItem[], Replay[], string[]] = [[], [], [], []];
      for (const item of shards.flat()) {
        // One item that was damaged must not keep the others from being looked at.
        try {
          if (item['sk'] === specSk) specs.push(specOf(item));
          else if (isTask(item)) tasks.push(taskOf(item));
          else if ((item['sk'] as string).startsWith(replayPrefix)) replays.push(replayOf(item));
        } catch (error) {
          unreadable.push((error as Error).message);
        }
      }
      return { specs, tasks, replays, unreadable };
    },

    async deferTask(task, dueAt) {
      const key = taskKey(task.connector, task.task);
      const change = schedule(task.connector, dueShards, dueAt);
      const when = [
        equal('epoch', task.epoch),
        equal('generation', task.generation),
        equal('restarts', task.restarts),
        missing('owner'),
        same('dueAt', task.dueAt),
      ];
      if (dueAt !== null) return (await table.update(key, change, when)) !== null;
      // Off the schedule only while its user wants it: one who resumes the connector at this moment would wait for ever.
      const resting = { check: specKey(task.connector), when: [notEqual('targetState', 'STARTED')] };
      // A failure that nobody was told of yet keeps it on the schedule.
      return (await table.transact([resting, { update: key, change, when: [...when, missing('failure')] }])).length === 0;
    },

    async deferSpec(spec, dueAt, trouble) {
      const when = [equal('revision', spec.revision), equal('generation', spec.generation), same('dueAt', spec.dueAt)];
      const { set, remove } = schedule(spec.name, dueShards, dueAt);
      const change = { set: { ...set, ...(trouble === undefined ? {} : { lastError: lastErrorOf(trouble) }) }, remove };
      return (await table.update(specKey(spec.name), change, when)) !== null;
    },

    async wakeTask(connector, task) {
      const key = taskKey(connector, task);
      const now = clock.now();
      const alive = [present('pk'), notEqual('state', 'FAILED')];
      const { set } = schedule(connector, dueShards, now);
      // One that waits for its external system has its time.
      if ((await table.update(key, { set: { wokenAt: now } }, [...alive, present('circuit')])) !== null) return true;
      if ((await table.update(key, { set: { ...set, wokenAt: now }, wake: true }, [...alive, missing('owner')])) !== null) return true;
      // A run may have looked for the last time already: its release sees the mark. Where it ended just now the mark is all that is needed, too.
      if ((await table.update(key, { set: { wokenAt: now } }, [...alive, present('owner')])) !== null) return true;
      return (await table.update(key, { set: { ...set, wokenAt: now }, wake: true }, [...alive, missing('owner')])) !== null;
    },

    async plan(spec, planned, options) {
      const { name, generation, revision } = spec;
      const plan = randomUUID();
      const unplanned = [equal('revision', revision), equal('generation', generation), less('plannedGeneration', generation)];
      if ((await table.update(specKey(name), { set: { plan } }, unplanned)) === null) return null;
      // From here on every step checks that no other plan began and that the spec has not moved on.
      const mine = [equal('plan', plan), ...unplanned];
      const items = await table.query({ pk: connectorPk(name), from: sinkOffsetsSk, to: afterTasks });
      const old = new Map(items.filter(isTask).map((item) => [Number(item['task']), item]));
      if ([...old.values()].some(({ owner, failure }) => owner !== undefined || failure !== undefined)) {
        await table.update(specKey(name), schedule(name, dueShards, clock.now()), mine);
        return null;
      }
      const before = remainsOf(items);
      const kept = remainsAfter(items, generation);
      const made = planned.map((task, number) => plannedItem(spec, number, task, old.get(number), kept, dueShards, options));
      const unheld = (item: Item) => [equal('epoch', item['epoch']), missing('owner'), missing('failure')];
      const steps: Operation[] = [
        ...(changed(before, kept) ? [keep(name, kept)] : []),
        ...made.map((item, number) => ({ put: item, when: old.has(number) ? unheld(old.get(number) as Item) : [missing('pk')] })),
        ...[...old.values()].filter((item) => Number(item['task']) >= planned.length).map((item) => ({ delete: keyOfItem(item), when: unheld(item) })),
      ];
      const parts = transactions(steps, 2);
      for (const part of parts.slice(0, -1)) {
        if ((await table.transact([{ check: specKey(name), when: mine }, ...part])).length > 0) return null;
      }
      const { set, remove } = schedule(name, dueShards, options.specDueAt);
      const change = { set: { ...set, plannedGeneration: generation, assignedTopics: options.assignedTopics, failedPlans: 0 }, remove };
      const status = { put: { ...statusKey(name), state: 'RUNNING', workerId: options.workerId } };
      const refused = await table.transact([{ update: specKey(name), change, when: mine }, status, ...(parts.at(-1) ?? [])]);
      return refused.length > 0 ? null : made.map(taskOf);
    },

    async failConnector(spec, failure, workerId, restartAt) {
      const { set, remove } = schedule(spec.name, dueShards, restartAt);
      const change = { set: { ...set, lastError: lastErrorOf(failure) }, remove, add: { failedPlans: 1 } };
      const when = [equal('generation', spec.generation), equal('revision', spec.revision)];
      const status = { ...statusKey(spec.name), state: 'FAILED', trace: bounded(failure.trace ?? failure.error), workerId };
      await table.transact([{ update: specKey(spec.name), change, when }, { put: status }]);
    },

    async loseRun(task, dueAt, failure) {
      if (task.lease === null) return false;
      const { set } = schedule(task.connector, dueShards, clock.now());
      // Due at once, for the failure to be told; `resumeAt` is when the task itself goes on.
      const change = {
        set: { ...set, failure: boundedFailure(failure), lastError: lastErrorOf(failure), resumeAt: dueAt },
        add: { lostRuns: 1 },
        remove: ['owner', 'leaseId', 'leaseExpiresAt'],
        wake: true,
      };
      // Who finds that it has ended may have a clock that is fast.
      const ended = failure.kind === 'run-lost' ? [atMost('leaseExpiresAt', leaseClock.now())] : [];
      const when = [equal('epoch', task.epoch), equal('owner', task.lease.owner), ...ended];
      return (await table.update(taskKey(task.connector, task.task), change, when)) !== null;
    },

    async clearFailure({ connector, task, epoch, state, restarts }) {
      const key = taskKey(connector, task);
      const item = await table.get(key);
      if (item === null) return;
      const now = clock.now();
      const resumeAt = Math.max(now, Number(item['resumeAt'] ?? 0));
      const resting = state === 'FAILED' && item['resumeAt'] === undefined;
      const { set, remove } = schedule(connector, dueShards, resting ? null : resumeAt);
      const change = { set, remove: [...remove, 'failure', 'resumeAt'], wake: state === 'FAILED' || resumeAt <= now };
      // Who restarted the task meanwhile, or lost its next run, has made it due: the next look tells again.
      const when = [equal('epoch', epoch), equal('state', state), equal('restarts', restarts), present('failure'), missing('owner')];
      await table.update(key, change, [...when, same('resumeAt', item['resumeAt'] ?? null)]);
    },

    async restartFailed({ connector, task, epoch, restarts, dueAt }) {
      const { set } = schedule(connector, dueShards, clock.now());
      const change = { set: { ...set, state: 'RUNNING' }, add: { restarts: 1 }, remove: ['trace'], wake: true };
      const when = [equal('epoch', epoch), equal('restarts', restarts), equal('state', 'FAILED'), same('dueAt', dueAt), missing('owner'), missing('failure')];
      return (await table.update(taskKey(connector, task), change, when)) !== null;
    },

    async replan(spec) {
      const now = clock.now();
      const { set } = schedule(spec.name, dueShards, now);
      const change = { set: { ...set, generation: Math.max(spec.generation + 1, now) }, add: { revision: 1 }, wake: true };
      return (await table.update(specKey(spec.name), change, [equal('generation', spec.generation)])) !== null;
    },

    async task(connector, task) {
      const item = await table.get(taskKey(connector, task));
      return item && taskOf(item);
    },

    rounds: () => connectorRounds(context),

    async heartbeat({ at, clusterId }) {
      await table.update(infoKey, { set: { heartbeatAt: at, ...(clusterId === null ? {} : { clusterId }) } }, []);
    },
  };
}

function changed(before: Remains, after: Remains): boolean {
  return (
    before.epoch !== after.epoch || before.offsets.size !== after.offsets.size || [...after.offsets].some(([key, offset]) => before.offsets.get(key) !== offset)
  );
}

function plannedItem(
  spec: ConnectorSpec,
  task: number,
  { config, partitions }: PlannedTask,
  old: Item | undefined,
  kept: Remains,
  dueShards: number,
  { taskDueAt, workerId }: { taskDueAt: number | null; workerId: string },
): Item {
  const offsets: Record<string, bigint> = {};
  for (const { topic, partition } of partitions) {
    const key = partitionKey(topic, partition);
    const offset = kept.offsets.get(key);
    if (offset !== undefined) offsets[key] = offset;
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
    offsets,
    state: 'RUNNING' satisfies TaskItem['state'],
    workerId,
    // Never goes back, so that a run of long ago is fenced for ever.
    epoch: Number(old?.['epoch'] ?? kept.epoch),
    lostRuns: 0,
    failedRuns: 0,
    ...pick(old, 'lastSuccessAt', 'lastError'),
    ...schedule(spec.name, dueShards, taskDueAt).set,
  };
}

/** These attributes, where there are any. */
function pick(item: Item | undefined, ...names: readonly string[]): Item {
  return Object.fromEntries(names.flatMap((name) => (item?.[name] === undefined ? [] : [[name, item[name]]])));
}
