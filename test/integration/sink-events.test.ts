import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { deliveredRecords, type KafkaEvent } from '../../functions/sink-events/kafka-event.ts';
import { createEnvironment, type Environment } from '../../functions/wiring.ts';
import type { ConsumerRecord } from '../../shared/kafka/ports.ts';
import { runConnector } from '../../shared/runtime/connector-run.ts';
import { Delivery } from '../../shared/runtime/delivery.ts';
import { createTable } from '../../shared/storage/dynamodb/create-table.ts';
import { dynamodbEndpoint, kafkaBrokers } from './servers.ts';

const run = Date.now();
const topic = `delivered-${run}`;
const deadLetters = `delivered-dlq-${run}`;
const table = `sink-events-${run}`;
const string = 'org.apache.kafka.connect.storage.StringConverter';
const saved = { ...process.env };
let folder: string;
let environment: Environment;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-sink-events-'));
  Object.assign(process.env, { AWS_ENDPOINT_URL_DYNAMODB: dynamodbEndpoint(), AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });
  await createTable(new DynamoDBClient({ region: 'us-east-1' }), table);
  environment = createEnvironment({
    SLUICE_TABLE: table,
    SLUICE_WORKER: JSON.stringify({ 'bootstrap.servers': kafkaBrokers(), 'key.converter': string, 'value.converter': string }),
    SLUICE_METRICS: 'off',
  });
  await environment.kafka.admin().createTopic({ topic, partitions: 2, replicationFactor: 1 });
  // A broker under load knows of a topic's partitions only a little later.
  await vi.waitFor(async () => expect((await environment.kafka.admin().partitionCounts([topic])).get(topic)).toBe(2), { timeout: 10_000 });
});

afterAll(async () => {
  await environment?.kafka.close();
  process.env = saved;
  await rm(folder, { recursive: true, force: true });
});

const bytes = (value: Buffer | null) => value?.toString('base64') ?? null;

/** What is in a topic, as an event source mapping sends it. */
async function eventOf(name: string, partitions: number, from: Readonly<Record<number, bigint>> = {}): Promise<KafkaEvent> {
  const reader = environment.kafka.reader();
  reader.assign(Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition, offset: from[partition] ?? 0n })));
  const records: Record<string, KafkaEvent['records'][string]> = {};
  for (let polls = 0; polls < 4; polls++) {
    for (const { partition, records: some } of await reader.poll(500)) {
      const key = `${name}-${partition}`;
      records[key] = [...(records[key] ?? []), ...some.map((each) => recordOf(name, partition, each))];
    }
  }
  await reader.close();
  return { eventSource: 'SelfManagedKafka', bootstrapServers: kafkaBrokers(), records };
}

function recordOf(name: string, partition: number, { offset, timestamp, key, value, headers }: ConsumerRecord): KafkaEvent['records'][string][number] {
  return {
    topic: name,
    partition,
    offset: Number(offset),
    timestamp,
    timestampType: 'CREATE_TIME',
    key: bytes(key),
    value: bytes(value),
    headers: headers.map(({ key: header, value: content }) => ({ [header]: content === null ? null : [...new Int8Array(content)] })),
  };
}

async function produce(values: readonly string[]): Promise<void> {
  const producer = environment.kafka.producer();
  await producer.send(values.map((value, index) => ({ topic, partition: index % 2, key: null, value: Buffer.from(value), headers: [], timestamp: null })));
  await producer.close();
}

const invocation = () => {
  const now = environment.clock.now();
  return { id: `delivery-${now}-${Math.random()}`, deadlineAt: now + 20_000, expiresAt: now + 40_000, shutdown: new AbortController().signal };
};

test('records that are delivered are put once, their offsets stored and mirrored, and what cannot be converted goes to the dead letter topic', async () => {
  const { storage, kafka } = environment;
  const file = join(folder, 'out.txt');
  const config = {
    name: 'delivered',
    'connector.class': 'FileStreamSink',
    topics: topic,
    file,
    'sluice.trigger': 'event',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'false',
    'errors.tolerance': 'all',
    'errors.deadletterqueue.topic.name': deadLetters,
    'errors.deadletterqueue.topic.replication.factor': '1',
  };
  const spec = await storage.connectors.create({ name: 'delivered', type: 'sink', config, targetState: 'STARTED' });
  await runConnector(environment, { kind: 'connector', connector: 'delivered', generation: spec?.generation ?? 0 }, invocation());

  const delivery = new Delivery(environment, 'delivered');
  await produce(['"a"', '"b"', 'not json', '"c"']);
  const event = await eventOf(topic, 2);
  expect(await delivery.deliver(deliveredRecords(event), invocation())).toBe(4);
  const lines = async () => (await readFile(file, 'utf8')).trimEnd().split('\n').sort();
  expect(await lines()).toEqual(['a', 'b', 'c']);
  // It is delivered again, as mappings do after a failure whose answer was lost: nothing is put twice.
  await delivery.deliver(deliveredRecords(event), invocation());
  await new Delivery(environment, 'delivered').deliver(deliveredRecords(event), invocation());
  expect(await lines()).toEqual(['a', 'b', 'c']);

  await produce(['"d"', '"e"']);
  await delivery.deliver(deliveredRecords(await eventOf(topic, 2, { 0: 2n, 1: 2n })), invocation());
  expect(await lines()).toEqual(['a', 'b', 'c', 'd', 'e']);
  const offsets = await storage.offsets.sinkOffsets('delivered');
  expect(offsets).toEqual(new Map([`${topic}-0`, `${topic}-1`].map((key) => [key, 3n])));
  expect(await kafka.admin().groupOffsets('connect-delivered')).toEqual(offsets);

  const dead = await eventOf(deadLetters, 1);
  expect(Object.values(dead.records).flat()).toMatchObject([{ value: Buffer.from('not json').toString('base64') }]);
}, 60_000);
