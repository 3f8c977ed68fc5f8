import { beforeEach, describe, expect, test } from 'vitest';
import { Schema, struct } from '../../shared/connect/index.ts';
import { failureOf, keyed, sinkRecord, type TestSink } from '../connectors/jdbc/test-sink.ts';
import { PostgresqlSchema } from './postgresql-schema.ts';
import { databaseUrl } from './servers.ts';

const url = databaseUrl();
const upsertByKey = { 'insert.mode': 'upsert', 'pk.mode': 'record_key', 'pk.fields': 'id' };
const ada = { id: 1n, name: 'Ada' };
const ben = { id: 2n, name: 'Ben' };
const checked = 'CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL CHECK (length(name) < 5))';

describe.skipIf(url === null)('failures of PostgreSQL (needs DATABASE_URL)', () => {
  let database: PostgresqlSchema;
  beforeEach(async () => {
    database = await PostgresqlSchema.create(url as string);
    return () => database.drop();
  });

  describe('bad records', () => {
    test.each([
      ['in one statement', '3000'],
      ['over several statements', '7'],
    ])('go to the reporter, and the others are written: %s', async (_, batchSize) => {
      await database.execute(checked);
      const { write, reported } = await database.sink({ ...upsertByKey, 'batch.size': batchSize }, { reporter: true });
      const records = Array.from({ length: 50 }, (_, i) => keyed(i, i === 7 ? null : i === 23 ? 'far too long' : i === 24 ? 'a\0' : `n${i}`));
      await write(...records);
      expect(await database.rows('SELECT count(*)::int, count(*) FILTER (WHERE id IN (7, 23, 24))::int FROM customers')).toEqual([[47, 0]]);
      expect(reported.map(({ offset }) => offset)).toEqual([7, 23, 24].map((i) => records[i]?.kafkaOffset));
      expect(reported.map(({ error }) => [error.message, (error as Error & { javaClass: string }).javaClass])).toEqual([
        [expect.stringContaining('null value in column "name" of relation "customers" violates not-null constraint'), 'java.sql.SQLException'],
        [expect.stringContaining('violates check constraint "customers_name_check"'), 'java.sql.SQLException'],
        [expect.stringContaining('invalid byte sequence for encoding "UTF8": 0x00'), 'java.sql.SQLException'],
      ]);
    });

    test('without a reporter the first is told, and nothing of its put is written', async () => {
      await database.execute(checked);
      const { task, write } = await database.sink({ 'pk.mode': 'record_value', 'pk.fields': 'id' });
      await write(sinkRecord({ value: { id: 9n, name: 'n' } }));
      const failure = await failureOf(task.put([sinkRecord({ value: ada }), sinkRecord({ value: { id: 3n, name: 'far too long' }, offset: 66n })]));
      expect(failure.message).toMatch(
        /^The record of topic 'customers', partition 0, offset 66 cannot be written: new row for relation "customers" violates check constraint "customers_name_check": Failing row contains \(3, far too long\)\. \(SQLSTATE 23514\)$/,
      );
      expect(failure.retriable).toBe(false);
      expect(await database.rows('SELECT id::int FROM customers')).toEqual([[9]]);
    });

    test('of a constraint that is checked at the end are found too', async () => {
      await database.execute('CREATE TABLE customers (id bigint PRIMARY KEY, name text UNIQUE DEFERRABLE INITIALLY DEFERRED)');
      const { write, reported } = await database.sink(upsertByKey, { reporter: true });
      const records = [keyed(1, 'Ada'), keyed(2, 'Ben'), keyed(3, 'Ada'), keyed(4, 'Dora')];
      await write(...records);
      expect(await database.rows('SELECT id::int FROM customers ORDER BY id')).toEqual([[1], [2], [4]]);
      expect(reported.map(({ offset }) => offset)).toEqual([records[2]?.kafkaOffset]);
    });

    test('that a trigger refuses are reported with its words', async () => {
      await database.execute(`${checked};
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no %', NEW.name; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON customers FOR EACH ROW WHEN (NEW.name = 'Eve') EXECUTE FUNCTION refuse()`);
      const { write, reported } = await database.sink(upsertByKey, { reporter: true });
      await write(keyed(1, 'Ada'), keyed(2, 'Eve'));
      expect(await database.rows('SELECT name FROM customers')).toEqual([['Ada']]);
      expect(reported[0]?.error.message).toBe('no Eve (SQLSTATE P0001)');
    });

    test('of a schema that lacks a column of the table are reported, those of the other schema written', async () => {
      const wider = struct({ id: Schema.INT64_SCHEMA, city: Schema.OPTIONAL_STRING_SCHEMA });
      const { write, reported } = await database.sink({}, { reporter: true });
      await write(sinkRecord({ value: ada }));
      await write(sinkRecord({ valueSchema: wider, value: { id: 2n, city: 'Rom' }, offset: 5n }), sinkRecord({ value: { id: 3n, name: 'C' }, offset: 6n }));
      expect(await database.rows('SELECT id::int FROM customers ORDER BY id')).toEqual([[1], [3]]);
      expect(reported).toMatchObject([{ offset: 5n, error: { javaClass: 'io.confluent.connect.jdbc.sink.TableAlterOrCreateException' } }]);
    });

    test('are told without their values when trim.sensitive.log says so', async () => {
      await database.execute(checked);
      const { write, reported } = await database.sink({ ...upsertByKey, 'trim.sensitive.log': 'true' }, { reporter: true });
      await write(keyed(1, 'secret'));
      expect(reported[0]?.error.message).toBe('SQL error at constraint customers_name_check (SQLSTATE 23514)');
    });
  });

  describe('connections that are lost', () => {
    test('between two puts: it is replaced, and nothing is lost', async () => {
      const { task } = await database.sink({ 'pk.mode': 'record_value', 'pk.fields': 'id' });
      await task.put([sinkRecord({ value: ada })]);
      expect(await database.cut()).toBe(1);
      await task.put([sinkRecord({ value: ben })]);
      expect(await database.rows('SELECT id::int FROM customers ORDER BY id')).toEqual([[1], [2]]);
    });

    test('while the process was frozen: it is asked first whether it lives', async () => {
      const { task, freeze, timeouts } = await database.sink();
      await task.put([sinkRecord({ value: ada })]);
      await database.cut();
      freeze(60_000);
      await task.put([sinkRecord({ value: ben })]);
      expect(await database.rows('SELECT id::int FROM customers ORDER BY id')).toEqual([[1], [2]]);
      expect(timeouts).toEqual([]);
    });

    test('in the middle of a write: it is done again on a new one, and each row is there once', async () => {
      const { task } = await database.sink({ 'batch.size': '2' });
      await task.put([sinkRecord({ value: ada })]);
      const unlock = await database.lock('customers');
      const writing = task.put([sinkRecord({ value: ben }), sinkRecord({ value: ben }), sinkRecord({ value: ben })]);
      await database.waiting();
      await database.cut();
      await database.waiting();
      await unlock();
      await writing;
      expect(await database.rows('SELECT id::int, count(*)::int FROM customers GROUP BY id ORDER BY id')).toEqual([
        [1, 1],
        [2, 3],
      ]);
    });

    test('a new one in the middle of its first write: the records are asked for again', async () => {
      await database.execute('CREATE TABLE customers (id bigint, name text)');
      const { task, timeouts } = await database.sink({ 'retry.backoff.ms': '17' });
      const unlock = await database.lock('customers');
      const records = [sinkRecord({ value: ada }), sinkRecord({ value: ben })];
      const writing = failureOf(task.put(records));
      await database.waiting();
      await database.cut();
      const failure = await writing;
      expect([failure.name, failure.message]).toEqual(['RetriableException', 'terminating connection due to administrator command (SQLSTATE 57P01)']);
      expect(timeouts).toEqual([17]);
      await unlock();
      await task.put(records);
      expect(await database.rows('SELECT id::int FROM customers ORDER BY id')).toEqual([[1], [2]]);
    });

    test('a write that is blocked for good: retries are counted, and start anew after a success', async () => {
      const { task } = await database.sink({ 'max.retries': '1', 'connection.url': `${database.connection['connection.url']}&options=-c%20lock_timeout%3D20` });
      await task.put([sinkRecord({ value: ada })]);
      for (let round = 0; round < 2; round++) {
        const unlock = await database.lock('customers');
        expect(await failureOf(task.put([sinkRecord({ value: ben })]))).toMatchObject({
          retriable: true,
          message: 'canceling statement due to lock timeout (SQLSTATE 55P03)',
        });
        if (round === 1) {
          expect(await failureOf(task.put([sinkRecord({ value: ben })]))).toMatchObject({
            unavailable: true,
            message: 'Retries are exhausted (max.retries=1): canceling statement due to lock timeout (SQLSTATE 55P03)',
          });
        }
        await unlock();
        await task.put([sinkRecord({ value: ben })]);
      }
      expect(await database.rows('SELECT id::int, count(*)::int FROM customers GROUP BY id ORDER BY id')).toEqual([
        [1, 1],
        [2, 2],
      ]);
    });

    test('a run that ends while its write waits cuts it, and the server gives the statement up', async () => {
      const { task, endRun } = await database.sink();
      await task.put([sinkRecord({ value: ada })]);
      const unlock = await database.lock('customers');
      const writing = failureOf(task.put([sinkRecord({ value: ben })]));
      const pids = await database.waiting();
      endRun();
      expect((await writing).retriable).toBe(true);
      // The lock is still held: nothing but the lost connection can have ended it.
      await database.gone(pids);
      await unlock();
      expect(await database.rows('SELECT id::int FROM customers')).toEqual([[1]]);
    });
  });

  describe('upsert, which writes in the background', () => {
    let sink: TestSink;
    let unlock: () => Promise<void>;
    const blocked = async (options: { reporter?: boolean } = {}, config: Record<string, string> = {}) => {
      await database.execute('CREATE TABLE customers (id bigint PRIMARY KEY, name text CHECK (length(name) < 9))');
      sink = await database.sink({ ...upsertByKey, ...config }, options);
      await sink.write(keyed(1, 'Ada'));
      unlock = await database.lock('customers');
    };
    const names = 'SELECT id::int, name FROM customers ORDER BY id';

    test('put returns while its write runs, and flush waits for it', async () => {
      await blocked();
      await sink.task.put([keyed(1, 'Ada L.'), keyed(2, 'Ben')]);
      await database.waiting();
      let flushed = false;
      const flushing = Promise.resolve(sink.task.flush(new Map())).then(() => {
        flushed = true;
      });
      await database.waiting();
      expect(flushed).toBe(false);
      await unlock();
      await flushing;
      expect(await database.rows(names)).toEqual([
        [1, 'Ada L.'],
        [2, 'Ben'],
      ]);
    });

    test('the next put waits for the write before it, so that rows are written in their order', async () => {
      await blocked();
      await sink.task.put([keyed(1, 'second')]);
      const next = sink.task.put([keyed(1, 'third'), keyed(2, 'Ben')]);
      await database.waiting();
      await unlock();
      await next;
      await sink.task.flush(new Map());
      expect(await database.rows(names)).toEqual([
        [1, 'third'],
        [2, 'Ben'],
      ]);
    });

    test('many puts with keys in common end with the last record of each key', async () => {
      const { task } = await database.sink({ ...upsertByKey, 'batch.size': '40' });
      for (let put = 0; put < 60; put++) await task.put(Array.from({ length: 100 }, (_, i) => keyed((put * 37 + i * 7) % 500, `${put}-${i}`)));
      await task.flush(new Map());
      const last = new Map<number, string>();
      for (let put = 0; put < 60; put++) for (let i = 0; i < 100; i++) last.set((put * 37 + i * 7) % 500, `${put}-${i}`);
      expect(await database.rows(names)).toEqual([...last].sort(([one], [other]) => one - other));
    });

    test('flush reports bad records, and writes the others', async () => {
      await blocked({ reporter: true });
      await sink.task.put([keyed(2, 'Ben'), keyed(3, 'far too long'), keyed(4, 'Dora')]);
      await unlock();
      expect(sink.reported).toEqual([]);
      await sink.task.flush(new Map());
      expect(sink.reported).toMatchObject([{ error: { message: expect.stringContaining('customers_name_check') } }]);
      expect(await database.rows(names)).toEqual([
        [1, 'Ada'],
        [2, 'Ben'],
        [4, 'Dora'],
      ]);
    });

    test('flush tells the error of a write, and fails the task', async () => {
      await blocked({}, { 'auto.create': 'false' });
      await sink.task.put([keyed(2, 'Ben')]);
      await unlock();
      await sink.task.flush(new Map());
      await database.execute('DROP TABLE customers');
      await sink.task.put([keyed(3, 'Cleo')]);
      const failure = await failureOf(sink.task.flush(new Map()));
      expect(failure.message).toBe('Table "customers" is missing and auto-creation is disabled: create it, or set auto.create=true');
      expect(sink.raised).toEqual([failure]);
      // What is not written is never taken for written.
      expect((await failureOf(sink.task.flush(new Map()))).message).toBe(failure.message);
    });

    test('the next put tells the error of the one before, and nothing is lost when it comes again', async () => {
      await blocked({}, { 'connection.url': `${database.connection['connection.url']}&options=-c%20lock_timeout%3D50` });
      await sink.task.put([keyed(2, 'Ben')]);
      const records = [keyed(3, 'Cleo')];
      expect(await failureOf(sink.task.put(records))).toMatchObject({ retriable: true, message: 'canceling statement due to lock timeout (SQLSTATE 55P03)' });
      expect(sink.timeouts).toEqual([3_000]);
      await unlock();
      await sink.task.put(records);
      await sink.task.flush(new Map());
      expect(await database.rows(names)).toEqual([
        [1, 'Ada'],
        [2, 'Ben'],
        [3, 'Cleo'],
      ]);
    });

    test('a connection that is cut under a write in the background costs nothing', async () => {
      await blocked();
      await sink.task.put([keyed(2, 'Ben')]);
      await database.waiting();
      await database.cut();
      await database.waiting();
      await unlock();
      await sink.task.flush(new Map());
      expect(await database.rows(names)).toEqual([
        [1, 'Ada'],
        [2, 'Ben'],
      ]);
    });

    test('flush tries again by itself for as long as the run and max.retries allow', async () => {
      await blocked({}, { 'max.retries': '2', 'connection.url': `${database.connection['connection.url']}&options=-c%20lock_timeout%3D20` });
      await sink.task.put([keyed(2, 'Ben')]);
      expect((await failureOf(sink.task.flush(new Map()))).message).toBe(
        'Retries are exhausted (max.retries=2): canceling statement due to lock timeout (SQLSTATE 55P03)',
      );
      sink.endRun();
      await unlock();
    });

    test('stop keeps all that was flushed, and does not wait for what was not', async () => {
      await blocked();
      await sink.task.put([keyed(2, 'Ben')]);
      const pids = await database.waiting();
      await sink.task.stop();
      await database.gone(pids);
      await unlock();
      expect(await database.rows(names)).toEqual([[1, 'Ada']]);
    });

    test('insert writes before put returns', async () => {
      const { task } = await database.sink();
      await task.put([sinkRecord({ value: ada })]);
      expect(await database.rows('SELECT id::int FROM customers')).toEqual([[1]]);
    });
  });
});
