import { afterAll, describe, expect, it } from 'vitest';
import type { Logger } from '../../shared/connect/logger.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import { kafkaBrokers } from './servers.ts';

const silent: Logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const clients = createKafkaClients({ 'bootstrap.servers': kafkaBrokers(), 'sluice.retry.timeout.ms': '3000' }, silent);
const admin = clients.admin();
const run = `kafka-admin-${process.pid}-${Date.now()}`;

afterAll(async () => {
  await admin.deleteTopics([...(await admin.partitionCounts()).keys()].filter((topic) => topic.startsWith(run)));
  await clients.close();
});

async function topicWith(values: number, partitions = 1, configs: Record<string, string> = {}): Promise<string> {
  const topic = `${run}-${Math.random().toString(36).slice(2)}`;
  await admin.createTopic({ topic, partitions, replicationFactor: 1, configs });
  const producer = clients.producer();
  const value = Buffer.from('x');
  const { errors } = await producer.send(Array.from({ length: values }, () => ({ topic, partition: 0, key: value, value, headers: [], timestamp: null })));
  expect([...errors.values()]).toEqual([]);
  await producer.close();
  return topic;
}

describe('describing', () => {
  it('tells of the cluster which brokers there are and which one is the controller', async () => {
    const [host, port] = kafkaBrokers().split(',')[0]?.split(':') ?? [];
    const { clusterId, controller, brokers } = await admin.describeCluster();
    expect(clusterId).toBe(await admin.clusterId());
    expect(brokers).toContainEqual({ id: controller, host, port: Number(port) });
  });

  it('tells of topics where their partitions are and how they are configured, and leaves out what does not exist', async () => {
    const topic = await topicWith(0, 3, { 'retention.ms': '60000', 'cleanup.policy': 'compact' });
    // A broker may hear of a new topic a little later than the controller that made it.
    await expect.poll(async () => [...(await admin.describeTopics([topic])).keys()], { timeout: 20_000 }).toEqual([topic]);
    const described = await admin.describeTopics([topic, `${topic}-not-there`]);
    expect([...described.keys()]).toEqual([topic]);
    const { internal, partitions, configs } = described.get(topic) ?? {};
    const { controller } = await admin.describeCluster();
    expect(internal).toBe(false);
    expect(partitions).toEqual([0, 1, 2].map((partition) => ({ partition, leader: controller, replicas: [controller], isr: [controller] })));
    expect([configs?.get('retention.ms'), configs?.get('cleanup.policy'), configs?.get('compression.type')]).toEqual(['60000', 'compact', 'producer']);
    expect(await admin.describeTopics([])).toEqual(new Map());
  });
});

describe('deleting records', () => {
  it('moves the beginning of a partition to an offset, or to its end', async () => {
    const topic = await topicWith(10, 2);
    expect(await admin.deleteRecords(new Map([[`${topic}-0`, 4n]]))).toEqual(new Map([[`${topic}-0`, 4n]]));
    expect(await admin.beginningOffsets([{ topic, partition: 0 }])).toEqual(new Map([[`${topic}-0`, 4n]]));
    const all = new Map([`${topic}-0`, `${topic}-1`].map((key) => [key, -1n]));
    expect(await admin.deleteRecords(all)).toEqual(
      new Map([
        [`${topic}-0`, 10n],
        [`${topic}-1`, 0n],
      ]),
    );
  });

  it('passes on why the broker refuses', async () => {
    const topic = await topicWith(1);
    await expect(admin.deleteRecords(new Map([[`${topic}-0`, 99n]]))).rejects.toThrow(/Could not delete records of .*-0.*offset/i);
    const compacted = await topicWith(1, 1, { 'cleanup.policy': 'compact' });
    await expect(admin.deleteRecords(new Map([[`${compacted}-0`, 1n]]))).rejects.toThrow(/Could not delete records of .*-0.*policy/i);
    await expect(admin.deleteRecords(new Map([[`${run}-nowhere-0`, 1n]]))).rejects.toThrow(/delete records/);
  });
});

describe('offsets', () => {
  it('of thousands of partitions come in one round', async () => {
    const topic = `${run}-wide`;
    await admin.createTopic({ topic, partitions: 2000, replicationFactor: 1 });
    const partitions = Array.from({ length: 2000 }, (_, partition) => ({ topic, partition }));
    await expect.poll(async () => (await admin.endOffsets(partitions)).size, { timeout: 50_000 }).toBe(2000);
  });
});
