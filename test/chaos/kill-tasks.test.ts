import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../bench/measure.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import type { KafkaClients } from '../../shared/kafka/ports.ts';
import { kafkaBrokers } from '../integration/servers.ts';
import { type LocalSluice, startLocalSluice } from './local-sluice.ts';

const string = 'org.apache.kafka.connect.storage.StringConverter';
const quiet = { trace: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

interface Status {
  connector: { state: string };
  tasks: { state: string; trace?: string }[];
}
interface Offsets {
  offsets: { partition: Record<string, unknown>; offset: Record<string, unknown> }[];
}

/** Kills the task processes when `progress` passes each of these parts of the work. */
async function killOnTheWay(sluice: LocalSluice, progress: () => Promise<number>, parts: readonly number[]): Promise<number> {
  let killed = 0;
  for (const part of parts) {
    await until(`${part * 100} % of the work`, async () => (await progress()) >= part, 180_000);
    // Between two runs there may be no process for a moment.
    await until('a task process to kill', async () => sluice.killTasks() > 0, 10_000);
    killed++;
  }
  return killed;
}

describe('tasks that are killed on the way', () => {
  let sluice: LocalSluice;
  let clients: KafkaClients;
  beforeAll(async () => {
    sluice = await startLocalSluice(kafkaBrokers());
    clients = createKafkaClients({ 'bootstrap.servers': kafkaBrokers() }, quiet);
  });
  afterAll(async () => {
    await clients?.close();
    await sluice?.stop();
  });

  test('a million lines arrive in Kafka and in a file, without a gap and in order', { timeout: 240_000 }, async () => {
    const total = 1_000_000;
    const topic = `chaos-lines-${Date.now()}`;
    const input = join(sluice.folder, 'input.txt');
    const output = join(sluice.folder, 'output.txt');
    await writeLines(input, total);
    const size = (await stat(input)).size;
    await clients.admin().createTopic({ topic, partitions: 1, replicationFactor: 1 });
    const converters = { 'key.converter': string, 'value.converter': string, 'header.converter': string };
    await sluice.request('PUT', '/connectors/chaos-source/config', {
      'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
      file: input,
      topic,
      ...converters,
    });
    await sluice.request('PUT', '/connectors/chaos-sink/config', {
      'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
      file: output,
      topics: topic,
      ...converters,
    });
    const written = async () => (await stat(output).catch(() => ({ size: 0 }))).size / size;
    expect(await killOnTheWay(sluice, written, [0.1, 0.4, 0.7])).toBe(3);
    const sourceOffset = async () => ((await sluice.request('GET', '/connectors/chaos-source/offsets')) as Offsets).offsets[0]?.offset['position'];
    await until('the source to have read all', async () => Number(await sourceOffset()) === size, 120_000);
    const end = (await clients.admin().endOffsets([{ topic, partition: 0 }])).get(`${topic}-0`) as bigint;
    const sinkOffset = async () => ((await sluice.request('GET', '/connectors/chaos-sink/offsets')) as Offsets).offsets[0]?.offset['kafka_offset'];
    await until('the sink to have written all', async () => BigInt((await sinkOffset()) as number) === end, 120_000);

    let next = 0;
    let lines = 0;
    for await (const line of createInterface({ input: createReadStream(output), crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line.length !== 100) continue; // what a kill cut off; the whole line follows
      const at = Number(line.slice(0, 10));
      // At least once: a line may come again after a kill, but never one that skips another.
      if (at > next) expect.fail(`after line ${next - 1} comes line ${at}`);
      if (at === next) next++;
      lines++;
    }
    expect(next).toBe(total);
    expect(lines).toBeGreaterThanOrEqual(total);
    await sluice.request('DELETE', '/connectors/chaos-source');
    await sluice.request('DELETE', '/connectors/chaos-sink');
  });

  test('200,000 records are in the table once each, under upsert', { timeout: 240_000 }, async () => {
    const total = 200_000;
    const topic = `chaos-rows-${Date.now()}`;
    await clients.admin().createTopic({ topic, partitions: 2, replicationFactor: 1 });
    await produceRows(clients, topic, total);
    const file = join(sluice.folder, 'rows.db');
    await sluice.request('PUT', '/connectors/chaos-jdbc/config', {
      'connector.class': 'io.confluent.connect.jdbc.JdbcSinkConnector',
      'connection.url': `jdbc:sqlite:${file}`,
      'tasks.max': '2',
      topics: topic,
      'table.name.format': 'rows',
      'insert.mode': 'upsert',
      'pk.mode': 'record_value',
      'pk.fields': 'id',
      'auto.create': 'true',
      'key.converter': string,
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    });
    const count = (): number => {
      const database = new DatabaseSync(file, { readOnly: true });
      try {
        return Number(database.prepare('SELECT count(*) AS n FROM rows').get()?.['n'] ?? 0);
      } finally {
        database.close();
      }
    };
    const progress = async () => {
      try {
        return count() / total;
      } catch {
        return 0;
      }
    };
    expect(await killOnTheWay(sluice, progress, [0.05, 0.3, 0.6])).toBe(3);
    await until('all rows', async () => count() === total, 120_000);
    const committed = async () =>
      ((await sluice.request('GET', '/connectors/chaos-jdbc/offsets')) as Offsets).offsets.map(({ offset }) => offset['kafka_offset']);
    await until('offsets that equal the data', async () => {
      const offsets = await committed();
      return offsets.length === 2 && offsets.every((each) => Number(each) === total / 2);
    });
    const database = new DatabaseSync(file, { readOnly: true });
    expect({ ...database.prepare('SELECT count(*) AS n, count(DISTINCT id) AS ids, min(id) AS first, max(id) AS last FROM rows').get() }).toEqual({
      n: total,
      ids: total,
      first: 0,
      last: total - 1,
    });
    database.close();
    const status = (await sluice.request('GET', '/connectors/chaos-jdbc/status')) as Status;
    expect([status.connector.state, ...status.tasks.map(({ state }) => state)]).toEqual(['RUNNING', 'RUNNING', 'RUNNING']);
    await sluice.request('DELETE', '/connectors/chaos-jdbc');
  });
});

async function writeLines(path: string, total: number): Promise<void> {
  const out = createWriteStream(path);
  for (let at = 0; at < total; at += 10_000) {
    let chunk = '';
    for (let i = at; i < at + 10_000; i++) chunk += `${String(i).padStart(10, '0')}${' of a million lines'.repeat(5)}`.slice(0, 100).concat('\n');
    if (!out.write(chunk)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'close');
}

async function produceRows(clients: KafkaClients, topic: string, total: number): Promise<void> {
  const producer = clients.producer();
  const fields = [
    { field: 'id', type: 'int64', optional: false },
    { field: 'name', type: 'string', optional: false },
    { field: 'amount', type: 'double', optional: false },
  ];
  const prefix = `{"schema":${JSON.stringify({ type: 'struct', optional: false, fields })},"payload":`;
  for (let at = 0; at < total; at += 2_000) {
    const records = Array.from({ length: 2_000 }, (_, i) => {
      const id = at + i;
      const value = Buffer.from(`${prefix}${JSON.stringify({ id, name: `row ${id}`, amount: id + 0.5 })}}`);
      return { topic, partition: id % 2, key: null, value, headers: [], timestamp: null };
    });
    expect((await producer.send(records)).errors.size).toBe(0);
  }
  await producer.close();
}
