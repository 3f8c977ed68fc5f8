import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import { quietLogger } from '../quiet-logger.ts';
import type { ReadWork } from './workload.ts';

// Reads with the default limits (fetches of 1 MB a partition), a millisecond of work after each poll so that what is fetched ahead piles up.
const { brokers, topic, partitions, records } = JSON.parse(process.argv[2] as string) as ReadWork;
const clients = createKafkaClients({ 'bootstrap.servers': brokers }, quietLogger);
await clients.admin().partitionCounts([topic]);
const baseline = process.memoryUsage.rss();
const reader = clients.reader();
reader.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0n })));
let count = 0;
let bytes = 0;
while (count < records) {
  const polled = await reader.poll(10_000);
  if (polled.length === 0) throw new Error(`Nothing more after ${count} of ${records} records`);
  for (const { records: batch } of polled) {
    count += batch.length;
    for (const { value } of batch) bytes += value?.length ?? 0;
  }
  await sleep(1);
}
// The most that was ever resident, as Linux counts it.
const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
await clients.close();
console.log(JSON.stringify({ records: count, bytes, baseline, peak }));
