import net from 'node:net';
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';
import apiKeys from 'kafkajs/src/protocol/requests/apiKeys.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Logger } from '../../shared/connect/logger.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import type { ConsumerRecord, ProducerRecord, RecordProducerOptions } from '../../shared/kafka/ports.ts';
import { kafkaBrokers } from './servers.ts';

/**
 * What the plain kafkajs client does wrong, or cannot do, beside what this layer does in its place. Each test shows both: if a
 * kafkajs ever passes its half, that half fails, and the workaround may go.
 */
const silent: Logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const clients = createKafkaClients({ 'bootstrap.servers': kafkaBrokers() }, silent);
const admin = clients.admin();
const kafka = new Kafka({ brokers: kafkaBrokers().split(','), logLevel: logLevel.NOTHING, retry: { retries: 5, initialRetryTime: 100 } });
const plain = kafka.producer();
const run = `kafkajs-traps-${process.pid}-${Date.now()}`;
const apiNames = new Map(Object.entries(apiKeys as Record<string, number>).map(([name, key]) => [key, name]));
let topics = 0;

beforeAll(() => plain.connect());

afterAll(async () => {
  await plain.disconnect();
  await admin.deleteTopics([...(await admin.partitionCounts()).keys()].filter((topic) => topic.startsWith(run)));
  await clients.close();
});

async function newTopic(configs: Record<string, string> = {}): Promise<string> {
  const topic = `${run}-${topics++}`;
  await admin.createTopic({ topic, partitions: 1, replicationFactor: 1, configs });
  return topic;
}

const record = (topic: string, value: string | Buffer, rest: Partial<ProducerRecord> = {}): ProducerRecord => ({
  topic,
  partition: 0,
  key: null,
  value: Buffer.from(value),
  headers: [],
  timestamp: null,
  ...rest,
});

async function send(records: ProducerRecord[], options: RecordProducerOptions = {}) {
  const producer = clients.producer(options);
  const result = await producer.send(records);
  await producer.close();
  return result;
}

/** How many records a partition holds. */
const size = async (topic: string) => (await admin.endOffsets([{ topic, partition: 0 }])).get(`${topic}-0`);

async function read(topic: string) {
  const reader = clients.reader({ maxPollRecords: 1_000_000 });
  reader.assign([{ topic, partition: 0, offset: 0n }]);
  const records: ConsumerRecord[] = [];
  for (let polls = 0; polls < 1000 && !reader.caughtUp(); polls++)
    for (const batch of await reader.poll(1000)) for (const each of batch.records) records.push(each);
  await reader.close();
  return records;
}

describe('producing', () => {
  it('to a partition that does not exist is an error of that record, not silence', async () => {
    const topic = await newTopic();
    await expect(plain.send({ topic, messages: [{ partition: 7, value: 'gone' }] })).resolves.toBeDefined();
    expect(await size(topic)).toBe(0n);

    const result = await send([record(topic, 'told', { partition: 7 }), record(topic, 'taken')]);
    expect(result.errors.get(0)?.message).toMatch(/partition 7/i);
    expect([result.errors.size, result.acknowledged, await size(topic)]).toEqual([1, 1, 1n]);
  });

  it('takes headers without a value', async () => {
    const topic = await newTopic();
    await expect(plain.send({ topic, messages: [{ value: 'x', headers: { empty: null as never } }] })).rejects.toThrow();

    await send([record(topic, 'x', { headers: [{ key: 'empty', value: null }] })]);
    expect((await read(topic))[0]?.headers).toEqual([{ key: 'empty', value: null }]);
  });

  it('keeps the order of headers whose names look like numbers, and of names that come again', async () => {
    const wanted = ['b', '1', 'a', '0', 'b'];
    const asObject: Record<string, string[]> = {};
    for (const key of wanted) asObject[key] = [...(asObject[key] ?? []), key];
    const topic = await newTopic();
    await plain.send({ topic, messages: [{ value: 'x', headers: asObject }] });
    expect((await read(topic))[0]?.headers.map(({ key }) => key)).not.toEqual(wanted);

    const ours = await newTopic();
    await send([record(ours, 'x', { headers: wanted.map((key) => ({ key, value: Buffer.from(key) })) })]);
    expect((await read(ours))[0]?.headers.map(({ key }) => key)).toEqual(wanted);
  });

  it('splits what is more than a request may hold', async () => {
    const topic = await newTopic();
    const values = Array.from({ length: 30 }, () => Buffer.alloc(100_000, 'x'));
    await expect(plain.send({ topic, messages: values.map((value) => ({ value })) })).rejects.toThrow(/larger than the max message size/);
    expect(await size(topic)).toBe(0n);

    const result = await send(values.map((value) => record(topic, value)));
    expect([result.errors.size, result.acknowledged, await size(topic)]).toEqual([0, 30, 30n]);
  });

  it('costs the same for each record, however many there are for a partition', async () => {
    const topic = await newTopic();
    // Work is counted by what is copied: kafkajs makes a new list of all that came before for each message of a partition.
    const { concatenated, restore } = countArrayCopies();
    await plain.send({ topic, messages: Array.from({ length: 1000 }, () => ({ partition: 0, value: 'x' })) });
    const copiedByKafkajs = concatenated();
    await send(Array.from({ length: 1000 }, () => record(topic, 'x')));
    const copiedByUs = concatenated() - copiedByKafkajs;
    restore();
    expect(copiedByKafkajs).toBeGreaterThan(400_000);
    expect(copiedByUs).toBeLessThan(10_000);
  });
});

describe('reading', () => {
  it('takes a batch of 150,000 tiny records', async () => {
    const topic = await newTopic({ 'max.message.bytes': '8388608' });
    const records = Array.from({ length: 150_000 }, () => record(topic, ''));
    const result = await send(records, { maxRequestSize: 8_000_000, batchSize: 8_000_000, lingerMs: 50 });
    expect(result.errors.size).toBe(0);
    await expect(readWithKafkajs(topic)).rejects.toThrow(/Maximum call stack size exceeded/);

    expect((await read(topic)).length).toBe(150_000);
  });

  it.each(['snappy', 'lz4', 'zstd'] as const)('reads and writes %s without anything to register', async (compression) => {
    const topic = await newTopic();
    const types = { snappy: CompressionTypes.Snappy, lz4: CompressionTypes.LZ4, zstd: CompressionTypes.ZSTD };
    await expect(plain.send({ topic, compression: types[compression], messages: [{ value: 'x' }] })).rejects.toThrow(/compression not implemented/);

    await send([record(topic, 'compressed '.repeat(100))], { compression });
    expect((await read(topic))[0]?.value?.toString()).toBe('compressed '.repeat(100));
  });

  it('sees that a batch was damaged on the way', async () => {
    const topic = await newTopic();
    await send([record(topic, 'the word is: right')]);
    const proxy = await proxyOf({ replace: ['right', 'wrong'] });
    const damaged = `127.0.0.1:${proxy.port}`;
    expect(await readWithKafkajs(topic, damaged)).toEqual(['the word is: wrong']);

    const trusting = createKafkaClients({ 'bootstrap.servers': damaged }, silent);
    const reader = trusting.reader();
    reader.assign([{ topic, partition: 0, offset: 0n }]);
    await expect(reader.poll(10_000)).rejects.toThrow(/checksum|crc/i);
    await trusting.close();
    proxy.close();
  });
});

describe('the offsets of a group', () => {
  it('are set by one request, without becoming a member of it', async () => {
    const topic = await newTopic();
    const requests: string[] = [];
    const proxy = await proxyOf({ request: (key) => requests.push(apiNames.get(key) ?? '') });
    const through = new Kafka({ brokers: [`127.0.0.1:${proxy.port}`], logLevel: logLevel.NOTHING }).admin();
    await through.connect();
    await through.setOffsets({ groupId: `${run}-plain`, topic, partitions: [{ partition: 0, offset: '5' }] });
    await through.disconnect();
    expect(requests).toContain('JoinGroup');

    requests.length = 0;
    const ours = createKafkaClients({ 'bootstrap.servers': `127.0.0.1:${proxy.port}` }, silent);
    await ours.admin().commitGroupOffsets(`${run}-ours`, new Map([[`${topic}-0`, 5n]]));
    expect(await ours.admin().groupOffsets(`${run}-ours`)).toEqual(new Map([[`${topic}-0`, 5n]]));
    await ours.close();
    expect(requests.filter((name) => name.includes('Group') || name.includes('Offset'))).toEqual(['GroupCoordinator', 'OffsetCommit', 'OffsetFetch']);
    proxy.close();
  });
});

describe('closing', () => {
  it('does not wait for a fetch that waits at the broker', async () => {
    const topic = await newTopic();
    const reader = clients.reader({ fetchMaxWaitMs: 20_000 });
    reader.assign([{ topic, partition: 0, offset: 0n }]);
    await reader.poll(500);
    const polled = reader.poll(20_000);
    const closed = reader.close().then(() => 'closed');
    const fetched = polled.then(() => new Promise((resolve) => setTimeout(resolve, 5_000, 'fetch answered')));
    expect(await Promise.race([closed, fetched])).toBe('closed');
  });
});

/** Reads one partition from its beginning with the plain client, to the first error or the end of the topic's records. */
async function readWithKafkajs(topic: string, brokers = kafkaBrokers()): Promise<string[]> {
  const client = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING, retry: { retries: 8, initialRetryTime: 200 } });
  const consumer = client.consumer({ groupId: `${run}-${Math.random()}`, maxWaitTimeInMs: 100 });
  const values: string[] = [];
  const wanted = Number(await size(topic));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  consumer.on(consumer.events.CRASH, ({ payload: { error } }) => reject(error));
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => {
        values.push(message.value?.toString() ?? '');
        if (values.length === wanted) resolve();
      },
    });
    await promise;
    return values;
  } finally {
    await consumer.disconnect();
  }
}

interface Proxy {
  readonly port: number;
  close(): void;
}

/** A way to the broker that replaces a text in its answers by another of the same length, and tells the key of each request. */
async function proxyOf(options: { replace?: readonly [string, string]; request?: (apiKey: number) => void }): Promise<Proxy> {
  const brokerPort = Number(kafkaBrokers().split(',')[0]?.split(':').at(-1));
  const open = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const broker = net.connect({ host: '127.0.0.1', port: brokerPort });
    for (const socket of [client, broker]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        broker.destroy();
      });
    }
    let asked = Buffer.alloc(0);
    client.on('data', (data) => {
      asked = Buffer.concat([asked, data]);
      for (; asked.length >= 6 && asked.length >= 4 + asked.readInt32BE(0); asked = asked.subarray(4 + asked.readInt32BE(0)))
        options.request?.(asked.readInt16BE(4));
      broker.write(data);
    });
    broker.on('data', (data) => {
      // In metadata a broker's address is its host as a string and its port in four bytes.
      replaceAll(data, address(brokerPort), address((server.address() as net.AddressInfo).port));
      if (options.replace) replaceAll(data, Buffer.from(options.replace[0]), Buffer.from(options.replace[1]));
      client.write(data);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

function address(port: number): Buffer {
  const bytes = Buffer.concat([Buffer.from([0, 9]), Buffer.from('127.0.0.1'), Buffer.alloc(4)]);
  bytes.writeInt32BE(port, 11);
  return bytes;
}

function replaceAll(data: Buffer, from: Buffer, to: Buffer): void {
  for (let at = data.indexOf(from); at >= 0; at = data.indexOf(from, at + 1)) to.copy(data, at);
}

/** Counts elements that are copied from list to list by spreading. */
function countArrayCopies(): { concatenated(): number; restore(): void } {
  const iterate = Array.prototype[Symbol.iterator];
  let copied = 0;
  Array.prototype[Symbol.iterator] = function (this: unknown[]) {
    copied += this.length;
    return iterate.call(this) as ArrayIterator<unknown>;
  };
  return {
    concatenated: () => copied,
    restore() {
      Array.prototype[Symbol.iterator] = iterate;
    },
  };
}
