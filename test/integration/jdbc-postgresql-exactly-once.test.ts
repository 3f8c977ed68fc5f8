import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jdbcSink } from '../../shared/connectors/jdbc/sink.ts';
import { sinkRecord } from '../connectors/jdbc/test-sink.ts';
import { CommitCuttingProxy } from '../kit/commit-cutting-proxy.ts';
import { SinkRun } from '../kit/sink-connector.ts';
import { jdbcConnection, PostgresqlSchema } from './postgresql-schema.ts';
import { databaseUrl } from './servers.ts';

const url = databaseUrl();

describe.skipIf(url === null)('a JDBC sink that keeps its offsets in PostgreSQL (needs DATABASE_URL)', () => {
  let database: PostgresqlSchema;
  let proxy: CommitCuttingProxy;
  beforeEach(async () => {
    database = await PostgresqlSchema.create(url as string);
    const { hostname, port } = new URL(url as string);
    proxy = await CommitCuttingProxy.start(hostname, Number(port));
  });
  afterEach(async () => {
    await proxy.stop();
    await database.drop();
  });

  const start = (more: Record<string, string> = {}) => {
    const through = new URL(url as string);
    through.host = `127.0.0.1:${proxy.port}`;
    return SinkRun.start(jdbcSink, {
      ...jdbcConnection(String(through), { currentSchema: database.name, ApplicationName: database.name }),
      'auto.create': 'true',
      'sluice.exactly.once': 'true',
      'retry.backoff.ms': '10',
      'connection.backoff.ms': '10',
      ...more,
    });
  };
  const topicOf = ({ context }: SinkRun) => context.assignment()[0]?.topic as string;
  const records = (run: SinkRun, from: number, to: number) =>
    Array.from({ length: to - from }, (_, at) => sinkRecord({ topic: topicOf(run), value: { id: BigInt(from + at), name: 'n' }, offset: BigInt(from + at) }));
  const ids = async (run: SinkRun) => (await database.rows(`SELECT id::int FROM ${database.name}."${topicOf(run)}" ORDER BY id`)).flat();
  const offset = async () => (await database.rows(`SELECT kafka_offset::int FROM ${database.name}.sluice_offsets`)).flat();

  // Plain inserts into a table without a key: what is written twice is there twice.
  test.each(['before', 'after'] as const)('writes each row once when the connection ends %s its commit', async (when) => {
    const run = await start();
    await run.put(records(run, 0, 3));
    proxy.cutNext(when);
    await run.put(records(run, 3, 7));
    expect(await run.commit()).toEqual(new Map([[`${topicOf(run)}-0`, 7n]]));
    expect(proxy.cuts).toBe(1);
    expect(await ids(run)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(await offset()).toEqual([7]);
    await run.stop();
  });

  test.each(['before', 'after'] as const)('a run that dies with the connection %s its commit leaves it to the next, which writes each once', async (when) => {
    const first = await start({ 'max.retries': '0', 'connection.attempts': '1' });
    await first.put(records(first, 0, 3));
    await first.commit();
    proxy.cutNext(when, { closes: true });
    await expect(first.put(records(first, 3, 7)).then(() => first.commit())).rejects.toThrow();
    proxy.open();
    const second = await start();
    const from = when === 'before' ? 3n : 7n;
    expect(second.context.rewound()).toEqual(new Map([[`${topicOf(second)}-0`, from]]));
    // The worker's own offset is older: it brings everything again.
    await second.put(records(second, 0, 9));
    await second.commit();
    expect(await ids(second)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await offset()).toEqual([9]);
    await second.stop();
  });
});
