import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import type { Logger } from '../../shared/connect/logger.ts';
import { partitionKey } from '../../shared/connect/topic-partition.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import type { PartitionReader, PartitionReaderOptions, ProducerRecord, RecordProducerOptions, SendResult } from '../../shared/kafka/ports.ts';
import { startKafkaProxy } from '../kit/kafka-proxy.ts';
import { kafkaBrokers } from './servers.ts';

const silent: Logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const clients = createKafkaClients({ 'bootstrap.servers': kafkaBrokers() }, silent);
const admin = clients.admin();
const run = `kafka-test-${process.pid}-${Date.now()}`;
let topics = 0;

afterAll(async () => {
  await admin.deleteTopics([...(await admin.partitionCounts()).keys()].filter((topic) => topic.startsWith(run)));
  await clients.close();
});

async function newTopic(partitions = 1, configs: Record<string, string> = {}): Promise<string> {
  const topic = `${run}-${topics++}`;
  expect(await admin.createTopic({ topic, partitions, replicationFactor: 1, configs })).toBe(true);
  return topic;
}

function record(topic: string, value: string | null, rest: Partial<ProducerRecord> = {}): ProducerRecord {
  return { topic, partition: 0, key: null, value: value === null ? null : Buffer.from(value), headers: [], timestamp: null, ...rest };
}

function readerOf(topic: string, offset: bigint | null = 0n, options: PartitionReaderOptions = {}, partitions = [0]): PartitionReader {
  const reader = clients.reader(options);
  reader.assign(partitions.map((partition) => ({ topic, partition, offset })));
  return reader;
}

/** What there is until the reader has caught up, as text; null values as they are. */
async function readAll(reader: PartitionReader): Promise<(string | null)[]> {
  const values: (string | null)[] = [];
  for (let polls = 0; polls < 10_000 && !reader.caughtUp(); polls++) {
    for (const { records } of await reader.poll(1000)) for (const { value } of records) values.push(value === null ? null : value.toString());
  }
  return values;
}

async function produce(records: ProducerRecord[], options: RecordProducerOptions = {}) {
  const producer = clients.producer(options);
  const result = await producer.send(records);
  await producer.close();
  return result;
}

const numbered = (topic: string, count: number, rest: Partial<ProducerRecord> = {}) =>
  Array.from({ length: count }, (_, index) => record(topic, `value-${index}`, rest));

describe('the producer', () => {
  it('brings records with keys, null values, headers and timestamps to the reader as they were, and says where', async () => {
    const topic = await newTopic(3);
    const headers = [
      { key: '1', value: null },
      { key: 'name', value: Buffer.from('x') },
      { key: '1', value: Buffer.from('again') },
      { key: '0', value: Buffer.alloc(0) },
    ];
    const result = await produce([
      record(topic, 'a', { partition: 2, key: Buffer.from('k'), headers, timestamp: 1234 }),
      record(topic, null, { partition: 2, key: Buffer.from('k') }),
      record(topic, 'by key', { partition: null, key: Buffer.from('foobar') }),
    ]);
    expect([result.acknowledged, result.errors.size]).toEqual([3, 0]);
    expect(result.metadata(0)).toEqual({ topic, partition: 2, offset: 0n, timestamp: 1234 });
    expect(result.metadata(1)).toMatchObject({ partition: 2, offset: 1n });
    expect(result.metadata(2)).toMatchObject({ partition: (-790332482 & 0x7fffffff) % 3 });
    const reader = readerOf(topic, 0n, {}, [2]);
    const [fetched] = await reader.poll(5000);
    expect(fetched).toMatchObject({ topic, partition: 2 });
    expect(fetched?.records[0]).toMatchObject({
      offset: 0n,
      timestamp: 1234,
      timestampType: 'CreateTime',
      key: Buffer.from('k'),
      value: Buffer.from('a'),
      headers,
    });
    expect(fetched?.records[1]?.value).toBe(null);
    await reader.close();
  });

  it('tells of a partition that does not exist, and sends the rest', async () => {
    const topic = await newTopic();
    const result = await produce([record(topic, 'a'), record(topic, 'b', { partition: 5 }), record(topic, 'c')]);
    expect(result.acknowledged).toBe(2);
    expect([...result.errors].map(([index, error]) => [index, error.message])).toEqual([
      [1, `Partition 5 of topic ${topic} is not present in metadata: the topic has 1 partition, numbered from 0.`],
    ]);
    expect([result.metadata(0)?.offset, result.metadata(1), result.metadata(2)?.offset]).toEqual([0n, null, 1n]);
  });

  it('refuses one record that is too large for itself, and one that is too large for the topic, without the others', async () => {
    const topic = await newTopic(1, { 'max.message.bytes': '2000' });
    const result = await produce([record(topic, 'first'), record(topic, 'x'.repeat(1_100_000)), record(topic, 'y'.repeat(3000)), ...numbered(topic, 200)]);
    expect([...result.errors.keys()]).toEqual([1, 2]);
    expect(result.errors.get(1)?.message).toMatch(
      /^The message is 1100\d+ bytes when serialized which is larger than 1048576, which is the value of the max.request.size/,
    );
    expect(result.errors.get(2)?.message).toContain('MESSAGE_TOO_LARGE');
    const reader = readerOf(topic);
    expect(await readAll(reader)).toEqual(['first', ...numbered(topic, 200).map(({ value }) => Buffer.from(value as Uint8Array).toString())]);
    expect(result.metadata(202)?.offset).toBe(200n);
    await reader.close();
  });

  it('finds the one record that the broker will not have, a record without key in a compacted topic', async () => {
    const topic = await newTopic(1, { 'cleanup.policy': 'compact' });
    const key = Buffer.from('k');
    const result = await produce([...numbered(topic, 20, { key }), record(topic, 'no key'), ...numbered(topic, 20, { key })]);
    expect([...result.errors.keys()]).toEqual([20]);
    expect(result.errors.get(20)?.message).toContain('INVALID_RECORD');
    expect(result.metadata(40)?.offset).toBe(39n);
  });

  it('creates topics where the broker does so, and waits for them', async () => {
    const topic = `${run}-auto`;
    const result = await produce([record(topic, 'a', { partition: null }), record(topic, 'b', { partition: null })]);
    expect([result.errors.size, result.metadata(1)?.offset]).toEqual([0, 1n]);
  });

  it('names what is wrong with a topic that cannot be', async () => {
    const result = await produce([record('not a topic', 'a')]);
    expect(result.errors.get(0)?.message).toContain('INVALID_TOPIC_EXCEPTION');
  });

  it('keeps the order of many sends that are under way at once, over several partitions and batches', async () => {
    const topic = await newTopic(4);
    const producer = clients.producer({ maxRequestSize: 20_000 });
    const results = [];
    for (let send = 0; send < 200; send++) {
      results.push(producer.send(Array.from({ length: 50 }, (_, index) => record(topic, `${send * 50 + index}`, { partition: index % 4 }))));
    }
    const decided = await Promise.all(results);
    expect(decided.reduce((sum, result) => sum + result.acknowledged, 0)).toBe(10_000);
    expect(decided[199]?.metadata(49)).toMatchObject({ partition: 1, offset: 2599n });
    const reader = readerOf(topic, null, { maxPollRecords: 777 }, [0, 1, 2, 3]);
    const seen: number[][] = [[], [], [], []];
    while (!reader.caughtUp()) {
      for (const { partition, records } of await reader.poll(1000)) for (const { value } of records) seen[partition]?.push(Number(value));
    }
    for (const partition of [0, 1, 2, 3]) expect(seen[partition]).toEqual([...Array(10_000).keys()].filter((value) => (value % 50) % 4 === partition));
    await Promise.all([reader.close(), producer.close()]);
  });

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('compresses with %s', async (compression) => {
    const topic = await newTopic();
    const values = numbered(topic, 3000);
    expect((await produce(values, { compression })).acknowledged).toBe(3000);
    const reader = readerOf(topic, 1500n);
    expect(await readAll(reader)).toEqual(values.slice(1500).map(({ value }) => Buffer.from(value as Uint8Array).toString()));
    await reader.close();
  });

  it('sends and reads 150,000 tiny records', async () => {
    const topic = await newTopic();
    const tiny = record(topic, null);
    expect((await produce(new Array(150_000).fill(tiny))).acknowledged).toBe(150_000);
    const reader = readerOf(topic, 0n, { maxPollRecords: 1_000_000 });
    expect((await readAll(reader)).length).toBe(150_000);
    await reader.close();
  });

  it('holds the caller back when its memory is full', async () => {
    const topic = await newTopic();
    const producer = clients.producer({ bufferMemory: 1000 });
    expect(producer.ready()).toBe(undefined);
    const sent = producer.send([record(topic, 'warm')]);
    await sent;
    const big = producer.send([record(topic, 'x'.repeat(2000))]);
    expect(producer.ready()).toBeInstanceOf(Promise);
    await producer.ready();
    expect((await big).acknowledged).toBe(1);
    expect(producer.ready()).toBe(undefined);
    await producer.close();
  });

  it('delivers each record once and in order while its connections are cut again and again', async () => {
    const topic = await newTopic();
    const proxy = await startKafkaProxy(kafkaBrokers());
    const unreliable = createKafkaClients({ 'bootstrap.servers': `127.0.0.1:${proxy.port}` }, silent);
    const producer = unreliable.producer({ maxRequestSize: 50_000 });
    const sends: Promise<SendResult>[] = [];
    for (let cuts = 0; cuts < 6; ) {
      const start = sends.length * 100;
      sends.push(producer.send(Array.from({ length: 100 }, (_, index) => record(topic, `${start + index}`))));
      if (sends.length % 5 === 0 && proxy.cut() > 0) cuts++;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    for (const result of await Promise.all(sends)) expect([...result.errors.values()]).toEqual([]);
    expect(proxy.connections()).toBeGreaterThan(6);
    await unreliable.close();
    proxy.close();
    const reader = readerOf(topic);
    expect(await readAll(reader)).toEqual(Array.from({ length: sends.length * 100 }, (_, index) => String(index)));
    await reader.close();
  });
});

describe('transactions', () => {
  it('are seen whole by committed readers, or not at all, and control records by nobody', async () => {
    const topic = await newTopic(2);
    const producer = clients.producer({ transactionalId: `${run}-tx` });
    await producer.beginTransaction();
    await producer.send([record(topic, 'aborted'), record(topic, 'aborted too', { partition: 1 })]);
    await producer.abortTransaction();
    await producer.beginTransaction();
    await producer.send([record(topic, 'committed')]);
    await producer.commitTransaction();
    await producer.beginTransaction();
    await producer.send([record(topic, 'open')]);
    const committed = readerOf(topic, 0n, { isolationLevel: 'read_committed' });
    expect(await readAll(committed)).toEqual(['committed']);
    expect(committed.positions().get(partitionKey(topic, 0))).toBe(4n);
    const uncommitted = readerOf(topic);
    expect(await readAll(uncommitted)).toEqual(['aborted', 'committed', 'open']);
    const readCommitted = clients.admin({ 'isolation.level': 'read_committed' });
    expect([await readCommitted.endOffsets([{ topic, partition: 0 }]), await admin.endOffsets([{ topic, partition: 0 }])]).toEqual([
      new Map([[partitionKey(topic, 0), 4n]]),
      new Map([[partitionKey(topic, 0), 5n]]),
    ]);
    await producer.commitTransaction();
    expect(await readAll(committed)).toEqual([]);
    expect((await committed.poll(1000)).flatMap(({ records }) => records.map(({ value }) => value?.toString()))).toEqual(['open']);
    await Promise.all([producer.close(), committed.close(), uncommitted.close()]);
  });

  it('of a producer that was taken over are fenced', async () => {
    const topic = await newTopic();
    const first = clients.producer({ transactionalId: `${run}-fence` });
    await first.beginTransaction();
    await first.send([record(topic, 'from the first')]);
    const second = clients.producer({ transactionalId: `${run}-fence` });
    await second.beginTransaction();
    await second.send([record(topic, 'from the second')]);
    await second.commitTransaction();
    const late = await first.send([record(topic, 'late')]);
    expect(late.errors.get(0)?.message).toContain('fences the current one');
    await expect(first.commitTransaction()).rejects.toThrow('fences the current one');
    const reader = readerOf(topic, 0n, { isolationLevel: 'read_committed' });
    // The coordinator answers before its markers are in the topic.
    const values: (string | null)[] = [];
    for (let polls = 0; polls < 20 && values.length === 0; polls++)
      for (const { records } of await reader.poll(1000)) values.push(...records.map(({ value }) => value?.toString() ?? null));
    expect(values).toEqual(['from the second']);
    for (const refused of [
      () => first.sendOffsetsToTransaction(`${run}-fenced-group`, new Map([[partitionKey(topic, 0), 1n]])),
      () => first.abortTransaction(),
      () => first.beginTransaction(),
    ]) {
      await expect(refused()).rejects.toMatchObject({ javaClass: 'org.apache.kafka.common.errors.ProducerFencedException' });
    }
    await Promise.all([first.close(), second.close(), reader.close()]);
  });

  it('bring the offsets of a group with their records when they are committed, and not when they are aborted', async () => {
    const topic = await newTopic(3);
    const group = `${run}-tx-group`;
    const [first, second, third] = [0, 1, 2].map((partition) => partitionKey(topic, partition)) as [string, string, string];
    await admin.commitGroupOffsets(group, new Map([[first, 1n]]));
    const producer = clients.producer({ transactionalId: `${run}-tx-offsets` });
    await producer.beginTransaction();
    await producer.send([record(topic, 'aborted')]);
    await producer.sendOffsetsToTransaction(group, new Map([[first, 5n]]));
    await producer.sendOffsetsToTransaction(
      group,
      new Map([
        [second, 6n],
        [third, 7n],
      ]),
    );
    await producer.abortTransaction();
    await producer.beginTransaction();
    await producer.send([record(topic, 'committed')]);
    await producer.sendOffsetsToTransaction(group, new Map([[second, 2n ** 53n + 1n]]));
    expect(await admin.groupOffsets(group)).toEqual(new Map([[first, 1n]]));
    await producer.commitTransaction();
    // The coordinator answers when the commit is decided; the group's coordinator hears of it a little later.
    await expect.poll(async () => (await admin.groupOffsets(group)).size, { timeout: 10_000 }).toBe(2);
    expect(await admin.groupOffsets(group)).toEqual(
      new Map([
        [first, 1n],
        [second, 2n ** 53n + 1n],
      ]),
    );
    // A transaction of offsets only.
    await producer.beginTransaction();
    await producer.sendOffsetsToTransaction(group, new Map([[first, 3n]]));
    await producer.commitTransaction();
    await expect.poll(async () => (await admin.groupOffsets(group)).get(first), { timeout: 10_000 }).toBe(3n);
    await expect(producer.sendOffsetsToTransaction(group, new Map([[first, 4n]]))).rejects.toThrow('There is no open transaction');
    await expect(clients.producer().sendOffsetsToTransaction(group, new Map())).rejects.toThrow('The producer is not transactional');
    const reader = readerOf(topic, 0n, { isolationLevel: 'read_committed' });
    expect(await readAll(reader)).toEqual(['committed']);
    await Promise.all([producer.close(), reader.close()]);
  });

  it('of a producer that was fenced before its first record do not take the offsets of a group', async () => {
    const topic = await newTopic();
    const group = `${run}-fenced-group`;
    const first = clients.producer({ transactionalId: `${run}-fence-offsets` });
    await first.beginTransaction();
    const second = clients.producer({ transactionalId: `${run}-fence-offsets` });
    await second.beginTransaction();
    await expect(first.sendOffsetsToTransaction(group, new Map([[partitionKey(topic, 0), 1n]]))).rejects.toThrow('fences the current one');
    await expect(first.commitTransaction()).rejects.toThrow('fences the current one');
    await second.sendOffsetsToTransaction(group, new Map([[partitionKey(topic, 0), 2n]]));
    await second.commitTransaction();
    await expect.poll(async () => await admin.groupOffsets(group), { timeout: 10_000 }).toEqual(new Map([[partitionKey(topic, 0), 2n]]));
    await Promise.all([first.close(), second.close()]);
  });
});

describe('the reader', () => {
  it('seeks back and forth, dropping what was fetched ahead', async () => {
    const topic = await newTopic();
    await produce(numbered(topic, 5000));
    const reader = readerOf(topic, 0n, { maxPollRecords: 10 });
    const next = async () => (await reader.poll(5000))[0];
    expect((await next())?.records[0]?.offset).toBe(0n);
    reader.seek({ topic, partition: 0 }, 4000n);
    expect(reader.positions().get(partitionKey(topic, 0))).toBe(4000n);
    expect((await next())?.records[0]?.offset).toBe(4000n);
    reader.seek({ topic, partition: 0 }, 5n);
    const again = await next();
    expect([again?.records[0]?.offset, again?.nextOffset]).toEqual([5n, 15n]);
    await reader.close();
  });

  it('gives nothing of a paused partition until it is resumed, at the same place', async () => {
    const topic = await newTopic(2);
    await produce([...numbered(topic, 100), ...numbered(topic, 100, { partition: 1 })]);
    const reader = readerOf(topic, 0n, { maxPollRecords: 10 }, [0, 1]);
    await reader.poll(5000);
    reader.pause([{ topic, partition: 0 }]);
    const before = reader.positions().get(partitionKey(topic, 0));
    let others = 0;
    while (!reader.caughtUp()) {
      for (const { partition, records } of await reader.poll(5000)) {
        expect(partition).toBe(1);
        others += records.length;
      }
    }
    expect(others).toBeGreaterThanOrEqual(90);
    reader.resume([{ topic, partition: 0 }]);
    expect(reader.caughtUp()).toBe(false);
    expect((await reader.poll(5000))[0]?.records[0]?.offset).toBe(before);
    await reader.close();
  });

  it('reads on although paused partitions fill its memory', async () => {
    const topic = await newTopic(2);
    await produce([...numbered(topic, 2000), ...numbered(topic, 10, { partition: 1 })]);
    const reader = readerOf(topic, 0n, { fetchMaxBytes: 20_000, maxPollRecords: 5 });
    await reader.poll(5000);
    reader.assign([
      { topic, partition: 0, offset: 0n },
      { topic, partition: 1, offset: 0n },
    ]);
    for (let polls = 0; polls < 3; polls++) await reader.poll(5000);
    reader.pause([{ topic, partition: 0 }]);
    for (let polls = 0; polls < 50 && !reader.caughtUp(); polls++) await reader.poll(500);
    expect(reader.positions().get(partitionKey(topic, 1))).toBe(10n);
    await reader.close();
  });

  it('starts where the reset policy says when there is no offset, or the offset is out of range', async () => {
    const topic = await newTopic();
    await produce(numbered(topic, 20));
    for (const start of [null, 1000n]) {
      const earliest = readerOf(topic, start, { offsetReset: 'earliest' });
      expect((await earliest.poll(5000))[0]?.records[0]?.offset).toBe(0n);
      const latest = readerOf(topic, start, { offsetReset: 'latest' });
      expect(await latest.poll(300)).toEqual([]);
      expect([latest.caughtUp(), latest.positions().get(partitionKey(topic, 0))]).toEqual([true, 20n]);
      const none = readerOf(topic, start, { offsetReset: 'none' });
      await expect(none.poll(5000)).rejects.toThrow('auto.offset.reset is none');
      await Promise.all([earliest.close(), latest.close(), none.close()]);
    }
  });

  it('wakes up for records that come while it waits, and for an abort', async () => {
    const topic = await newTopic();
    const reader = readerOf(topic, 0n);
    expect(await reader.poll(0)).toEqual([]);
    const waiting = reader.poll(20_000);
    await produce([record(topic, 'late')]);
    expect((await waiting)[0]?.records[0]?.value?.toString()).toBe('late');
    const controller = new AbortController();
    const aborted = reader.poll(20_000, controller.signal);
    controller.abort();
    expect(await aborted).toEqual([]);
    await reader.close();
  });

  it('ends a poll that waits when it is closed', async () => {
    const topic = await newTopic();
    const reader = readerOf(topic, 0n);
    const waiting = reader.poll(20_000);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await reader.close();
    expect(await waiting).toEqual([]);
    await expect(reader.poll(10)).rejects.toThrow('The reader was closed');
  });

  it('loses nothing and repeats nothing when its connections are cut', async () => {
    const topic = await newTopic(2);
    await produce([...numbered(topic, 30_000), ...numbered(topic, 30_000, { partition: 1 })], { maxRequestSize: 20_000 });
    const proxy = await startKafkaProxy(kafkaBrokers());
    const unreliable = createKafkaClients({ 'bootstrap.servers': `127.0.0.1:${proxy.port}` }, silent);
    const reader = unreliable.reader({ maxPollRecords: 3000, maxPartitionFetchBytes: 50_000 });
    reader.assign([0, 1].map((partition) => ({ topic, partition, offset: 0n })));
    const seen = [0n, 0n];
    for (let polls = 0; !reader.caughtUp(); polls++) {
      for (const { partition, records } of await reader.poll(5000)) {
        for (const { offset } of records) {
          expect(offset).toBe(seen[partition]);
          seen[partition] = offset + 1n;
        }
      }
      if (polls % 5 === 2) proxy.cut();
    }
    expect(seen).toEqual([30_000n, 30_000n]);
    expect(proxy.connections()).toBeGreaterThan(4);
    await unreliable.close();
    proxy.close();
  });

  it('says which servers it looked for when none of them answers', async () => {
    const closed = await startKafkaProxy(kafkaBrokers());
    closed.close();
    const lost = createKafkaClients({ 'bootstrap.servers': `127.0.0.1:${closed.port}`, 'sluice.retry.timeout.ms': '300' }, silent);
    const reader = lost.reader();
    reader.assign([{ topic: 'any', partition: 0, offset: null }]);
    await expect(reader.poll(20_000)).rejects.toMatchObject({
      name: 'RetriableException',
      message: expect.stringContaining(`bootstrap.servers=127.0.0.1:${closed.port}`),
    });
    const result = await lost.producer().send([record('any', 'a')]);
    expect(result.errors.get(0)?.name).toMatch(/Exception$/);
    await lost.close();
  });
});

describe('administration', () => {
  it('creates topics with configs, tells when one exists, and passes on why the broker refuses', async () => {
    const topic = await newTopic(2, { 'retention.ms': '60000' });
    expect(await admin.createTopic({ topic, partitions: 2, replicationFactor: 1 })).toBe(false);
    expect(await admin.createTopic({ topic: `${topic}-defaults`, partitions: -1, replicationFactor: -1 })).toBe(true);
    await expect(admin.createTopic({ topic: `${topic}-x`, partitions: 1, replicationFactor: 9 })).rejects.toThrow(/replication factor/i);
    await expect(admin.createTopic({ topic: `${topic}-x`, partitions: 1, replicationFactor: 1, configs: { 'no.such.config': '1' } })).rejects.toThrow(
      'no.such.config',
    );
    expect(await admin.partitionCounts([topic, 'not-there'])).toEqual(new Map([[topic, 2]]));
    expect((await admin.partitionCounts()).get(topic)).toBe(2);
    expect(await admin.clusterId()).toMatch(/^[\w-]{22}$/);
  });

  it('gives offsets of many partitions at once, and leaves out what does not exist', async () => {
    const topic = await newTopic(50);
    await produce([record(topic, 'a', { partition: 7, timestamp: 1000 }), record(topic, 'b', { partition: 7, timestamp: 2000 })]);
    const partitions = Array.from({ length: 51 }, (_, partition) => ({ topic, partition }));
    const end = await admin.endOffsets([...partitions, { topic: 'not-there', partition: 0 }]);
    expect([end.size, end.get(`${topic}-7`), end.get(`${topic}-8`)]).toEqual([50, 2n, 0n]);
    expect((await admin.beginningOffsets(partitions)).get(`${topic}-7`)).toBe(0n);
    const times = [1500, 3000].map((time) => admin.offsetsForTime([{ topic, partition: 7 }], time));
    expect((await Promise.all(times)).map((found) => found.get(`${topic}-7`))).toEqual([1n, 2n]);
  });

  it('commits and reads offsets of a group without members', async () => {
    const topic = await newTopic(2);
    const group = `${run}-group`;
    expect(await admin.groupOffsets(group)).toEqual(new Map());
    await admin.commitGroupOffsets(group, new Map([[`${topic}-0`, 5n]]));
    await admin.commitGroupOffsets(group, new Map([[`${topic}-1`, 2n ** 53n + 1n]]));
    expect(await admin.groupOffsets(group)).toEqual(
      new Map([
        [`${topic}-0`, 5n],
        [`${topic}-1`, 2n ** 53n + 1n],
      ]),
    );
    await admin.deleteGroup(group);
    await admin.deleteGroup(group);
    expect(await admin.groupOffsets(group)).toEqual(new Map());
  });

  it('deletes topics, and does not mind those that are gone', async () => {
    const topic = await newTopic();
    await admin.deleteTopics([topic, `${topic}-never`]);
    await expect.poll(async () => (await admin.partitionCounts([topic])).size, { timeout: 10_000 }).toBe(0);
  });
});

describe('an environment that was frozen, and whose connections died without a word meanwhile', () => {
  /** Some seconds pass that the process does not see. */
  function freeze(): void {
    const now = Date.now;
    vi.spyOn(Date, 'now').mockImplementation(() => now() + 60_000);
  }

  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('makes each connection anew once, and no call fails', async () => {
    const topic = await newTopic();
    const proxy = await startKafkaProxy(kafkaBrokers());
    const frozen = createKafkaClients({ 'bootstrap.servers': `127.0.0.1:${proxy.port}` }, silent);
    const producer = frozen.producer();
    const itsAdmin = frozen.admin();
    const reader = frozen.reader();
    reader.assign([{ topic, partition: 0, offset: 0n }]);
    const calls = async (value: string) => {
      const [sent, end] = await Promise.all([producer.send([record(topic, value)]), itsAdmin.beginningOffsets([{ topic, partition: 0 }])]);
      expect([sent.acknowledged, end.get(partitionKey(topic, 0))]).toEqual([1, 0n]);
      const read: (string | undefined)[] = [];
      while (read.length === 0) for (const { records } of await reader.poll(1000)) read.push(...records.map((each) => each.value?.toString()));
      return read;
    };
    expect(await calls('before')).toEqual(['before']);
    const before = proxy.connections();
    proxy.swallow();
    freeze();
    expect(await calls('after')).toEqual(['after']);
    expect(proxy.connections()).toBe(2 * before);
    await frozen.close();
    proxy.close();
  });

  it('goes on with the fetch that was under way', async () => {
    const topic = await newTopic();
    const proxy = await startKafkaProxy(kafkaBrokers());
    const frozen = createKafkaClients({ 'bootstrap.servers': `127.0.0.1:${proxy.port}` }, silent);
    const reader = frozen.reader();
    reader.assign([{ topic, partition: 0, offset: 0n }]);
    expect(await reader.poll(100)).toEqual([]);
    const before = proxy.connections();
    proxy.swallow();
    freeze();
    await produce([record(topic, 'late')]);
    let read = 0;
    while (read === 0) for (const { records } of await reader.poll(1000)) read += records.length;
    expect(proxy.connections()).toBeLessThanOrEqual(2 * before);
    await frozen.close();
    proxy.close();
  });
});
