import { beforeEach, describe, expect, test } from 'vitest';
import type { ItemTable } from '../../shared/storage/dynamodb/table.ts';
import { type ConnectorSpec, FencedException, type PlannedTask, type Storage, type TaskItem } from '../../shared/storage/ports.ts';

/** A clock that only moves when it is told to. */
export class ManualClock {
  time = Date.UTC(2026, 0, 1);
  now(): number {
    return this.time;
  }
  async sleep(ms: number): Promise<void> {
    this.time += ms;
  }
  async nextTurn(): Promise<void> {}
}

let names = 0;

/** What every storage must do; `open` gives one with whatever in it, and the table beneath. */
export function storageContract(open: () => Promise<{ storage: Storage; clock: ManualClock; table: ItemTable }>): void {
  let storage: Storage;
  let table: ItemTable;
  let clock: ManualClock;
  let name: string;
  beforeEach(async () => {
    ({ storage, clock, table } = await open());
    name = `orders ${++names}/ü`;
  });

  const create = (type: 'source' | 'sink' = 'sink') => storage.connectors.create({ name, type, config: { name, topics: 'orders' }, targetState: 'STARTED' });
  const plan = async (partitions: readonly number[][], type: 'source' | 'sink' = 'sink') => {
    const spec = (await storage.connectors.get(name)) ?? (await create(type));
    if (spec === null) throw new Error('no spec');
    const tasks = partitions.map((each) => ({ config: { a: 'b' }, partitions: each.map((partition) => ({ topic: 'orders', partition })) }));
    return storage.control.plan(spec, tasks, { assignedTopics: { orders: 4 }, specDueAt: 0, taskDueAt: clock.now(), workerId: 'w' });
  };
  const acquire = async (owner: string, task = 0) => {
    const spec = await storage.connectors.get(name);
    return storage.runs.acquire({ connector: name, task, generation: spec?.generation ?? 0, owner, workerId: 'w', expiresAt: clock.now() + 60_000 });
  };
  const mine = async (owner = 'run-1'): Promise<TaskItem> => {
    const acquired = await acquire(owner);
    if (acquired === null) throw new Error('not acquired');
    return acquired.task;
  };

  describe('specs', () => {
    test('a name can be taken once, and is listed', async () => {
      const spec = await create();
      expect(spec).toMatchObject({ name, generation: clock.now(), plannedGeneration: 0, dueAt: clock.now() });
      expect(await create()).toBeNull();
      expect(await storage.connectors.list()).toContain(name);
      expect(await storage.connectors.get(name)).toEqual(spec);
    });

    test('of two changes made from the same state one wins', async () => {
      const spec = await create();
      if (spec === null) throw new Error('not created');
      const [one, two] = await Promise.all([
        storage.connectors.update(spec, { targetState: 'PAUSED' }),
        storage.connectors.update(spec, { config: { name, x: '1' }, newGeneration: true }),
      ]);
      expect([one, two].filter((each) => each === null)).toHaveLength(1);
    });

    test('a new generation is later, also after delete and create', async () => {
      const first = await create();
      clock.time += 5;
      const second = first && (await storage.connectors.update(first, { newGeneration: true }));
      expect(second?.generation).toBeGreaterThan(first?.generation ?? 0);
      expect(await storage.connectors.delete(name)).toBe(true);
      expect(await storage.connectors.get(name)).toBeNull();
      expect(await storage.connectors.delete(name)).toBe(false);
      // Even while the clock stands still.
      expect((await create())?.generation).toBeGreaterThan(second?.generation ?? 0);
    });

    test('a change from a stale spec is refused, and leaves nothing behind', async () => {
      const stale = await create();
      if (stale === null) throw new Error('not created');
      const changed = await storage.connectors.update(stale, { config: { name, x: '1' } });
      expect(await storage.connectors.update(stale, { config: { name, x: '2' }, newGeneration: true })).toBeNull();
      expect(await storage.connectors.get(name)).toEqual(changed);
      await storage.connectors.delete(name);
      expect(changed && (await storage.connectors.update(changed, { targetState: 'PAUSED' }))).toBeNull();
    });

    test('a config too large for the table is refused with what to do', async () => {
      const config = { name, large: 'x'.repeat(410 * 1024) };
      const refusal = new RegExp(`^Connector ${name}: its config .* 400 KB`);
      await expect(storage.connectors.create({ name, type: 'sink', config, targetState: 'STARTED' })).rejects.toThrow(refusal);
      const spec = await create();
      await expect(storage.connectors.update(spec as ConnectorSpec, { config })).rejects.toThrow(refusal);
    });

    test('more than a page of names comes whole and in order', async () => {
      const many = Array.from({ length: 120 }, (_, i) => `${name}-${String(i).padStart(3, '0')}`);
      const config = { text: 'x'.repeat(40_000) };
      await Promise.all(many.map((each) => storage.connectors.create({ name: each, type: 'sink', config, targetState: 'STARTED' })));
      expect((await storage.connectors.list()).filter((each) => each.startsWith(`${name}-`))).toEqual(many);
      // 4.8 MB, more than a megabyte of it in each shard of the index.
      const due = (await storage.control.due(clock.now())).specs.filter((each) => each.name.startsWith(`${name}-`));
      expect(due.map((each) => each.name).sort()).toEqual(many);
      expect(due.every(({ config: { text } }) => text?.length === 40_000)).toBe(true);
    });

    test('a connector is deleted while its task runs, whose run then cannot store anything', async () => {
      await plan([[0]]);
      const task = await mine();
      await storage.runs.commitSinkOffsets(task, new Map([['orders-0', 3n]]));
      expect(await storage.connectors.delete(name)).toBe(true);
      await expect(storage.runs.commitSinkOffsets(task, new Map([['orders-0', 9n]]))).rejects.toBeInstanceOf(FencedException);
      await expect(storage.runs.release(task, { dueAt: clock.now(), wake: true })).rejects.toBeInstanceOf(FencedException);
      await storage.connectors.addActiveTopics(name, ['late']);
      expect(await acquire('late')).toBeNull();
      expect((await storage.control.due(clock.now() + 100_000)).tasks.filter(({ connector }) => connector === name)).toEqual([]);
      const again = await plan([[0]]);
      expect(again?.[0]?.offsets).toEqual(new Map([['orders-0', 3n]]));
      expect(again?.[0]?.epoch).toBe(task.epoch);
      expect((await storage.connectors.snapshot(name))?.topics).toEqual([]);
      await expect(storage.runs.commitSinkOffsets(task, new Map([['orders-0', 9n]]))).rejects.toBeInstanceOf(FencedException);
    });

    test('a connector of many tasks is deleted whole, and its offsets stay', async () => {
      await plan(Array.from({ length: 230 }, (_, i) => [i]));
      const task = (await acquire('run-1', 229))?.task as TaskItem;
      await storage.runs.commitSinkOffsets(task, new Map([['orders-229', 4n]]));
      expect(await storage.connectors.delete(name)).toBe(true);
      expect(await storage.connectors.snapshot(name)).toBeNull();
      expect(await storage.control.task(name, 228)).toBeNull();
      expect(await storage.offsets.sinkOffsets(name)).toEqual(new Map([['orders-229', 4n]]));
    });
  });

  describe('plans', () => {
    test('make tasks with their partitions, due when said, and a running connector', async () => {
      const tasks = await plan([
        [0, 2],
        [1, 3],
      ]);
      expect(tasks?.map(({ task, partitions }) => [task, partitions.length])).toEqual([
        [0, 2],
        [1, 2],
      ]);
      const snapshot = await storage.connectors.snapshot(name);
      expect(snapshot?.status?.state).toBe('RUNNING');
      expect(snapshot?.spec.assignedTopics).toEqual({ orders: 4 });
      expect(snapshot?.spec.plannedGeneration).toBe(snapshot?.spec.generation);
      const { tasks: due } = await storage.control.due(clock.now());
      expect(due.filter(({ connector }) => connector === name)).toHaveLength(2);
    });

    test('offsets move with their partitions, and epochs never go back', async () => {
      await plan([[0], [1]]);
      const task = await mine();
      await storage.runs.commitSinkOffsets(task, new Map([['orders-0', 2n ** 60n]]));
      await storage.runs.release(task, { dueAt: clock.now() });
      const spec = await storage.connectors.get(name);
      expect(spec && (await storage.control.replan(spec))).toBe(true);
      const again = await plan([[1, 0]]);
      expect(again).toHaveLength(1);
      expect(again?.[0]?.offsets).toEqual(new Map([['orders-0', 2n ** 60n]]));
      expect(again?.[0]?.epoch).toBe(1);
      expect((await storage.connectors.snapshot(name))?.tasks).toHaveLength(1);
    });

    test('wait while a run of the old tasks holds a lease', async () => {
      await plan([[0]]);
      await mine();
      const spec = await storage.connectors.get(name);
      if (spec) await storage.control.replan(spec);
      expect(await plan([[0]])).toBeNull();
    });

    test('of a spec that has moved on are refused', async () => {
      const old = await create();
      if (old === null) throw new Error('not created');
      await storage.connectors.update(old, { newGeneration: true });
      expect(await storage.control.plan(old, [], { assignedTopics: null, specDueAt: null, taskDueAt: null, workerId: 'w' })).toBeNull();
    });

    test('keep sink offsets when there are no tasks any more, and over a delete', async () => {
      await plan([[0]]);
      const task = await mine();
      await storage.runs.commitSinkOffsets(task, new Map([['orders-0', 7n]]));
      await storage.runs.release(task, { dueAt: null });
      await storage.connectors.delete(name);
      expect(await storage.offsets.sinkOffsets(name)).toEqual(new Map([['orders-0', 7n]]));
      clock.time += 5;
      expect((await plan([[0]]))?.[0]?.offsets).toEqual(new Map([['orders-0', 7n]]));
    });

    test('of more tasks than a transaction takes are whole, and leave no surplus', async () => {
      expect(await plan(Array.from({ length: 130 }, () => []))).toHaveLength(130);
      expect((await storage.connectors.snapshot(name))?.tasks.map(({ task }) => task)).toEqual(Array.from({ length: 130 }, (_, i) => i));
      const spec = await storage.connectors.get(name);
      await storage.control.replan(spec as ConnectorSpec);
      await plan([[], []]);
      expect((await storage.connectors.snapshot(name))?.tasks.map(({ task }) => task)).toEqual([0, 1]);
    });

    test('of the same generation made twice at once come to one', async () => {
      const spec = await create();
      const options = { assignedTopics: null, specDueAt: 0, taskDueAt: clock.now(), workerId: 'w' };
      const task = { config: {}, partitions: [] };
      const plans = [1, 120].map((tasks) => storage.control.plan(spec as ConnectorSpec, Array<PlannedTask>(tasks).fill(task), options));
      const made = (await Promise.all(plans)).filter((each) => each !== null);
      expect(made).toHaveLength(1);
      expect((await storage.connectors.snapshot(name))?.tasks).toHaveLength(made[0]?.length ?? 0);
    });

    test('wait for a failure of the old tasks to be told', async () => {
      await plan([[0]]);
      const task = await mine();
      await storage.runs.release(task, { dueAt: null, failure: failureOf(task) });
      await storage.control.replan((await storage.connectors.get(name)) as ConnectorSpec);
      expect(await plan([[0], [1]])).toBeNull();
      await storage.control.clearFailure((await storage.control.task(name, 0)) as TaskItem);
      expect(await plan([[0], [1]])).toHaveLength(2);
    });

    test('do not undo what the user asked for meanwhile', async () => {
      const spec = (await storage.connectors.create({ name, type: 'sink', config: {}, targetState: 'PAUSED' })) as ConnectorSpec;
      const resumed = await storage.connectors.update(spec, { targetState: 'STARTED' });
      expect(await storage.control.plan(spec, [], { assignedTopics: null, specDueAt: null, taskDueAt: null, workerId: 'w' })).toBeNull();
      expect(await storage.connectors.get(name)).toEqual(resumed);
    });
  });

  describe('leases', () => {
    test('of two runs that ask at once one gets the task', async () => {
      await plan([[0]]);
      const both = await Promise.all([acquire('a'), acquire('b')]);
      expect(both.filter((each) => each !== null)).toHaveLength(1);
    });

    test('can be taken over when they have expired, and fence who had them', async () => {
      await plan([[0]]);
      const old = await mine('old');
      clock.time += 60_001;
      const now = await mine('new');
      expect(now.epoch).toBe(old.epoch + 1);
      await expect(storage.runs.commitSinkOffsets(old, new Map([['orders-0', 1n]]))).rejects.toBeInstanceOf(FencedException);
      await expect(storage.runs.commitSourceOffsets(old, [{ partition: { f: 1 }, offset: { p: 1 } }])).rejects.toBeInstanceOf(FencedException);
      await expect(storage.runs.release(old, { dueAt: null })).rejects.toBeInstanceOf(FencedException);
      expect(await storage.offsets.sourceOffsets(name)).toEqual([]);
    });

    test('are not given for a paused, replaced or failed task', async () => {
      await plan([[0]]);
      const spec = await storage.connectors.get(name);
      const paused = spec && (await storage.connectors.update(spec, { targetState: 'PAUSED' }));
      expect(await acquire('a')).toBeNull();
      if (paused) await storage.connectors.update(paused, { targetState: 'STARTED' });
      const task = await mine('b');
      await storage.runs.release(task, { dueAt: null, failure: failureOf(task) });
      expect(await acquire('c')).toBeNull();
      expect(await storage.connectors.restartTask(name, 0)).toBe(true);
      // The failure is told first, restarted or not.
      expect(await acquire('c')).toBeNull();
      const restarted = await storage.control.task(name, 0);
      if (restarted) await storage.control.clearFailure(restarted);
      expect((await mine('d')).restarts).toBe(1);
      expect(await storage.connectors.restartTask(name, 9)).toBe(false);
    });

    test('are not given while the tasks of a generation are not all made', async () => {
      await plan([[0]]);
      const spec = (await storage.connectors.get(name)) as ConnectorSpec;
      await storage.control.replan(spec);
      const task = { connector: name, task: 0, owner: 'run-1', workerId: 'w', expiresAt: clock.now() + 1 };
      expect(await storage.runs.acquire({ ...task, generation: spec.generation })).toBeNull();
      expect(await storage.runs.acquire({ ...task, generation: ((await storage.connectors.get(name)) as ConnectorSpec).generation })).toBeNull();
      expect(await storage.runs.acquire({ ...task, task: 7, generation: spec.generation })).toBeNull();
      expect(await storage.runs.acquire({ ...task, connector: 'nobody', generation: 1 })).toBeNull();
    });

    test('of one that is delivered twice are given once', async () => {
      await plan([[0]]);
      expect(await acquire('same')).not.toBeNull();
      expect(await acquire('same')).toBeNull();
    });

    test('marks tell a run what its user wants', async () => {
      await plan([[0]]);
      const task = await mine();
      expect(await storage.runs.marks(name, 0)).toEqual({
        generation: task.generation,
        targetState: 'STARTED',
        restarts: 0,
        epoch: task.epoch,
        topicResets: 0,
      });
      await storage.connectors.restartTask(name, 0);
      expect((await storage.runs.marks(name, 0))?.restarts).toBe(1);
      await storage.connectors.delete(name);
      expect(await storage.runs.marks(name, 0)).toBeNull();
    });
  });

  describe('failures', () => {
    test('are due until they were routed, then off the schedule', async () => {
      await plan([[0]]);
      const task = await mine();
      await storage.runs.release(task, { dueAt: null, failure: failureOf(task) });
      const due = (await storage.control.due(clock.now())).tasks.find(({ connector }) => connector === name);
      expect(due).toMatchObject({ state: 'FAILED', trace: 'at x', failure: { kind: 'task-failed' }, lease: null });
      if (due) await storage.control.clearFailure(due);
      expect((await storage.control.due(clock.now())).tasks.find(({ connector }) => connector === name)).toBeUndefined();
      expect((await storage.connectors.snapshot(name))?.tasks[0]).toMatchObject({ state: 'FAILED', trace: 'at x', failure: null });
    });

    test('of a task that is restarted by itself keep it FAILED until then', async () => {
      await plan([[0]]);
      const task = await mine();
      await storage.runs.release(task, { dueAt: null, failure: failureOf(task), restartAt: clock.now() + 10_000 });
      await storage.control.clearFailure((await storage.control.task(name, 0)) as TaskItem);
      const waiting = (await storage.control.task(name, 0)) as TaskItem;
      expect(waiting).toMatchObject({ state: 'FAILED', failure: null, dueAt: clock.now() + 10_000, failedRuns: 1 });
      expect(await acquire('too early')).toBeNull();
      clock.time += 10_000;
      expect((await storage.control.due(clock.now())).tasks.some(({ connector }) => connector === name)).toBe(true);
      expect(await storage.control.restartFailed(waiting)).toBe(true);
      expect(await storage.control.restartFailed(waiting)).toBe(false);
      const again = await mine('again');
      expect(again).toMatchObject({ restarts: 1, failedRuns: 1, trace: null });
      await storage.runs.release(again, { dueAt: clock.now() });
      expect(await storage.control.task(name, 0)).toMatchObject({ failedRuns: 0, state: 'RUNNING' });
    });

    test('that wait for their restart are not forgotten by a run that is asked for while the connector is paused', async () => {
      await plan([[0]]);
      const task = await mine();
      await storage.runs.release(task, { dueAt: null, failure: failureOf(task), restartAt: clock.now() + 10_000 });
      await storage.control.clearFailure((await storage.control.task(name, 0)) as TaskItem);
      await storage.connectors.update((await storage.connectors.get(name)) as ConnectorSpec, { targetState: 'PAUSED' });
      expect(await acquire('late')).toBeNull();
      expect((await storage.control.task(name, 0))?.dueAt).toBe(clock.now() + 10_000);
    });

    test('of connectors are tried again when they say so', async () => {
      const spec = (await create()) as ConnectorSpec;
      await storage.control.failConnector(spec, { ...failureOf(null), connector: name }, 'w', clock.now() + 5);
      const failed = (await storage.connectors.get(name)) as ConnectorSpec;
      expect(failed).toMatchObject({ dueAt: clock.now() + 5, failedPlans: 1 });
      await plan([[0]]);
      expect((await storage.connectors.get(name))?.failedPlans).toBe(0);
    });

    test('of a task that was restarted meanwhile keep it on the schedule', async () => {
      await plan([[0]]);
      const task = await mine();
      await storage.runs.release(task, { dueAt: null, failure: failureOf(task) });
      const failed = (await storage.control.task(name, 0)) as TaskItem;
      await storage.connectors.restartTask(name, 0);
      await storage.control.clearFailure(failed);
      expect(await storage.control.task(name, 0)).toMatchObject({ dueAt: clock.now(), failure: { kind: 'task-failed' }, state: 'RUNNING' });
    });

    test('with a trace of any length are kept', async () => {
      await plan([[0]]);
      const task = await mine();
      await storage.runs.release(task, { dueAt: null, failure: { ...failureOf(task), trace: 'ü'.repeat(1_000_000) } });
      expect((await storage.control.task(name, 0))?.trace).toMatch(/^ü{10000}/);
    });

    test('of lost runs free the lease once, and the task goes on when it was said to', async () => {
      await plan([[0]]);
      const task = await mine();
      const again = clock.now() + 5_000;
      expect(await storage.control.loseRun(task, again, failureOf(task))).toBe(true);
      expect(await storage.control.loseRun(task, again, failureOf(task))).toBe(false);
      const lost = await storage.control.task(name, 0);
      expect(lost).toMatchObject({ lease: null, lostRuns: 1, state: 'RUNNING' });
      if (lost) await storage.control.clearFailure(lost);
      expect((await storage.control.task(name, 0))?.dueAt).toBe(again);
    });

    test('of a connector show in its status', async () => {
      const spec = await create();
      if (spec) await storage.control.failConnector(spec, { ...failureOf(null), connector: name }, 'w', null);
      expect((await storage.connectors.snapshot(name))?.status).toEqual({ state: 'FAILED', trace: 'at x', workerId: 'w' });
      expect(await storage.connectors.restartConnector(name)).toBe(true);
      expect((await storage.connectors.snapshot(name))?.status?.state).toBe('UNASSIGNED');
    });

    test('of a connector whose tasks go on are over when it is restarted', async () => {
      await plan([[0]]);
      await storage.control.failConnector((await storage.connectors.get(name)) as ConnectorSpec, { ...failureOf(null), connector: name }, 'w', null);
      expect(await storage.connectors.get(name)).toMatchObject({ dueAt: null });
      expect(await storage.connectors.restartConnector(name)).toBe(true);
      expect(await storage.connectors.snapshot(name)).toMatchObject({
        status: { state: 'RUNNING', trace: null },
        spec: { dueAt: clock.now() },
        tasks: [{ generation: clock.now() }],
      });
      expect(await storage.connectors.restartConnector(`${name}-`)).toBe(false);
    });
  });

  describe('the schedule', () => {
    test('a deferred task is left alone until then, and only one look defers it', async () => {
      await plan([[0]]);
      const task = await storage.control.task(name, 0);
      if (task === null) throw new Error('no task');
      const both = await Promise.all([storage.control.deferTask(task, clock.now() + 9), storage.control.deferTask(task, clock.now() + 10)]);
      expect(both.filter(Boolean)).toHaveLength(1);
      expect((await storage.control.due(clock.now())).tasks.find(({ connector }) => connector === name)).toBeUndefined();
    });

    test('a task that ran is due when its run said', async () => {
      await plan([[0]]);
      const task = await mine();
      expect(await storage.control.deferTask(task, clock.now())).toBe(false);
      await storage.runs.release(task, { dueAt: clock.now() + 5 });
      expect(await storage.control.task(name, 0)).toMatchObject({ lease: null, dueAt: clock.now() + 5, lastSuccessAt: clock.now() });
      expect((await storage.control.due(clock.now() + 4)).tasks.some(({ connector }) => connector === name)).toBe(false);
      expect((await storage.control.due(clock.now() + 5)).tasks.some(({ connector }) => connector === name)).toBe(true);
    });

    test('a task of a connector that was paused and resumed is never forgotten', async () => {
      await plan([[0]]);
      const task = await mine();
      const spec = (await storage.connectors.get(name)) as ConnectorSpec;
      const paused = (await storage.connectors.update(spec, { targetState: 'PAUSED' })) as ConnectorSpec;
      const resumed = (await storage.connectors.update(paused, { targetState: 'STARTED' })) as ConnectorSpec;
      // The run stops because it saw the pause; a look acts on the pause too.
      await storage.runs.release(task, { dueAt: null, wake: true });
      const released = (await storage.control.task(name, 0)) as TaskItem;
      expect(released.dueAt).toBe(clock.now());
      expect(await storage.control.deferTask(released, null)).toBe(false);
      await storage.connectors.update(resumed, { targetState: 'PAUSED' });
      expect(await storage.control.deferTask(released, null)).toBe(true);
      expect((await storage.control.task(name, 0))?.dueAt).toBeNull();
    });

    test('a failure that nobody was told of keeps a task of a paused connector on the schedule', async () => {
      await plan([[0]]);
      const task = await mine();
      await storage.runs.release(task, { dueAt: null, failure: failureOf(task) });
      await storage.connectors.update((await storage.connectors.get(name)) as ConnectorSpec, { targetState: 'PAUSED' });
      const failed = (await storage.control.task(name, 0)) as TaskItem;
      expect(await storage.control.deferTask(failed, null)).toBe(false);
      expect((await storage.control.due(clock.now())).tasks.filter(({ connector }) => connector === name)).toHaveLength(1);
    });

    test('a run of a paused connector takes its task off the schedule', async () => {
      await plan([[0]]);
      const spec = (await storage.connectors.get(name)) as ConnectorSpec;
      await storage.connectors.update(spec, { targetState: 'PAUSED' });
      expect(await acquire('run-1')).toBeNull();
      expect((await storage.control.task(name, 0))?.dueAt).toBeNull();
    });

    test('a connector restarted at the moment of a look stays due', async () => {
      const spec = (await create()) as ConnectorSpec;
      await storage.connectors.restartConnector(name);
      expect(await storage.control.deferSpec(spec, null)).toBe(false);
      expect((await storage.connectors.get(name))?.dueAt).toBe(clock.now());
    });

    test('a task that waits for events is due when one comes, also one that came while it ran', async () => {
      await plan([[]], 'source');
      const dueAt = async () => (await storage.control.task(name, 0))?.dueAt ?? null;
      await storage.runs.release(await mine(), { dueAt: null });
      expect(await dueAt()).toBeNull();
      clock.time += 5;
      expect(await storage.control.wakeTask(name, 0)).toBe(true);
      expect(await dueAt()).toBe(clock.now());
      const run = await mine('run-2');
      expect(await storage.control.wakeTask(name, 0)).toBe(true);
      expect((await storage.control.task(name, 0))?.lease?.owner).toBe('run-2');
      await storage.runs.release(run, { dueAt: null });
      expect(await dueAt()).toBe(clock.now());
      await storage.runs.release(await mine('run-3'), { dueAt: null });
      expect(await dueAt()).toBeNull();
      await storage.runs.release(await mine('run-4'), { dueAt: null, failure: failureOf(await storage.control.task(name, 0)) });
      expect(await storage.control.wakeTask(name, 0)).toBe(false);
      expect(await storage.control.wakeTask(name, 7)).toBe(false);
    });

    test('a task whose circuit is open waits, also for events, until it stores something, ends well, or its user restarts it', async () => {
      await plan([[]], 'source');
      const circuit = { since: clock.now(), attempts: 2, nextTryAt: clock.now() + 50, error: 'The disk is full' };
      const trouble = { kind: 'postponed', error: 'The disk is full', trace: null, at: clock.now() } as const;
      const open = async () => storage.runs.release(await mine(), { dueAt: circuit.nextTryAt, circuit, trouble });
      const task = async () => storage.control.task(name, 0);
      await open();
      expect(await task()).toMatchObject({ circuit, dueAt: circuit.nextTryAt, lastSuccessAt: null, state: 'RUNNING' });
      expect(await storage.control.wakeTask(name, 0)).toBe(true);
      expect(await task()).toMatchObject({ circuit, dueAt: circuit.nextTryAt });

      const probe = await mine();
      expect(probe.circuit).toEqual(circuit);
      await storage.runs.commitSourceOffsets(probe, [{ partition: { p: 1 }, offset: { at: 1 } }]);
      expect((await task())?.circuit).toBeNull();
      await storage.runs.release(probe, { dueAt: null, circuit: null });
      await open();
      // Told to stop, it knows nothing of its system.
      await storage.runs.release(await mine(), { dueAt: clock.now() });
      expect((await task())?.circuit).toEqual(circuit);
      await storage.runs.release(await mine(), { dueAt: clock.now(), circuit: null });
      expect(await task()).toMatchObject({ circuit: null, lastSuccessAt: clock.now() });
      await open();
      await storage.connectors.restartTask(name, 0);
      expect(await task()).toMatchObject({ circuit: null, dueAt: clock.now() });
    });

    test('offsets of a sink that are stored close its circuit', async () => {
      await plan([[0]]);
      const circuit = { since: clock.now(), attempts: 1, nextTryAt: clock.now(), error: 'Away' };
      await storage.runs.release(await mine(), { dueAt: clock.now(), circuit });
      const probe = await mine();
      await storage.runs.commitSinkOffsets(probe, new Map([['orders-0', 1n]]));
      expect(await storage.control.task(name, 0)).toMatchObject({ circuit: null, offsets: new Map([['orders-0', 1n]]), lease: { owner: 'run-1' } });
    });

    test('a spec that its user changed meanwhile is not deferred', async () => {
      const spec = await create();
      if (spec === null) throw new Error('not created');
      await storage.connectors.update(spec, { targetState: 'PAUSED' });
      expect(await storage.control.deferSpec(spec, null)).toBe(false);
    });
  });

  test('the controller is woken by what it should look at, and by nothing else', async () => {
    const seen = new Set<unknown>();
    /** True when the last step left a mark that no step before had left. */
    const woken = async () => {
      const marks = (await table.query({ pk: `CONNECTOR#${name}` })).flatMap(({ wake }) => (wake === undefined ? [] : [wake]));
      const fresh = marks.filter((mark) => !seen.has(mark));
      for (const mark of fresh) seen.add(mark);
      return fresh.length > 0;
    };
    const spec = (await create()) as ConnectorSpec;
    expect(await woken()).toBe(true);
    await storage.control.deferSpec(spec, clock.now() + 1);
    await plan([[0]]);
    const task = await mine();
    await storage.runs.commitSinkOffsets(task, new Map([['orders-0', 1n]]));
    await storage.runs.release(task, { dueAt: clock.now() });
    await storage.control.deferTask((await storage.control.task(name, 0)) as TaskItem, clock.now());
    expect(await woken()).toBe(false);
    expect((await table.query({ pk: `CONNECTOR#${name}` })).filter(({ wake }) => wake !== undefined)).toEqual([]);

    await storage.connectors.restartTask(name, 0);
    expect(await woken()).toBe(true);
    await storage.runs.release(await mine(), { dueAt: clock.now(), wake: true });
    expect(await woken()).toBe(true);
    const lost = await mine();
    await storage.control.loseRun(lost, clock.now() + 9, failureOf(lost));
    expect(await woken()).toBe(true);
    await storage.control.clearFailure((await storage.control.task(name, 0)) as TaskItem);
    expect(await woken()).toBe(false);
    const failed = await mine();
    await storage.runs.release(failed, { dueAt: null, failure: failureOf(failed) });
    expect(await woken()).toBe(true);
    await storage.connectors.restartConnector(name);
    expect(await woken()).toBe(true);
    await storage.control.replan((await storage.connectors.get(name)) as ConnectorSpec);
    expect(await woken()).toBe(true);
    await storage.connectors.update((await storage.connectors.get(name)) as ConnectorSpec, { targetState: 'PAUSED' });
    expect(await woken()).toBe(true);
  });

  describe('offsets', () => {
    test('of sources are found by what the partition says, and keep numbers exact', async () => {
      await plan([[]], 'source');
      const task = await mine();
      const offset = { position: 2n ** 61n + 1n, ratio: 1.5, text: 'x' };
      await storage.runs.commitSourceOffsets(task, [{ partition: { file: 'a', node: { x: 1, y: 2 } }, offset }]);
      expect(await storage.offsets.sourceOffset(name, { node: { y: 2, x: 1 }, file: 'a' })).toEqual(offset);
      expect(await storage.offsets.sourceOffset(name, { file: 'b' })).toBeNull();
      expect(await storage.offsets.sourceOffsets(name)).toEqual([{ partition: { file: 'a', node: { x: 1, y: 2 } }, offset }]);
      await storage.runs.commitSourceOffsets(task, [{ partition: { file: 'a', node: { x: 1, y: 2 } }, offset: null }]);
      expect(await storage.offsets.sourceOffsets(name)).toEqual([]);
    });

    test('more than a transaction takes are all stored', async () => {
      await plan([[]], 'source');
      const task = await mine();
      const offsets = Array.from({ length: 250 }, (_, i) => ({ partition: { i }, offset: { at: i } }));
      await storage.runs.commitSourceOffsets(task, offsets);
      expect(await storage.offsets.sourceOffsets(name)).toHaveLength(250);
      await storage.offsets.purge(name);
      expect(await storage.offsets.sourceOffsets(name)).toEqual([]);
    });

    test('of many sink partitions are stored in one commit', async () => {
      await plan([Array.from({ length: 250 }, (_, i) => i)]);
      const task = await mine();
      await storage.runs.commitSinkOffsets(task, new Map(Array.from({ length: 250 }, (_, i) => [`orders-${i}`, BigInt(i)])));
      expect((await storage.offsets.sinkOffsets(name)).size).toBe(250);
    });

    test('of a stopped connector can be set and removed', async () => {
      await storage.offsets.alterSinkOffsets(
        name,
        new Map([
          ['orders-0', 5n],
          ['orders-1', 6n],
        ]),
      );
      await storage.offsets.alterSinkOffsets(name, new Map([['orders-0', null]]));
      expect(await storage.offsets.sinkOffsets(name)).toEqual(new Map([['orders-1', 6n]]));
      await storage.offsets.alterSourceOffsets(name, [{ partition: { a: 1 }, offset: { p: 2 } }]);
      expect(await storage.offsets.sourceOffset(name, { a: 1 })).toEqual({ p: 2 });
    });

    test('change only while the connector is stopped still, when that is asked for', async () => {
      const created = (await create()) as ConnectorSpec;
      const stopped = (await storage.connectors.update(created, { targetState: 'STOPPED' })) as ConnectorSpec;
      expect(await storage.offsets.alterSinkOffsets(name, new Map([['orders-0', 5n]]), stopped)).toBe(true);
      expect(await storage.offsets.alterSourceOffsets(name, [{ partition: { a: 1 }, offset: { p: 2 } }], stopped)).toBe(true);
      const resumed = (await storage.connectors.update(stopped, { targetState: 'STARTED' })) as ConnectorSpec;
      for (const spec of [stopped, resumed]) {
        expect(await storage.offsets.alterSinkOffsets(name, new Map([['orders-0', 1n]]), spec)).toBe(false);
        expect(await storage.offsets.alterSourceOffsets(name, [{ partition: { a: 1 }, offset: null }], spec)).toBe(false);
        expect(await storage.offsets.purge(name, spec)).toBe(false);
      }
      expect(await storage.offsets.sinkOffsets(name)).toEqual(new Map([['orders-0', 5n]]));
      expect(await storage.offsets.sourceOffset(name, { a: 1 })).toEqual({ p: 2 });
    });
  });

  test('what is known of transactional producers is changed by one of two at once, and stays when their connector goes', async () => {
    expect(await storage.producers.get(name)).toBeNull();
    const first = await storage.producers.change(name, null, { count: 2, offsetsTopic: null });
    expect(first).toEqual({ count: 2, offsetsTopic: null, version: 1 });
    expect(await storage.producers.change(name, null, { count: 3, offsetsTopic: null })).toBeNull();
    const place = { topic: 'offsets', servers: 'a:1' };
    expect(await storage.producers.change(name, first, { count: 3, offsetsTopic: place })).toMatchObject({ version: 2 });
    expect(await storage.producers.change(name, first, { count: 4, offsetsTopic: null })).toBeNull();
    await create();
    await storage.connectors.delete(name);
    expect(await storage.producers.get(name)).toEqual({ count: 3, offsetsTopic: place, version: 2 });
  });

  test('active topics and facts of the cluster are kept', async () => {
    await create();
    await storage.connectors.addActiveTopics(name, ['a', 'b']);
    expect((await storage.connectors.snapshot(name))?.topics).toEqual(['a', 'b']);
    await storage.connectors.resetActiveTopics(name);
    expect((await storage.connectors.snapshot(name))?.topics).toEqual([]);
    await storage.control.heartbeat({ at: 5, clusterId: 'id' });
    await storage.control.heartbeat({ at: 6, clusterId: null });
    expect(await storage.cluster.info()).toEqual({ clusterId: 'id', heartbeatAt: 6 });
    await storage.cluster.setLogLevel('org.x', 'DEBUG', 7);
    expect((await storage.cluster.logLevels())['org.x']).toEqual({ level: 'DEBUG', lastModified: 7 });
  });
}

function failureOf(task: TaskItem | null) {
  return {
    connector: task?.connector ?? '',
    task: task?.task ?? null,
    generation: 1,
    run: 'r',
    epoch: 1,
    kind: 'task-failed',
    error: 'x',
    trace: 'at x',
    at: 1,
    action: 'do',
  } as const;
}
