import { beforeEach, describe, expect, test } from 'vitest';
import { answer } from '../../functions/rest-api/rest-api.ts';
import { configDef, defineSinkConnector, defineSourceConnector, RetriableException, replicate, string } from '../../shared/connect/index.ts';
import { Plugins } from '../../shared/connect/plugins.ts';
import { Controller } from '../../shared/controller/controller.ts';
import { converters, headerConverters } from '../../shared/converters/index.ts';
import type { ConnectorHealth } from '../../shared/herder/entities.ts';
import { Herder } from '../../shared/herder/herder.ts';
import type { ClusterAdmin, KafkaClients } from '../../shared/kafka/ports.ts';
import { runConnector } from '../../shared/runtime/connector-run.ts';
import type { RuntimePorts } from '../../shared/runtime/ports.ts';
import { automaticRestart } from '../../shared/runtime/restart-policy.ts';
import type { RunRequest } from '../../shared/runtime/task-run.ts';
import type { FailureReport, ReleaseOutcome, TaskItem } from '../../shared/storage/ports.ts';
import { collectingLogger } from '../kit/contexts.ts';
import { ManualClock } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';

const text = 'org.apache.kafka.connect.storage.StringConverter';
const notRun = () => Promise.reject(new Error('not run here'));
const parts = { version: '1', overview: '', createTask: notRun };
const plugins = new Plugins([
  defineSinkConnector({ ...parts, className: 'x.TestSinkConnector', config: configDef({}), taskConfigs: (context) => replicate(context) }),
  defineSourceConnector({
    ...parts,
    className: 'x.TestSourceConnector',
    config: configDef({ tables: string({ default: 'a', importance: 'LOW', doc: '' }) }),
    taskConfigs: ({ config, rawConfig }) => {
      if (config.tables === 'broken') throw new Error('the database is away');
      if (config.tables === 'later') throw new RetriableException('the database starts');
      return config.tables === 'none' ? [] : config.tables.split('+').map((table) => ({ ...rawConfig, table }));
    },
  }),
  ...converters,
  ...headerConverters,
]);

/** Its sleepers wait until they are not wanted any more: nothing here takes long enough for a timeout. */
class PatientClock extends ManualClock {
  override sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
  }
}

/** API, controller and table; runs are acted out by the test. */
class World {
  readonly clock: ManualClock;
  readonly invoked: RunRequest[] = [];
  topics: Record<string, number> = { orders: 2 };
  end = 0n;
  kafkaError: Error | null = null;
  readonly ports: RuntimePorts;
  readonly controller: Controller;
  readonly herder: Herder;

  constructor(clock: ManualClock = new PatientClock()) {
    this.clock = clock;
    const each = (wanted: readonly { topic: string; partition: number }[], offset: bigint) => {
      if (this.kafkaError !== null) throw this.kafkaError;
      return new Map(wanted.map(({ topic, partition }) => [`${topic}-${partition}`, offset]));
    };
    const admin: Partial<ClusterAdmin> = {
      clusterId: async () => 'test',
      partitionCounts: async () => new Map(Object.entries(this.topics)),
      endOffsets: async (wanted) => each(wanted, this.end),
      beginningOffsets: async (wanted) => each(wanted, 0n),
      // Every record came 100 seconds ago.
      offsetsForTime: async (wanted, time) => each(wanted, time <= this.clock.now() - 100_000 ? 0n : this.end),
      groupOffsets: async () => new Map(),
      close: async () => {},
    };
    this.ports = {
      storage: createMemoryStorage(this.clock),
      kafka: { admin: () => admin } as unknown as KafkaClients,
      plugins,
      logger: collectingLogger(),
      clock: this.clock,
      worker: { 'key.converter': text, 'value.converter': text },
      workerId: 'w',
      metrics: { add() {} },
      failures: { send: async () => {} },
      invoker: { invoke: async (request) => void this.invoked.push(request) },
    };
    this.controller = new Controller(this.ports);
    this.herder = new Herder(this.ports);
  }

  async call(method: string, path: string, body?: unknown) {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const request = { method, path, query: new URLSearchParams(), headers, body: body === undefined ? '' : JSON.stringify(body) };
    return answer(request, { herder: this.herder, logger: this.ports.logger });
  }

  async create(config: Record<string, string>, initial_state = 'RUNNING') {
    const { status, body } = await this.call('POST', '/connectors', { name: 'a', config, initial_state });
    expect([status, body]).toEqual([201, expect.anything()]);
    await this.settle();
  }

  async health(): Promise<ConnectorHealth> {
    const { status, body } = await this.call('GET', '/connectors/a/health');
    expect(status).toBe(200);
    return body as ConnectorHealth;
  }

  /** Looks and plans until there is nothing to be done. */
  async settle(): Promise<void> {
    for (let i = 0; i < 10; i++) {
      const { lost, routed } = await this.controller.look();
      const asked = this.invoked.splice(0);
      if (asked.length + lost + routed === 0) return;
      for (const request of asked)
        if (request.kind === 'connector')
          await runConnector(this.ports, request, { id: 'plan', deadlineAt: 0, expiresAt: 0, shutdown: new AbortController().signal });
    }
  }

  async acquire(task = 0): Promise<TaskItem> {
    const spec = await this.ports.storage.connectors.get('a');
    const request = { connector: 'a', task, generation: spec?.generation ?? 0, owner: `run-${task}`, workerId: 'w', expiresAt: this.clock.now() + 60_000 };
    const acquired = await this.ports.storage.runs.acquire(request);
    if (acquired === null) throw new Error(`a-${task} was not acquired`);
    return acquired.task;
  }

  async run(task: number, outcome: Partial<ReleaseOutcome> = {}): Promise<void> {
    await this.ports.storage.runs.release(await this.acquire(task), { dueAt: this.clock.now(), ...outcome });
  }

  /** A run that fails, as the runtime ends it. */
  async fail(task: number, error: string): Promise<void> {
    const item = await this.acquire(task);
    const config = (await this.ports.storage.connectors.get('a'))?.config ?? {};
    const failure: FailureReport = {
      ...{ connector: 'a', task, generation: item.generation, run: 'r', epoch: item.epoch, kind: 'task-failed', error, action: '', at: this.clock.now() },
      trace: `${error}\n\tat somewhere\nCaused by: something`,
    };
    const restartAt = automaticRestart(config, item.failedRuns, this.clock.now())?.at ?? null;
    await this.ports.storage.runs.release(item, { dueAt: null, failure, restartAt });
  }
}

const sink = { 'connector.class': 'x.TestSinkConnector', topics: 'orders', 'tasks.max': '2' };
const source = { 'connector.class': 'x.TestSourceConnector' };

let world: World;
beforeEach(() => {
  world = new World();
});

describe('The health of a connector that runs', () => {
  test('tells its lag in records and seconds, by partition and by task, and its last successful run', async () => {
    await world.create(sink);
    world.end = 5n;
    const first = await world.acquire(0);
    await world.ports.storage.runs.commitSinkOffsets(first, new Map([['orders-0', 2n]]));
    await world.ports.storage.runs.release(first, { dueAt: world.clock.now() });
    const at = new Date(world.clock.now()).toISOString();
    const health = await world.health();
    expect(health).toMatchObject({ name: 'a', type: 'sink', health: 'running', no_tasks: null, last_successful_run: at, last_error: null, lag_error: null });
    expect(health.lag).toMatchObject({
      records: 8,
      partitions: [
        { topic: 'orders', partition: 0, offset: 2n, end_offset: 5n, records: 3 },
        { topic: 'orders', partition: 1, offset: 0n, end_offset: 5n, records: 5 },
      ],
    });
    expect(health.lag?.seconds).toBeGreaterThanOrEqual(100);
    expect(health.lag?.seconds).toBeLessThanOrEqual(120);
    expect(health.tasks).toMatchObject([
      { id: 0, health: 'running', last_successful_run: at, partitions: 1, lag: { records: 3 }, lost_runs: 0, automatic_restart: null },
      { id: 1, health: 'running', last_successful_run: null, partitions: 1, lag: { records: 5 } },
    ]);
  });

  test('says when a source runs next, and that a run is under way', async () => {
    await world.create(source);
    const next = world.clock.now() + 3_600_000;
    await world.run(0, { dueAt: next });
    expect((await world.health()).tasks).toMatchObject([{ next_run: new Date(next).toISOString(), run_under_way: false, lag: null, partitions: null }]);
    world.clock.time = next;
    await world.acquire(0);
    expect((await world.health()).tasks).toMatchObject([{ next_run: null, run_under_way: true, reason: 'A run is under way' }]);
    expect((await world.health()).lag).toBeNull();
  });

  test('waits for an external system that is out of order, and says since when, why and until when', async () => {
    await world.create({ ...sink, 'tasks.max': '1' });
    world.end = 5n;
    const since = world.clock.now() - 60_000;
    const circuit = { since, attempts: 3, nextTryAt: world.clock.now() + 20_000, error: 'The disk is full' };
    await world.run(0, { dueAt: circuit.nextTryAt, circuit });
    const health = await world.health();
    const iso = (at: number) => new Date(at).toISOString();
    expect(health.tasks).toMatchObject([
      {
        health: 'waiting',
        waiting: { since: iso(since), attempts: 3, error: 'The disk is full', next_try: iso(circuit.nextTryAt) },
        next_run: iso(circuit.nextTryAt),
      },
    ]);
    expect([health.health, health.reason]).toEqual([
      'waiting',
      `Task 0: Its external system has been out of order since ${iso(since)}: The disk is full. Tried 3 times; nothing is lost. The next try is at ${iso(circuit.nextTryAt)}`,
    ]);
    // Kafka Connect has no such state.
    expect((await world.call('GET', '/connectors/a/status')).body).toMatchObject({ connector: { state: 'RUNNING' }, tasks: [{ state: 'RUNNING' }] });
    world.clock.time = circuit.nextTryAt;
    const probe = await world.acquire(0);
    expect((await world.health()).reason).toContain('A try is under way');
    await world.ports.storage.runs.commitSinkOffsets(probe, new Map([['orders-0', 5n]]));
    expect((await world.health()).tasks).toMatchObject([{ health: 'running', waiting: null }]);
  });

  test('tells of tasks without partitions, and is well', async () => {
    await world.create({ ...sink, 'tasks.max': '5' });
    const { health, reason, tasks } = await world.health();
    expect([health, reason]).toEqual(['running', expect.stringContaining('3 of them have no partitions, because tasks.max is more')]);
    expect(tasks.map(({ partitions }) => partitions)).toEqual([1, 1, 0, 0, 0]);
  });

  test('does not need Kafka: the lag is missing then, with the reason', async () => {
    await world.create(sink);
    world.kafkaError = new Error('no broker');
    expect(await world.health()).toMatchObject({ health: 'running', lag: null, lag_error: 'no broker' });
  });

  test('does not wait for a Kafka that does not answer', async () => {
    // Here every sleep is over at once, so that the timeout comes before the answer.
    const impatient = new World(new ManualClock());
    await impatient.create(sink);
    expect(await impatient.health()).toMatchObject({ health: 'running', lag: null, lag_error: 'Kafka has not answered within 5 s' });
  });

  test('is degraded when nobody looks after it', async () => {
    await world.create(source);
    await world.controller.heartbeat();
    expect((await world.health()).health).toBe('running');
    world.clock.time += 600_000;
    expect(await world.health()).toMatchObject({ health: 'degraded', reason: expect.stringContaining('The controller has not looked for 600 s') });
  });
});

describe('What went wrong', () => {
  test('makes a connector degraded, then failed, with message, first line of the trace, time and task; the last error outlives its end', async () => {
    await world.create(sink);
    await world.fail(1, 'org.x.DiskException: the disk\nis full');
    const at = new Date(world.clock.now()).toISOString();
    await world.settle();
    const error = { kind: 'task-failed', message: 'org.x.DiskException: the disk\nis full', trace: 'org.x.DiskException: the disk', at, task: 1 };
    const degraded = await world.health();
    expect(degraded).toMatchObject({ health: 'degraded', last_error: error, automatic_restart: null });
    expect(degraded.reason).toBe('Task 1 has failed: org.x.DiskException: the disk. POST /connectors/a/tasks/1/restart starts it again');
    expect(degraded.tasks).toMatchObject([{ health: 'running' }, { health: 'failed', last_error: error, automatic_restart: null }]);
    world.clock.time += 5;
    await world.fail(0, 'org.x.DiskException: again');
    expect(await world.health()).toMatchObject({
      health: 'failed',
      last_error: { task: 0 },
      reason: expect.stringMatching(/^All its tasks have failed: .*onlyFailed=true starts them again$/),
    });
    await world.call('POST', '/connectors/a/tasks/0/restart');
    await world.call('POST', '/connectors/a/tasks/1/restart');
    await world.settle();
    await world.run(0);
    await world.run(1);
    expect(await world.health()).toMatchObject({ health: 'running', last_error: { message: 'org.x.DiskException: again' } });
    await world.call('PUT', '/connectors/a/config', { ...sink, more: 'x' });
    await world.settle();
    expect(await world.health()).toMatchObject({
      health: 'running',
      last_error: { message: 'org.x.DiskException: again' },
      last_successful_run: expect.any(String),
    });
  });

  test('counts before a pause', async () => {
    await world.create(source);
    await world.fail(0, 'org.x.NoException: no');
    await world.call('PUT', '/connectors/a/pause');
    await world.settle();
    expect(await world.health()).toMatchObject({ health: 'failed' });
  });

  test('tells the automatic restart that is to come, before and after the failure was told, and that the task is degraded after it', async () => {
    await world.create({ ...source, 'sluice.restart.max.attempts': '3', 'sluice.restart.backoff.ms': '60000' });
    await world.fail(0, 'org.x.NetException: away');
    const restart = { at: new Date(world.clock.now() + 60_000).toISOString(), attempt: 1, max_attempts: 3 };
    expect((await world.health()).tasks[0]?.automatic_restart).toEqual(restart);
    await world.settle();
    const { health, tasks } = await world.health();
    expect([health, tasks[0]?.automatic_restart]).toEqual(['failed', restart]);
    expect(tasks[0]?.reason).toContain(`It is restarted by itself at ${restart.at} (attempt 1 of 3)`);
    world.clock.time += 60_000;
    await world.settle();
    expect(await world.health()).toMatchObject({ health: 'degraded', reason: expect.stringContaining('It has failed once and was restarted by itself') });
    await world.run(0);
    expect((await world.health()).health).toBe('running');
  });

  test('counts runs that were lost', async () => {
    await world.create(source);
    await world.acquire(0);
    world.clock.time += 120_000;
    await world.settle();
    const health = await world.health();
    expect(health).toMatchObject({ health: 'degraded', last_error: { kind: 'run-lost', task: 0 } });
    expect(health.tasks).toMatchObject([{ lost_runs: 1, health: 'degraded', reason: expect.stringContaining('Its last run was lost') }]);
  });

  test('is told of a run that came to nothing without failing, which is no success', async () => {
    await world.create(source);
    await world.run(0, {
      dueAt: world.clock.now() + 5_000,
      trouble: { kind: 'postponed', error: 'RetriableException: secrets cannot be read now', trace: null, at: world.clock.now() },
    });
    expect(await world.health()).toMatchObject({
      health: 'degraded',
      last_successful_run: null,
      last_error: { kind: 'postponed' },
      tasks: [{ reason: expect.stringMatching(/^Its last run came to nothing: RetriableException: secrets cannot be read now. It is tried again at 20/) }],
    });
  });
});

describe('Why there are no tasks', () => {
  test('the connector is stopped; its lag is told still', async () => {
    await world.create(sink);
    world.end = 3n;
    const task = await world.acquire(0);
    await world.ports.storage.runs.commitSinkOffsets(task, new Map([['orders-0', 1n]]));
    await world.call('PUT', '/connectors/a/stop');
    expect((await world.health()).no_tasks).toContain('once a run under way has ended');
    await world.ports.storage.runs.release(task, { dueAt: null, wake: true });
    await world.settle();
    const health = await world.health();
    expect(health).toMatchObject({
      health: 'stopped',
      tasks: [],
      lag: { records: 2 },
      no_tasks: 'It is stopped, which leaves it without tasks; PUT /connectors/a/resume starts it',
    });
    expect(health.reason).toBe(health.no_tasks);
  });

  test('it was paused before it ever ran', async () => {
    await world.create(source, 'PAUSED');
    expect(await world.health()).toMatchObject({ health: 'paused', no_tasks: expect.stringContaining('It was paused before its task configs were made') });
  });

  test('it was not planned yet, because nobody looked, or because that cannot be done now', async () => {
    await world.call('POST', '/connectors', { name: 'a', config: { ...source, tables: 'later' } });
    expect(await world.health()).toMatchObject({
      health: 'unassigned',
      no_tasks: expect.stringMatching(/^Its task configs have not been made yet.*within a minute$/),
    });
    await world.settle();
    const { health, no_tasks, last_error } = await world.health();
    expect([health, last_error?.kind]).toEqual(['unassigned', 'postponed']);
    expect(no_tasks).toContain('came to nothing: org.apache.kafka.connect.errors.RetriableException: the database starts');
  });

  test('its task configs could not be made', async () => {
    await world.create({ ...source, tables: 'broken', 'sluice.restart.max.attempts': '1' });
    expect(await world.health()).toMatchObject({
      health: 'failed',
      no_tasks: 'Its task configs could not be made: java.lang.RuntimeException: the database is away',
      reason: expect.stringContaining('(attempt 1 of 1)'),
      last_error: { kind: 'connector-failed', task: null },
      automatic_restart: { attempt: 1, max_attempts: 1 },
    });
  });

  test('the connector found nothing to do', async () => {
    await world.create({ ...source, tables: 'none' });
    expect(await world.health()).toMatchObject({ health: 'degraded', no_tasks: expect.stringContaining('has made none') });
  });

  test('tasks of a sink without topics are told of as well', async () => {
    await world.create({ 'connector.class': 'x.TestSinkConnector', 'topics.regex': 'cats-.*' });
    expect(await world.health()).toMatchObject({ health: 'degraded', reason: 'No topic matches topics.regex=cats-.*. It begins as soon as there is one' });
    await world.call('PUT', '/connectors/a/config', { 'connector.class': 'x.TestSinkConnector', topics: 'dogs' });
    await world.settle();
    expect(await world.health()).toMatchObject({ health: 'degraded', reason: 'None of its topics exists: dogs. It begins as soon as there is one' });
  });
});

test('A new config is unassigned until its tasks are there', async () => {
  await world.create(source);
  await world.acquire(0);
  await world.call('PUT', '/connectors/a/config', { ...source, tables: 'b' });
  expect(await world.health()).toMatchObject({
    health: 'unassigned',
    tasks: [{ health: 'unassigned', reason: expect.stringContaining('once the run under way has ended') }],
  });
});

test('Paused connectors are paused, whose runs end first', async () => {
  await world.create(source);
  const task = await world.acquire(0);
  await world.call('PUT', '/connectors/a/pause');
  expect(await world.health()).toMatchObject({
    health: 'paused',
    tasks: [{ health: 'running', reason: 'The run under way ends, because the connector is paused' }],
  });
  await world.ports.storage.runs.release(task, { dueAt: null, wake: true });
  expect(await world.health()).toMatchObject({
    health: 'paused',
    reason: 'It is paused; PUT /connectors/a/resume lets it go on',
    tasks: [{ health: 'paused' }],
  });
});

test('There is no health of a connector that is not there, and no expansion of that name', async () => {
  expect(await world.call('GET', '/connectors/nobody/health')).toEqual({
    status: 404,
    body: { error_code: 404, message: 'No status found for connector nobody' },
  });
});
