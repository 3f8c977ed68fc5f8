import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKafkaClients } from '../shared/kafka/kafka-clients.ts';
import { rest } from './measure.ts';
import { quietLogger } from './quiet-logger.ts';
import type { Benchmark, Result } from './report.ts';
import { prepareBench } from './systems.ts';

/** How long a line in a file takes from the POST of its connector to the topic; a result is one record and the seconds that it took. */
export const firstRecordBenchmark: Benchmark = async ({ quick, log }) => {
  const rounds = quick ? 3 : 7;
  const bench = await prepareBench(log);
  const clients = createKafkaClients({ 'bootstrap.servers': bench.kafka }, quietLogger);
  const results: Result[] = [];
  try {
    const file = join(bench.folder, 'one.txt');
    await writeFile(file, 'one line\n');
    const admin = clients.admin();
    const string = 'org.apache.kafka.connect.storage.StringConverter';
    for (const system of ['kafka-connect', 'sluice'] as const) {
      await bench.run(system, async (connect) => {
        // Both have just answered their first request; what they still do by themselves after a start is not what is measured.
        await sleep(3_000);
        for (let round = 1; round <= rounds; round++) {
          const topic = `first-${system}-${round}`;
          await admin.createTopic({ topic, partitions: 1, replicationFactor: 1 });
          const cpuBefore = connect.cpu();
          const startedAt = performance.now();
          const config = {
            'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
            file,
            topic,
            'key.converter': string,
            'value.converter': string,
          };
          await rest(connect.url, 'POST', '/connectors', { name: topic, config });
          while (((await admin.endOffsets([{ topic, partition: 0 }])).get(`${topic}-0`) ?? 0n) === 0n) {
            if (performance.now() - startedAt > 60_000) throw new Error(`${system}: no record after a minute`);
            await sleep(5);
          }
          const seconds = (performance.now() - startedAt) / 1000;
          results.push({ case: 'first-record', system, round, records: 1, seconds, cpuSeconds: Math.max(0, connect.cpu() - cpuBefore) });
          log(`${system} ${round}: ${Math.round(seconds * 1000)} ms`);
          await rest(connect.url, 'DELETE', `/connectors/${topic}`);
          await sleep(1_000);
        }
      });
    }
  } finally {
    await clients.close();
    await bench.stop();
  }
  return results;
};
