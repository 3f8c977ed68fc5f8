import fc from 'fast-check';
import { expect, test } from 'vitest';
import { configDef, defineSinkConnector, replicate } from '../../shared/connect/index.ts';
import { Plugins } from '../../shared/connect/plugins.ts';
import { Controller } from '../../shared/controller/controller.ts';
import { Herder } from '../../shared/herder/herder.ts';
import type { ClusterAdmin, KafkaClients } from '../../shared/kafka/ports.ts';
import { runConnector } from '../../shared/runtime/connector-run.ts';
import type { RuntimePorts } from '../../shared/runtime/ports.ts';
import type { RunRequest } from '../../shared/runtime/task-run.ts';
import { specKey, taskKey } from '../../shared/storage/dynamodb/items.ts';
import { ManualClock } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';
import { MemoryTable } from '../simulation/memory-table.ts';

const plugins = new Plugins([
  defineSinkConnector({
    version: '1',
    overview: '',
    className: 'x.TestSinkConnector',
    config: configDef({}),
    taskConfigs: (context) => replicate(context),
    createTask: () => Promise.reject(new Error('not run here')),
  }),
]);

/** Whatever may stand in an attribute. */
const anything = fc.oneof(
  fc.constantFrom(undefined, null, '', 'x', -1, 1.5, 1e300, Number.NaN, true, [], {}, [null], { a: null }, { a: 1 }, [{ topic: 1 }], [{}]),
  fc.string(),
  fc.integer(),
  fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer())),
);
const attributes = [
  'connector',
  'task',
  'type',
  'generation',
  'plannedGeneration',
  'restarts',
  'config',
  'partitions',
  'offsets',
  'state',
  'targetState',
  'epoch',
  'revision',
  'failure',
  'owner',
  'leaseExpiresAt',
  'lostRuns',
  'createdAt',
  'assignedTopics',
  'workerId',
];

test('whatever somebody writes into the items of one connector, another one is looked at on time and listed', async () => {
  const damage = fc.record({ task: fc.boolean(), changes: fc.array(fc.tuple(fc.constantFrom(...attributes), anything), { minLength: 1, maxLength: 4 }) });
  await fc.assert(
    fc.asyncProperty(damage, async ({ task, changes }) => {
      const clock = new ManualClock();
      const table = new MemoryTable();
      const storage = createMemoryStorage(clock, { table });
      const invoked: RunRequest[] = [];
      let ends = new Map<string, bigint>();
      const admin: Partial<ClusterAdmin> = {
        clusterId: async () => 'test',
        partitionCounts: async () => new Map([['orders', 1]]),
        endOffsets: async () => ends,
        beginningOffsets: async () => new Map([['orders-0', 0n]]),
        groupOffsets: async () => new Map(),
      };
      const logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
      const ports: RuntimePorts = {
        storage,
        kafka: { admin: () => admin } as unknown as KafkaClients,
        plugins,
        logger,
        clock,
        worker: {},
        workerId: 'w',
        metrics: { add() {} },
        failures: { send: async () => {} },
        invoker: { invoke: async (request) => void invoked.push(request) },
      };
      const controller = new Controller(ports);
      for (const name of ['bad', 'good']) {
        const config = { name, 'connector.class': 'x.TestSinkConnector', topics: 'orders' };
        const spec = await storage.connectors.create({ name, type: 'sink', config, targetState: 'STARTED' });
        const invocation = { id: name, deadlineAt: 0, expiresAt: 0, shutdown: new AbortController().signal };
        await runConnector(ports, { kind: 'connector', connector: name, generation: spec?.generation ?? 0 }, invocation);
      }
      const key = task ? taskKey('bad', 0) : specKey('bad');
      const item = await table.get(key);
      await table.put({ ...item, ...Object.fromEntries(changes), ...key });

      ends = new Map([['orders-0', 1n]]);
      clock.time += 60_000;
      await controller.look();
      expect(invoked.filter(({ connector }) => connector === 'good')).toHaveLength(1);
      const listed = await new Herder(ports).expandedConnectors(['info', 'status']);
      expect(listed['good']?.status?.tasks).toHaveLength(1);
    }),
    { numRuns: 300 },
  );
});
