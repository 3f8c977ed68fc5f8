import { describe, expect, test } from 'vitest';
import { ConnectException, DataException, Decimal, Schema, SourceRecord } from '../../shared/connect/index.ts';
import { type DeadLetter, deadLetterOf } from '../../shared/runtime/dead-letters/dead-letter.ts';
import { LargeLetters, redeem } from '../../shared/runtime/dead-letters/large-letters.ts';
import { letterOfRecord, letterRecord } from '../../shared/runtime/dead-letters/letter-record.ts';
import { letterOfText, letterText } from '../../shared/runtime/dead-letters/letter-text.ts';
import { recordOfText, recordText } from '../../shared/runtime/dead-letters/source-record-text.ts';
import { SqsLetters } from '../../shared/runtime/dead-letters/sqs-letters.ts';
import type { LetterBox } from '../../shared/runtime/dead-letters/topic-letters.ts';
import { DeadLetterQueueReporter } from '../../shared/runtime/errors/dead-letter-queue-reporter.ts';
import { systemClock } from '../../shared/runtime/system-clock.ts';
import { VirtualClock } from '../kit/contexts.ts';
import { MemoryBucket, MemoryQueue } from '../kit/letter-services.ts';
import { RecordedMetrics } from '../kit/metrics.ts';

const header = (key: string, value: string | null) => ({ key, value: value === null ? null : Buffer.from(value) });
const failed = new DataException('bad value', { cause: new TypeError('inner') });

function sinkLetter(parts: { value?: Buffer | null; headers?: readonly ReturnType<typeof header>[]; offset?: bigint; replays?: number } = {}): DeadLetter {
  const { value = Buffer.from('v'), headers = [], offset = 7n, ...rest } = parts;
  const record = { offset, timestamp: 1_700_000_000_000, timestampType: 'CreateTime', key: Buffer.from([0, 255]), value, headers, ...rest } as const;
  const context = {
    stage: 'VALUE_CONVERTER',
    className: 'x.Converter',
    error: failed,
    consumed: { topic: 'orders', partition: 2, record },
    source: null,
  } as const;
  return deadLetterOf(context, { connector: 'c', task: 1, now: 1_700_000_001_000 }) as DeadLetter;
}

/** What Kafka gives back of what was produced. */
function read(letter: DeadLetter, contextHeaders = true): DeadLetter {
  const { key, value, headers, timestamp } = letterRecord(letter, { topic: 'dlq', contextHeaders });
  const bytes = (each: Uint8Array | null) => (each === null ? null : Buffer.from(each));
  return letterOfRecord({
    offset: 0n,
    timestamp: timestamp ?? -1,
    timestampType: 'CreateTime',
    key: bytes(key),
    value: bytes(value),
    headers: headers.map((each) => ({ key: each.key, value: bytes(each.value) })),
  });
}

const bigRecord = new SourceRecord(
  { file: 'a', shard: 9_007_199_254_740_993n },
  { position: 12 },
  'lines',
  3,
  Schema.STRING_SCHEMA,
  'k',
  new Schema({
    type: 'STRUCT',
    fields: [
      { name: 'n', schema: Schema.INT64_SCHEMA },
      { name: 'b', schema: Schema.BYTES_SCHEMA },
    ],
  }),
  { n: 9_223_372_036_854_775_807n, b: Buffer.from([1, 2]) },
  42,
  [{ key: 'h', schema: null, value: new Decimal(15n, 1) }],
);

describe('dead letters', () => {
  test('a letter in a topic is read as it was written, behind headers that the record had from an earlier failure', () => {
    const old = [header('mine', null), header('__connect.errors.topic', 'before'), header('__connect.errors.stage', 'KEY_CONVERTER')];
    const letter = sinkLetter({ headers: old, replays: 2 });
    // Topics of Kafka Connect do not tell when it was.
    expect(read(letter)).toEqual({ ...letter, failedAt: null });
    expect(letterRecord(letter, { topic: 'dlq', contextHeaders: true }).headers.map(({ key }) => key)).toEqual([
      ...old.map(({ key }) => key),
      ...['topic', 'partition', 'offset', 'connector.name', 'task.id', 'stage', 'class.name', 'exception.class.name', 'exception.message'].map(
        (each) => `__connect.errors.${each}`,
      ),
      '__connect.errors.exception.stacktrace',
      '__sluice.errors.replays',
    ]);
  });

  test('without context headers the record is all that is known', () => {
    const letter = sinkLetter({ headers: [header('a', 'b')] });
    const { headers, value, origin, connector, stage } = read(letter, false);
    expect({ headers, value, origin, connector, stage }).toEqual({ headers: letter.headers, value: letter.value, origin: null, connector: null, stage: null });
  });

  test('a letter as text is read as it was written', () => {
    const letter = sinkLetter({ value: Buffer.from([0, 159, 146, 150]), headers: [header('h', null), header('h', 'x')] });
    expect(letterOfText(letterText(letter))).toEqual(letter);
    expect(letterOfText('{"sluice":"other"}')).toBeNull();
    expect(letterOfText('not json')).toBeNull();
  });

  test('a record of a source that has no bytes yet is kept so that the same record can be made again', () => {
    expect(recordOfText(recordText(bigRecord))).toEqual(bigRecord);
    const { sourcePartition: partition, sourceOffset: offset, topic } = bigRecord;
    const context = {
      stage: 'TRANSFORMATION',
      className: 'x.T',
      error: failed,
      consumed: null,
      source: { topic, partition, offset, record: bigRecord },
    } as const;
    const letter = deadLetterOf(context, { connector: 'c', task: 0, now: 5 }) as DeadLetter;
    expect(letter).toMatchObject({ content: 'record', key: null, origin: { kind: 'source', topic, partition, offset } });
    expect(read(letter)).toEqual({ ...letter, value: Buffer.from(letter.value as Uint8Array) });
    expect(letterOfText(letterText(letter))).toMatchObject({ content: 'record', origin: { partition: { shard: 9_007_199_254_740_993n } } });
  });

  test('a record that holds itself is told, not thrown', () => {
    const circle: unknown[] = [];
    circle.push(circle);
    const text = JSON.parse(recordText(new SourceRecord({ a: 1 }, null, 't', null, null, null, null, circle)));
    expect(text).toMatchObject({ topic: 't', sourcePartition: { a: 1 }, unreadable: expect.stringContaining('cannot be written') });
  });
});

describe('letters that are too large', () => {
  const letter = sinkLetter({ value: Buffer.alloc(50_000, 'x') });

  test('go to the bucket, and the queue gets a pointer from which the whole is had again', async () => {
    const bucket = new MemoryBucket();
    const small = await new LargeLetters(bucket, { bucket: 'b', prefix: 'p/' }).reduce(letter, 1_000);
    expect(small).toMatchObject({ value: null, cutFrom: null, claim: { bucket: 'b', key: expect.stringMatching(/^p\/c\/2023-11-14\/[0-9a-f]{64}\.json$/) } });
    expect(await redeem(small, () => bucket)).toEqual(letter);
    bucket.objects.clear();
    await expect(redeem(small, () => bucket)).rejects.toThrow(/^The dead letter is in s3:\/\/b\/p\/c\/.*, and there is none there/);
  });

  test('are cut without a bucket, and say so', async () => {
    const small = await new LargeLetters(null, null).reduce(letter, 20_000);
    expect(small).toMatchObject({ cutFrom: 50_000, claim: null, key: letter.key });
    expect(small.value?.length).toBeLessThan(20_000);
    expect(read(small).cutFrom).toBe(50_000);
  });
});

describe('an SQS queue of dead letters', () => {
  const setup = async (queue: MemoryQueue, bucket: MemoryBucket | null = null) =>
    SqsLetters.setup({ url: 'q', queue, clock: new VirtualClock(), large: new LargeLetters(bucket, bucket && { bucket: 'b', prefix: '' }) });

  test('gets ten in a request, and once more what it refused', async () => {
    const queue = new MemoryQueue();
    queue.refusals = [[3, 4], new Error('throttled'), [0]];
    const letters = await setup(queue);
    await Promise.all(Array.from({ length: 10 }, (_, index) => letters.deliver(sinkLetter({ offset: BigInt(index) }))));
    expect(queue.requests).toEqual([10, 2, 2, 1]);
    expect(queue.messages.map(({ body }) => JSON.parse(body).origin.offset).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('that refuses for good fails what it did not take, and nothing else', async () => {
    const queue = new MemoryQueue();
    queue.refusals = Array.from({ length: 20 }, () => [0]);
    const letters = await setup(queue);
    const results = await Promise.allSettled([letters.deliver(sinkLetter()), letters.deliver(sinkLetter())]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect((results[0] as PromiseRejectedResult).reason).toMatchObject({ message: 'Could not send message to dead letter queue. queue=q' });
  });

  test('has the context as attributes, ten at most, of characters that SQS takes', async () => {
    const queue = new MemoryQueue();
    const letters = await setup(queue);
    await letters.deliver({ ...sinkLetter(), message: `\u0001\ud800${'m'.repeat(5_000)}` });
    const attributes = queue.messages[0]?.attributes ?? {};
    expect(Object.keys(attributes)).toHaveLength(10);
    expect(attributes).toMatchObject({
      '__connect.errors.topic': 'orders',
      '__connect.errors.partition': '2',
      '__connect.errors.offset': '7',
      '__connect.errors.exception.class.name': 'org.apache.kafka.connect.errors.DataException',
      '__connect.errors.time': '2023-11-14T22:13:21.000Z',
    });
    expect(attributes['__connect.errors.exception.message']).toBe(`\ufffd\ufffd${'m'.repeat(998)}`);
    expect(JSON.parse(queue.messages[0]?.body ?? '').message).toContain('m'.repeat(5_000));
  });

  test.each([
    ['cut', null],
    ['in the bucket', new MemoryBucket()],
  ])('takes what is larger than it as %s', async (_, bucket) => {
    const queue = new MemoryQueue();
    queue.maxBytes = 65_536;
    const letters = await setup(queue, bucket);
    await letters.deliver(sinkLetter({ value: Buffer.alloc(100_000, 'é') }));
    const [message] = queue.messages;
    expect(Buffer.byteLength(message?.body ?? '')).toBeLessThan(65_536);
    const letter = letterOfText(message?.body ?? '') as DeadLetter;
    if (bucket === null) expect(letter).toMatchObject({ cutFrom: 100_000, claim: null });
    else expect((await redeem(letter, () => bucket)).value).toHaveLength(100_000);
  });

  test('that is not there fails the task before its first record does', async () => {
    const queue = new MemoryQueue();
    queue.maxMessageBytes = async () => {
      throw new ConnectException('Could not look at the queue q: QueueDoesNotExist');
    };
    await expect(SqsLetters.setup({ url: 'q', queue, clock: systemClock, large: new LargeLetters(null, null) })).rejects.toMatchObject({
      message: 'Could not initialize dead letter queue with queue=q',
    });
  });
});

describe('the reporter of a task', () => {
  const [stage, className] = ['TASK_PUT', 'x.Sink'] as const;
  const error = new ConnectException('login with hunter2 failed', { cause: new Error('hunter2 is wrong') });
  const record = { offset: 1n, timestamp: -1, timestampType: 'NoTimestampType', key: null, value: null, headers: [] } as const;
  const consumed = { topic: 't', partition: 0, record };
  const reporterTo = (...boxes: LetterBox[]) => {
    const metrics = new RecordedMetrics();
    const hide = (text: string) => text.replaceAll('hunter2', '${file:secrets:password}');
    return { metrics, reporter: new DeadLetterQueueReporter({ boxes, connector: 'c', task: 0, metrics, clock: new VirtualClock(), hide }) };
  };

  test('tells every queue, and no secret', async () => {
    const told: DeadLetter[] = [];
    const box: LetterBox = { deliver: async (letter) => void told.push(letter) };
    const { reporter, metrics } = reporterTo(box, box);
    reporter.report({ stage, className, error, consumed, source: null });
    await reporter.flush();
    expect(told).toHaveLength(2);
    expect(told[0]).toMatchObject({ message: 'login with ${file:secrets:password} failed', timestamp: null, origin: { offset: 1n } });
    expect(told[0]?.trace).toContain('${file:secrets:password} is wrong');
    expect(told[0]?.trace).not.toContain('hunter2');
    expect((['DeadLetters', 'deadletterqueue-produce-requests', 'deadletterqueue-produce-failures'] as const).map((name) => metrics.sum(name, 'c'))).toEqual([
      1, 2, 0,
    ]);
  });

  test('fails the flush when one queue has not got it, and is no trouble before', async () => {
    const { reporter, metrics } = reporterTo({ deliver: async () => {} }, { deliver: async () => Promise.reject(new ConnectException('no')) });
    reporter.report({ stage, className, error, consumed, source: null });
    await expect(reporter.flush()).rejects.toThrow('no');
    await reporter.flush();
    expect(metrics.sum('deadletterqueue-produce-failures', 'c')).toBe(1);
  });

  test('has nothing to tell of what is about no record', async () => {
    const { reporter } = reporterTo({ deliver: () => Promise.reject(new Error('told')) });
    reporter.report({ stage, className, error, consumed: null, source: null });
    await reporter.flush();
  });
});
