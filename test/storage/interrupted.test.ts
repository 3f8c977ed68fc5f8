import { describe, expect, test } from 'vitest';
import type { ConnectorSpec, Storage, TaskItem } from '../../shared/storage/ports.ts';
import { ManualClock } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';
import { MemoryTable } from '../simulation/memory-table.ts';

class Killed extends Error {}

/** Storage that fails once, at the given one of its calls' beginnings and ends. */
function failingStorage() {
  const state = { left: Number.POSITIVE_INFINITY };
  const table = new MemoryTable(() => {
    if (state.left-- === 0) throw new Killed();
  });
  const clock = new ManualClock();
  return { storage: createMemoryStorage(clock, { table }), table, clock, failAt: (step: number) => Object.assign(state, { left: step }) };
}

/** Does something that is cut off at each of its steps in turn, until a step is found that it does not have. Returns how many it has. */
async function cutOffAtEachStep(prepare: (storage: Storage) => Promise<(storage: Storage) => Promise<unknown>>, check: (storage: Storage) => Promise<void>) {
  for (let step = 0; ; step++) {
    const { storage, failAt } = failingStorage();
    const action = await prepare(storage);
    failAt(step);
    const cutOff = await action(storage).then(
      () => false,
      (error) => error instanceof Killed,
    );
    failAt(Number.POSITIVE_INFINITY);
    await check(storage);
    if (!cutOff) return step;
  }
}

const name = 'orders';
const planOf = (tasks: number) => Array.from({ length: tasks }, (_, i) => ({ config: { i: String(i) }, partitions: [{ topic: 'orders', partition: i }] }));
const options = { assignedTopics: { orders: 9 }, specDueAt: 0, taskDueAt: 5, workerId: 'w' };
const specIn = async (storage: Storage) => (await storage.connectors.get(name)) as ConnectorSpec;

/** A connector of 250 tasks, the last of which has stored an offset. */
async function planned(storage: Storage): Promise<void> {
  await storage.connectors.create({ name, type: 'sink', config: {}, targetState: 'STARTED' });
  const spec = await specIn(storage);
  await storage.control.plan(spec, planOf(250), options);
  const request = { connector: name, task: 249, generation: spec.generation, owner: 'run', workerId: 'w', expiresAt: spec.createdAt + 9 };
  const { task } = (await storage.runs.acquire(request)) as { task: TaskItem };
  await storage.runs.commitSinkOffsets(task, new Map([['orders-249', 7n]]));
  await storage.runs.release(task, { dueAt: 5 });
}

describe('whatever is cut off anywhere can be done again to the same end:', () => {
  test('a plan', async () => {
    const steps = await cutOffAtEachStep(
      async (storage) => {
        await planned(storage);
        await storage.control.replan(await specIn(storage));
        return async () => storage.control.plan(await specIn(storage), planOf(120), options);
      },
      async (storage) => {
        const before = await specIn(storage);
        expect(await storage.offsets.sinkOffsets(name)).toEqual(new Map([['orders-249', 7n]]));
        if (before.plannedGeneration < before.generation) expect(await storage.control.plan(before, planOf(120), options)).toHaveLength(120);
        const { spec, tasks } = (await storage.connectors.snapshot(name)) ?? {};
        expect(spec?.plannedGeneration).toBe(spec?.generation);
        expect(tasks?.map(({ task, generation, dueAt }) => [task, generation, dueAt])).toEqual(
          Array.from({ length: 120 }, (_, task) => [task, spec?.generation, 5]),
        );
        // The partition comes back to a task with the offset that was stored for it.
        await storage.control.replan(await specIn(storage));
        const again = await storage.control.plan(await specIn(storage), planOf(250), options);
        expect(again?.[249]?.offsets).toEqual(new Map([['orders-249', 7n]]));
      },
    );
    expect(steps).toBeGreaterThan(8);
  });

  test('a delete, and the next connector of that name', async () => {
    const steps = await cutOffAtEachStep(
      async (storage) => {
        await planned(storage);
        await storage.connectors.addActiveTopics(name, ['a']);
        return () => storage.connectors.delete(name);
      },
      async (storage) => {
        const listed = (await storage.connectors.list()).length === 1;
        expect((await storage.connectors.get(name)) !== null).toBe(listed);
        expect(await storage.connectors.delete(name)).toBe(listed);
        expect(await storage.connectors.create({ name, type: 'sink', config: {}, targetState: 'STARTED' })).not.toBeNull();
        expect(await storage.connectors.snapshot(name)).toMatchObject({ status: null, tasks: [], topics: [] });
        expect((await storage.control.due(1e15)).tasks).toEqual([]);
        expect(await storage.offsets.sinkOffsets(name)).toEqual(new Map([['orders-249', 7n]]));
      },
    );
    expect(steps).toBeGreaterThan(8);
  });

  test('tasks that a delete has left are started once at most, then rest', async () => {
    const { storage, failAt } = failingStorage();
    await planned(storage);
    const { generation } = await specIn(storage);
    failAt(4);
    await expect(storage.connectors.delete(name)).rejects.toBeInstanceOf(Killed);
    failAt(Number.POSITIVE_INFINITY);
    expect(await storage.connectors.get(name)).toBeNull();
    const left = (await storage.control.due(1e15)).tasks;
    expect(left.length).toBeGreaterThan(0);
    for (const { task } of left) {
      expect(await storage.runs.acquire({ connector: name, task, generation, owner: 'late', workerId: 'w', expiresAt: 1 })).toBeNull();
    }
    expect((await storage.control.due(1e15)).tasks).toEqual([]);
  });
});

describe('an answer that is lost on its way', () => {
  /** The table as the client of DynamoDB shows it: it sends an update again when no answer comes. */
  class RetryingTable extends MemoryTable {
    override async update(...request: Parameters<MemoryTable['update']>): Promise<Awaited<ReturnType<MemoryTable['update']>>> {
      await super.update(...request);
      return super.update(...request);
    }
  }

  test('costs a plan and a run nothing', async () => {
    const clock = new ManualClock();
    const table = new RetryingTable();
    const storage = createMemoryStorage(clock, { table });
    await storage.connectors.create({ name, type: 'sink', config: {}, targetState: 'STARTED' });
    const spec = await specIn(storage);
    await storage.control.plan(spec, planOf(1), options);
    const acquired = await storage.runs.acquire({
      connector: name,
      task: 0,
      generation: spec.generation,
      owner: 'a',
      workerId: 'w',
      expiresAt: clock.now() + 1,
    });
    expect(acquired?.task.epoch).toBe(1);
    const task = acquired?.task as TaskItem;
    await storage.runs.commitSinkOffsets(task, new Map([['orders-0', 3n]]));
    await storage.runs.release(task, { dueAt: 5 });
    expect(await storage.control.task(name, 0)).toMatchObject({ lease: null, dueAt: 5, epoch: 1 });
  });
});
