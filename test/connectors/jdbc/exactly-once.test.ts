import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isUnavailable, type SinkRecord } from '../../../shared/connect/index.ts';
import { jdbcSink } from '../../../shared/connectors/jdbc/sink.ts';
import { SinkRun } from '../../kit/sink-connector.ts';
import { failureOf, sinkRecord } from './test-sink.ts';

/** `insert.mode=insert` into a table without a key: a record that came twice would be there twice. */
describe('A JDBC sink that keeps its offsets in its database', () => {
  let folder: string;
  let file: string;
  let count = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-jdbc-once-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  beforeEach(() => {
    file = join(folder, `${count++}.db`);
  });

  const config = (more: Record<string, string> = {}) => ({
    'connection.url': `jdbc:sqlite:${file}`,
    'auto.create': 'true',
    'sluice.exactly.once': 'true',
    'connection.backoff.ms': '0',
    ...more,
  });
  const start = (more?: Record<string, string>) => SinkRun.start(jdbcSink, config(more));
  const topicOf = ({ context }: SinkRun) => context.assignment()[0]?.topic as string;
  const records = (run: SinkRun, from: number, to: number): SinkRecord[] =>
    Array.from({ length: to - from }, (_, at) => sinkRecord({ topic: topicOf(run), value: { id: BigInt(from + at), name: 'n' }, offset: BigInt(from + at) }));
  const select = (sql: string) => {
    const database = new DatabaseSync(file, { readOnly: true });
    try {
      return database.prepare(sql).all() as Record<string, unknown>[];
    } finally {
      database.close();
    }
  };
  const ids = (run: SinkRun) => select(`SELECT id FROM "${topicOf(run)}" ORDER BY rowid`).map(({ id }) => Number(id));
  const offsets = () => select('SELECT kafka_offset, epoch FROM sluice_offsets').map((row) => ({ ...row }));

  test('writes both together, and the next run goes on from what the database says', async () => {
    const first = await start();
    await first.put(records(first, 0, 3));
    expect(offsets()).toEqual([{ kafka_offset: 3, epoch: 1 }]);
    // It dies before the worker has stored an offset: the records come again.
    const second = await start();
    expect(second.context.rewound()).toEqual(new Map([[`${topicOf(second)}-0`, 3n]]));
    await second.put(records(second, 0, 5));
    expect(ids(second)).toEqual([0, 1, 2, 3, 4]);
    expect(offsets()).toEqual([{ kafka_offset: 5, epoch: 2 }]);
    expect(await second.commit()).toEqual(new Map([[`${topicOf(second)}-0`, 5n]]));
  });

  test('leaves out what the worker brings again after it went back', async () => {
    const run = await start();
    await run.put(records(run, 0, 4));
    await run.put(records(run, 2, 6));
    await run.put(records(run, 0, 6));
    expect(ids(run)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('fences a run of before: it writes nothing more, and does not fail for it', async () => {
    const zombie = await start();
    await zombie.put(records(zombie, 0, 2));
    const successor = await start();
    const refused = await failureOf(zombie.put(records(zombie, 2, 4)));
    expect(isUnavailable(refused)).toBe(true);
    expect(refused.message).toContain(`Another run has taken over ${topicOf(zombie)}-0 in the table `);
    await successor.put(records(successor, 2, 4));
    expect(ids(successor)).toEqual([0, 1, 2, 3]);
  });

  test('goes past bad records that are reported, together with the rows of the others', async () => {
    const run = await start({ 'insert.mode': 'insert', 'pk.mode': 'record_value', 'pk.fields': 'id' });
    await run.put(records(run, 0, 2));
    // The key 1 is taken.
    const bad = sinkRecord({ topic: topicOf(run), value: { id: 1n, name: 'again' }, offset: 3n });
    await run.put([...records(run, 2, 3), bad, ...records(run, 4, 5)]);
    expect(run.context.reported.map(({ record }) => record.kafkaOffset)).toEqual([3n]);
    expect(ids(run)).toEqual([0, 1, 2, 4]);
    expect(offsets()).toEqual([{ kafka_offset: 5, epoch: 1 }]);
  });

  test('goes past nothing when a bad record is told to nobody', async () => {
    const run = await SinkRun.start(jdbcSink, config({ 'pk.mode': 'record_value', 'pk.fields': 'id' }), { reports: false });
    await run.put(records(run, 0, 2));
    const bad = sinkRecord({ topic: topicOf(run), value: { id: 1n, name: 'again' }, offset: 2n });
    await failureOf(run.put([bad, ...records(run, 3, 4)]));
    expect(ids(run)).toEqual([0, 1]);
    expect(offsets()).toEqual([{ kafka_offset: 2, epoch: 1 }]);
  });

  test('refuses offsets that would have no effect, and says what has', () => {
    const alter = jdbcSink.kind === 'sink' ? jdbcSink.alterOffsets : undefined;
    const change = [{ partition: { topic: 'orders', partition: 2 }, offset: 7n }];
    expect(() => alter?.({ name: 'rows', ...config() }, change)).toThrow(
      "UPDATE sluice_offsets SET kafka_offset = 7 WHERE connector = 'rows' AND kafka_topic = 'orders' AND kafka_partition = 2",
    );
    expect(alter?.({ name: 'rows', 'connection.url': 'jdbc:sqlite:x' }, change)).toBe(false);
    expect(alter?.({ name: 'rows', ...config() }, [{ partition: { topic: 'orders', partition: 2 }, offset: null }])).toBe(false);
    expect(jdbcSink.kind === 'sink' && jdbcSink.isExactlyOnce?.(config())).toBe(true);
  });
});
