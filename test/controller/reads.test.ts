import { beforeEach, describe, expect, test } from 'vitest';
import { Census } from '../../shared/controller/census.ts';
import { Controller } from '../../shared/controller/controller.ts';
import { Herder } from '../../shared/herder/herder.ts';
import type { ClusterAdmin, KafkaClients } from '../../shared/kafka/ports.ts';
import type { RuntimePorts } from '../../shared/runtime/ports.ts';
import type { ConnectorSpec, Storage, TaskItem } from '../../shared/storage/ports.ts';
import { RecordedMetrics } from '../kit/metrics.ts';
import { ManualClock } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';
import { MemoryTable } from '../simulation/memory-table.ts';

/** What is read of the table, and how often: each is a request in DynamoDB, or one for each megabyte of a query. */
describe('reads of the table', () => {
  let clock: ManualClock;
  let storage: Storage;
  let reads: string[];
  let failing: boolean;
  let ports: RuntimePorts;
  let metrics: RecordedMetrics;
  beforeEach(() => {
    clock = new ManualClock();
    failing = false;
    reads = [];
    const table = new MemoryTable((operation) => {
      const [when, what] = operation.split(' ');
      if (when !== 'before' || !/^(?:get|query|page|due)$/.test(what ?? '')) return;
      reads.push(operation.slice('before '.length));
      if (failing) throw new Error('throttled');
    });
    storage = createMemoryStorage(clock, { table });
    metrics = new RecordedMetrics();
    const admin: Partial<ClusterAdmin> = {
      partitionCounts: async () => new Map(),
      endOffsets: async () => new Map(),
      beginningOffsets: async () => new Map(),
    };
    const logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
    const plugins = { findAny: () => undefined };
    ports = { storage, kafka: { admin: () => admin } as unknown as KafkaClients, clock, logger, metrics, plugins, worker: {} } as unknown as RuntimePorts;
  });

  const kinds = ['scheduled', 'paused', 'failed', 'running'] as const;
  /** Stores connectors of four tasks, of all kinds that a look has nothing to do for, until there are so many; new ones are `bytes` large. */
  const store = async (count: number, bytes = 0) => {
    for (let i = (await storage.connectors.list()).length; i < count; i++) {
      const name = `c${String(i).padStart(4, '0')}`;
      const kind = kinds[i % kinds.length];
      const config = { name, 'connector.class': 'x.SinkConnector', text: 'x'.repeat(bytes / 5) };
      const type = kind === 'scheduled' ? 'source' : 'sink';
      const spec = (await storage.connectors.create({ name, type, config, targetState: 'STARTED' })) as ConnectorSpec;
      const planned = [0, 1, 2, 3].map((partition) => ({ config, partitions: type === 'sink' ? [{ topic: name, partition }] : [] }));
      const rest = kind === 'scheduled' ? clock.now() + 86_400_000 : null;
      const tasks = await storage.control.plan(spec, planned, { assignedTopics: null, specDueAt: null, taskDueAt: rest, workerId: 'w' });
      if (kind === 'paused') {
        const paused = await storage.connectors.update((await storage.connectors.get(name)) as ConnectorSpec, { targetState: 'PAUSED' });
        await storage.control.deferSpec(paused as ConnectorSpec, null);
      }
      for (const { task, generation } of kind === 'running' || kind === 'failed' ? (tasks ?? []) : []) {
        const request = { connector: name, task, generation, owner: 'r', workerId: 'w', expiresAt: clock.now() + 900_000 };
        const acquired = await storage.runs.acquire(request);
        if (kind === 'running') continue;
        const failure = { connector: name, task, generation, run: 'r', epoch: 1, kind: 'task-failed', error: 'x', trace: 'x', at: 1, action: '' } as const;
        await storage.runs.release(acquired?.task as TaskItem, { dueAt: null, failure });
        await storage.control.clearFailure((await storage.control.task(name, task)) as TaskItem);
      }
    }
    reads.length = 0;
  };
  const readsOf = async (action: () => Promise<unknown>): Promise<readonly string[]> => {
    reads.length = 0;
    await action();
    return [...reads];
  };

  test('a tick with nothing due reads as often with 10 connectors as with 200, and with 500 that take megabytes', async () => {
    const expected = ['due DUE#0', 'due DUE#1', 'due DUE#2', 'due DUE#3', 'page 0/1'];
    for (const [connectors, bytes] of [[10], [200], [500, 30_000]] as const) {
      await store(connectors, bytes);
      const [controller, census] = [new Controller(ports), new Census(ports)];
      for (let tick = 0; tick < 3; tick++) {
        const read = await readsOf(async () => {
          const { connectors: due, invoked } = await controller.look();
          expect([due, invoked]).toEqual([0, 0]);
          await census.take();
        });
        expect(read).toEqual(expected);
        clock.time += 60_000;
      }
    }
  });

  test('many connectors are counted in turn, each once in a round; the totals are those of a whole round', async () => {
    await store(200, 30_000);
    const census = new Census(ports);
    const counted = () => metrics.all.filter(({ measure }) => measure === 'connector-total-task-count').map(({ dimensions }) => dimensions.connector as string);
    let ticks = 0;
    while (metrics.values('connector-count').length === 0) {
      expect((await readsOf(() => census.take())).length).toBe(1);
      ticks++;
    }
    expect(ticks).toBeGreaterThan(3);
    expect(counted().sort()).toEqual((await storage.connectors.list()).toSorted());
    expect([metrics.values('connector-count'), metrics.values('task-count')]).toEqual([[200], [800]]);
    // A place of which the reading failed is read the next time.
    metrics.all.length = 0;
    for (let tick = 0; tick < 2 * ticks; tick++) {
      failing = tick % 2 === 0;
      await census.take();
    }
    expect(counted().sort()).toEqual((await storage.connectors.list()).toSorted());
    expect(new Set(metrics.values('connector-count'))).toEqual(new Set([200]));
  });

  test('connectors with info and status come by pages where there are many, and one by one where there are few', async () => {
    const herder = new Herder(ports);
    await store(20);
    expect(await readsOf(() => herder.expandedConnectors(['info', 'status']))).toHaveLength(1 + 20);
    await store(600);
    const read = await readsOf(() => herder.expandedConnectors(['info', 'status']));
    expect(read).toContain('page 0/6 consistent');
    expect(read.length).toBeLessThanOrEqual(1 + 2 * 6);
    expect(await readsOf(() => herder.expandedConnectors([]))).toEqual(['query CLUSTER']);
  });

  test('where the table holds so much else that a scan would be long, connectors are read one by one, and for ten minutes no scan is tried', async () => {
    const herder = new Herder(ports);
    await store(40);
    // Each of them a page: two are what forty connectors may need.
    for (let i = 0; i < 10; i++) {
      const offsets = Array.from({ length: 60 }, (_, n) => ({ partition: { n }, offset: { text: 'x'.repeat(20_000) } }));
      await storage.offsets.alterSourceOffsets(`gone-${i}`, offsets);
    }
    const first = await readsOf(async () => expect(Object.keys(await herder.expandedConnectors(['status']))).toHaveLength(40));
    expect(first.filter((each) => each.startsWith('page')).length).toBeLessThanOrEqual(4);
    expect(first.filter((each) => each.startsWith('query CONNECTOR#'))).toHaveLength(40);
    expect((await readsOf(() => herder.expandedConnectors(['info']))).filter((each) => each.startsWith('page'))).toEqual([]);
    clock.time += 11 * 60_000;
    expect((await readsOf(() => herder.expandedConnectors(['info']))).some((each) => each.startsWith('page'))).toBe(true);
  });
});
