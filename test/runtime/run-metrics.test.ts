import { beforeEach, describe, expect, test } from 'vitest';
import { configDef, defineSinkConnector, replicate, type SinkRecord, SinkTask } from '../../shared/connect/index.ts';
import { Plugins } from '../../shared/connect/plugins.ts';
import { converters, headerConverters } from '../../shared/converters/index.ts';
import type { ConsumerRecord, KafkaClients, PartitionReader, PartitionRecords } from '../../shared/kafka/ports.ts';
import type { RuntimePorts } from '../../shared/runtime/ports.ts';
import type { RunOutcome } from '../../shared/runtime/task-run.ts';
import { Worker } from '../../shared/runtime/worker.ts';
import type { ConnectorSpec, Storage } from '../../shared/storage/ports.ts';
import { RecordedMetrics } from '../kit/metrics.ts';
import { ManualClock } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';

/** What the sink does with a batch, by the test. */
const sink = { start: () => {}, put: (_records: number) => {} };

class TestSinkTask extends SinkTask {
  override start(): void {
    sink.start();
  }
  override put(records: readonly SinkRecord[]): void {
    sink.put(records.length);
  }
}

/** Stands still while somebody waits: only the test moves it. */
class StillClock extends ManualClock {
  override sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
  }
}

const plugins = new Plugins([
  ...converters,
  ...headerConverters,
  defineSinkConnector({
    version: '1',
    overview: '',
    className: 'x.TestSinkConnector',
    config: configDef({}),
    taskConfigs: (context) => replicate(context),
    createTask: () => new TestSinkTask(),
  }),
]);

describe('metrics of runs', () => {
  let clock: StillClock;
  let storage: Storage;
  let metrics: RecordedMetrics;
  let batches: PartitionRecords[][];
  let worker: Worker;
  let spec: ConnectorSpec;
  let runs: number;

  beforeEach(async () => {
    clock = new StillClock();
    storage = createMemoryStorage(clock);
    metrics = new RecordedMetrics();
    batches = [];
    runs = 0;
    sink.start = () => {};
    sink.put = () => {};
    const reader: PartitionReader = {
      assign: () => {},
      seek: () => {},
      pause: () => {},
      resume: () => {},
      poll: async (timeoutMs) => {
        const batch = batches.shift();
        if (batch === undefined) clock.time += timeoutMs;
        return batch ?? [];
      },
      positions: () => new Map(),
      caughtUp: () => batches.length === 0,
      close: async () => {},
    };
    const kafka = { reader: () => reader, admin: () => ({ commitGroupOffsets: async () => {} }) } as unknown as KafkaClients;
    const logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
    const string = 'org.apache.kafka.connect.storage.StringConverter';
    const ports: RuntimePorts = {
      storage,
      kafka,
      plugins,
      clock,
      logger,
      metrics,
      worker: { 'key.converter': string, 'value.converter': string },
      workerId: 'w',
      failures: { send: async () => {} },
      invoker: { invoke: async () => {} },
    };
    worker = new Worker(ports);
    const config = { name: 'c', 'connector.class': 'x.TestSinkConnector', topics: 't' };
    spec = (await storage.connectors.create({ name: 'c', type: 'sink', config, targetState: 'STARTED' })) as ConnectorSpec;
    const options = { assignedTopics: { t: 2 }, specDueAt: 0, taskDueAt: clock.now(), workerId: 'w' };
    const partitions = [0, 1].map((partition) => ({ topic: 't', partition }));
    await storage.control.plan(spec, [{ config, partitions }], options);
  });

  const run = (): Promise<RunOutcome> => {
    const now = clock.now();
    return worker.run(
      { kind: 'task', connector: 'c', task: 0, generation: spec.generation },
      { id: `run-${++runs}`, deadlineAt: now + 600_000, expiresAt: now + 900_000, shutdown: new AbortController().signal },
    );
  };
  const batch = (partition: number, ages: readonly number[], from = 0): PartitionRecords => ({
    topic: 't',
    partition,
    records: ages.map((age, i): ConsumerRecord => {
      const timestamp = clock.now() - age;
      return { offset: BigInt(from + i), timestamp, timestampType: 'CreateTime', key: null, value: Buffer.from('x'), headers: [] };
    }),
    nextOffset: BigInt(from + ages.length),
  });

  test('a run is counted with its records, its time and how old the records were', async () => {
    sink.put = (records) => {
      if (records > 0) clock.time += 40;
    };
    batches = [[batch(0, [500, 400]), batch(1, [90])], [batch(0, [60], 2)]];
    const startedAt = clock.now();
    expect(await run()).toEqual({ outcome: 'idle', records: 4 });
    const took = clock.now() - startedAt;
    expect(metrics.values('sink-record-read-total', 'c', 0)).toEqual([3, 1]);
    expect(metrics.values('sink-record-send-total', 'c', 0)).toEqual([3, 1]);
    expect(metrics.values('put-batch-time-ms', 'c', 0)).toEqual([40, 40]);
    expect(metrics.values('end-to-end-latency-ms', 'c', 0)).toEqual([540, 440, 130, 140]);
    expect(metrics.values('partition-count', 'c', 0)).toEqual([2]);
    expect(metrics.values('offset-commit-completion-total', 'c', 0)).toEqual([1]);
    expect(metrics.values('sink-record-active-count', 'c', 0)).toEqual([3, 4, 0]);
    expect(metrics.values('task-runs', 'c')).toEqual([1]);
    expect(metrics.values('task-run-time-ms', 'c')).toEqual([took]);
  });

  test('a warm task is not started again, a duplicate request is no run', async () => {
    await run();
    await run();
    const held = await storage.runs.acquire({
      connector: 'c',
      task: 0,
      generation: spec.generation,
      owner: 'x',
      workerId: 'w',
      expiresAt: clock.now() + 1_000,
    });
    expect(held).not.toBeNull();
    expect(await run()).toEqual({ outcome: 'skipped', records: 0 });
    expect([metrics.sum('task-startup-attempts-total'), metrics.sum('task-startup-success-total'), metrics.sum('task-runs')]).toEqual([1, 1, 2]);
  });

  test('a task that does not start is a failed start and a failed task', async () => {
    sink.start = () => {
      throw new Error('no such target');
    };
    expect(await run()).toEqual({ outcome: 'failed', records: 0 });
    expect([metrics.sum('task-startup-attempts-total'), metrics.sum('task-startup-success-total'), metrics.sum('task-startup-failure-total')]).toEqual([
      1, 0, 1,
    ]);
    expect(metrics.values('TaskFailures', 'c', 0)).toEqual([1]);
  });

  test('records that the sink refuses were read and not sent', async () => {
    sink.put = (records) => {
      if (records > 0) throw new Error('refused');
    };
    batches = [[batch(0, [1, 1])]];
    expect(await run()).toEqual({ outcome: 'failed', records: 0 });
    expect([metrics.sum('sink-record-read-total'), metrics.sum('sink-record-send-total'), metrics.sum('TaskFailures')]).toEqual([2, 0, 1]);
  });
});
