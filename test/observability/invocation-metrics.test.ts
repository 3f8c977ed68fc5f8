import { readFile } from 'node:fs/promises';
import { Metrics as PowertoolsMetrics } from '@aws-lambda-powertools/metrics';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { invocationMetrics, type MetricsLevel } from '../../shared/observability/invocation-metrics.ts';
import { type MetricDefinition, measures } from '../../shared/runtime/measures.ts';
import { ManualClock } from '../kit/storage.ts';

interface Line {
  readonly _aws: {
    readonly Timestamp: number;
    readonly CloudWatchMetrics: readonly { Namespace: string; Dimensions: string[][]; Metrics: { Name: string; Unit: string }[] }[];
  };
  readonly [member: string]: unknown;
}

describe('metrics of an invocation', () => {
  let clock: ManualClock;
  let printed: Line[];
  beforeEach(() => {
    clock = new ManualClock();
    printed = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      for (const line of String(text).trim().split('\n')) printed.push(JSON.parse(line) as Line);
      return true;
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const metricsOf = (level: MetricsLevel) => {
    const line = new PowertoolsMetrics({ namespace: 'Sluice', logger: { debug() {}, info() {}, warn() {}, error() {} } });
    line.clearDefaultDimensions();
    return invocationMetrics({ line, clock, level, intervalMs: 60_000 });
  };
  /** What CloudWatch would keep: a value for each metric and set of dimensions. */
  const kept = () =>
    Object.fromEntries(
      printed.flatMap((line) =>
        line._aws.CloudWatchMetrics.flatMap(({ Dimensions, Metrics }) =>
          Dimensions.flatMap((names) =>
            Metrics.map(({ Name }) => [[Name, ...names.map((name) => `${name}=${String(line[name])}`)].join(' '), line[Name]] as const),
          ),
        ),
      ),
    );

  test('each connector and task has its own numbers, also when one invocation measured several', () => {
    const metrics = metricsOf('standard');
    metrics.add('sink-record-send-total', 3, { connector: 'a', task: 0 });
    metrics.add('sink-record-send-total', 4, { connector: 'a', task: 0 });
    metrics.add('sink-record-send-total', 10, { connector: 'b', task: 1 });
    metrics.add('put-batch-time-ms', 10, { connector: 'a', task: 0 });
    metrics.add('put-batch-time-ms', 30, { connector: 'a', task: 0 });
    metrics.add('TaskFailures', 1, { connector: 'b', task: 1 });
    metrics.add('ControllerLooks', 1, {});
    metrics.flush();
    expect(kept()).toEqual({
      'sink-record-send-total connector=a task=0': 7,
      'sink-record-send-total connector=a': 7,
      'sink-record-send-total connector=b task=1': 10,
      'sink-record-send-total connector=b': 10,
      'put-batch-avg-time-ms connector=a task=0': 20,
      'put-batch-max-time-ms connector=a task=0': 30,
      'TaskFailures connector=b': 1,
      TaskFailures: 1,
      ControllerLooks: 1,
    });
  });

  test('a line is as CloudWatch reads it, and has no dimension that nobody asked for', () => {
    const metrics = metricsOf('standard');
    metrics.add('put-batch-time-ms', 10, { connector: 'a', task: 0 });
    metrics.flush();
    expect(printed).toEqual([
      {
        _aws: {
          Timestamp: expect.any(Number),
          CloudWatchMetrics: [
            {
              Namespace: 'Sluice',
              Dimensions: [['connector', 'task']],
              Metrics: [
                { Name: 'put-batch-avg-time-ms', Unit: 'Milliseconds' },
                { Name: 'put-batch-max-time-ms', Unit: 'Milliseconds' },
              ],
            },
          ],
        },
        connector: 'a',
        task: '0',
        'put-batch-avg-time-ms': 10,
        'put-batch-max-time-ms': 10,
      },
    ]);
  });

  test('what was written is forgotten, and nothing is written of nothing', () => {
    const metrics = metricsOf('standard');
    metrics.add('LostRuns', 1, { connector: 'a', task: 0 });
    metrics.flush();
    metrics.flush();
    expect(printed).toHaveLength(1);
  });

  test('a long invocation writes as it goes', () => {
    const metrics = metricsOf('standard');
    metrics.add('sink-record-send-total', 1, { connector: 'a', task: 0 });
    clock.time += 59_999;
    metrics.add('sink-record-send-total', 2, { connector: 'a', task: 0 });
    expect(printed).toEqual([]);
    clock.time += 1;
    metrics.add('sink-record-send-total', 4, { connector: 'a', task: 0 });
    expect(kept()).toMatchObject({ 'sink-record-send-total connector=a': 3 });
    metrics.flush();
    expect(kept()).toMatchObject({ 'sink-record-send-total connector=a': 4 });
  });

  test('a state that stays 0 costs nothing; its return to 0 is told once', () => {
    const metrics = metricsOf('standard');
    const written = [0, 5, 0, 0].map((lag) => {
      printed = [];
      metrics.add('sink-record-lag', lag, { connector: 'a' });
      metrics.flush();
      return printed.map((line) => line['sink-record-lag']);
    });
    expect(written).toEqual([[], [5], [0], []]);
  });

  test('detailed metrics have zeros and what is only asked for then; off has nothing', () => {
    for (const level of ['standard', 'detailed', 'off'] as const) {
      const metrics = metricsOf(level);
      metrics.add('sink-record-lag', 0, { connector: level });
      metrics.add('connector-running-task-count', 2, { connector: level });
      metrics.flush();
    }
    expect(kept()).toEqual({ 'sink-record-lag connector=detailed': 0, 'connector-running-task-count connector=detailed': 2 });
  });

  test('a name that CloudWatch does not take is written as in a URL', () => {
    const metrics = metricsOf('standard');
    for (const connector of ['grün', ':a', '😀', '\ud800', 'a b%/"']) metrics.add('LostRuns', 1, { connector });
    metrics.flush();
    expect(printed.map(({ connector }) => connector)).toEqual(['gr%C3%BCn', '%3Aa', '%F0%9F%98%80', '%EF%BF%BD', 'a b%/"']);
  });

  test('all metrics at once fit into one line, which Powertools would divide without its dimensions', () => {
    const metrics = metricsOf('detailed');
    for (const measure of Object.keys(measures) as (keyof typeof measures)[]) metrics.add(measure, 1, { connector: 'a', task: 0, function: 'task' });
    metrics.flush();
    const names = printed.flatMap((line) => line._aws.CloudWatchMetrics.flatMap(({ Metrics }) => Metrics.map(({ Name }) => Name)));
    expect(names.sort()).toEqual(all.map(({ name }) => name).sort());
    for (const line of printed) expect(line._aws.CloudWatchMetrics[0]?.Dimensions).not.toEqual([]);
  });
});

const all = Object.values<readonly MetricDefinition[]>(measures).flat();

test('the documentation lists every metric, and no other', async () => {
  const text = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const listed = [...text.slice(text.indexOf('## Records')).matchAll(/^\| `([\w-]+)`/gm)].map(([, name]) => name);
  expect(listed.sort()).toEqual(all.map(({ name }) => name).sort());
});
