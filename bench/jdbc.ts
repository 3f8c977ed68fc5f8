import { join } from 'node:path';
import pg from 'pg';
import { freePorts } from '../infra/local/ports.ts';
import { findPostgres, startPostgres } from '../infra/local/services/postgres.ts';
import { createKafkaClients } from '../shared/kafka/kafka-clients.ts';
import { measureGrowth, rest } from './measure.ts';
import { quietLogger } from './quiet-logger.ts';
import type { Benchmark, Result } from './report.ts';
import { type ConnectSystem, prepareBench } from './systems.ts';

const topic = 'orders';
const schema = {
  type: 'struct',
  name: 'order',
  optional: false,
  fields: [
    { field: 'id', type: 'int64', optional: false },
    { field: 'customer', type: 'string', optional: false },
    { field: 'amount', type: 'double', optional: false },
    { field: 'placed_at', type: 'int64', optional: false },
  ],
};

/** Schema'd JSON rows into PostgreSQL, upsert by primary key, 2,000 records a put; the peer is Debezium's JDBC sink. */
export const jdbcBenchmark: Benchmark = async ({ quick, log, figure }) => {
  const total = quick ? 100_000 : 500_000;
  const rounds = quick ? 1 : 3;
  const bin = await findPostgres();
  if (bin === null) throw new Error('This benchmark needs PostgreSQL (initdb and postgres); install it and run again');
  const bench = await prepareBench(log);
  const { postgres: port } = await freePorts(['postgres'] as const);
  const { service, url } = await startPostgres({ bin, dataDir: join(bench.folder, 'postgres'), logFile: join(bench.folder, 'postgres.log'), port });
  const clients = createKafkaClients({ 'bootstrap.servers': bench.kafka }, quietLogger);
  const database = new pg.Client({ connectionString: url });
  const results: Result[] = [];
  try {
    await database.connect();
    await clients.admin().createTopic({ topic, partitions: 1, replicationFactor: 1 });
    await produceRows(clients, total);
    const written = async (connect: ConnectSystem, table: string, config: Readonly<Record<string, string>>) => {
      await database.query(`CREATE TABLE ${table} (id bigint PRIMARY KEY, customer text, amount double precision, placed_at bigint)`);
      await rest(connect.url, 'PUT', `/connectors/${table}/config`, { ...common, ...config });
      const count = async () => Number((await database.query(`SELECT coalesce(max(id) + 1, 0) AS n FROM ${table}`)).rows[0].n);
      const measured = await measureGrowth({ total, count, cpu: connect.cpu, intervalMs: 25 });
      log(
        `${table}: ${Math.round(measured.records / measured.seconds)} rows/s, ${((measured.cpuSeconds / measured.records) * 1e6).toFixed(2)} CPU-s per million`,
      );
      const { rows } = await database.query(`SELECT count(*) AS n FROM ${table}`);
      if (Number(rows[0].n) !== total) throw new Error(`${table} holds ${rows[0].n} of ${total} rows`);
      await rest(connect.url, 'DELETE', `/connectors/${table}`);
      return measured;
    };
    for (const system of ['kafka-connect', 'sluice'] as const) {
      await bench.run(system, async (connect) => {
        const shares: number[] = [];
        for (let round = 1; round <= rounds; round++) {
          const table = `${system.replace('-', '_')}_${round}`;
          const plain = await written(connect, table, sinkConfig(system, table, port));
          results.push({ case: 'upsert', system, round, ...plain });
          if (system !== 'sluice') continue;
          // The peer has nothing like it.
          const once = `once_${round}`;
          const exact = await written(connect, once, { ...sinkConfig(system, once, port), 'sluice.exactly.once': 'true' });
          shares.push((plain.seconds / plain.records / (exact.seconds / exact.records)) * 100);
        }
        if (shares.length > 0) figure({ case: 'exactly-once', what: 'rows per second with sluice.exactly.once, of those without', unit: '%', values: shares });
      });
    }
  } finally {
    await database.end();
    await clients.close();
    await service.stop();
    await bench.stop();
  }
  return results;
};

const common = {
  'tasks.max': '1',
  topics: topic,
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'true',
  'consumer.override.max.poll.records': '2000',
  'insert.mode': 'upsert',
  'batch.size': '2000',
};

function sinkConfig(system: 'sluice' | 'kafka-connect', table: string, port: number): Record<string, string> {
  const url = `jdbc:postgresql://127.0.0.1:${port}/postgres`;
  if (system === 'sluice') {
    return {
      'connector.class': 'io.confluent.connect.jdbc.JdbcSinkConnector',
      'connection.url': url,
      'connection.user': 'sluice',
      'table.name.format': table,
      'pk.mode': 'record_value',
      'pk.fields': 'id',
    };
  }
  return {
    'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector',
    'connection.url': url,
    'connection.username': 'sluice',
    'connection.password': 'none',
    'collection.name.format': table,
    'primary.key.mode': 'record_value',
    'primary.key.fields': 'id',
    'schema.evolution': 'none',
  };
}

async function produceRows(clients: ReturnType<typeof createKafkaClients>, total: number): Promise<void> {
  const producer = clients.producer();
  const prefix = `{"schema":${JSON.stringify(schema)},"payload":`;
  for (let at = 0; at < total; at += 2_000) {
    const records = Array.from({ length: Math.min(2_000, total - at) }, (_, i) => {
      const id = at + i;
      const payload = { id, customer: `customer-${id % 5_000}`, amount: (id % 10_000) / 100 + 0.001, placed_at: 1_750_000_000_000 + id };
      return { topic, partition: 0, key: null, value: Buffer.from(`${prefix}${JSON.stringify(payload)}}`), headers: [], timestamp: null };
    });
    const sent = producer.send(records);
    const room = producer.ready();
    if (room !== undefined) await room;
    if (at % 100_000 === 0) await sent;
  }
  await producer.flush();
  await producer.close();
}
