import { describe, expect, test } from 'vitest';
import { SourceRecord } from '../../shared/connect/data/record.ts';
import type { ConsumerRecord } from '../../shared/kafka/ports.ts';
import { SinkTaskMetrics, SourceTaskMetrics } from '../../shared/runtime/task-metrics.ts';
import { FencedException } from '../../shared/storage/ports.ts';
import { RecordedMetrics } from '../kit/metrics.ts';
import { ManualClock } from '../kit/storage.ts';

const task = { connector: 'c', task: 2 };
const consumed = (offset: bigint, timestamp: number): ConsumerRecord => ({
  offset,
  timestamp,
  timestampType: 'CreateTime',
  key: null,
  value: null,
  headers: [],
});

describe('metrics of a sink task', () => {
  const open = () => {
    const recorded = new RecordedMetrics();
    const clock = new ManualClock();
    return { recorded, clock, metrics: new SinkTaskMetrics(recorded, clock, task) };
  };

  test('a batch is counted once, whatever it holds', () => {
    const { recorded, clock, metrics } = open();
    metrics.read(500);
    const startedAt = clock.now();
    clock.time += 20;
    metrics.put(400, startedAt);
    expect(recorded.all).toEqual(
      [
        { measure: 'sink-record-read-total', value: 500 },
        { measure: 'batch-size', value: 500 },
        { measure: 'sink-record-active-count', value: 500 },
        { measure: 'put-batch-time-ms', value: 20 },
        { measure: 'sink-record-send-total', value: 400 },
      ].map((each) => ({ ...each, dimensions: task })),
    );
  });

  test('nothing that was read is no batch', () => {
    const { recorded, clock, metrics } = open();
    metrics.read(0);
    metrics.put(0, clock.now());
    metrics.delivered([{ topic: 't', partition: 0, records: [], nextOffset: 1n }]);
    expect(recorded.all).toEqual([]);
  });

  test('what is active are records that were read and not committed', () => {
    const { recorded, clock, metrics } = open();
    metrics.read(10);
    metrics.read(5);
    metrics.sinkCommitted(clock.now(), 3);
    metrics.read(1);
    expect(recorded.values('sink-record-active-count')).toEqual([10, 15, 3, 4]);
  });

  test('latency is told of the oldest and the newest record of each partition, and never below zero', () => {
    const { recorded, clock, metrics } = open();
    const now = clock.now();
    const at = (partition: number, ...ages: number[]) => ({
      topic: 't',
      partition,
      records: ages.map((age, i) => consumed(BigInt(i), now - age)),
      nextOffset: BigInt(ages.length),
    });
    metrics.delivered([at(0, 300, 200, 100), at(1, 50), at(2, -5_000), { topic: 't', partition: 3, records: [consumed(0n, -1)], nextOffset: 1n }]);
    expect(recorded.values('end-to-end-latency-ms')).toEqual([300, 100, 50, 0]);
  });

  test('a commit that comes too late is skipped, another that is refused has failed', () => {
    const { recorded, clock, metrics } = open();
    metrics.storeFailed(new FencedException('taken over'));
    metrics.storeFailed(new Error('throttled'));
    metrics.sinkCommitted(clock.now() - 7, 0);
    expect(recorded.values('offset-commit-skip-total')).toEqual([1]);
    expect(recorded.values('offset-commit-failure-percentage')).toEqual([1, 0]);
    expect(recorded.values('offset-commit-success-percentage')).toEqual([0, 1]);
    expect(recorded.values('offset-commit-completion-total')).toEqual([1]);
    expect(recorded.values('offset-commit-time-ms')).toEqual([7]);
  });

  test('a start is counted as it went', async () => {
    const { recorded, metrics } = open();
    await metrics.start(async () => {});
    await expect(metrics.start(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect([recorded.sum('task-startup-success-total'), recorded.sum('task-startup-failure-total')]).toEqual([1, 1]);
  });
});

describe('metrics of a source task', () => {
  const record = (timestamp: number | null) => new SourceRecord({}, {}, 't', null, null, null, null, null, timestamp, []);

  test('a poll is counted with its time, and how old its first record is', () => {
    const recorded = new RecordedMetrics();
    const clock = new ManualClock();
    const metrics = new SourceTaskMetrics(recorded, clock, task);
    metrics.polled([record(clock.now() - 5_000), record(clock.now() - 1_000)], clock.now() - 8);
    metrics.polled([record(null)], clock.now());
    expect(recorded.values('source-record-poll-total')).toEqual([2, 1]);
    expect(recorded.values('poll-batch-time-ms')).toEqual([8, 0]);
    expect(recorded.values('source-import-lag-ms')).toEqual([5_000]);
  });

  test('what is active is on its way to Kafka; what failed there was not written', () => {
    const recorded = new RecordedMetrics();
    const metrics = new SourceTaskMetrics(recorded, new ManualClock(), task);
    metrics.sending(10);
    metrics.sending(5);
    metrics.sent(10, 8);
    metrics.sent(5, 0);
    expect(recorded.values('source-record-active-count')).toEqual([10, 15, 5, 0]);
    expect(recorded.values('source-record-write-total')).toEqual([8]);
  });
});
