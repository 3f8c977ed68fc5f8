import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import { quietLogger } from '../quiet-logger.ts';
import type { ReadWork } from './workload.ts';

// Reads like ConsumerPerformance: every record's key and value are looked at. The first connection is part of the time.
const { brokers, topic, partitions, records, properties } = JSON.parse(process.argv[2] as string) as ReadWork;
const clients = createKafkaClients({ 'bootstrap.servers': brokers }, quietLogger);
const startedAt = performance.now();
const reader = clients.reader({}, properties);
reader.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0n })));
let count = 0;
let bytes = 0;
while (count < records) {
  const polled = await reader.poll(10_000);
  if (polled.length === 0) throw new Error(`Nothing more after ${count} of ${records} records`);
  for (const { records: batch } of polled) {
    count += batch.length;
    for (let index = 0; index < batch.length; index++) {
      const record = batch[index] as (typeof batch)[number];
      const { key, value } = record;
      if (key !== null) bytes += key.length;
      if (value !== null) bytes += value.length;
    }
  }
}
const seconds = (performance.now() - startedAt) / 1000;
await clients.close();
console.log(JSON.stringify({ records: count, bytes, seconds }));
