import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Logger } from '../../shared/connect/logger.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import type { PartitionReaderOptions, RecordProducerOptions } from '../../shared/kafka/ports.ts';
import { kafkaBrokers } from './servers.ts';

const silent: Logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const megabyte = 2 ** 20;
const partitionCount = 100;
const recordsPerBatch = 90;
const clients = createKafkaClients({ 'bootstrap.servers': kafkaBrokers() }, silent);
const run = `kafka-memory-${process.pid}-${Date.now()}`;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of buffers that somebody holds. */
function heldBytes(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

/** Two batches of almost a megabyte for each partition. */
async function produce(topic: string, compression: RecordProducerOptions['compression']): Promise<void> {
  await clients.admin().createTopic({ topic, partitions: partitionCount, replicationFactor: 1 });
  const producer = clients.producer({ compression });
  const value = Buffer.alloc(10_000, 'The quick brown fox jumps over the lazy dog. ');
  for (let batch = 0; batch < 2; batch++) {
    for (let partition = 0; partition < partitionCount; partition++) {
      const record = { topic, partition, key: null, value, headers: [], timestamp: null };
      const { errors } = await producer.send(new Array(recordsPerBatch).fill(record));
      expect([...errors.values()]).toEqual([]);
    }
  }
  await producer.close();
}

/** Reads everything, a little at a time, and tells the most bytes that were held meanwhile. */
async function mostHeldWhileReading(topic: string, options: PartitionReaderOptions, pausing: boolean): Promise<number> {
  const before = heldBytes();
  const reader = clients.reader({ maxPollRecords: 40, ...options });
  const partitions = Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition }));
  reader.assign(partitions.map((partition) => ({ ...partition, offset: 0n })));
  const read = new Array<number>(partitionCount).fill(0);
  let most = 0;
  for (let polls = 1; !reader.caughtUp(); polls++) {
    for (const { partition, records } of await reader.poll(1000)) {
      read[partition] = (read[partition] as number) + records.length;
      if (pausing && partition % 2 === 1) reader.pause([{ topic, partition }]);
    }
    if (polls % 5 === 0) {
      // Time for what is fetched ahead.
      await sleep(5);
      most = Math.max(most, heldBytes() - before);
    }
  }
  if (pausing) {
    for (const [partition, count] of read.entries()) if (partition % 2 === 1) expect(count).toBeLessThan(2 * recordsPerBatch);
    reader.resume(partitions);
    while (!reader.caughtUp()) for (const { partition, records } of await reader.poll(1000)) read[partition] = (read[partition] as number) + records.length;
  }
  expect(read).toEqual(new Array(partitionCount).fill(2 * recordsPerBatch));
  await reader.close();
  return most;
}

afterAll(async () => {
  await clients.admin().deleteTopics([`${run}-none`, `${run}-gzip`]);
  await clients.close();
});

describe.each(['none', 'gzip'] as const)('a slow reader of a hundred partitions, with compression %s,', (compression) => {
  const topic = `${run}-${compression}`;
  beforeAll(() => produce(topic, compression), 120_000);

  it.each([
    ['with all of them', false],
    ['with half of them paused in the middle', true],
  ])('holds no more than its fetch.max.bytes, and what is on its way, %s', { timeout: 120_000 }, async (_, pausing) => {
    // An answer has eight megabytes: twice while it is put together, and kafkajs keeps the last one until the next.
    const aside = 3 * 8 * megabyte;
    expect(await mostHeldWhileReading(topic, {}, pausing)).toBeLessThan(50 * megabyte + aside);
    expect(await mostHeldWhileReading(topic, { fetchMaxBytes: 10 * megabyte }, pausing)).toBeLessThan(10 * megabyte + aside);
  });
});
