import { beforeEach, describe, expect, test } from 'vitest';
import { configDef, defineSinkConnector, defineSourceConnector, replicate } from '../../shared/connect/index.ts';
import { Plugins } from '../../shared/connect/plugins.ts';
import { Controller } from '../../shared/controller/controller.ts';
import { converters, headerConverters } from '../../shared/converters/index.ts';
import { Herder } from '../../shared/herder/herder.ts';
import type { ClusterAdmin, KafkaClients } from '../../shared/kafka/ports.ts';
import { runConnector } from '../../shared/runtime/connector-run.ts';
import type { RuntimePorts } from '../../shared/runtime/ports.ts';
import type { RunRequest } from '../../shared/runtime/task-run.ts';
import { specKey } from '../../shared/storage/dynamodb/items.ts';
import { ManualClock } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';
import { MemoryTable } from '../simulation/memory-table.ts';

const text = 'org.apache.kafka.connect.storage.StringConverter';
const never = () => new Promise<never>(() => {});
const notRun = () => Promise.reject(new Error('not run here'));
const parts = { version: '1', overview: '', config: configDef({}), createTask: notRun };
const plugins = new Plugins([
  ...converters,
  ...headerConverters,
  defineSinkConnector({ ...parts, className: 'x.GoodSinkConnector', taskConfigs: (context) => replicate(context) }),
  defineSourceConnector({ ...parts, className: 'x.HangingSourceConnector', taskConfigs: never }),
  defineSourceConnector({
    ...parts,
    className: 'x.ThrowingSourceConnector',
    taskConfigs: () => {
      throw new Error('It is poisoned');
    },
  }),
]);

const good = { 'connector.class': 'x.GoodSinkConnector', topics: 'orders', 'tasks.max': '2' };

describe('one connector never keeps another from its work', () => {
  let clock: ManualClock;
  let table: MemoryTable;
  let ports: RuntimePorts;
  let controller: Controller;
  let herder: Herder;
  let invoked: RunRequest[];
  let end: bigint;

  beforeEach(() => {
    clock = new ManualClock();
    table = new MemoryTable();
    invoked = [];
    end = 0n;
    const admin: Partial<ClusterAdmin> = {
      clusterId: async () => 'test',
      partitionCounts: async () => new Map([['orders', 2]]),
      endOffsets: async (wanted) => new Map(wanted.map(({ topic, partition }) => [`${topic}-${partition}`, end])),
      beginningOffsets: async (wanted) => new Map(wanted.map(({ topic, partition }) => [`${topic}-${partition}`, 0n])),
      groupOffsets: async () => new Map(),
      close: async () => {},
    };
    ports = {
      storage: createMemoryStorage(clock, { table }),
      kafka: { admin: () => admin } as unknown as KafkaClients,
      plugins,
      logger: { trace() {}, debug() {}, info() {}, warn() {}, error() {} },
      clock,
      worker: { 'key.converter': text, 'value.converter': text, 'header.converter': text },
      workerId: 'w',
      metrics: { add() {} },
      failures: { send: async () => {} },
      invoker: { invoke: async (request) => void invoked.push(request) },
    } as RuntimePorts;
    controller = new Controller(ports);
    herder = new Herder(ports);
  });

  /** Looks, and makes the task configs that are asked for; who never ends is not waited for. */
  async function settle(): Promise<void> {
    for (let i = 0; i < 6; i++) {
      await controller.look();
      for (const request of invoked.splice(0)) {
        if (request.kind !== 'connector') continue;
        const run = runConnector(ports, request, { id: 'plan', deadlineAt: 0, expiresAt: 0, shutdown: new AbortController().signal });
        await Promise.race([run, new Promise((resolve) => setTimeout(resolve, 5))]);
      }
    }
  }
  const tasksOf = async (name: string) => (await ports.storage.connectors.snapshot(name))?.tasks;

  test('when it is created, changed, paused, restarted or deleted: tasks and leases of the other are what they were', async () => {
    await herder.putConnectorConfig('good', good);
    await settle();
    const spec = await ports.storage.connectors.get('good');
    const request = { connector: 'good', task: 0, generation: spec?.generation ?? 0, owner: 'run-1', workerId: 'w', expiresAt: clock.now() + 600_000 };
    expect(await ports.storage.runs.acquire(request)).not.toBeNull();
    const before = await tasksOf('good');
    const steps: (() => Promise<unknown>)[] = [
      () => herder.putConnectorConfig('other', good),
      () => herder.putConnectorConfig('other', { ...good, 'tasks.max': '1' }),
      () => herder.pauseConnector('other'),
      () => herder.resumeConnector('other'),
      () => herder.restartConnectorAndTasks('other', { includeTasks: true, onlyFailed: false }),
      () => herder.stopConnector('other'),
      () => herder.deleteConnector('other'),
    ];
    for (const step of steps) {
      await step();
      await settle();
      expect(await tasksOf('good')).toEqual(before);
    }
  });

  test.each<[string, (table: MemoryTable) => Promise<void>]>([
    ['whose planning never ends', async () => void (await herder.putConnectorConfig('bad', { 'connector.class': 'x.HangingSourceConnector' }))],
    ['whose planning throws', async () => void (await herder.putConnectorConfig('bad', { 'connector.class': 'x.ThrowingSourceConnector' }))],
    [
      'whose topics.regex somebody has broken in the table',
      async (items) => {
        await herder.putConnectorConfig('bad', good);
        await settle();
        const item = await items.get(specKey('bad'));
        await items.put({
          ...item,
          pk: specKey('bad').pk,
          sk: specKey('bad').sk,
          config: { name: 'bad', 'connector.class': 'x.GoodSinkConnector', 'topics.regex': '(' },
        });
      },
    ],
    [
      'whose plugin is not there any more',
      async (items) => {
        await herder.putConnectorConfig('bad', good);
        const item = await items.get(specKey('bad'));
        await items.put({ ...item, pk: specKey('bad').pk, sk: specKey('bad').sk, config: { name: 'bad', 'connector.class': 'x.Gone', topics: 'orders' } });
      },
    ],
  ])('%s: the next look starts the tasks of the other', async (_, poison) => {
    await herder.putConnectorConfig('good', good);
    await settle();
    await poison(table);
    await settle();
    end = 1n;
    clock.time += 120_000;
    await controller.look();
    expect(invoked.filter(({ connector, kind }) => connector === 'good' && kind === 'task')).toHaveLength(2);
  });

  test('a failure queue that never answers keeps no task waiting', async () => {
    ports = { ...ports, failures: { send: never } };
    controller = new Controller(ports);
    await herder.putConnectorConfig('good', good);
    await herder.putConnectorConfig('bad', { 'connector.class': 'x.ThrowingSourceConnector' });
    await herder.putConnectorConfig('failing', good);
    await settle();
    const spec = await ports.storage.connectors.get('failing');
    const request = { connector: 'failing', task: 0, generation: spec?.generation ?? 0, owner: 'run-1', workerId: 'w', expiresAt: clock.now() + 1_000 };
    expect(await ports.storage.runs.acquire(request)).not.toBeNull();
    clock.time += 120_000;
    await controller.look();
    end = 1n;
    clock.time += 120_000;
    void controller.look();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(invoked.filter(({ connector, kind }) => connector === 'good' && kind === 'task')).toHaveLength(2);
  });
});
