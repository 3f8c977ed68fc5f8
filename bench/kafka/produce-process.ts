import { readFileSync } from 'node:fs';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import type { ProducerRecord, SendResult } from '../../shared/kafka/ports.ts';
import { quietLogger } from '../quiet-logger.ts';
import type { ProduceWork } from './workload.ts';

// Produces like ProducerPerformance: a random payload each, no key, as fast as the producer takes them; 500 a send, as a task's poll brings them.
const perSend = 500;
const { brokers, topic, records, payloads, properties } = JSON.parse(process.argv[2] as string) as ProduceWork;
const values = readFileSync(payloads, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => Buffer.from(line));
const clients = createKafkaClients({ 'bootstrap.servers': brokers }, quietLogger);
const startedAt = performance.now();
const producer = clients.producer({}, properties);
let acknowledged = 0;
let failure: Error | undefined;
const decided = (result: SendResult): void => {
  acknowledged += result.acknowledged;
  for (const error of result.errors.values()) failure ??= error;
};
for (let at = 0; at < records; at += perSend) {
  const batch: ProducerRecord[] = [];
  for (let index = Math.min(perSend, records - at); index > 0; index--) {
    const value = values[Math.trunc(Math.random() * values.length)] as Buffer;
    batch.push({ topic, partition: null, key: null, value, headers: [], timestamp: null });
  }
  void producer.send(batch).then(decided);
  const room = producer.ready();
  if (room !== undefined) await room;
}
await producer.flush();
const seconds = (performance.now() - startedAt) / 1000;
await clients.close();
if (failure) throw failure;
console.log(JSON.stringify({ records: acknowledged, seconds }));
