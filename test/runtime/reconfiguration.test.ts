import { beforeEach, expect, test } from 'vitest';
import { configDef, defineSourceConnector, Plugins } from '../../shared/connect/index.ts';
import { Controller } from '../../shared/controller/controller.ts';
import type { KafkaClients } from '../../shared/kafka/ports.ts';
import { runConnector } from '../../shared/runtime/connector-run.ts';
import type { RuntimePorts } from '../../shared/runtime/ports.ts';
import { Reconfiguration } from '../../shared/runtime/reconfiguration.ts';
import type { RunRequest } from '../../shared/runtime/task-run.ts';
import type { TaskItem } from '../../shared/storage/ports.ts';
import { collectingLogger } from '../kit/contexts.ts';
import { ManualClock } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';

/** What the source finds when it is asked. */
let tables: readonly string[];
const plugins = new Plugins([
  defineSourceConnector({
    className: 'x.TablesSourceConnector',
    version: '1',
    overview: '',
    config: configDef({}),
    taskConfigs: ({ rawConfig }) => {
      if (tables.length === 0) throw new Error('the database is away');
      return tables.map((table) => ({ ...rawConfig, table }));
    },
    createTask: () => Promise.reject(new Error('not run here')),
  }),
]);

let ports: RuntimePorts;
let controller: Controller;
let invoked: RunRequest[];
beforeEach(async () => {
  tables = ['a'];
  invoked = [];
  const clock = new ManualClock();
  ports = {
    storage: createMemoryStorage(clock),
    kafka: { admin: () => ({ close: async () => {} }) } as unknown as KafkaClients,
    plugins,
    logger: collectingLogger(),
    clock,
    worker: {},
    workerId: 'w',
    metrics: { add() {} },
    failures: { send: async () => {} },
    invoker: { invoke: async (request) => void invoked.push(request) },
  } as RuntimePorts;
  controller = new Controller(ports);
  const config = { name: 'a', 'connector.class': 'x.TablesSourceConnector', 'tasks.max': '3' };
  await ports.storage.connectors.create({ name: 'a', type: 'source', config, targetState: 'STARTED' });
  await settle();
});

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) {
    await controller.look();
    for (const request of invoked.splice(0))
      if (request.kind === 'connector') await runConnector(ports, request, { id: 'plan', deadlineAt: 0, expiresAt: 0, shutdown: new AbortController().signal });
  }
}
async function acquire(task = 0): Promise<TaskItem | undefined> {
  const generation = (await ports.storage.connectors.get('a'))?.generation ?? 0;
  const request = { connector: 'a', task, generation, owner: `run-${generation}-${task}`, workerId: 'w', expiresAt: ports.clock.now() + 60_000 };
  return (await ports.storage.runs.acquire(request))?.task;
}
const stateNow = async () => {
  const snapshot = await ports.storage.connectors.snapshot('a');
  return { generation: snapshot?.spec.generation, tables: snapshot?.tasks.map(({ config }) => config['table']), state: snapshot?.status?.state };
};

test('A task that asks for other task configs gets them under a new generation, after its run has ended and not before', async () => {
  const before = await stateNow();
  const run = await acquire();
  tables = ['a', 'b'];
  const asked = new Reconfiguration(ports, 'a');
  asked.request();
  await asked.settled();
  await settle();
  // Its run is told to stop, and nothing takes its place meanwhile.
  expect(await ports.storage.runs.marks('a', 0)).not.toMatchObject({ generation: before.generation });
  expect(await stateNow()).toMatchObject({ tables: ['a'] });
  expect(await acquire(0)).toBeUndefined();
  await ports.storage.runs.release(run as TaskItem, { dueAt: null, wake: true });
  await settle();
  const after = await stateNow();
  expect(after.tables).toEqual(['a', 'b']);
  expect(after.generation).toBeGreaterThan(before.generation as number);
  expect((await acquire(1))?.config['table']).toBe('b');
});

test('Where the configs are the same nobody notices', async () => {
  const before = await stateNow();
  const run = await acquire();
  const asked = new Reconfiguration(ports, 'a');
  for (let i = 0; i < 5; i++) asked.request();
  await asked.settled();
  await settle();
  expect(await stateNow()).toEqual(before);
  expect(await ports.storage.runs.marks('a', 0)).toMatchObject({ generation: run?.generation, epoch: run?.epoch, restarts: run?.restarts });
});

test('A connector that is FAILED is not asked', async () => {
  tables = [];
  await ports.storage.connectors.restartConnector('a');
  await settle();
  expect((await stateNow()).state).toBe('FAILED');
  tables = ['a', 'b'];
  const asked = new Reconfiguration(ports, 'a');
  asked.request();
  await asked.settled();
  await settle();
  expect(await stateNow()).toMatchObject({ state: 'FAILED', tables: ['a'] });
});

test('What could not be asked is asked at the end of the run, and again at the end of the next', async () => {
  const { connectors } = ports.storage;
  let away = 2;
  const flaky = {
    ...ports,
    storage: {
      ...ports.storage,
      connectors: { ...connectors, snapshot: async (name: string) => (away-- > 0 ? Promise.reject(new Error('throttled')) : connectors.snapshot(name)) },
    },
  };
  tables = ['a', 'b'];
  const asked = new Reconfiguration(flaky, 'a');
  asked.request();
  await asked.settled();
  await settle();
  expect(await stateNow()).toMatchObject({ tables: ['a'] });
  await asked.settled();
  await settle();
  expect(await stateNow()).toMatchObject({ tables: ['a', 'b'] });
});

test('Only what is asked for is restarted', async () => {
  tables = ['a', 'b', 'c'];
  await ports.storage.connectors.restartConnector('a');
  await settle();
  const runs = await Promise.all([acquire(0), acquire(1), acquire(2)]);
  const { generation } = await stateNow();
  // The connector alone: it is asked, and its tasks go on.
  await ports.storage.connectors.restartConnector('a');
  await settle();
  for (const run of runs) expect(await ports.storage.runs.marks('a', run?.task ?? 0)).toMatchObject({ generation, restarts: 0, epoch: run?.epoch });
  // One task: its run alone is told to stop.
  await ports.storage.connectors.restartTask('a', 1);
  await settle();
  const restarts = await Promise.all([0, 1, 2].map(async (task) => (await ports.storage.runs.marks('a', task))?.restarts));
  expect(restarts).toEqual([0, 1, 0]);
});
