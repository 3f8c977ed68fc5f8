import { randomUUID } from 'node:crypto';
import { FencedException, type RunStore, type TaskItem } from '../ports.ts';
import { bounded, boundedFailure, lastErrorOf, schedule, specKey, specOf, taskKey, taskOf } from './items.ts';
import { leaseTime } from './lease-time.ts';
import { sourceOffsetWrites } from './offset-store.ts';
import { anyOf, atMost, type Change, type Condition, equal, missing, notEqual, transactions } from './table.ts';
import type { TableContext } from './table-storage.ts';

/** Most offsets in one update: its expression may have 4 KB. */
const offsetsPerUpdate = 100;

/** What runs do to the table; every write but `acquire` is conditional on the lease that `acquire` gave. */
export function runStore(context: TableContext): RunStore {
  const { table, clock, dueShards } = context;

  /** Takes a task that has nothing to do off the schedule, unless somebody changed the spec meanwhile. */
  const rest = async (connector: string, task: number, generation: number, spec: Condition[]) => {
    const update = {
      update: taskKey(connector, task),
      change: schedule(connector, dueShards, null),
      // One that waits for its automatic restart stays.
      when: [equal('generation', generation), missing('owner'), missing('failure'), notEqual('state', 'FAILED')],
    };
    await table.transact([{ check: specKey(connector), when: spec }, update]);
  };

  return {
    async acquire({ connector, task, generation, owner, workerId, expiresAt }) {
      const found = await table.get(specKey(connector));
      const spec = found && specOf(found);
      if (spec === null || spec.targetState !== 'STARTED' || spec.generation !== generation) {
        const unchanged = spec === null ? [missing('pk')] : [equal('revision', spec.revision)];
        await rest(connector, task, generation, unchanged);
        return null;
      }
      if (spec.plannedGeneration !== generation) return null;
      const key = taskKey(connector, task);
      const leaseId = randomUUID();
      const { now, leaseExpiresAt } = leaseTime(context, expiresAt);
      const { set } = schedule(connector, dueShards, leaseExpiresAt);
      const change = {
        set: { ...set, owner, leaseId, leaseExpiresAt, workerId, state: 'RUNNING' },
        add: { epoch: 1 },
        remove: ['releasedBy', 'wokenAt'],
      };
      const free = [equal('generation', generation), notEqual('state', 'FAILED'), missing('failure'), anyOf(missing('owner'), atMost('leaseExpiresAt', now))];
      const item = (await table.update(key, change, free, { returnNew: true })) ?? (await table.get(key));
      // An update whose answer was lost is sent again by the client, and is then refused by its own success.
      return item?.['leaseId'] === leaseId ? { spec, task: taskOf(item) } : null;
    },

    async marks(connector, task) {
      const [spec, item] = await Promise.all([
        table.get(specKey(connector), ['generation', 'targetState', 'topicResets']),
        table.get(taskKey(connector, task), ['restarts', 'epoch']),
      ]);
      if (spec === null || item === null) return null;
      return {
        generation: Number(spec['generation']),
        targetState: spec['targetState'] as 'STARTED' | 'PAUSED' | 'STOPPED',
        restarts: Number(item['restarts']),
        epoch: Number(item['epoch']),
        topicResets: Number(spec['topicResets'] ?? 0),
      };
    },

    async commitSinkOffsets(task, offsets) {
      const entries = [...offsets];
      for (let at = 0; at < entries.length; at += offsetsPerUpdate) {
        const values = Object.fromEntries(entries.slice(at, at + offsetsPerUpdate));
        const change = { entries: { attribute: 'offsets', values }, ...closed(task) };
        if ((await table.update(taskKey(task.connector, task.task), change, held(task))) === null) throw fenced(task);
      }
    },

    async commitSourceOffsets(task, offsets) {
      const key = taskKey(task.connector, task.task);
      const lease = task.circuit === null ? { check: key, when: held(task) } : { update: key, change: closed(task), when: held(task) };
      for (const some of transactions(sourceOffsetWrites(task.connector, offsets), 1)) {
        if ((await table.transact([lease, ...some])).length > 0) throw fenced(task);
      }
    },

    async release(task, { dueAt, failure, restartAt = null, trouble, wake = false, circuit }) {
      const { connector, generation } = task;
      const key = taskKey(connector, task.task);
      const now = clock.now();
      const release = (at: number | null): Change => {
        const { set, remove } = schedule(connector, dueShards, at);
        const outcome = failure
          ? {
              state: 'FAILED',
              trace: bounded(failure.trace ?? failure.error),
              failure: boundedFailure(failure),
              lastError: lastErrorOf(failure),
              ...(restartAt === null ? {} : { resumeAt: restartAt }),
            }
          : trouble
            ? { lastError: lastErrorOf(trouble) }
            : { lostRuns: 0, failedRuns: 0, lastSuccessAt: now };
        return {
          set: { ...set, ...outcome, releasedBy: task.lease?.owner ?? '', ...(circuit ? { circuit: { ...circuit, error: bounded(circuit.error) } } : {}) },
          ...(failure === undefined ? {} : { add: { failedRuns: 1 } }),
          remove: [...remove, 'owner', 'leaseId', 'leaseExpiresAt', ...(circuit === null ? ['circuit'] : [])],
          wake: wake || failure !== undefined,
        };
      };
      if (failure === undefined && dueAt === null && wake) {
        // Told to stop; but one who resumed the connector since then would wait for ever for a task off the schedule.
        const stopped = anyOf(missing('pk'), notEqual('targetState', 'STARTED'), notEqual('generation', generation));
        const refused = await table.transact([
          { check: specKey(connector), when: [stopped] },
          { update: key, change: release(null), when: held(task) },
        ]);
        if (refused.length === 0) return;
      }
      const at = failure !== undefined || (dueAt === null && wake) ? now : dueAt;
      // Who waits for events alone goes on at once when one came while it was at work.
      if (at === null && (await table.update(key, release(null), [...held(task), missing('wokenAt')])) !== null) return;
      if ((await table.update(key, release(at ?? now), held(task))) !== null) return;
      const item = await table.get(key);
      if (item === null || item['releasedBy'] !== task.lease?.owner || item['epoch'] !== task.epoch) throw fenced(task);
    },
  };
}

/** Offsets are stored: the external system is in order. */
const closed = ({ circuit }: TaskItem): { remove?: readonly string[] } => (circuit === null ? {} : { remove: ['circuit'] });

const held = ({ epoch, lease }: TaskItem): Condition[] => [equal('epoch', epoch), equal('owner', lease?.owner ?? '')];

function fenced({ connector, task, epoch }: TaskItem): FencedException {
  return new FencedException(`The lease of task ${connector}-${task} at epoch ${epoch} is lost: another run took it over, or the task was replaced`);
}
