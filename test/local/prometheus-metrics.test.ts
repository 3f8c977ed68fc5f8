import { describe, expect, test } from 'vitest';
import { PrometheusMetrics } from '../../infra/local/prometheus-metrics.ts';

const line = (dimensions: readonly (readonly string[])[], members: Record<string, unknown>, ...names: string[]) =>
  JSON.stringify({
    _aws: { Timestamp: 1, CloudWatchMetrics: [{ Namespace: 'Sluice', Dimensions: dimensions, Metrics: names.map((Name) => ({ Name, Unit: 'Count' })) }] },
    ...members,
  });
const ofTask = [['connector', 'task'], ['connector']];

describe('Prometheus metrics', () => {
  test('counters add up, gauges are as they were told last, and names are those of the usual exporter configs', () => {
    const metrics = new PrometheusMetrics();
    for (const value of [3, 4]) {
      metrics.read(line(ofTask, { connector: 'a', task: '0', 'sink-record-send-total': value }, 'sink-record-send-total'));
      metrics.read(line([['connector', 'task']], { connector: 'a', task: '0', 'put-batch-avg-time-ms': value }, 'put-batch-avg-time-ms'));
    }
    metrics.read(line(ofTask, { connector: 'a', task: '1', 'sink-record-send-total': 5 }, 'sink-record-send-total'));
    metrics.read(line(ofTask, { connector: 'a', task: '0', 'total-record-failures': 1 }, 'total-record-failures'));
    metrics.read(line([['connector'], []], { connector: 'a', TaskFailures: 1 }, 'TaskFailures'));
    metrics.read(line([[]], { 'connector-count': 2, 'task-count': 3 }, 'connector-count', 'task-count'));
    metrics.read(line([['connector']], { connector: 'a', 'sink-lag-seconds': 9 }, 'sink-lag-seconds'));
    expect(metrics.text()).toBe(
      [
        '# TYPE kafka_connect_sink_lag_seconds gauge',
        'kafka_connect_sink_lag_seconds{connector="a"} 9',
        '# TYPE kafka_connect_sink_task_put_batch_avg_time_ms gauge',
        'kafka_connect_sink_task_put_batch_avg_time_ms{connector="a",task="0"} 4',
        '# TYPE kafka_connect_sink_task_sink_record_send_total counter',
        'kafka_connect_sink_task_sink_record_send_total{connector="a",task="0"} 7',
        'kafka_connect_sink_task_sink_record_send_total{connector="a",task="1"} 5',
        '# TYPE kafka_connect_task_error_total_record_failures counter',
        'kafka_connect_task_error_total_record_failures{connector="a",task="0"} 1',
        '# TYPE kafka_connect_task_failures counter',
        'kafka_connect_task_failures{connector="a"} 1',
        '# TYPE kafka_connect_worker_connector_count gauge',
        'kafka_connect_worker_connector_count 2',
        '# TYPE kafka_connect_worker_task_count gauge',
        'kafka_connect_worker_task_count 3',
        '',
      ].join('\n'),
    );
  });

  test('a gauge that nobody tells any more goes, a counter stays', () => {
    let now = 0;
    const metrics = new PrometheusMetrics(() => now);
    metrics.read(line([['connector']], { connector: 'a', 'sink-record-lag': 1, 'task-runs': 1 }, 'sink-record-lag', 'task-runs'));
    now = 300_001;
    metrics.read(line([['connector']], { connector: 'b', 'sink-record-lag': 2 }, 'sink-record-lag'));
    expect(metrics.text()).toContain('kafka_connect_sink_record_lag{connector="b"} 2');
    expect(metrics.text()).not.toContain('kafka_connect_sink_record_lag{connector="a"}');
    expect(metrics.text()).toContain('kafka_connect_task_runs{connector="a"} 1');
  });

  test('names are escaped, and other lines, cut off ones among them, are left alone', () => {
    const metrics = new PrometheusMetrics();
    const whole = line([['connector']], { connector: 'a"b\\c\nd', 'task-runs': 1 }, 'task-runs');
    metrics.read(whole.slice(0, -5));
    metrics.read('START RequestId: 1');
    metrics.read('{"level":"INFO","message":"x"}');
    expect(metrics.text()).toBe('');
    metrics.read(whole);
    expect(metrics.text()).toBe('# TYPE kafka_connect_task_runs counter\nkafka_connect_task_runs{connector="a\\"b\\\\c\\nd"} 1\n');
  });
});
