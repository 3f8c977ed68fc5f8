import { DatabaseSync } from 'node:sqlite';
import { beforeEach, expect, test } from 'vitest';
import { isUnavailable } from '../../../shared/connect/index.ts';
import { SqliteFile } from './sqlite-file.ts';
import { failureOf, keyed, sinkRecord } from './test-sink.ts';

let database: SqliteFile;
beforeEach(async () => {
  database = await SqliteFile.create();
  return () => database.drop();
});

const upsertByKey = { 'insert.mode': 'upsert', 'pk.mode': 'record_key', 'pk.fields': 'id' };
const ada = { id: 1n, name: 'Ada' };
const ben = { id: 2n, name: 'Ben' };

test('bad records go to the reporter, the others are written', async () => {
  database.execute('CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL CHECK (length(name) < 5))');
  const { write, reported } = await database.sink(upsertByKey, { reporter: true });
  const records = Array.from({ length: 50 }, (_, i) => keyed(i, i === 7 ? null : i === 23 ? 'far too long' : `n${i}`));
  await write(...records);
  expect(database.rows('SELECT count(*), sum(id IN (7, 23)) FROM customers')).toEqual([[48, 0]]);
  expect(reported.map(({ offset }) => offset)).toEqual([records[7]?.kafkaOffset, records[23]?.kafkaOffset]);
  expect(reported[0]?.error).toMatchObject({ javaClass: 'java.sql.SQLException' });
  expect(reported[0]?.error.message).toContain('NOT NULL constraint failed: customers.name');
  expect(reported[1]?.error.message).toContain('CHECK constraint failed');
});

test('records without a schema are reported, and the others written', async () => {
  const { write, reported } = await database.sink({}, { reporter: true });
  await write(sinkRecord({ value: ada }), sinkRecord({ valueSchema: null, value: new Map([['id', 1]]), offset: 900n }), sinkRecord({ value: ben }));
  expect(database.rows('SELECT id FROM customers')).toEqual([[1], [2]]);
  expect(reported.map(({ offset }) => offset)).toEqual([900n]);
  expect(reported[0]?.error.message).toContain('with a LinkedHashMap value and null value schema.');
});

test('trim.sensitive.log keeps the database’s words about the data out of errors', async () => {
  database.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT CHECK (name != 'secret'))");
  const { write, reported } = await database.sink({ ...upsertByKey, 'trim.sensitive.log': 'true' }, { reporter: true });
  await write(keyed(1, 'secret'));
  expect(reported[0]?.error.message).toBe('constraint failed (SQLite result code 275)');
});

test('a file that is locked is tried again later, and then waited for', async () => {
  const { task, timeouts } = await database.sink(
    { 'connection.url': `jdbc:sqlite:${database.file}?busy_timeout=1`, 'max.retries': '1', 'retry.backoff.ms': '42' },
    { reporter: true },
  );
  await task.put([sinkRecord({ value: ada })]);
  const other = new DatabaseSync(database.file);
  other.exec('BEGIN IMMEDIATE');
  const first = await failureOf(task.put([sinkRecord({ value: ben })]));
  expect([first.retriable, timeouts]).toEqual([true, [42]]);
  const second = await failureOf(task.put([sinkRecord({ value: ben })]));
  expect(isUnavailable(second)).toBe(true);
  expect(second.message).toMatch(/^Retries are exhausted \(max.retries=1\): database is locked/);
  other.exec('ROLLBACK');
  other.close();
  await task.put([sinkRecord({ value: ben })]);
  expect(database.rows('SELECT id FROM customers')).toEqual([[1], [2]]);
});

test('a folder that is not there is tried as often as connection.attempts says', async () => {
  const { task } = await database.sink({ 'connection.url': `jdbc:sqlite:${database.folder}/none/test.db`, 'connection.attempts': '2' });
  expect(await failureOf(task.put([sinkRecord({ value: ada })]))).toMatchObject({
    retriable: true,
    message: 'unable to open database file (SQLite result code 14)',
  });
});
