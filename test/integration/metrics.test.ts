import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../bench/measure.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import type { KafkaClients } from '../../shared/kafka/ports.ts';
import { type LocalSluice, startLocalSluice } from '../chaos/local-sluice.ts';
import { kafkaBrokers } from './servers.ts';

const quiet = { trace: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const string = 'org.apache.kafka.connect.storage.StringConverter';
const run = Date.now();

describe('metrics of a system on one machine', () => {
  let sluice: LocalSluice;
  let clients: KafkaClients;
  beforeAll(async () => {
    sluice = await startLocalSluice(kafkaBrokers());
    clients = createKafkaClients({ 'bootstrap.servers': kafkaBrokers() }, quiet);
  }, 90_000);
  afterAll(async () => {
    await clients?.close();
    await sluice?.stop();
  });

  const scrape = async () => (await fetch(new URL('/metrics', sluice.url))).text();
  const value = async (sample: string) => {
    const line = (await scrape()).split('\n').find((each) => each.startsWith(`${sample} `));
    return line === undefined ? null : Number(line.slice(sample.length + 1));
  };
  const produce = async (topic: string, values: readonly string[], timestamp: number) => {
    const producer = clients.producer();
    await producer.send(values.map((each) => ({ topic, partition: 0, key: null, value: Buffer.from(each), headers: [], timestamp })));
    await producer.close();
  };

  test('what connectors do is told in the names of Kafka Connect, also what failed, and how far behind a failed sink is', async () => {
    const good = `metrics-${run}`;
    const bad = `metrics-bad-${run}`;
    await writeFile(join(sluice.folder, 'in.txt'), 'one\ntwo\nthree\n');
    const create = (name: string, config: Record<string, string>) => sluice.request('POST', '/connectors', { name, config });
    await produce(bad, ['{"a":1}', 'no json', 'no json either', '{"a":2}'], Date.now() - 3_600_000);
    const fromBad = {
      'connector.class': 'FileStreamSink',
      topics: bad,
      'key.converter': string,
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
    };
    await Promise.all([
      create('m-source', {
        'connector.class': 'FileStreamSource',
        file: join(sluice.folder, 'in.txt'),
        topic: good,
        'key.converter': string,
        'value.converter': string,
      }),
      create('m-sink', {
        'connector.class': 'FileStreamSink',
        file: join(sluice.folder, 'out.txt'),
        topics: good,
        'key.converter': string,
        'value.converter': string,
      }),
      create('m-failed', { ...fromBad, file: join(sluice.folder, 'failed.txt') }),
      create('m-tolerant', {
        ...fromBad,
        file: join(sluice.folder, 'tolerant.txt'),
        'errors.tolerance': 'all',
        'errors.log.enable': 'true',
        'errors.deadletterqueue.topic.name': `metrics-dlq-${run}`,
        'errors.deadletterqueue.topic.replication.factor': '1',
      }),
    ]);
    const of = (connector: string) => `{connector="${connector}",task="0"}`;
    const expected: Record<string, number> = {
      [`kafka_connect_source_task_source_record_poll_total${of('m-source')}`]: 3,
      [`kafka_connect_source_task_source_record_write_total${of('m-source')}`]: 3,
      [`kafka_connect_sink_task_sink_record_read_total${of('m-sink')}`]: 3,
      [`kafka_connect_sink_task_sink_record_send_total${of('m-sink')}`]: 3,
      [`kafka_connect_sink_task_sink_record_active_count${of('m-sink')}`]: 0,
      [`kafka_connect_sink_task_partition_count${of('m-sink')}`]: 1,
      'kafka_connect_sink_record_lag{connector="m-sink"}': 0,
      'kafka_connect_sink_lag_seconds{connector="m-sink"}': 0,
      [`kafka_connect_sink_task_sink_record_send_total${of('m-tolerant')}`]: 2,
      [`kafka_connect_task_error_total_record_errors${of('m-tolerant')}`]: 2,
      [`kafka_connect_task_error_total_records_skipped${of('m-tolerant')}`]: 2,
      [`kafka_connect_task_error_total_errors_logged${of('m-tolerant')}`]: 2,
      [`kafka_connect_task_error_deadletterqueue_produce_requests${of('m-tolerant')}`]: 2,
      'kafka_connect_dead_letters{connector="m-tolerant"}': 2,
      'kafka_connect_task_failures{connector="m-failed"}': 1,
      'kafka_connect_worker_connector_failed_task_count{connector="m-failed"}': 1,
      'kafka_connect_sink_record_lag{connector="m-failed"}': 4,
      kafka_connect_worker_connector_count: 4,
      kafka_connect_worker_task_count: 4,
    };
    await until(
      'all metrics',
      async () => (await Promise.all(Object.entries(expected).map(async ([sample, wanted]) => (await value(sample)) === wanted))).every(Boolean),
      20_000,
    ).catch(async () =>
      expect(Object.fromEntries(await Promise.all(Object.keys(expected).map(async (sample) => [sample, await value(sample)])))).toEqual(expected),
    );
    const seconds = await value('kafka_connect_sink_lag_seconds{connector="m-failed"}');
    expect(seconds).toBeGreaterThanOrEqual(3_600);
    expect(seconds).toBeLessThanOrEqual(4_400);
    expect(await value('kafka_connect_end_to_end_latency_max_ms{connector="m-tolerant"}')).toBeGreaterThanOrEqual(3_600_000);
    expect(await value('kafka_connect_task_runs{connector="m-sink"}')).toBeGreaterThanOrEqual(1);
    expect(await value('kafka_connect_gb_seconds{function="task",connector="m-sink"}')).toBeGreaterThan(0);
    expect(await value('kafka_connect_controller_looks')).toBeGreaterThanOrEqual(1);
    expect(await value('kafka_connect_cold_starts{function="controller"}')).toBeGreaterThanOrEqual(1);
  });

  test('the page is what Prometheus reads, of the local system only: the REST API does not know it', async () => {
    const answer = await fetch(new URL('/metrics', sluice.url));
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    for (const line of (await answer.text()).trim().split('\n'))
      expect(line).toMatch(/^(# TYPE [a-z_]+ (counter|gauge)|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+)$/);
    expect((await fetch(new URL('/metrics', sluice.url), { method: 'POST' })).status).toBe(404);
  });

  test('functions print lines that CloudWatch reads, and Powertools has nothing to warn of', async () => {
    const text = await readFile(join(sluice.folder, 'data', 'logs', 'task.log'), 'utf8');
    const lines = text.split('\n').filter((line) => line.startsWith('{"_aws"'));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      const { _aws, ...members } = JSON.parse(line) as {
        _aws: { CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }[] };
      };
      for (const { Namespace, Dimensions, Metrics } of _aws.CloudWatchMetrics) {
        expect(Namespace).toBe('Sluice');
        for (const name of [...Dimensions.flat(), ...Metrics.map(({ Name }) => Name)]) expect(Object.keys(members)).toContain(name);
      }
    }
    expect(text).not.toMatch(/EMF key|No application metrics/);
  });
});
