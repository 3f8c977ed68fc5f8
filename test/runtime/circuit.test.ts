import { beforeEach, describe, expect, test } from 'vitest';
import {
  configDef,
  defineSinkConnector,
  defineSourceConnector,
  RetriableException,
  replicate,
  type SinkRecord,
  SinkTask,
  SourceRecord,
  SourceTask,
  UnavailableException,
} from '../../shared/connect/index.ts';
import { Plugins } from '../../shared/connect/plugins.ts';
import { stringConverter, stringHeaderConverter } from '../../shared/converters/string-converter.ts';
import type { ConsumerRecord, KafkaClients, PartitionReader, PartitionRecords, ProducerRecord } from '../../shared/kafka/ports.ts';
import type { RuntimePorts } from '../../shared/runtime/ports.ts';
import { Worker } from '../../shared/runtime/worker.ts';
import { type ConnectorSpec, type Storage, type TaskItem, UnavailableStorageException } from '../../shared/storage/ports.ts';
import { RecordedMetrics } from '../kit/metrics.ts';
import { ManualClock } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';

/** Lets time pass for who waits a second, as a retry does; the watch over a run sees nothing of it. */
class PassingClock extends ManualClock {
  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (!signal?.aborted) this.time += Math.min(ms, 200);
  }
}

/** What the external system does with a batch, a flush, a poll. */
const system = { put: (_: readonly SinkRecord[]) => {}, flush: () => {}, start: () => {}, poll: (): SourceRecord[] => [] };

class TestSinkTask extends SinkTask {
  override start(): void {
    system.start();
  }
  override put(records: readonly SinkRecord[]): void {
    if (records.length > 0) system.put(records);
  }
  override flush(): void {
    system.flush();
  }
}

class TestSourceTask extends SourceTask {
  override poll(): readonly SourceRecord[] {
    return system.poll();
  }
}

const common = { version: '1', overview: '', config: configDef({}) };
const plugins = new Plugins([
  stringConverter,
  stringHeaderConverter,
  defineSinkConnector({ ...common, className: 'x.TestSinkConnector', taskConfigs: (context) => replicate(context), createTask: () => new TestSinkTask() }),
  defineSourceConnector({
    ...common,
    className: 'x.TestSourceConnector',
    taskConfigs: (context) => replicate(context),
    createTask: () => new TestSourceTask(),
  }),
]);

const down = new UnavailableException('The disk is full');
const text = 'org.apache.kafka.connect.storage.StringConverter';

describe('an external system that is out of order', () => {
  let clock: PassingClock;
  let storage: Storage;
  let metrics: RecordedMetrics;
  let log: ConsumerRecord[];
  let deadLetters: ProducerRecord[];
  let produceErrors: Error[];
  let worker: Worker;
  let spec: ConnectorSpec;
  let runs: number;

  beforeEach(() => {
    clock = new PassingClock();
    storage = createMemoryStorage(clock);
    metrics = new RecordedMetrics();
    log = [];
    deadLetters = [];
    produceErrors = [];
    runs = 0;
    Object.assign(system, { put: () => {}, flush: () => {}, start: () => {}, poll: () => [] });
    worker = new Worker(ports());
  });

  function reader(): PartitionReader {
    let next = 0;
    return {
      assign: ([first]) => {
        next = Number(first?.offset ?? 0);
      },
      seek: (_, offset) => {
        next = Number(offset);
      },
      pause: () => {},
      resume: () => {},
      poll: async (timeoutMs) => {
        const records = log.slice(next, next + 2);
        next += records.length;
        if (records.length === 0) clock.time += timeoutMs;
        return records.length === 0 ? [] : [{ topic: 't', partition: 0, records, nextOffset: BigInt(next) } satisfies PartitionRecords];
      },
      positions: () => new Map(),
      caughtUp: () => next === log.length,
      close: async () => {},
    };
  }

  function ports(): RuntimePorts {
    const admin = { commitGroupOffsets: async () => {}, createTopic: async () => true, partitionCounts: async () => new Map([['dead', 1]]) };
    const producer = {
      send: async (records: readonly ProducerRecord[]) => {
        const [error] = produceErrors.splice(0, 1);
        if (error !== undefined) return { acknowledged: 0, errors: new Map(records.map((_, index) => [index, error])), metadata: () => null };
        deadLetters.push(...records);
        return { acknowledged: records.length, errors: new Map(), metadata: () => null };
      },
      ready: () => undefined,
      flush: async () => {},
      close: async () => {},
    };
    return {
      storage,
      kafka: { reader, admin: () => admin, producer: () => producer } as unknown as KafkaClients,
      plugins,
      clock,
      logger: { trace() {}, debug() {}, info() {}, warn() {}, error() {} },
      metrics,
      worker: { 'key.converter': text, 'value.converter': text, 'header.converter': text },
      workerId: 'w',
      failures: { send: async () => {} },
      invoker: { invoke: async () => {} },
    };
  }

  async function create(type: 'sink' | 'source', more: Record<string, string> = {}): Promise<void> {
    const className = type === 'sink' ? 'x.TestSinkConnector' : 'x.TestSourceConnector';
    const config = { name: 'c', 'connector.class': className, ...(type === 'sink' ? { topics: 't' } : {}), ...more };
    spec = (await storage.connectors.create({ name: 'c', type, config, targetState: 'STARTED' })) as ConnectorSpec;
    const options = { assignedTopics: { t: 1 }, specDueAt: 0, taskDueAt: clock.now(), workerId: 'w' };
    await storage.control.plan(spec, [{ config, partitions: type === 'sink' ? [{ topic: 't', partition: 0 }] : [] }], options);
  }

  async function run(): Promise<TaskItem & { took: number }> {
    const now = clock.now();
    await worker.run(
      { kind: 'task', connector: 'c', task: 0, generation: spec.generation },
      { id: `run-${++runs}`, deadlineAt: now + 600_000, expiresAt: now + 900_000, shutdown: new AbortController().signal },
    );
    return { ...((await storage.control.task('c', 0)) as TaskItem), took: clock.now() - now };
  }

  const produce = (count: number) => {
    for (let i = 0; i < count; i++)
      log.push({ offset: BigInt(log.length), timestamp: 0, timestampType: 'CreateTime', key: null, value: Buffer.from(`v${log.length}`), headers: [] });
  };
  const offset = (task: TaskItem) => task.offsets.get('t-0') ?? 0n;

  describe('of a sink', () => {
    const tolerant = { 'errors.tolerance': 'all', 'errors.deadletterqueue.topic.name': 'dead' };

    test('sends nothing to the dead letter queue; what was written before is stored, and the task waits', async () => {
      await create('sink', tolerant);
      produce(5);
      const written: string[] = [];
      system.put = (records) => {
        if (written.length >= 2) throw down;
        written.push(...records.map(({ value }) => String(value)));
      };
      const task = await run();
      expect(task).toMatchObject({ state: 'RUNNING', trace: null, lease: null, failure: null, circuit: { attempts: 1, error: 'The disk is full' } });
      expect(task.circuit?.nextTryAt).toBe(task.dueAt);
      expect(task.dueAt).toBe((task.circuit?.since ?? 0) + 5_000);
      expect([written, offset(task), deadLetters]).toEqual([['v0', 'v1'], 2n, []]);
      expect(metrics.sum('TaskFailures')).toBe(0);
    });

    test('is tried by each run once, after growing pauses, and the circuit closes with what is stored first', async () => {
      await create('sink', { ...tolerant, 'sluice.circuit.backoff.max.ms': '30000' });
      produce(4);
      let tries = 0;
      system.put = () => {
        tries++;
        // The second time and later it only asks to be tried again: a probe does not.
        throw tries === 1 ? down : new RetriableException('Still not');
      };
      const waits: number[] = [];
      const since = (await run()).circuit?.since;
      for (let i = 0; i < 4; i++) {
        const before = await storage.control.task('c', 0);
        clock.time = before?.circuit?.nextTryAt as number;
        const { circuit } = await run();
        expect(circuit).toMatchObject({ since, error: 'Still not', attempts: i + 2 });
        waits.push((circuit?.nextTryAt ?? 0) - clock.now());
      }
      expect(tries).toBe(5);
      expect(waits).toEqual([10_000, 20_000, 30_000, 30_000]);

      let closedBy: bigint | undefined;
      system.put = () => {};
      const commit = storage.runs.commitSinkOffsets;
      storage.runs.commitSinkOffsets = async (task, offsets) => {
        await commit(task, offsets);
        closedBy ??= (await storage.control.task('c', 0))?.circuit === null ? offsets.get('t-0') : undefined;
      };
      const healed = await run();
      expect([healed.circuit, offset(healed), closedBy, deadLetters]).toEqual([null, 4n, 2n, []]);
    });

    test('that asks to be tried again is tried within the run, and waited for when that goes on', async () => {
      await create('sink', { 'sluice.circuit.open.after.ms': '3000' });
      produce(2);
      let tries = 0;
      system.put = () => {
        if (++tries <= 3) throw new RetriableException('Deadlock');
      };
      expect(await run()).toMatchObject({ circuit: null, offsets: new Map([['t-0', 2n]]) });
      expect(tries).toBe(4);
      produce(2);
      system.put = () => {
        throw new RetriableException('Deadlock');
      };
      const task = await run();
      expect(task).toMatchObject({ state: 'RUNNING', circuit: { attempts: 1, error: 'Deadlock' } });
      expect(task.took).toBeGreaterThanOrEqual(3_000);
      expect(offset(task)).toBe(2n);
    });

    test('when it is flushed or begun with: nothing is stored that is not safe', async () => {
      await create('sink');
      produce(2);
      system.flush = () => {
        throw down;
      };
      expect(await run()).toMatchObject({ state: 'RUNNING', circuit: { attempts: 1 }, offsets: new Map() });
      system.start = () => {
        throw down;
      };
      expect(await run()).toMatchObject({ state: 'RUNNING', circuit: { attempts: 2 }, offsets: new Map() });
      Object.assign(system, { flush: () => {}, start: () => {} });
      expect(await run()).toMatchObject({ circuit: null, offsets: new Map([['t-0', 2n]]) });
    });

    test('and asks for a commit again and again is waited for', async () => {
      await create('sink');
      produce(2);
      let flushes = 0;
      system.flush = () => {
        flushes++;
        throw new RetriableException('Busy');
      };
      const task = await run();
      expect(task).toMatchObject({ state: 'RUNNING', offsets: new Map() });
      expect(flushes).toBeLessThan(6);
    });

    test('fails the task when sluice.circuit.timeout.ms is over, or at once when it is 0', async () => {
      await create('sink', { 'sluice.circuit.timeout.ms': '60000' });
      produce(2);
      system.put = () => {
        throw down;
      };
      expect(await run()).toMatchObject({ state: 'RUNNING' });
      clock.time += 60_000;
      const failed = await run();
      expect(failed).toMatchObject({ state: 'FAILED', circuit: null });
      expect(failed.trace).toMatch(/has been out of order since 2026-.*sluice\.circuit\.timeout\.ms[\s\S]*Caused by: .*RetriableException: The disk is full/);

      await storage.connectors.delete('c');
      await create('sink', { 'sluice.circuit.timeout.ms': '0' });
      expect((await run()).trace).toMatch(/Exiting WorkerSinkTask due to unrecoverable exception\.[\s\S]*Caused by: .*The disk is full/);
    });

    test('is tried at once when its user restarts the task, and not sooner for an event', async () => {
      await create('sink');
      produce(2);
      system.put = () => {
        throw down;
      };
      const { dueAt } = await run();
      expect(await storage.control.wakeTask('c', 0)).toBe(true);
      expect((await storage.control.task('c', 0))?.dueAt).toBe(dueAt);
      await storage.connectors.restartTask('c', 0);
      expect(await storage.control.task('c', 0)).toMatchObject({ circuit: null, dueAt: clock.now() });
    });
  });

  test('the table itself: the run stores nothing, fails nothing, and does not keep its lease', async () => {
    await create('sink');
    produce(2);
    const { release } = storage.runs;
    const away = () => Promise.reject(new UnavailableStorageException('The table is away'));
    let refused = 0;
    storage.runs.commitSinkOffsets = away;
    storage.runs.release = (task, outcome) => (++refused <= 3 ? away() : release(task, outcome));
    expect(await run()).toMatchObject({ state: 'RUNNING', lease: null, failure: null, offsets: new Map(), lastError: { kind: 'postponed' } });
    expect(refused).toBe(4);
    // Where it cannot be released the platform is told that the run is over.
    storage.runs.release = away;
    await expect(run()).rejects.toThrow('Releasing the lease failed: The table is away');
  });

  describe('of a source', () => {
    const record = () => new SourceRecord({ p: 1 }, { at: 1 }, 't', 0, null, null, null, 'v');

    test('is waited for, also by one that only events start', async () => {
      await create('source', { 'sluice.trigger': 'event' });
      system.poll = () => {
        throw down;
      };
      const task = await run();
      expect(task).toMatchObject({ state: 'RUNNING', circuit: { attempts: 1, error: 'The disk is full' } });
      expect(task.dueAt).toBe(task.circuit?.nextTryAt);
      system.poll = () => [];
      expect(await run()).toMatchObject({ circuit: null, dueAt: null });
    });

    test('that asks to be polled again for long is waited for', async () => {
      await create('source', { 'sluice.circuit.open.after.ms': '2000' });
      system.poll = () => {
        throw new RetriableException('Try later');
      };
      expect(await run()).toMatchObject({ state: 'RUNNING', circuit: { attempts: 1, error: 'Try later' } });
    });

    test.each(['none', 'all'])('Kafka that takes nothing is waited for, and no record is skipped (errors.tolerance=%s)', async (tolerance) => {
      await create('source', { 'errors.tolerance': tolerance });
      const polled = [[record()]];
      system.poll = () => polled.shift() ?? [];
      produceErrors = [new RetriableException('Expiring 1 record(s) for t-0')];
      expect(await run()).toMatchObject({ state: 'RUNNING', circuit: { error: 'Expiring 1 record(s) for t-0' } });
      expect(await storage.offsets.sourceOffsets('c')).toEqual([]);
      polled.push([record()]);
      expect(await run()).toMatchObject({ circuit: null });
      expect(await storage.offsets.sourceOffsets('c')).toEqual([{ partition: { p: 1 }, offset: { at: 1 } }]);
    });
  });
});
