import { afterAll, beforeAll, expect, test } from 'vitest';
import { failureQueueOf, failuresTopicProperty } from '../../functions/failure-queues.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import type { ConsumerRecord, KafkaClients } from '../../shared/kafka/ports.ts';
import type { FailureReport } from '../../shared/storage/ports.ts';
import { kafkaBrokers } from './servers.ts';

const logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const report = (connector: string, at: number): FailureReport => ({
  connector,
  task: 0,
  generation: 1,
  run: 'run-1',
  epoch: 3,
  kind: 'task-failed',
  error: 'org.apache.kafka.connect.errors.ConnectException: The target refuses',
  trace: 'org.apache.kafka.connect.errors.ConnectException: The target refuses\n',
  at,
  action: 'Read the trace',
});

let kafka: KafkaClients;
beforeAll(() => {
  kafka = createKafkaClients({ 'bootstrap.servers': kafkaBrokers() }, logger);
});
afterAll(() => kafka.close());

test('failures are written to the topic that the worker names, keyed by connector, and it is created', async () => {
  const topic = `failures-${Date.now()}`;
  const queue = failureQueueOf({ [failuresTopicProperty]: topic }, { url: 'https://not-used', region: 'us-east-1' }, kafka, logger);
  const reports = [report('orders', 1_700_000_000_000), report('customers', 1_700_000_000_001), report('orders', 1_700_000_000_002)];
  for (const each of reports) await queue.send(each);
  const reader = kafka.reader();
  reader.assign([{ topic, partition: 0, offset: 0n }]);
  const read: ConsumerRecord[] = [];
  while (read.length < reports.length) for (const { records } of await reader.poll(1_000)) read.push(...records);
  await reader.close();
  expect(read.map(({ key, timestamp }) => [String(key), timestamp])).toEqual(reports.map(({ connector, at }) => [connector, at]));
  expect(read.map(({ value }) => JSON.parse(String(value)))).toEqual(reports);
});

test('a failure that could not be written is told to who sends it, so that it is told again', async () => {
  const queue = failureQueueOf({ [failuresTopicProperty]: 'not a topic' }, { url: undefined, region: 'us-east-1' }, kafka, logger);
  await expect(queue.send(report('orders', 1))).rejects.toThrow('A failure of orders could not be written to the topic not a topic');
});
