import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redeem } from '../../shared/runtime/dead-letters/large-letters.ts';
import { letterOfRecord } from '../../shared/runtime/dead-letters/letter-record.ts';
import { letterOfText } from '../../shared/runtime/dead-letters/letter-text.ts';
import { recordOfText } from '../../shared/runtime/dead-letters/source-record-text.ts';
import { DeadLetterWorld, texts } from './dead-letter-world.ts';

const run = Date.now();
let world: DeadLetterWorld;
beforeAll(async () => {
  world = await DeadLetterWorld.start(`dead-letters-${run}`);
});
afterAll(() => world?.stop());

const path = (name: string) => join(world.folder, name);
const lines = async (name: string) => (await readFile(path(name), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
const values = async (topic: string) => (await world.records(topic)).map(({ value }) => value?.toString());
const messages = async (url: string) => {
  const queue = world.environment.deadLetters?.queue(url);
  const bodies: string[] = [];
  for (let some = await queue?.receive({ max: 10, hiddenSeconds: 60, waitSeconds: 1 }); some?.length; )
    [some] = [await queue?.receive({ max: 10, hiddenSeconds: 60, waitSeconds: 1 }), bodies.push(...some.map(({ body }) => body))];
  return bodies.map((body) => letterOfText(body));
};
const position = async (connector: string) => (await world.environment.storage.offsets.sourceOffsets(connector))[0]?.offset['position'];

describe('dead letters of a source', () => {
  const toInt = { transforms: 'int', 'transforms.int.type': 'org.apache.kafka.connect.transforms.Cast$Value', 'transforms.int.spec': 'int32' };
  const source = (file: string, topic: string, rest: Record<string, string> = {}) => ({
    'connector.class': 'FileStreamSource',
    file: path(file),
    topic,
    'sluice.idle.linger.ms': '0',
    ...rest,
  });
  const tolerant = (dlq: string) => ({
    'errors.tolerance': 'all',
    'sluice.errors.deadletterqueue.topic.name': dlq,
    'sluice.errors.deadletterqueue.topic.replication.factor': '1',
  });

  test('a record that a transformation refuses is there as a record, with where it is from, and the others pass', async () => {
    const [topic, dlq] = [await world.topic(`src-${run}`), `src-dlq-${run}`];
    await writeFile(path('a.txt'), '1\nno number\n2\n');
    expect(await world.create('src', 'source', source('a.txt', topic, { ...toInt, ...tolerant(dlq) }))).toMatchObject({ outcome: 'idle', records: 3 });
    expect(await values(topic)).toEqual(['1', '2']);
    const [dead] = await world.records(dlq);
    expect(texts(dead as never)).toMatchObject({
      '__connect.errors.topic': topic,
      '__connect.errors.source.partition': JSON.stringify({ filename: path('a.txt') }),
      '__connect.errors.source.offset': '{"position":12}',
      '__connect.errors.connector.name': 'src',
      '__connect.errors.task.id': '0',
      '__connect.errors.stage': 'TRANSFORMATION',
      '__connect.errors.class.name': 'org.apache.kafka.connect.transforms.Cast$Value',
      '__sluice.errors.content': 'record',
    });
    expect(recordOfText(dead?.value?.toString() ?? '')).toMatchObject({ topic, value: 'no number', sourceOffset: { position: 12 } });
    expect(await position('src')).toBe(14);
  });

  test('a record that a converter refuses is in the topic and in the queue', async () => {
    const [topic, dlq, url] = [await world.topic(`conv-${run}`), `conv-dlq-${run}`, await world.queue(`conv-${run}`)];
    await writeFile(path('b.txt'), 'text\n');
    const config = { 'value.converter': 'org.apache.kafka.connect.converters.LongConverter', 'sluice.errors.deadletterqueue.sqs.queue.url': url };
    await world.create('conv', 'source', source('b.txt', topic, { ...config, ...tolerant(dlq) }));
    expect(await values(topic)).toEqual([]);
    const [inTopic] = (await world.records(dlq)).map(letterOfRecord);
    expect(inTopic).toMatchObject({ stage: 'VALUE_CONVERTER', content: 'record', exceptionClass: 'org.apache.kafka.connect.errors.DataException' });
    expect(await messages(url)).toEqual([{ ...inTopic, value: Buffer.from(inTopic?.value as Buffer), failedAt: expect.any(Number) }]);
    expect(await position('conv')).toBe(5);
  });

  test.each([
    ['in full behind a pointer, when there is a bucket', true],
    ['cut, without one', false],
  ])('a record that Kafka takes for too large is there %s', async (_, bucket) => {
    const name = `large-${bucket}`;
    const [topic, dlq] = [await world.topic(`${name}-${run}`), `${name}-dlq-${run}`];
    await writeFile(path(name), `small\n${'x'.repeat(1_500_000)}\nafter\n`);
    const claims: Record<string, string> = bucket ? { 'sluice.errors.deadletterqueue.s3.bucket': await world.bucket(`letters-${run}`) } : {};
    await world.create(name, 'source', source(name, topic, { 'sluice.idle.linger.ms': '1000', 'batch.size': '2', ...claims, ...tolerant(dlq) }));
    expect(await values(topic)).toEqual(['small', 'after']);
    const [dead, ...none] = (await world.records(dlq)).map(letterOfRecord);
    expect(none).toEqual([]);
    expect(dead).toMatchObject({ stage: 'KAFKA_PRODUCE', exceptionClass: 'org.apache.kafka.common.errors.RecordTooLargeException', content: 'bytes' });
    if (bucket) expect((await redeem(dead as never, (each) => world.environment.deadLetters?.bucket(each) as never)).value).toHaveLength(1_500_000);
    else expect(dead).toMatchObject({ cutFrom: 1_500_000, claim: null });
    expect(await position(name)).toBe(1_500_013);
  });

  test('without tolerance the record is in the queue and the task fails, with its offset where it was', async () => {
    const [topic, dlq] = [await world.topic(`strict-${run}`), `strict-dlq-${run}`];
    await writeFile(path('c.txt'), '1\n');
    const config = source('c.txt', topic, { ...toInt, ...tolerant(dlq), 'errors.tolerance': 'none' });
    await world.create('strict', 'source', config);
    await appendFile(path('c.txt'), 'bad\n');
    expect(await world.runTask('strict')).toMatchObject({ outcome: 'failed' });
    expect((await world.records(dlq)).map((record) => texts(record)['__connect.errors.stage'])).toEqual(['TRANSFORMATION']);
    expect(await position('strict')).toBe(2);
    expect((await world.environment.storage.control.task('strict', 0))?.trace).toMatch(/ConnectException: Tolerance exceeded in error handler/);
  });

  test('a record that cannot be produced without tolerance is in the queue, too', async () => {
    const [topic, dlq] = [await world.topic(`refused-${run}`, 1, { 'max.message.bytes': '1000' }), `refused-dlq-${run}`];
    await writeFile(path('d.txt'), `${'y'.repeat(2_000)}\n`);
    const config = source('d.txt', topic, { ...tolerant(dlq), 'errors.tolerance': 'none' });
    expect(await world.create('refused', 'source', config)).toMatchObject({ outcome: 'failed' });
    expect((await world.records(dlq)).map(({ value }) => value?.length)).toEqual([2_000]);
    expect((await world.environment.storage.control.task('refused', 0))?.trace).toMatch(/Unrecoverable exception from producer send callback/);
    expect(await position('refused')).toBeUndefined();
  });
});

describe('dead letters of a sink in SQS', () => {
  test('have the original bytes, also where there are more than one request takes, before offsets are stored', async () => {
    const [topic, url] = [await world.topic(`sqs-${run}`), await world.queue(`sqs-${run}`)];
    const bad = Array.from({ length: 23 }, (_, index) => Buffer.from([0xff, index]));
    await world.produce(topic, ['"a"', ...bad, '"b"'], 0, 'key');
    await world.create('to-sqs', 'sink', {
      'connector.class': 'FileStreamSink',
      topics: topic,
      file: path('to-sqs'),
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
      'errors.tolerance': 'all',
      'sluice.errors.deadletterqueue.sqs.queue.url': url,
    });
    expect(await lines('to-sqs')).toEqual(['a', 'b']);
    const letters = (await messages(url)).sort((a, b) => Number((a?.origin?.offset as bigint) - (b?.origin?.offset as bigint)));
    expect(letters.map((letter) => letter?.value)).toEqual(bad);
    expect(letters[0]).toMatchObject({
      key: Buffer.from('key'),
      timestamp: 1_700_000_000_000,
      origin: { kind: 'sink', topic, partition: 0, offset: 1n },
      stage: 'VALUE_CONVERTER',
      trace: expect.stringContaining('Caused by: org.apache.kafka.common.errors.SerializationException'),
    });
    expect(await world.environment.storage.offsets.sinkOffsets('to-sqs')).toEqual(new Map([[`${topic}-0`, 25n]]));
  });

  test('a queue that is not there fails the task before it reads anything', async () => {
    const topic = await world.topic(`noqueue-${run}`);
    await world.produce(topic, ['x']);
    const url = (await world.queue(`other-${run}`)).replace('other', 'missing');
    const config = { 'connector.class': 'FileStreamSink', topics: topic, file: path('noqueue'), 'sluice.errors.deadletterqueue.sqs.queue.url': url };
    expect(await world.create('noqueue', 'sink', config)).toMatchObject({ outcome: 'failed' });
    const trace = (await world.environment.storage.control.task('noqueue', 0))?.trace ?? '';
    expect(trace.split('\n')[0]).toBe(`org.apache.kafka.connect.errors.ConnectException: Could not initialize dead letter queue with queue=${url}`);
    expect(trace).toContain(`Could not look at the queue ${url}: QueueDoesNotExist`);
    expect(await lines('noqueue')).toEqual([]);
  });
});
