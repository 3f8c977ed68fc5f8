import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../bench/measure.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import type { KafkaClients } from '../../shared/kafka/ports.ts';
import { databaseUrl, kafkaBrokers } from '../integration/servers.ts';
import { type LocalSluice, startLocalSluice } from './local-sluice.ts';

const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const text = 'org.apache.kafka.connect.storage.StringConverter';
const converters = { 'key.converter': text, 'value.converter': text, 'header.converter': text };
const database = databaseUrl();
const total = 300_000;

interface Status {
  readonly tasks: readonly { readonly state: string; readonly trace?: string }[];
}

/** Tasks are killed while they work; whoever reads what is committed sees each line once, in order. */
describe('exactly once, while task processes are killed', () => {
  let sluice: LocalSluice;
  let clients: KafkaClients;
  const topic = `once-lines-${Date.now()}`;

  beforeAll(async () => {
    sluice = await startLocalSluice(kafkaBrokers());
    clients = createKafkaClients({ 'bootstrap.servers': kafkaBrokers() }, quiet);
    await clients.admin().createTopic({ topic, partitions: 1, replicationFactor: 1 });
  });
  afterAll(async () => {
    await clients?.close();
    await sluice?.stop();
  });

  const killWhen = async (progress: () => Promise<number>, parts: readonly number[]) => {
    for (const part of parts) {
      await until(`${part * 100} % of the work`, async () => (await progress()) >= part, 120_000);
      await until('a task process to kill', async () => sluice.killTasks() > 0, 10_000);
    }
  };
  const failures = async (name: string) =>
    ((await sluice.request('GET', `/connectors/${name}/status`)) as Status).tasks.filter(({ state }) => state === 'FAILED');

  test(`FileStreamSource: ${total} lines`, { timeout: 240_000 }, async () => {
    const file = join(sluice.folder, 'lines.txt');
    await writeFile(file, Array.from({ length: total }, (_, line) => `${line}\n`).join(''));
    const committed = clients.admin({ 'isolation.level': 'read_committed' });
    const end = async () => Number((await committed.endOffsets([{ topic, partition: 0 }])).get(`${topic}-0`) ?? 0n);
    await sluice.request('PUT', '/connectors/once-source/config', {
      'connector.class': 'FileStreamSource',
      'exactly.once.support': 'required',
      'batch.size': '500',
      file,
      topic,
      ...converters,
    });
    await killWhen(async () => (await end()) / total, [0.05, 0.35, 0.7]);
    const size = Buffer.byteLength(Array.from({ length: total }, (_, line) => `${line}\n`).join(''));
    await until(
      'the end of the file to be stored',
      async () => {
        const { offsets } = (await sluice.request('GET', '/connectors/once-source/offsets')) as { offsets: { offset: { position: number } }[] };
        return offsets[0]?.offset.position === size;
      },
      120_000,
    );
    expect(await failures('once-source')).toEqual([]);
    const reader = clients.reader({ isolationLevel: 'read_committed', maxPollRecords: 10_000 });
    reader.assign([{ topic, partition: 0, offset: 0n }]);
    const high = (await clients.admin().endOffsets([{ topic, partition: 0 }])).get(`${topic}-0`) as bigint;
    let lines = 0;
    for (let position = 0n; position < high; ) {
      for (const { records, nextOffset } of await reader.poll(1_000)) {
        for (const { value } of records)
          if (String(value) === String(lines)) lines++;
          else expect.fail(`after line ${lines - 1} comes ${String(value)}`);
        position = nextOffset;
      }
    }
    await reader.close();
    expect(lines).toBe(total);
  });

  test.runIf(database !== null)(`a JDBC sink that inserts into PostgreSQL: ${total} rows`, { timeout: 240_000 }, async () => {
    const url = new URL(database as string);
    const client = new pg.Client({ connectionString: database as string });
    await client.connect();
    const table = topic.replaceAll('-', '_');
    const count = async () => {
      const { rows } = await client.query(`SELECT count(*) AS n FROM "${table}"`).catch(() => ({ rows: [{ n: 0 }] }));
      return Number(rows[0].n);
    };
    await sluice.request('PUT', '/connectors/once-rows/config', {
      'connector.class': 'io.confluent.connect.jdbc.JdbcSinkConnector',
      'connection.url': `jdbc:postgresql://${url.hostname}:${url.port}${url.pathname}`,
      'connection.user': url.username,
      'connection.password': decodeURIComponent(url.password),
      topics: topic,
      'table.name.format': table,
      'auto.create': 'true',
      'sluice.exactly.once': 'true',
      'sluice.exactly.once.table': `${table}_offsets`,
      transforms: 'row',
      'transforms.row.type': 'org.apache.kafka.connect.transforms.HoistField$Value',
      'transforms.row.field': 'line',
      ...converters,
    });
    await killWhen(async () => (await count()) / total, [0.05, 0.35, 0.7]);
    await until('all rows', async () => (await count()) >= total, 120_000);
    const { rows } = await client.query(`SELECT count(*)::int AS n, count(DISTINCT line)::int AS lines, max(line::int) AS last FROM "${table}"`);
    expect(rows).toEqual([{ n: total, lines: total, last: total - 1 }]);
    expect(await failures('once-rows')).toEqual([]);
    const kept = await client.query(`SELECT connector, kafka_topic, kafka_partition, epoch::int AS epoch FROM "${table}_offsets"`);
    expect(kept.rows).toMatchObject([{ connector: 'once-rows', kafka_topic: topic, kafka_partition: 0 }]);
    // Each process that was killed had opened the partition.
    expect(kept.rows[0].epoch).toBeGreaterThan(3);
    await client.query(`DROP TABLE "${table}", "${table}_offsets"`);
    await client.end();
  });
});
