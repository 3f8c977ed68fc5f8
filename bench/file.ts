import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createKafkaClients } from '../shared/kafka/kafka-clients.ts';
import { measureGrowth, rest, until } from './measure.ts';
import { quietLogger } from './quiet-logger.ts';
import type { Benchmark, Result } from './report.ts';
import { type ConnectSystem, prepareBench } from './systems.ts';

const lineBytes = 100;

/** FileStreamSource, at least once and exactly once, and FileStreamSink with StringConverter, lines of 100 bytes, one partition. */
export const fileBenchmark: Benchmark = async ({ quick, log }) => {
  const total = quick ? 300_000 : 1_000_000;
  const rounds = quick ? 1 : 3;
  const bench = await prepareBench(log);
  const clients = createKafkaClients({ 'bootstrap.servers': bench.kafka }, quietLogger);
  const results: Result[] = [];
  try {
    const input = join(bench.folder, 'input.txt');
    await writeLines(input, total);
    const admin = clients.admin();
    for (const system of ['kafka-connect', 'sluice'] as const) {
      await bench.run(system, async (connect) => {
        for (let round = 1; round <= rounds; round++) {
          const topic = `${system}-${round}`;
          await admin.createTopic({ topic, partitions: 1, replicationFactor: 1 });
          const end = async () => Number((await admin.endOffsets([{ topic, partition: 0 }])).get(`${topic}-0`) ?? 0n);
          await create(connect, topic, {
            'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
            file: input,
            topic,
            'batch.size': '2000',
          });
          results.push({ case: 'source', system, round, ...(await measureGrowth({ total, count: end, cpu: connect.cpu })) });
          log(`${system} source ${round}: ${rate(results)}`);
          await rest(connect.url, 'DELETE', `/connectors/${topic}`);

          const output = join(bench.folder, `${topic}.out`);
          const name = `${topic}-sink`;
          const count = async () => Math.floor((await stat(output).catch(() => ({ size: 0 }))).size / (lineBytes + 1));
          await create(connect, name, { 'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector', file: output, topics: topic });
          results.push({ case: 'sink', system, round, ...(await measureGrowth({ total, count, cpu: connect.cpu })) });
          log(`${system} sink ${round}: ${rate(results)}`);
          await rest(connect.url, 'DELETE', `/connectors/${name}`);
        }
      });
    }
    // Kafka Connect makes all of a worker's sources exactly-once, or none.
    const committed = clients.admin({ 'isolation.level': 'read_committed' });
    for (const system of ['kafka-connect', 'sluice'] as const) {
      const work = async (connect: ConnectSystem) => {
        for (let round = 1; round <= rounds; round++) {
          const topic = `${system}-once-${round}`;
          await admin.createTopic({ topic, partitions: 1, replicationFactor: 1 });
          const count = async () => Number((await committed.endOffsets([{ topic, partition: 0 }])).get(`${topic}-0`) ?? 0n);
          await create(connect, topic, {
            'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
            file: input,
            topic,
            'batch.size': '2000',
            'exactly.once.support': 'required',
          });
          // A marker for each transaction counts as well.
          results.push({ case: 'source-exactly-once', system, round, ...(await measureGrowth({ total, count, cpu: connect.cpu })) });
          log(`${system} source, exactly once ${round}: ${rate(results)}`);
          await rest(connect.url, 'DELETE', `/connectors/${topic}`);
        }
      };
      await bench.run(system, work, { properties: ['exactly.once.source.support=enabled'] });
    }
  } finally {
    await clients.close();
    await bench.stop();
  }
  return results;
};

async function create(connect: ConnectSystem, name: string, config: Record<string, string>): Promise<void> {
  const converter = 'org.apache.kafka.connect.storage.StringConverter';
  await rest(connect.url, 'PUT', `/connectors/${name}/config`, {
    ...config,
    'tasks.max': '1',
    'key.converter': converter,
    'value.converter': converter,
    'header.converter': converter,
  });
  await until(`${name} to exist`, async () => (await rest(connect.url, 'GET', `/connectors/${name}/status`)) !== null);
}

async function writeLines(path: string, total: number): Promise<void> {
  const out = createWriteStream(path);
  for (let at = 0; at < total; at += 10_000) {
    let chunk = '';
    for (let i = at; i < Math.min(total, at + 10_000); i++)
      chunk += `${`${String(i).padStart(10, '0')} ${'the quick brown fox jumps over the lazy dog '.repeat(3)}`.slice(0, lineBytes)}\n`;
    if (!out.write(chunk)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'close');
}

function rate(results: readonly Result[]): string {
  const last = results.at(-1) as Result;
  return `${Math.round(last.records / last.seconds).toLocaleString('en')} rec/s, ${((last.cpuSeconds / last.records) * 1e6).toFixed(2)} CPU-s per million`;
}
