import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../bench/measure.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import type { ConsumerRecord, KafkaClients } from '../../shared/kafka/ports.ts';
import { type LocalSluice, startLocalSluice } from '../chaos/local-sluice.ts';
import { kafkaBrokers } from './servers.ts';

const quiet = { trace: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const string = 'org.apache.kafka.connect.storage.StringConverter';
const strings = { 'key.converter': string, 'value.converter': string, 'header.converter': string };
const run = Date.now();

interface Status {
  connector: { state: string; worker_id: string };
  tasks: { id: number; state: string; trace?: string }[];
}

describe('a pipeline on one machine', () => {
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

  const status = async (name: string) => (await sluice.request('GET', `/connectors/${name}/status`)) as Status;
  const create = (name: string, config: Record<string, string>) => sluice.request('POST', '/connectors', { name, config });
  const path = (name: string) => join(sluice.folder, name);
  const fileSource = (file: string, topic: string) => ({ 'connector.class': 'FileStreamSource', file: path(file), topic, ...strings });
  const fileSink = (file: string, topics: string) => ({ 'connector.class': 'FileStreamSink', file: path(file), topics, ...strings });
  const text = (file: string) => readFile(path(file), 'utf8').catch(() => '');
  const produce = async (topic: string, values: readonly (string | null)[]) => {
    const producer = clients.producer();
    await producer.send(
      values.map((value) => ({ topic, partition: null, key: null, value: value === null ? null : Buffer.from(value), headers: [], timestamp: null })),
    );
    await producer.close();
  };
  const consume = async (topic: string, count: number): Promise<ConsumerRecord[]> => {
    const reader = clients.reader();
    reader.assign([{ topic, partition: 0, offset: 0n }]);
    const records: ConsumerRecord[] = [];
    for (let i = 0; i < 40 && records.length < count; i++) for (const batch of await reader.poll(250)) records.push(...batch.records);
    await reader.close();
    return records;
  };
  const taskRuns = async () => (await readFile(join(sluice.folder, 'data', 'logs', 'task.log'), 'utf8').catch(() => '')).split('START RequestId').length - 1;

  test('a line in a file comes out of another file, and offsets tell how far it is', async () => {
    const topic = `pipe-${run}`;
    await writeFile(path('in.txt'), 'one\ntwo\n');
    await create('pipe-source', fileSource('in.txt', topic));
    await create('pipe-sink', fileSink('out.txt', topic));
    await until('two lines', async () => (await text('out.txt')) === 'one\ntwo\n');
    await appendFile(path('in.txt'), 'three\n');
    await until('the third line', async () => (await text('out.txt')) === 'one\ntwo\nthree\n');
    await until('stored offsets', async () => {
      const source = (await sluice.request('GET', '/connectors/pipe-source/offsets')) as { offsets: object[] };
      const sink = (await sluice.request('GET', '/connectors/pipe-sink/offsets')) as { offsets: object[] };
      return (
        JSON.stringify(source.offsets) === JSON.stringify([{ partition: { filename: path('in.txt') }, offset: { position: 14 } }]) &&
        JSON.stringify(sink.offsets) === JSON.stringify([{ partition: { kafka_partition: 0, kafka_topic: topic }, offset: { kafka_offset: 3 } }])
      );
    });
    expect((await status('pipe-sink')).tasks.map(({ state }) => state)).toEqual(['RUNNING']);
    await until('the mirrored group', async () => (await clients.admin().groupOffsets('connect-pipe-sink')).get(`${topic}-0`) === 3n);
  });

  test('a paused sink takes nothing and goes on where it was', async () => {
    const topic = `pause-${run}`;
    await produce(topic, ['a']);
    await create('pause-sink', fileSink('pause.txt', topic));
    await until('the first line', async () => (await text('pause.txt')) === 'a\n');
    await sluice.request('PUT', '/connectors/pause-sink/pause');
    await until('the pause', async () => (await status('pause-sink')).tasks[0]?.state === 'PAUSED');
    await produce(topic, ['b']);
    await sleep(1_500);
    expect(await text('pause.txt')).toBe('a\n');
    await sluice.request('PUT', '/connectors/pause-sink/resume');
    await until('the second line', async () => (await text('pause.txt')) === 'a\nb\n');
  });

  test('a stopped sink has no tasks, its offsets can be changed, and it goes on from there', async () => {
    const topic = `stop-${run}`;
    await produce(topic, ['a', 'b', 'c']);
    await create('stop-sink', fileSink('stop.txt', topic));
    await until('all lines', async () => (await text('stop.txt')) === 'a\nb\nc\n');
    await sluice.request('PUT', '/connectors/stop-sink/stop');
    await until('the stop', async () => (await status('stop-sink')).tasks.length === 0);
    const offsets = [{ partition: { kafka_topic: topic, kafka_partition: 0 }, offset: { kafka_offset: 1 } }];
    await sluice.request('PATCH', '/connectors/stop-sink/offsets', { offsets });
    await sluice.request('PUT', '/connectors/stop-sink/resume');
    await until('the lines again', async () => (await text('stop.txt')) === 'a\nb\nc\nb\nc\n');
  });

  test('an exception fails the task with its trace, and a restart goes on', async () => {
    const topic = `fail-${run}`;
    await produce(topic, ['{"fine":1}', 'not json', '{"after":2}']);
    const config = {
      ...fileSink('fail.txt', topic),
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
    };
    await create('fail-sink', config);
    await until('the failure', async () => (await status('fail-sink')).tasks[0]?.state === 'FAILED');
    expect((await status('fail-sink')).tasks[0]?.trace).toMatch(/^org\.apache\.kafka\.connect\.errors\.ConnectException: Tolerance exceeded in error handler/);
    expect((await status('fail-sink')).connector.state).toBe('RUNNING');
    expect(await text('fail.txt')).toBe('');
    const dlq = `fail-dlq-${run}`;
    const tolerant = {
      'errors.tolerance': 'all',
      'errors.deadletterqueue.topic.name': dlq,
      'errors.deadletterqueue.topic.replication.factor': '1',
      'errors.deadletterqueue.context.headers.enable': 'true',
    };
    await sluice.request('PUT', '/connectors/fail-sink/config', { ...config, ...tolerant });
    await until('the good records', async () => (await text('fail.txt')) === '{fine=1}\n{after=2}\n');
    const [dead] = await consume(dlq, 1);
    expect(dead?.value?.toString()).toBe('not json');
    const headers = Object.fromEntries((dead?.headers ?? []).map(({ key, value }) => [key, value?.toString()]));
    expect(headers).toMatchObject({
      '__connect.errors.topic': topic,
      '__connect.errors.offset': '1',
      '__connect.errors.connector.name': 'fail-sink',
      '__connect.errors.stage': 'VALUE_CONVERTER',
      '__connect.errors.exception.class.name': 'org.apache.kafka.connect.errors.DataException',
    });
  });

  test('records pass the transformations of both ends', async () => {
    const topic = `smt-${run}`;
    await writeFile(path('smt.txt'), 'x\n');
    const hoist = {
      transforms: 'hoist,route',
      'transforms.hoist.type': 'org.apache.kafka.connect.transforms.HoistField$Value',
      'transforms.hoist.field': 'line',
    };
    const route = {
      'transforms.route.type': 'org.apache.kafka.connect.transforms.RegexRouter',
      'transforms.route.regex': '(.*)-raw',
      'transforms.route.replacement': '$1',
    };
    await create('smt-source', {
      ...fileSource('smt.txt', `${topic}-raw`),
      ...hoist,
      ...route,
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    });
    await until('the routed topic', async () => (await clients.admin().partitionCounts([topic])).has(topic));
    const [record] = await consume(topic, 1);
    expect(JSON.parse(record?.value?.toString() ?? '')).toEqual({
      schema: { type: 'struct', fields: [{ type: 'string', optional: false, field: 'line' }], optional: false },
      payload: { line: 'x' },
    });
  });

  test('a sink picks up partitions that are added, without losing any', async () => {
    const topic = `grow-${run}`;
    await create('grow-sink', fileSink('grow.txt', topic));
    await until('the connector to run', async () => (await status('grow-sink')).tasks[0]?.state === 'RUNNING');
    await produce(topic, ['late topic']);
    await until('the first line', async () => (await text('grow.txt')) === 'late topic\n');
  });

  test('idle sinks cost no task runs, and a record wakes only its own', { timeout: 120_000 }, async () => {
    const topics = Array.from({ length: 12 }, (_, i) => `idle-${run}-${i}`);
    for (const topic of topics) await clients.admin().createTopic({ topic, partitions: 1, replicationFactor: 1 });
    for (const [i, topic] of topics.entries()) await create(`idle-${i}`, fileSink(`idle-${i}.txt`, topic));
    await sluice.request('PUT', '/connectors/pipe-source/stop');
    await sluice.request('PUT', '/connectors/smt-source/stop');
    let before = -1;
    await until('quiet', async () => {
      const now = await taskRuns();
      const quietNow = now === before;
      before = now;
      if (!quietNow) await sleep(3_000);
      return quietNow;
    });
    await sleep(4_000);
    expect(await taskRuns()).toBe(before);
    await produce(topics[5] as string, ['wake up']);
    await until('the record', async () => (await text('idle-5.txt')) === 'wake up\n');
    expect(await taskRuns()).toBe(before + 1);
  });

  test('a connector that is deleted is gone, and its name can be used again', async () => {
    await sluice.request('DELETE', '/connectors/pipe-sink');
    await expect(status('pipe-sink')).rejects.toThrow(/404/);
    await appendFile(path('in.txt'), 'four\n');
    await sluice.request('PUT', '/connectors/pipe-source/resume');
    // Offsets survive the connector, as in Kafka Connect: only what is new comes out.
    await create('pipe-sink', fileSink('again.txt', `pipe-${run}`));
    await until('the new line alone', async () => (await text('again.txt')) === 'four\n');
  });
});
