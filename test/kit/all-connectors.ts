import { beforeEach, expect, test } from 'vitest';
import { specKey } from '../../shared/storage/dynamodb/items.ts';
import type { ItemTable } from '../../shared/storage/dynamodb/table.ts';
import type { ConnectorRounds, ConnectorSpec, ConnectorSummary, CountedConnector, PlannedTask, Storage, TaskItem } from '../../shared/storage/ports.ts';
import type { ManualClock } from './storage.ts';

let groups = 0;
/** DynamoDB Local does one write after the other, and gives up those that wait long. */
const writesAtOnce = 4;
const timeoutMs = 180_000;

async function each(names: readonly string[], action: (name: string) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < names.length) await action(names[next++] as string);
  };
  await Promise.all(Array.from({ length: writesAtOnce }, lane));
}

/** What every storage must do when it is asked for all connectors; there may be others of former tests. */
export function allConnectorsContract(open: () => Promise<{ storage: Storage; clock: ManualClock; table: ItemTable }>): void {
  let storage: Storage;
  let table: ItemTable;
  let clock: ManualClock;
  let group: string;
  beforeEach(async () => {
    ({ storage, clock, table } = await open());
    group = `group ${++groups}/ü-`;
  });

  const names = (count: number) => Array.from({ length: count }, (_, i) => `${group}${String(i).padStart(3, '0')}`);
  const create = async (name: string, tasks: readonly PlannedTask[], more: Record<string, string> = {}, type: 'source' | 'sink' = 'sink') => {
    const config = { name, 'connector.class': 'x.Connector', ...more };
    const spec = (await storage.connectors.create({ name, type, config, targetState: 'STARTED' })) as ConnectorSpec;
    return storage.control.plan(spec, tasks, { assignedTopics: null, specDueAt: null, taskDueAt: null, workerId: 'w' });
  };
  const taskOf = (partition: number, size = 0): PlannedTask => ({ config: { text: 'x'.repeat(size) }, partitions: [{ topic: 'orders', partition }] });
  const acquire = async ({ connector, task, generation }: TaskItem) =>
    (await storage.runs.acquire({ connector, task, generation, owner: 'run', workerId: 'worker-2', expiresAt: clock.now() + 60_000 }))?.task as TaskItem;
  const mine = async (configs = true): Promise<readonly ConnectorSummary[]> =>
    (await storage.connectors.summaries({ configs })).connectors.filter(({ spec }) => spec.name.startsWith(group));
  /** What a snapshot has of it. */
  const summaryOf = async (name: string): Promise<ConnectorSummary> => {
    const snapshot = await storage.connectors.snapshot(name);
    if (snapshot === null) throw new Error(`${name} is gone`);
    const { type, config, targetState, generation, plannedGeneration } = snapshot.spec;
    const tasks = snapshot.tasks.map((each) => ({
      task: each.task,
      generation: each.generation,
      state: each.state,
      trace: each.trace,
      workerId: each.workerId,
      lease: each.lease,
    }));
    return { spec: { name, type, config, targetState, generation, plannedGeneration }, status: snapshot.status, tasks };
  };
  /** One whole round, beginning with the next. */
  const round = async (rounds: ConnectorRounds) => {
    const connectors: CountedConnector[] = [];
    for (let calls = 1; ; calls++) {
      const { connectors: some, last } = await rounds.next();
      connectors.push(...some.filter(({ spec }) => spec.name.startsWith(group)));
      if (last) return { connectors, calls };
    }
  };
  const fillWithOffsets = async (name: string, megabytes: number) => {
    const [task] = (await create(name, [taskOf(0)], {}, 'source')) as readonly TaskItem[];
    const held = await acquire(task as TaskItem);
    const offsets = Array.from({ length: megabytes * 50 }, (_, i) => ({ partition: { file: `${i}` }, offset: { text: 'x'.repeat(20_000) } }));
    await storage.runs.commitSourceOffsets(held, offsets);
  };

  test('summaries of one and of many connectors tell what their snapshots do, whatever their states', { timeout: timeoutMs }, async () => {
    for (const count of [3, 27]) {
      const some = names(count).map((name) => `${name}-of-${count}`);
      const [failing, restarted, running, stopped, deleted] = some;
      await each(some, (name) => create(name, [taskOf(1), taskOf(0)], { topics: 'orders' }));
      const failed = await acquire((await storage.control.task(failing as string, 1)) as TaskItem);
      const failure = { connector: failing as string, task: 1, generation: 1, run: 'r', epoch: 1, kind: 'task-failed', error: 'x', trace: 'at x' } as const;
      await storage.runs.release(failed, { dueAt: null, failure: { ...failure, at: 1, action: '' } });
      await storage.connectors.restartTask(restarted as string, 0);
      await acquire((await storage.control.task(running as string, 0)) as TaskItem);
      await storage.connectors.addActiveTopics(running as string, ['orders']);
      if (stopped !== undefined) await storage.connectors.update((await storage.connectors.get(stopped)) as ConnectorSpec, { targetState: 'STOPPED' });
      if (deleted !== undefined) await storage.connectors.delete(deleted);
      const left = some.filter((name) => name !== deleted);
      const found = (await mine()).filter(({ spec }) => some.includes(spec.name));
      const byName = new Map(found.map((each) => [each.spec.name, each]));
      expect(found).toHaveLength(left.length);
      for (const name of left) expect(byName.get(name)).toEqual(await summaryOf(name));
      expect(byName.get(failing as string)?.tasks[1]).toMatchObject({ state: 'FAILED', trace: 'at x' });
    }
  });

  test('without configs the class is told still', { timeout: timeoutMs }, async () => {
    for (const count of [2, 27]) {
      await each(names(count), (name) => create(`${name}-of-${count}`, [taskOf(0)], { text: 'x' }));
    }
    const found = await mine(false);
    expect(found).toHaveLength(29);
    for (const { spec, tasks } of found) {
      expect(spec.config).toEqual({ 'connector.class': 'x.Connector' });
      expect(tasks).toHaveLength(1);
    }
  });

  test('summaries and rounds of many megabytes are whole: each connector comes once, with all of its tasks', { timeout: timeoutMs }, async () => {
    const small = names(27);
    const large = `${group}large`;
    await each(small, (name) => create(name, [taskOf(0, 20_000), taskOf(1, 20_000)], { text: 'x'.repeat(20_000) }));
    await create(
      large,
      Array.from({ length: 40 }, (_, i) => taskOf(i, 40_000)),
    );
    const summaries = await mine();
    expect(summaries.map(({ spec }) => spec.name).sort()).toEqual([...small, large].sort());
    for (const each of summaries) expect(each).toEqual(await summaryOf(each.spec.name));

    const rounds = storage.control.rounds();
    for (let again = 0; again < 2; again++) {
      const { connectors, calls } = await round(rounds);
      expect(calls).toBeGreaterThanOrEqual(4);
      expect(connectors.map(({ spec }) => spec.name).sort()).toEqual([...small, large].sort());
      for (const { spec, tasks } of connectors) {
        const expected = (await storage.connectors.snapshot(spec.name))?.tasks.map(({ task, partitions }) => [task, partitions]);
        expect(tasks.map(({ task, partitions }) => [task, partitions]).sort((a, b) => Number(a[0]) - Number(b[0]))).toEqual(expected);
      }
    }
  });

  test('a table full of offsets of sources hides nobody, and costs a round about a page for each that has many', { timeout: timeoutMs }, async () => {
    const some = names(27);
    const rounds = storage.control.rounds();
    const before = (await round(rounds)).calls;
    await each(some, (name) => create(name, [taskOf(0)]));
    await each(['0', '1'], (i) => fillWithOffsets(`${group}full-${i}`, 2));
    const all = [...some, `${group}full-0`, `${group}full-1`].sort();
    expect((await mine()).map(({ spec }) => spec.name).sort()).toEqual(all);
    const { connectors, calls } = await round(rounds);
    expect(connectors.map(({ spec }) => spec.name).sort()).toEqual(all);
    expect(calls - before).toBeLessThanOrEqual(4);
  });

  test('while connectors come and go, those that stay are told once each, and what was changed before the call is seen', { timeout: timeoutMs }, async () => {
    const staying = names(27);
    await each(staying, (name) => create(name, [taskOf(0)], { text: 'x'.repeat(50_000) }));
    let going = true;
    const churn = (async () => {
      for (let i = 0; going; i++) {
        await create(`${group}passing-${i}`, [taskOf(0)], { text: 'x'.repeat(30_000) });
        if (i > 0) await storage.connectors.delete(`${group}passing-${i - 1}`);
        // So that reads come between writes where everything is in memory.
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    try {
      for (let i = 0; i < 3; i++) {
        const changed = staying[i] as string;
        await storage.connectors.update((await storage.connectors.get(changed)) as ConnectorSpec, { targetState: 'PAUSED' });
        await create(`${group}new-${i}`, []);
        const found = (await mine()).filter(({ spec }) => !spec.name.includes('passing'));
        expect(found.map(({ spec }) => spec.name).sort()).toEqual([...staying, ...Array.from({ length: i + 1 }, (_, n) => `${group}new-${n}`)].sort());
        expect(found.find(({ spec }) => spec.name === changed)?.spec.targetState).toBe('PAUSED');
        const { connectors } = await round(storage.control.rounds());
        for (const name of staying) expect(connectors.filter(({ spec }) => spec.name === name)).toHaveLength(1);
      }
    } finally {
      going = false;
      await churn;
    }
  });

  test('what somebody has damaged is told by name and hides nobody', { timeout: timeoutMs }, async () => {
    for (const count of [2, 27]) {
      const some = names(count).map((name) => `${name}-of-${count}`);
      await each(some, (name) => create(name, [taskOf(0)]));
      const bad = some[1] as string;
      await table.put({ ...(await table.get(specKey(bad))), ...specKey(bad), generation: 'x' });
      const { connectors, unreadable } = await storage.connectors.summaries({ configs: true });
      const found = connectors.map(({ spec }) => spec.name).filter((name) => some.includes(name));
      expect(found.sort()).toEqual(some.filter((name) => name !== bad));
      expect(unreadable.filter((why) => why.includes(bad) && why.includes("'generation'"))).toHaveLength(1);
      const counted = (await round(storage.control.rounds())).connectors.map(({ spec }) => spec.name).filter((name) => some.includes(name));
      expect(counted.sort()).toEqual(some.filter((name) => name !== bad));
      await storage.connectors.delete(bad);
    }
  });
}
