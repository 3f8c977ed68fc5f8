import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { provideArtifacts } from '../../infra/local/artifacts.ts';
import { freePorts } from '../../infra/local/ports.ts';
import { findJava } from '../../infra/local/services/java.ts';
import { startKafka } from '../../infra/local/services/kafka.ts';
import { removeFolder, type ServiceProcess } from '../../infra/local/services/service-process.ts';
import type { Logger } from '../../shared/connect/logger.ts';
import { partitionKey } from '../../shared/connect/topic-partition.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import type { KafkaClients, ProducerRecord, SendResult } from '../../shared/kafka/ports.ts';

const silent: Logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
let folder: string;
let broker: ServiceProcess;
let startBroker: () => Promise<ServiceProcess>;
let clients: KafkaClients;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-restart-'));
  const ports = await freePorts(['kafka', 'kafkaController'] as const);
  const [java, jars] = await Promise.all([findJava(process.env), provideArtifacts('kafka', () => {})]);
  startBroker = () => startKafka({ java, jars, dataDir: join(folder, 'kafka'), logFile: join(folder, 'kafka.log'), ports });
  broker = await startBroker();
  clients = createKafkaClients({ 'bootstrap.servers': `127.0.0.1:${ports.kafka}`, 'sluice.retry.timeout.ms': '60000' }, silent);
});

afterAll(async () => {
  await clients.close();
  await broker.stop();
  await removeFolder(folder);
});

const numbers = (count: number) => Array.from({ length: count }, (_, number) => String(number));

function record(topic: string, value: number): ProducerRecord {
  return { topic, partition: 0, key: null, value: Buffer.from(String(value)), headers: [], timestamp: null };
}

/** Reads in the background; `read` is what came so far. */
function readInBackground(topic: string, isolationLevel: 'read_committed' | 'read_uncommitted') {
  const reader = clients.reader({ isolationLevel });
  reader.assign([{ topic, partition: 0, offset: 0n }]);
  const read: string[] = [];
  let stopped = false;
  const polling = (async () => {
    while (!stopped) for (const { records } of await reader.poll(200)) for (const { value } of records) read.push(String(value));
  })();
  polling.catch(() => {});
  return {
    read,
    async stop() {
      stopped = true;
      await polling;
      await reader.close();
    },
  };
}

it.each([
  ['stopped', 10_000],
  ['killed', 0],
])(
  'a broker that is %s and started again costs a reader and an idempotent producer nothing, and administration goes on',
  { timeout: 120_000 },
  async (how, graceMs) => {
    const topic = `idempotent-${how}`;
    const admin = clients.admin();
    await admin.createTopic({ topic, partitions: 1, replicationFactor: 1 });
    const producer = clients.producer({ maxRequestSize: 20_000 });
    const background = readInBackground(topic, 'read_uncommitted');
    const sends: Promise<SendResult>[] = [];
    let next = 0;
    const send = async (rounds: number) => {
      for (let round = 0; round < rounds; round++) {
        sends.push(producer.send(Array.from({ length: 50 }, () => record(topic, next++))));
        await sleep(10);
      }
    };
    await send(50);
    const [stopped] = await Promise.all([broker.stop(graceMs), send(50)]);
    expect(stopped).toBe(undefined);
    // Asked for while nobody answers.
    const asked = admin.endOffsets([{ topic, partition: 0 }]);
    [broker] = await Promise.all([startBroker(), send(50)]);
    await send(50);
    for (const result of await Promise.all(sends)) expect([...result.errors.values()]).toEqual([]);
    expect((await asked).size).toBe(1);
    await expect.poll(() => background.read.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(next);
    await background.stop();
    expect(background.read).toEqual(numbers(next));
    expect(await admin.endOffsets([{ topic, partition: 0 }])).toEqual(new Map([[partitionKey(topic, 0), BigInt(next)]]));
    expect(await admin.createTopic({ topic: `${topic}-after`, partitions: 1, replicationFactor: 1 })).toBe(true);
    await producer.close();
  },
);

it('a transactional producer goes on after a broker that was killed between its transactions', { timeout: 120_000 }, async () => {
  const topic = 'transactional';
  const group = 'transactional-group';
  const admin = clients.admin();
  await admin.createTopic({ topic, partitions: 1, replicationFactor: 1 });
  const producer = clients.producer({ transactionalId: 'restarted' });
  const background = readInBackground(topic, 'read_committed');
  const transaction = async (from: number, commit: boolean) => {
    await producer.beginTransaction();
    const result = await producer.send(Array.from({ length: 100 }, (_, index) => record(topic, from + index)));
    expect([...result.errors.values()]).toEqual([]);
    await producer.sendOffsetsToTransaction(group, new Map([[partitionKey(topic, 0), BigInt(from + 100)]]));
    await (commit ? producer.commitTransaction() : producer.abortTransaction());
  };
  await transaction(0, true);
  await transaction(100, false);
  await transaction(100, true);
  await broker.stop(0);
  broker = await startBroker();
  await transaction(200, true);
  await transaction(300, false);
  await transaction(300, true);
  await expect.poll(() => background.read.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(400);
  await background.stop();
  expect(background.read).toEqual(numbers(400));
  await expect.poll(async () => await admin.groupOffsets(group), { timeout: 10_000 }).toEqual(new Map([[partitionKey(topic, 0), 400n]]));
  await producer.close();
});
