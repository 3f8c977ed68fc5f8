import { beforeEach, describe, expect, test } from 'vitest';
import { parsePartitionKey, partitionKey, type TopicPartition } from '../../shared/connect/topic-partition.ts';
import { Census } from '../../shared/controller/census.ts';
import type { ClusterAdmin, KafkaClients } from '../../shared/kafka/ports.ts';
import type { RuntimePorts } from '../../shared/runtime/ports.ts';
import type { ConnectorSpec, Storage, TaskItem } from '../../shared/storage/ports.ts';
import { RecordedMetrics } from '../kit/metrics.ts';
import { ManualClock } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';

/** Partitions as Kafka has them: where they begin, and when each record came. */
class Log {
  readonly partitions = new Map<string, { begin: number; timestamps: number[] }>();
  requests = 0;

  readonly admin: Pick<ClusterAdmin, 'endOffsets' | 'beginningOffsets' | 'offsetsForTime'> = {
    endOffsets: async (wanted) => this.#each(wanted, ({ timestamps }) => timestamps.length),
    beginningOffsets: async (wanted) => this.#each(wanted, ({ begin }) => begin),
    offsetsForTime: async (wanted, time) => {
      this.requests++;
      return this.#each(wanted, ({ begin, timestamps }) => {
        const found = timestamps.findIndex((timestamp, offset) => offset >= begin && timestamp >= time);
        return found < 0 ? timestamps.length : found;
      });
    },
  };

  #each(wanted: readonly TopicPartition[], offset: (partition: { begin: number; timestamps: number[] }) => number): Map<string, bigint> {
    const found = new Map<string, bigint>();
    for (const { topic, partition } of wanted) {
      const key = partitionKey(topic, partition);
      const each = this.partitions.get(key);
      if (each !== undefined) found.set(key, BigInt(offset(each)));
    }
    return found;
  }
}

describe('the census', () => {
  let clock: ManualClock;
  let storage: Storage;
  let log: Log;
  let metrics: RecordedMetrics;
  let census: Census;
  let warned: string[];
  beforeEach(() => {
    clock = new ManualClock();
    storage = createMemoryStorage(clock);
    log = new Log();
    metrics = new RecordedMetrics();
    warned = [];
    const logger = { trace() {}, debug() {}, info() {}, warn: (message: string) => void warned.push(message), error() {} };
    const kafka = { admin: () => log.admin } as unknown as KafkaClients;
    census = new Census({ storage, kafka, clock, logger, metrics } as unknown as RuntimePorts);
  });

  /** A connector whose tasks were planned with these partitions. */
  const planned = async (name: string, tasks: readonly (readonly string[])[], type: 'source' | 'sink' = 'sink'): Promise<readonly TaskItem[]> => {
    const spec = (await storage.connectors.create({ name, type, config: { name }, targetState: 'STARTED' })) as ConnectorSpec;
    const items = await storage.control.plan(
      spec,
      tasks.map((keys) => ({ config: {}, partitions: keys.map(parsePartitionKey) })),
      { assignedTopics: null, specDueAt: 0, taskDueAt: clock.now(), workerId: 'w' },
    );
    return items ?? [];
  };
  const acquire = async ({ connector, task, generation }: TaskItem): Promise<TaskItem> => {
    const acquired = await storage.runs.acquire({
      connector,
      task,
      generation,
      owner: `${connector}-${task}`,
      workerId: 'w',
      expiresAt: clock.now() + 900_000,
    });
    return (acquired as { task: TaskItem }).task;
  };
  /** Records of these ages in seconds, the oldest first. */
  const partition = (key: string, ages: readonly number[], begin = 0) =>
    log.partitions.set(key, { begin, timestamps: ages.map((age) => clock.now() - age * 1_000) });
  const commit = async (task: TaskItem, offsets: Record<string, bigint>) => {
    const held = await acquire(task);
    await storage.runs.commitSinkOffsets(held, new Map(Object.entries(offsets)));
    return held;
  };

  test('a sink is behind by what it has not read, also while its run is under way and nothing of it is due', async () => {
    partition('t-0', [600, 300, 200, 100]);
    partition('t-1', [50]);
    const [first, second] = await planned('behind', [['t-0'], ['t-1']]);
    await commit(first as TaskItem, { 't-0': 1n });
    await commit(second as TaskItem, { 't-1': 1n });
    await census.take();
    expect(metrics.values('sink-record-lag', 'behind')).toEqual([3]);
    expect(metrics.values('sink-record-lag-max', 'behind', 0)).toEqual([3]);
    expect(metrics.values('sink-record-lag-max', 'behind', 1)).toEqual([0]);
    const [seconds] = metrics.values('sink-lag-seconds', 'behind');
    expect(seconds).toBeGreaterThanOrEqual(300);
    expect(seconds).toBeLessThanOrEqual(360);
  });

  test('lag in seconds is that of the oldest unread record of all partitions, whatever its age', async () => {
    for (const age of [1, 7, 59, 3_600, 86_400, 2_000_000]) {
      partition(`t${age}-0`, [age, 0]);
      partition(`t${age}-1`, [age / 2, 0]);
      await planned(`c${age}`, [[`t${age}-0`, `t${age}-1`]]);
    }
    await census.take();
    for (const age of [1, 7, 59, 3_600, 86_400, 2_000_000]) {
      const [seconds] = metrics.values('sink-lag-seconds', `c${age}`);
      expect(seconds).toBeGreaterThanOrEqual(age);
      expect(seconds).toBeLessThanOrEqual(Math.ceil(age * 1.2) + 1);
    }
  });

  test('a hundred sinks that are equally far behind share their requests', async () => {
    for (let i = 0; i < 100; i++) {
      partition(`t-${i}`, [120]);
      await planned(`c${i}`, [[`t-${i}`]]);
    }
    await census.take();
    expect(metrics.values('sink-lag-seconds')).toHaveLength(100);
    expect(log.requests).toBeLessThanOrEqual(7);
  });

  test('a sink that has read everything has no lag, and nobody is asked for times', async () => {
    partition('t-0', [10, 5]);
    const [task] = await planned('done', [['t-0']]);
    await commit(task as TaskItem, { 't-0': 2n });
    await census.take();
    expect(metrics.values('sink-record-lag', 'done')).toEqual([0]);
    expect(metrics.values('sink-lag-seconds', 'done')).toEqual([0]);
    expect(log.requests).toBe(0);
  });

  test('what retention removed is no lag', async () => {
    partition('t-0', [900, 800, 700, 60, 30], 3);
    const [task] = await planned('late', [['t-0']]);
    await commit(task as TaskItem, { 't-0': 1n });
    await census.take();
    expect(metrics.values('sink-record-lag', 'late')).toEqual([2]);
    const [seconds] = metrics.values('sink-lag-seconds', 'late');
    expect(seconds).toBeLessThanOrEqual(72);
  });

  test('tasks are counted by their states, those that failed and those that are paused among them', async () => {
    const [one] = await planned('a', [[], [], []], 'source');
    const held = await acquire(one as TaskItem);
    const failure = { connector: 'a', task: 0, generation: 1, run: 'r', epoch: 1, kind: 'task-failed', error: 'x', trace: 'x', at: 1, action: '' } as const;
    await storage.runs.release(held, { dueAt: null, failure });
    await planned('b', [[], []], 'source');
    await storage.connectors.update((await storage.connectors.get('b')) as ConnectorSpec, { targetState: 'PAUSED' });
    await planned('c', [[]], 'source');
    await storage.connectors.update((await storage.connectors.get('c')) as ConnectorSpec, { newGeneration: true });
    await planned('d', [[]], 'source');
    await storage.connectors.update((await storage.connectors.get('d')) as ConnectorSpec, { targetState: 'STOPPED' });
    await census.take();
    const counts = (connector: string) =>
      (['total', 'running', 'paused', 'failed', 'unassigned', 'restarting'] as const).map((state) => metrics.sum(`connector-${state}-task-count`, connector));
    expect(counts('a')).toEqual([3, 2, 0, 1, 0, 0]);
    expect(counts('b')).toEqual([2, 0, 2, 0, 0, 0]);
    expect(counts('c')).toEqual([1, 0, 0, 0, 1, 0]);
    expect(counts('d')).toEqual([0, 0, 0, 0, 0, 0]);
    expect([metrics.sum('connector-count'), metrics.sum('task-count')]).toEqual([4, 6]);
  });

  test('tasks are counted also while Kafka cannot be asked', async () => {
    await planned('a', [['t-0']]);
    log.admin.endOffsets = () => Promise.reject(new Error('away'));
    await census.take();
    expect(metrics.values('task-count')).toEqual([1]);
    expect(warned).toHaveLength(1);
  });
});
