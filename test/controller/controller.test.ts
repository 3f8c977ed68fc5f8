import { beforeEach, describe, expect, test } from 'vitest';
import { configDef, defineSinkConnector, defineSourceConnector, RetriableException, replicate, string } from '../../shared/connect/index.ts';
import { Plugins } from '../../shared/connect/plugins.ts';
import { Controller } from '../../shared/controller/controller.ts';
import type { ClusterAdmin, KafkaClients } from '../../shared/kafka/ports.ts';
import { runConnector } from '../../shared/runtime/connector-run.ts';
import type { RuntimePorts } from '../../shared/runtime/ports.ts';
import { automaticRestart } from '../../shared/runtime/restart-policy.ts';
import type { RunRequest } from '../../shared/runtime/task-run.ts';
import type { ConnectorSpec, FailureReport, SpecChange, Storage, TaskItem } from '../../shared/storage/ports.ts';
import { ManualClock } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';

const parts = { version: '1', overview: '' };
const plugins = new Plugins([
  defineSinkConnector({
    ...parts,
    className: 'x.TestSinkConnector',
    config: configDef({}),
    taskConfigs: (context) => replicate(context),
    createTask: () => Promise.reject(new Error('not run here')),
  }),
  defineSourceConnector({
    ...parts,
    className: 'x.TestSourceConnector',
    config: configDef({ tables: string({ default: 'a', importance: 'LOW', doc: '' }) }),
    taskConfigs: ({ config, rawConfig }) => {
      if (config.tables === 'broken') throw new Error('the database is away');
      return config.tables.split('+').map((table) => ({ ...rawConfig, table }));
    },
    createTask: () => Promise.reject(new Error('not run here')),
  }),
]);

/** The controller with everything around it; task runs are acted out by the test. */
class World {
  readonly clock = new ManualClock();
  readonly storage: Storage = createMemoryStorage(this.clock);
  readonly invoked: RunRequest[] = [];
  readonly failures: FailureReport[] = [];
  topics: Record<string, number> = { orders: 4 };
  ends = new Map<string, bigint>();
  groupOffsets: ReadonlyMap<string, bigint> = new Map();
  readonly ports: RuntimePorts;
  readonly controller: Controller;

  constructor() {
    const admin: Partial<ClusterAdmin> = {
      clusterId: async () => 'test',
      partitionCounts: async () => new Map(Object.entries(this.topics)),
      endOffsets: async (wanted) => new Map(wanted.map(({ topic, partition }) => [`${topic}-${partition}`, this.ends.get(`${topic}-${partition}`) ?? 0n])),
      beginningOffsets: async (wanted) => new Map(wanted.map(({ topic, partition }) => [`${topic}-${partition}`, 0n])),
      groupOffsets: async () => this.groupOffsets,
    };
    const kafka = { admin: () => admin } as unknown as KafkaClients;
    const logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
    this.ports = {
      storage: this.storage,
      kafka,
      plugins,
      logger,
      clock: this.clock,
      worker: {},
      workerId: 'w',
      metrics: { add() {} },
      failures: { send: async (report) => void this.failures.push(report) },
      invoker: { invoke: async (request) => void this.invoked.push(request) },
    };
    this.controller = new Controller(this.ports);
  }

  create(name: string, config: Record<string, string>, targetState: 'STARTED' | 'PAUSED' = 'STARTED') {
    const type = config['connector.class']?.includes('Sink') ? 'sink' : 'source';
    return this.storage.connectors.create({ name, type, config: { name, ...config }, targetState });
  }

  /** Looks, and runs what connector runs were asked for, until nothing is asked for any more. Returns the task runs asked for. */
  async settle(): Promise<string[]> {
    const tasks: string[] = [];
    for (let i = 0; i < 10; i++) {
      const { lost, routed } = await this.controller.look();
      const asked = this.invoked.splice(0);
      if (asked.length + lost + routed === 0) break;
      for (const request of asked) {
        if (request.kind === 'task') tasks.push(`${request.connector}-${request.task}`);
        else if (request.kind === 'connector') {
          const { start } = await runConnector(this.ports, request, { id: 'plan', deadlineAt: 0, expiresAt: 0, shutdown: new AbortController().signal });
          tasks.push(...start.map(({ connector, task }) => `${connector}-${task}`));
        }
      }
    }
    return tasks.sort();
  }

  async acquire(connector: string, task: number, owner = `run-${connector}-${task}`) {
    const spec = await this.storage.connectors.get(connector);
    const request = { connector, task, generation: spec?.generation ?? 0, owner, workerId: 'w', expiresAt: this.clock.now() + 60_000 };
    const acquired = await this.storage.runs.acquire(request);
    if (acquired === null) throw new Error(`${connector}-${task} was not acquired`);
    return acquired.task;
  }

  /** A run that finds nothing to do. */
  async idleRun(connector: string, task: number): Promise<void> {
    const item = await this.acquire(connector, task);
    await this.storage.runs.commitSinkOffsets(
      item,
      new Map(item.partitions.map(({ topic, partition }) => [`${topic}-${partition}`, this.ends.get(`${topic}-${partition}`) ?? 0n])),
    );
    await this.storage.runs.release(item, { dueAt: this.clock.now() });
  }
}

const sink = { 'connector.class': 'x.TestSinkConnector', topics: 'orders', 'tasks.max': '2' };
const source = { 'connector.class': 'x.TestSourceConnector' };

describe('Controller', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });

  test('plans a new sink, divides its partitions and starts each task once', async () => {
    await world.create('pg', sink);
    expect(await world.settle()).toEqual(['pg-0', 'pg-1']);
    expect(await world.settle()).toEqual([]);
    const snapshot = await world.storage.connectors.snapshot('pg');
    expect(snapshot?.tasks.map(({ partitions }) => partitions.map(({ partition }) => partition))).toEqual([
      [0, 2],
      [1, 3],
    ]);
    expect(snapshot?.tasks[0]?.config['task.class']).toBe('x.TestSinkTask');
  });

  test('starts an idle sink only when Kafka has more than it has read', async () => {
    await world.create('pg', sink);
    await world.settle();
    await world.idleRun('pg', 0);
    await world.idleRun('pg', 1);
    world.clock.time += 60_000;
    expect(await world.settle()).toEqual([]);
    world.ends.set('orders-3', 5n);
    expect(await world.settle()).toEqual(['pg-1']);
  });

  test('a sink whose topic comes later gets its partitions, also when the request to plan it came twice', async () => {
    world.topics = {};
    const generation = (await world.create('pg', { ...sink, 'tasks.max': '1' }))?.generation ?? 0;
    await world.settle();
    const invocation = { id: 'again', deadlineAt: 0, expiresAt: 0, shutdown: new AbortController().signal };
    expect(await runConnector(world.ports, { kind: 'connector', connector: 'pg', generation }, invocation)).toMatchObject({ outcome: 'skipped' });
    world.topics = { orders: 1 };
    world.ends.set('orders-0', 1n);
    await world.controller.look();
    expect(await world.settle()).toEqual(['pg-0']);
    expect((await world.storage.control.task('pg', 0))?.partitions).toEqual([{ topic: 'orders', partition: 0 }]);
  });

  test('an invocation that got lost is made again after a while', async () => {
    await world.create('pg', { ...sink, 'tasks.max': '1' });
    await world.settle();
    world.ends.set('orders-0', 1n);
    world.clock.time += 30_000;
    expect(await world.settle()).toEqual(['pg-0']);
  });

  test('a lease that expired is a lost run: told, and run again', async () => {
    await world.create('pg', { ...sink, 'tasks.max': '1' });
    await world.settle();
    await world.acquire('pg', 0);
    world.ends.set('orders-0', 1n);
    world.clock.time += 61_000;
    expect(await world.settle()).toEqual(['pg-0']);
    expect(world.failures).toMatchObject([{ kind: 'run-lost', connector: 'pg', task: 0, run: 'run-pg-0' }]);
  });

  test('a crash that the platform tells frees the lease at once; the second waits a little', async () => {
    await world.create('pg', { ...sink, 'tasks.max': '1' });
    await world.settle();
    world.ends.set('orders-0', 1n);
    for (const [attempt, expected] of [
      [1, ['pg-0']],
      [2, []],
    ] as const) {
      const { generation } = await world.acquire('pg', 0, `run-${attempt}`);
      const request = { kind: 'task', connector: 'pg', task: 0, generation } as const;
      await world.controller.crashed({ request, run: 'another run', error: 'x', trace: null });
      expect((await world.storage.control.task('pg', 0))?.lease).not.toBeNull();
      await world.controller.crashed({ request, run: `run-${attempt}`, error: 'signal: killed', trace: null });
      expect(await world.settle()).toEqual(expected);
    }
    world.clock.time += 1_000;
    expect(await world.settle()).toEqual(['pg-0']);
    expect(world.failures.map(({ kind }) => kind)).toEqual(['run-crashed', 'run-crashed']);
  });

  test('a failed task is told once and not started again until its user says so', async () => {
    await world.create('pg', { ...sink, 'tasks.max': '1' });
    await world.settle();
    const item = await world.acquire('pg', 0);
    const failure = {
      connector: 'pg',
      task: 0,
      generation: item.generation,
      run: 'r',
      epoch: 1,
      kind: 'task-failed',
      error: 'e',
      trace: 't',
      at: 0,
      action: 'a',
    } as const;
    await world.storage.runs.release(item, { dueAt: null, failure });
    world.ends.set('orders-0', 1n);
    world.clock.time += 120_000;
    expect(await world.settle()).toEqual([]);
    expect(world.failures).toHaveLength(1);
    await world.storage.connectors.restartTask('pg', 0);
    expect(await world.settle()).toEqual(['pg-0']);
  });

  test('a task that failed is restarted by itself as often as its config says', async () => {
    const config = { ...sink, 'tasks.max': '1', 'sluice.restart.max.attempts': '2', 'sluice.restart.backoff.ms': '1000' };
    await world.create('pg', config);
    world.ends.set('orders-0', 1n);
    await world.settle();
    const fail = async () => {
      const item = await world.acquire('pg', 0, `run-${world.failures.length}`);
      const restart = automaticRestart(config, item.failedRuns, world.clock.now());
      const report = { connector: 'pg', task: 0, generation: item.generation, run: 'r', epoch: item.epoch, at: 0, action: 'a', error: 'e', trace: 't' };
      await world.storage.runs.release(item, { dueAt: null, failure: { ...report, kind: 'task-failed' }, restartAt: restart?.at ?? null });
    };
    await fail();
    expect(await world.settle()).toEqual([]);
    world.clock.time += 1_000;
    await world.controller.look();
    expect(await world.settle()).toEqual(['pg-0']);
    await fail();
    await world.settle();
    world.clock.time += 1_999;
    expect(await world.settle()).toEqual([]);
    world.clock.time += 1;
    await world.controller.look();
    expect(await world.settle()).toEqual(['pg-0']);
    await fail();
    await world.settle();
    world.clock.time += 3_600_000;
    await world.controller.look();
    expect(await world.settle()).toEqual([]);
    expect(world.failures).toHaveLength(3);
    expect((await world.storage.connectors.snapshot('pg'))?.tasks[0]?.state).toBe('FAILED');
  });

  test('an automatic restart that falls into a pause comes when the connector is resumed', async () => {
    await world.create('pg', { ...sink, 'tasks.max': '1' });
    world.ends.set('orders-0', 1n);
    await world.settle();
    const item = await world.acquire('pg', 0);
    const report = { connector: 'pg', task: 0, generation: item.generation, run: 'r', epoch: item.epoch, at: 0, action: 'a', error: 'e', trace: 't' };
    await world.storage.runs.release(item, { dueAt: null, failure: { ...report, kind: 'task-failed' }, restartAt: world.clock.now() + 5_000 });
    const change = async (targetState: 'PAUSED' | 'STARTED') =>
      world.storage.connectors.update((await world.storage.connectors.get('pg')) as ConnectorSpec, { targetState });
    await change('PAUSED');
    await world.settle();
    world.clock.time += 60_000;
    await world.controller.look();
    await change('STARTED');
    expect(await world.settle()).toEqual(['pg-0']);
  });

  test('a request for task configs that comes late, when the connector was resumed meanwhile, does not take it off the schedule', async () => {
    await world.create('files', source);
    await world.settle();
    const started = (await world.storage.connectors.get('files')) as ConnectorSpec;
    await world.storage.connectors.update(started, { targetState: 'PAUSED' });
    await world.settle();
    world.clock.time += 60_000;
    await world.settle();
    const paused = (await world.storage.connectors.get('files')) as ConnectorSpec;
    await world.storage.connectors.update(paused, { targetState: 'STARTED' });
    const late = { kind: 'connector', connector: 'files', generation: paused.generation, revision: paused.revision } as const;
    await runConnector(world.ports, late, { id: 'late', deadlineAt: 0, expiresAt: 0, shutdown: new AbortController().signal });
    expect(await world.settle()).toContain('files-0');
  });

  test('partitions that are added begin a new generation when the old runs are over, and no partition is read twice', async () => {
    await world.create('pg', { ...sink, 'tasks.max': '1' });
    await world.settle();
    const running = await world.acquire('pg', 0);
    world.topics = { orders: 6 };
    world.clock.time += 60_000 - 1;
    expect(await world.settle()).toEqual([]);
    await world.storage.runs.commitSinkOffsets(running, new Map([['orders-1', 7n]]));
    await world.storage.runs.release(running, { dueAt: null, wake: true });
    expect(await world.settle()).toEqual(['pg-0']);
    const task = await world.storage.control.task('pg', 0);
    expect(task?.partitions).toHaveLength(6);
    expect(task?.offsets).toEqual(new Map([['orders-1', 7n]]));
  });

  test('a paused connector rests and is started again at once when it is resumed', async () => {
    await world.create('pg', { ...sink, 'tasks.max': '1' });
    await world.settle();
    await world.idleRun('pg', 0);
    world.ends.set('orders-0', 1n);
    const spec = await world.storage.connectors.get('pg');
    const paused = spec && (await world.storage.connectors.update(spec, { targetState: 'PAUSED' }));
    expect(await world.settle()).toEqual([]);
    world.clock.time += 120_000;
    expect(await world.settle()).toEqual([]);
    if (paused) await world.storage.connectors.update(paused, { targetState: 'STARTED' });
    expect(await world.settle()).toEqual(['pg-0']);
  });

  test('a resumed sink forgets no task when the look that resumes it is cut off', async () => {
    await world.create('sink', { 'connector.class': 'x.TestSinkConnector', topics: 'orders', 'tasks.max': '2' });
    await world.settle();
    for (const task of [0, 1]) await world.idleRun('sink', task);
    await world.storage.connectors.update((await world.storage.connectors.get('sink')) as ConnectorSpec, { targetState: 'PAUSED' });
    await world.settle();
    await world.storage.connectors.update((await world.storage.connectors.get('sink')) as ConnectorSpec, { targetState: 'STARTED' });
    let refused = 0;
    const control = {
      ...world.storage.control,
      deferTask: async (task: TaskItem, dueAt: number | null) => {
        if (task.task === 1 && refused++ === 0) throw new RetriableException('The table throttles');
        return world.storage.control.deferTask(task, dueAt);
      },
    };
    await new Controller({ ...world.ports, storage: { ...world.storage, control } }).look();
    expect(world.invoked.splice(0)).toMatchObject([{ task: 0 }]);
    expect(await world.settle()).toContain('sink-1');
  });

  test('one that is paused from the start has no tasks until it is resumed', async () => {
    const spec = await world.create('pg', sink, 'PAUSED');
    expect(await world.settle()).toEqual([]);
    expect((await world.storage.connectors.snapshot('pg'))?.tasks).toEqual([]);
    if (spec) await world.storage.connectors.update(spec, { targetState: 'STARTED' });
    expect(await world.settle()).toEqual(['pg-0', 'pg-1']);
  });

  test('a sink that is restarted runs once, also when there is nothing to read', async () => {
    await world.create('pg', { ...sink, 'tasks.max': '1' });
    await world.settle();
    await world.idleRun('pg', 0);
    expect(await world.settle()).toEqual([]);
    await world.storage.connectors.restartTask('pg', 0);
    expect(await world.settle()).toEqual(['pg-0']);
    await world.idleRun('pg', 0);
    world.clock.time += 60_000;
    expect(await world.settle()).toEqual([]);
  });

  test('one that is paused keeps its tasks as they are when its config changes, until it is resumed', async () => {
    const configs = async () => (await world.storage.connectors.snapshot('files'))?.tasks.map(({ config }) => config['table']);
    const change = async (to: SpecChange) => world.storage.connectors.update((await world.storage.connectors.get('files')) as ConnectorSpec, to);
    await world.create('files', { ...source, tables: 'a' });
    await world.settle();
    await change({ targetState: 'PAUSED' });
    await world.settle();
    await change({ config: { name: 'files', ...source, tables: 'b' }, newGeneration: true });
    expect(await world.settle()).toEqual([]);
    expect(await configs()).toEqual(['a']);
    await change({ targetState: 'STARTED' });
    expect(await world.settle()).toEqual(['files-0']);
    expect(await configs()).toEqual(['b']);
  });

  test('an offset that was removed does not come back from the consumer group', async () => {
    const group = new Map([
      ['orders-0', 7n],
      ['orders-1', 9n],
    ]);
    world.groupOffsets = group;
    await world.create('moved', { ...sink, 'tasks.max': '1' });
    await world.settle();
    expect(await world.storage.offsets.sinkOffsets('moved')).toEqual(group);
    const stopped = await world.storage.connectors.update((await world.storage.connectors.get('moved')) as ConnectorSpec, {
      targetState: 'STOPPED',
      newGeneration: true,
    });
    await world.settle();
    await world.storage.offsets.alterSinkOffsets('moved', new Map([['orders-0', null]]), stopped as ConnectorSpec);
    await world.storage.connectors.update(stopped as ConnectorSpec, { targetState: 'STARTED', newGeneration: true });
    await world.settle();
    expect(await world.storage.offsets.sinkOffsets('moved')).toEqual(new Map([['orders-1', 9n]]));
  });

  test('a stopped connector loses its tasks and keeps its offsets', async () => {
    await world.create('pg', { ...sink, 'tasks.max': '1' });
    await world.settle();
    world.ends.set('orders-0', 9n);
    await world.idleRun('pg', 0);
    const spec = await world.storage.connectors.get('pg');
    if (spec) await world.storage.connectors.update(spec, { targetState: 'STOPPED', newGeneration: true });
    expect(await world.settle()).toEqual([]);
    expect((await world.storage.connectors.snapshot('pg'))?.tasks).toEqual([]);
    expect((await world.storage.offsets.sinkOffsets('pg')).get('orders-0')).toBe(9n);
  });

  test('a connector that cannot make its task configs is FAILED, told, and leaves the others alone', async () => {
    await world.create('bad', { ...source, tables: 'broken' });
    await world.create('good', { ...source, tables: 'a+b', 'tasks.max': '2' });
    expect(await world.settle()).toEqual(['good-0', 'good-1']);
    expect((await world.storage.connectors.snapshot('bad'))?.status).toMatchObject({ state: 'FAILED', trace: expect.stringContaining('the database is away') });
    expect(world.failures).toMatchObject([{ kind: 'connector-failed', connector: 'bad', task: null }]);
  });

  test('a connector that failed makes its task configs again by itself when its config says so', async () => {
    await world.create('bad', { ...source, tables: 'broken', 'sluice.restart.max.attempts': '1', 'sluice.restart.backoff.ms': '1000' });
    await world.settle();
    expect(world.failures).toMatchObject([{ kind: 'connector-failed', action: expect.stringMatching(/^It is restarted by itself at .* \(attempt 1 of 1\)/) }]);
    world.clock.time += 1_000;
    await world.settle();
    expect(world.failures).toHaveLength(2);
    expect(world.failures[1]?.action).toMatch(/^Read the trace/);
    world.clock.time += 3_600_000;
    await world.settle();
    expect(world.failures).toHaveLength(2);
  });

  test('more tasks than tasks.max fail the connector with Kafka’s words', async () => {
    await world.create('many', { ...source, tables: 'a+b+c', 'tasks.max': '2' });
    await world.settle();
    expect((await world.storage.connectors.snapshot('many'))?.status?.trace).toMatch(/The connector many has generated 3 tasks, which is greater than 2/);
  });

  test('a connector run that crashes is the connector’s failure', async () => {
    const spec = await world.create('crash', source);
    await world.controller.crashed({
      request: { kind: 'connector', connector: 'crash', generation: spec?.generation ?? 0 },
      run: 'r',
      error: 'out of memory',
      trace: null,
    });
    expect((await world.storage.connectors.snapshot('crash'))?.status?.state).toBe('FAILED');
  });
});
