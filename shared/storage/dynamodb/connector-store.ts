import { RetriableException } from '../../connect/errors.ts';
import type { ConnectorSpec, ConnectorStatus, ConnectorStore, TaskItem } from '../ports.ts';
import { connectorNames, summariesReader } from './all-connectors.ts';
import {
  connectorPk,
  isTask,
  keyOfItem,
  nameKey,
  schedule,
  sinkOffsetsSk,
  specKey,
  specOf,
  specSk,
  statusKey,
  statusOf,
  taskKey,
  taskOf,
  topicKey,
  topicPrefix,
} from './items.ts';
import { keep, type Remains, remainsAfter, remainsOf } from './remains.ts';
import { equal, type Item, missing, type Operation, present, transactionLimit, transactions } from './table.ts';
import type { TableContext } from './table-storage.ts';

/** How often a change of several items is tried again when others change them at the same time. */
const maxRaces = 20;

/** Specs, statuses, tasks and active topics, as the herder sees them. */
export function connectorStore(context: TableContext): ConnectorStore {
  const { table, clock, dueShards } = context;
  const dueNow = (name: string, now: number) => schedule(name, dueShards, now).set;

  return {
    list: () => connectorNames(table),

    summaries: summariesReader(context),

    async get(name) {
      const item = await table.get(specKey(name));
      return item === null ? null : specOf(item);
    },

    async snapshot(name) {
      let spec: ConnectorSpec | null = null;
      let status: ConnectorStatus | null = null;
      const tasks: TaskItem[] = [];
      const topics: string[] = [];
      for (const item of await table.query({ pk: connectorPk(name), from: specSk })) {
        const sk = item['sk'] as string;
        if (sk === specSk) spec = specOf(item);
        else if (isTask(item)) tasks.push(taskOf(item));
        else if (sk.startsWith(topicPrefix)) topics.push(sk.slice(topicPrefix.length));
        else status = statusOf(item);
      }
      return spec && { spec, status, tasks: tasks.sort((a, b) => a.task - b.task), topics };
    },

    async create({ name, type, config, targetState }) {
      const remains = await removeLeftovers(context, name);
      if (remains === null) return null;
      const now = clock.now();
      const generation = Math.max(now, remains.generation + 1);
      const item: Item = {
        ...specKey(name),
        connector: name,
        type,
        config,
        targetState,
        generation,
        plannedGeneration: 0,
        createdAt: now,
        updatedAt: now,
        assignedTopics: null,
        revision: 1,
        ...dueNow(name, now),
        wake: `created ${generation}`,
      };
      const refused = await table.transact([{ put: item, when: [missing('pk')] }, { put: nameKey(name) }]);
      return refused.length > 0 ? null : specOf(item);
    },

    async update(expected, change) {
      const now = clock.now();
      const set = {
        ...(change.config === undefined ? {} : { config: change.config }),
        ...(change.type === undefined ? {} : { type: change.type }),
        ...(change.targetState === undefined ? {} : { targetState: change.targetState }),
        generation: change.newGeneration ? Math.max(expected.generation + 1, now) : expected.generation,
        revision: expected.revision + 1,
        failedPlans: 0,
        updatedAt: now,
        ...dueNow(expected.name, now),
      };
      const when = [equal('revision', expected.revision), equal('generation', expected.generation)];
      const item = await table.update(specKey(expected.name), { set, wake: true }, when, { returnNew: true });
      return item && specOf(item);
    },

    async delete(name) {
      for (let race = 0; race < maxRaces; race++) {
        const items = await table.query({ pk: connectorPk(name), from: sinkOffsetsSk });
        const spec = items.find(({ sk }) => sk === specSk);
        if (spec === undefined) return false;
        const first: Operation[] = [{ delete: specKey(name), when: [equal('revision', spec['revision'])] }, { delete: nameKey(name) }];
        if (!(await removeSome(context, name, items, first))) continue;
        await removeLeftovers(context, name);
        return true;
      }
      throw raced(name);
    },

    async restartTask(name, task) {
      const key = taskKey(name, task);
      for (let race = 0; race < maxRaces; race++) {
        const item = await table.get(key);
        if (item === null) return false;
        const held = item['owner'] !== undefined;
        // A run under way sees that `restarts` has grown; a failure that nobody was told of yet is told first.
        const set = { state: 'RUNNING', lostRuns: 0, failedRuns: 0, wokenAt: clock.now(), ...(held ? {} : dueNow(name, clock.now())) };
        const change = { set, add: { restarts: 1 }, remove: ['trace', 'resumeAt', 'circuit'], wake: !held };
        if (await table.update(key, change, [present('pk'), held ? equal('owner', item['owner']) : missing('owner')])) return true;
      }
      throw raced(name);
    },

    async restartConnector(name) {
      for (let race = 0; race < maxRaces; race++) {
        const items = await table.query({ pk: connectorPk(name), from: specSk, to: statusKey(name).sk });
        const spec = items.find(({ sk }) => sk === specSk);
        if (spec === undefined) return false;
        const failed = items.some(({ sk, state }) => sk === statusKey(name).sk && state === 'FAILED');
        // One that was planned has tasks at work; it is only asked again whether they are still right.
        const state = spec['plannedGeneration'] === spec['generation'] ? 'RUNNING' : 'UNASSIGNED';
        const again = { set: { ...dueNow(name, clock.now()), failedPlans: 0 }, add: { revision: 1 }, wake: true };
        const cleared = { update: statusKey(name), change: { set: { state }, remove: ['trace'] }, when: [equal('state', 'FAILED')] };
        const restart = { update: specKey(name), change: again, when: [equal('revision', spec['revision'])] };
        if ((await table.transact(failed ? [restart, cleared] : [restart])).length === 0) return true;
      }
      throw raced(name);
    },

    async addActiveTopics(name, topics) {
      const puts = [...new Set(topics)].map((topic) => ({ put: topicKey(name, topic) }));
      for (const some of transactions(puts, 1)) await table.transact([{ check: specKey(name), when: [present('pk')] }, ...some]);
    },

    async resetActiveTopics(name) {
      // First the runs under way are told: what they note after that is new.
      await table.update(specKey(name), { add: { topicResets: 1 } }, [present('pk')]);
      const items = await table.query({ pk: connectorPk(name), prefix: topicPrefix });
      for (const some of transactions(
        items.map((item) => ({ delete: keyOfItem(item) })),
        0,
      ))
        await table.transact(some);
    },
  };
}

/** Removes what a delete that was cut off has left of a connector. Returns what stays of it; null when the connector is there, and nothing was done. */
async function removeLeftovers(context: TableContext, name: string): Promise<Remains | null> {
  for (let race = 0; race < maxRaces; ) {
    const items = await context.table.query({ pk: connectorPk(name), from: sinkOffsetsSk });
    if (items.some(({ sk }) => sk === specSk)) return null;
    if (items.every(({ sk }) => sk === sinkOffsetsSk)) return remainsOf(items);
    if (!(await removeSome(context, name, items, [{ check: specKey(name), when: [missing('pk')] }]))) race++;
  }
  throw raced(name);
}

/**
 * Removes as many items as one transaction takes, beside `first`, and keeps what must stay of the tasks among them.
 * False when something changed meanwhile.
 */
async function removeSome({ table }: TableContext, name: string, items: readonly Item[], first: readonly Operation[]): Promise<boolean> {
  const spec = items.find(({ sk }) => sk === specSk);
  const removable = items.filter(({ sk }) => sk !== specSk && sk !== sinkOffsetsSk).slice(0, transactionLimit - first.length - 1);
  const kept = remainsAfter([...items.filter(({ sk }) => sk === sinkOffsetsSk), ...removable], spec?.['generation']);
  const deletes = removable.map((item) => ({
    delete: keyOfItem(item),
    // A run may commit until its task is gone: what it stored meanwhile must be seen.
    when: isTask(item) ? [equal('epoch', item['epoch']), equal('offsets', item['offsets'])] : [],
  }));
  return (await table.transact([...first, keep(name, kept), ...deletes])).length === 0;
}

function raced(name: string): RetriableException {
  return new RetriableException(`Connector ${name} is being changed by others all the time; try again later`);
}
