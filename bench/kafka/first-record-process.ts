import { createRequire } from 'node:module';
import { quietLogger } from '../quiet-logger.ts';

// A bundle beside that of the layer, so that what is measured starts as a task function does: from JavaScript, in CommonJS.
const [, , layer, brokers, topic] = process.argv as [string, string, string, string, string];
const beforeImport = performance.now();
const { createKafkaClients } = createRequire(layer)(layer) as typeof import('./layer.ts');
const importMs = performance.now() - beforeImport;
const clients = createKafkaClients({ 'bootstrap.servers': brokers }, quietLogger);
const reader = clients.reader();
reader.assign([{ topic, partition: 0, offset: 0n }]);
void reader.poll(10_000).then(async ([first]) => {
  const at = performance.timeOrigin + performance.now();
  if (first?.records[0] === undefined) throw new Error('There was no first record');
  await clients.close();
  console.log(JSON.stringify({ importMs, at, sinceProcessStartMs: at - performance.timeOrigin }));
});
