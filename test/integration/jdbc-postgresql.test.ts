import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Schema, struct } from '../../shared/connect/index.ts';
import { failureOf, keyed, sinkRecord, tombstone } from '../connectors/jdbc/test-sink.ts';
import { PostgresqlSchema } from './postgresql-schema.ts';
import { databaseUrl } from './servers.ts';

const url = databaseUrl();
const upsertByKey = { 'insert.mode': 'upsert', 'pk.mode': 'record_key', 'pk.fields': 'id' };
const upsertByValue = { 'insert.mode': 'upsert', 'pk.mode': 'record_value', 'pk.fields': 'id' };
const deleting = { ...upsertByKey, 'delete.enabled': 'true' };
const ada = { id: 1n, name: 'Ada' };
const ben = { id: 2n, name: 'Ben' };
const all = 'SELECT id::int, name FROM customers ORDER BY id, name';

describe.skipIf(url === null)('the JDBC sink and PostgreSQL (needs DATABASE_URL)', () => {
  let database: PostgresqlSchema;
  beforeAll(async () => {
    database = await PostgresqlSchema.create(url as string);
  });
  beforeEach(() => database.execute('DROP TABLE IF EXISTS customers CASCADE'));
  afterAll(() => database.drop());

  describe('tables', () => {
    test('a missing table is created from the schemas', async () => {
      await (await database.sink(upsertByKey)).write(keyed(1, 'Ada'));
      expect(await database.columns('customers')).toEqual(['id bigint not null', 'name text']);
      expect(await database.rows("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'customers'::regclass AND contype = 'p'")).toEqual([
        ['PRIMARY KEY (id)'],
      ]);
      expect(await database.rows(all)).toEqual([[1, 'Ada']]);
    });

    test('a missing table that may not be created fails the task', async () => {
      const { task } = await database.sink({ 'auto.create': 'false' });
      const failure = await failureOf(task.put([sinkRecord({ value: ada })]));
      expect(failure.message).toBe('Table "customers" is missing and auto-creation is disabled: create it, or set auto.create=true');
      expect(failure.retriable).toBe(false);
    });

    test('table.name.format names the schema and a table with letters of both cases', async () => {
      await database.execute(`CREATE SCHEMA ${database.name}_other`);
      const { write } = await database.sink({ 'table.name.format': `${database.name}_other.Kafka_\${topic}` });
      await write(sinkRecord({ topic: 'a-b', value: ada }), sinkRecord({ topic: 'c', value: ben }));
      expect(await database.rows(`SELECT name FROM ${database.name}_other."Kafka_a-b" UNION ALL SELECT name FROM ${database.name}_other."Kafka_c"`)).toEqual([
        ['Ada'],
        ['Ben'],
      ]);
      await database.execute(`DROP SCHEMA ${database.name}_other CASCADE`);
    });

    test('a name that is longer than PostgreSQL takes is cut as PostgreSQL cuts it', async () => {
      const topic = `t${'0123456789'.repeat(7)}`;
      const { write } = await database.sink();
      await write(sinkRecord({ topic, value: ada }));
      await write(sinkRecord({ topic, value: ben }));
      expect(await database.rows(`SELECT name FROM "${topic.slice(0, 63)}"`)).toEqual([['Ada'], ['Ben']]);
    });

    test('without quotes names are folded to lower case', async () => {
      await (await database.sink({ 'quote.sql.identifiers': 'never', 'table.name.format': 'Customers' })).write(sinkRecord({ value: ada }));
      expect(await database.rows(all)).toEqual([[1, 'Ada']]);
    });

    test('a schema that is not there fails the task', async () => {
      const failure = await failureOf((await database.sink({ 'table.name.format': 'nowhere.customers' })).task.put([sinkRecord({ value: ada })]));
      expect(failure.message).toBe('schema "nowhere" does not exist (SQLSTATE 3F000)');
      expect(failure.retriable).toBe(false);
    });

    test('columns that are missing are added when they are optional or have a default', async () => {
      const wider = struct({
        ...{ id: Schema.INT64_SCHEMA, name: Schema.OPTIONAL_STRING_SCHEMA },
        city: Schema.OPTIONAL_STRING_SCHEMA,
        level: Schema.INT32_SCHEMA.with({ defaultValue: 3 }),
      });
      const { write } = await database.sink({ ...upsertByValue, 'auto.evolve': 'true' });
      await write(sinkRecord({ value: ada }));
      await write(sinkRecord({ valueSchema: wider, value: { ...ben, city: 'Rom', level: 4 } }), sinkRecord({ value: { id: 3n, name: null } }));
      expect(await database.columns('customers')).toEqual(['id bigint not null', 'name text', 'city text', 'level integer']);
      expect(await database.rows('SELECT id::int, name, city, level FROM customers ORDER BY id')).toEqual([
        [1, 'Ada', null, 3],
        [2, 'Ben', 'Rom', 4],
        [3, null, null, 3],
      ]);
    });

    test('columns are not added without auto.evolve', async () => {
      const wider = struct({ id: Schema.INT64_SCHEMA, city: Schema.OPTIONAL_STRING_SCHEMA });
      const { task, write } = await database.sink();
      await write(sinkRecord({ value: ada }));
      expect((await failureOf(task.put([sinkRecord({ valueSchema: wider, value: { id: 2n, city: 'Rom' }, offset: 77n })]))).message).toBe(
        `The record of topic 'customers', partition 0, offset 77 cannot be written: Table "${database.name}"."customers" is missing fields ` +
          "([SinkRecordField{schema=Schema{STRING}, name='city', isPrimaryKey=false}]) and auto-evolution is disabled",
      );
    });

    test('tasks that create and widen one table at the same time all succeed', async () => {
      const wider = struct({ id: Schema.INT64_SCHEMA, name: Schema.OPTIONAL_STRING_SCHEMA, city: Schema.OPTIONAL_STRING_SCHEMA });
      const sinks = await Promise.all(Array.from({ length: 6 }, () => database.sink({ ...upsertByValue, 'auto.evolve': 'true' })));
      await Promise.all(sinks.map(({ write }, i) => write(sinkRecord({ value: { id: BigInt(i), name: 'x' } }))));
      await Promise.all(sinks.map(({ write }, i) => write(sinkRecord({ valueSchema: wider, value: { id: BigInt(i), name: 'x', city: `c${i}` } }))));
      expect(await database.rows("SELECT count(*)::int, string_agg(city, ',' ORDER BY id) FROM customers")).toEqual([[6, 'c0,c1,c2,c3,c4,c5']]);
    });

    test('a table that was dropped, or whose columns changed their type, is looked at again', async () => {
      const { write } = await database.sink(upsertByKey);
      await write(keyed(1, 'Ada'));
      await database.execute('DROP TABLE customers');
      await write(keyed(2, '20'));
      await database.execute('ALTER TABLE customers ALTER COLUMN name TYPE int USING name::int');
      await write(keyed(3, '30'));
      expect(await database.rows('SELECT id::int, name FROM customers ORDER BY id')).toEqual([
        [2, 20],
        [3, 30],
      ]);
    });

    test('partitioned tables and views are written to when table.types has them', async () => {
      await database.execute(`CREATE TABLE customers (id bigint PRIMARY KEY, name text) PARTITION BY RANGE (id);
        CREATE TABLE customers_low PARTITION OF customers FOR VALUES FROM (0) TO (100)`);
      expect((await failureOf((await database.sink(upsertByKey)).write(keyed(1, 'Ada')))).message).toBe(
        `"${database.name}"."customers" is a PARTITIONED TABLE, and table.types has only TABLE`,
      );
      const { write, reported } = await database.sink({ ...upsertByKey, 'table.types': 'TABLE,PARTITIONED TABLE,VIEW' }, { reporter: true });
      await write(keyed(1, 'Ada'), keyed(100, 'too high'));
      expect(reported.map(({ error }) => error.message)).toEqual([expect.stringContaining('no partition of relation "customers" found for row')]);
      await database.execute('CREATE VIEW seen AS SELECT * FROM customers');
      await (await database.sink({ 'table.types': 'VIEW', 'table.name.format': 'seen' })).write(sinkRecord({ value: ben }));
      expect(await database.rows(all)).toEqual([
        [1, 'Ada'],
        [2, 'Ben'],
      ]);
    });
  });

  describe('insert.mode and pk.mode', () => {
    test('insert with pk.mode none adds a row for each record, in order', async () => {
      await (await database.sink()).write(sinkRecord({ value: ada }), sinkRecord({ value: ben }), sinkRecord({ value: ada }));
      expect(await database.rows('SELECT name FROM customers ORDER BY ctid')).toEqual([['Ada'], ['Ben'], ['Ada']]);
    });

    test('insert refuses a key that is there', async () => {
      const { write } = await database.sink({ 'pk.mode': 'record_value', 'pk.fields': 'id' });
      await write(sinkRecord({ value: ada }));
      const failure = await failureOf(write(sinkRecord({ value: ben }), sinkRecord({ value: ada, offset: 500n })));
      expect(failure.message).toMatch(/offset 500 cannot be written: duplicate key value violates unique constraint "customers_pkey": Key \(id\)=\(1\)/);
      expect(await database.rows(all)).toEqual([[1, 'Ada']]);
    });

    test.each(['insert', 'upsert'])('pk.mode kafka with %s takes topic, partition and offset', async (mode) => {
      const { write } = await database.sink({ 'insert.mode': mode, 'pk.mode': 'kafka' });
      await write(sinkRecord({ value: ada, partition: 3, offset: 9_007_199_254_740_993n }), sinkRecord({ value: ada, partition: 3, offset: 4n }));
      expect(await database.columns('customers')).toEqual([
        '__connect_topic text not null',
        '__connect_partition integer not null',
        '__connect_offset bigint not null',
        'id bigint not null',
        'name text',
      ]);
      expect(await database.rows('SELECT __connect_topic, __connect_partition, __connect_offset FROM customers ORDER BY 3')).toEqual([
        ['customers', 3, '4'],
        ['customers', 3, '9007199254740993'],
      ]);
    });

    test('pk.mode record_key takes the fields of a struct that pk.fields names', async () => {
      const keySchema = struct({ region: Schema.STRING_SCHEMA, id: Schema.INT32_SCHEMA, extra: Schema.STRING_SCHEMA });
      const record = (name: string) =>
        sinkRecord({ keySchema, key: { region: 'eu', id: 7, extra: name }, valueSchema: struct({ name: Schema.STRING_SCHEMA }), value: { name } });
      await (await database.sink({ 'insert.mode': 'upsert', 'pk.mode': 'record_key', 'pk.fields': 'id,region' })).write(record('Ada'), record('Ben'));
      expect(await database.columns('customers')).toEqual(['name text not null', 'id integer not null', 'region text not null']);
      expect(await database.rows('SELECT id, region, name FROM customers')).toEqual([[7, 'eu', 'Ben']]);
    });

    test('pk.mode record_value takes all fields when none is named', async () => {
      await (await database.sink({ 'pk.mode': 'record_value', 'insert.mode': 'upsert' })).write(sinkRecord({ value: ada }), sinkRecord({ value: ada }));
      expect(await database.rows(all)).toEqual([[1, 'Ada']]);
    });

    test('upsert with pk.mode none is refused', async () => {
      const failure = await failureOf((await database.sink({ 'insert.mode': 'upsert' })).write(sinkRecord({ value: ada })));
      expect(failure.message).toContain('requires key field names to be known, check the primary key configuration');
    });

    test('upsert needs an index over its key', async () => {
      await database.execute('CREATE TABLE customers (id bigint, name text)');
      const failure = await failureOf((await database.sink(upsertByKey)).write(keyed(1, 'Ada')));
      expect([failure.retriable, failure.message]).toEqual([
        false,
        'there is no unique or exclusion constraint matching the ON CONFLICT specification (SQLSTATE 42P10)',
      ]);
    });

    test('of one key that comes several times in a batch, the last record wins', async () => {
      const { write } = await database.sink(upsertByKey);
      await write(keyed(2, 'old'), keyed(1, 'Ada'), keyed(2, 'newer'), keyed(3, 'x'), keyed(2, 'newest'));
      await write(keyed(1, 'Ada L.'));
      expect(await database.rows(all)).toEqual([
        [1, 'Ada L.'],
        [2, 'newest'],
        [3, 'x'],
      ]);
    });

    test('update changes rows that are there, and adds none', async () => {
      await database.execute("CREATE TABLE customers (id int PRIMARY KEY, name varchar(9), city text); INSERT INTO customers VALUES (1, 'x', 'Rom')");
      const { write } = await database.sink({ 'insert.mode': 'update', 'pk.mode': 'record_value', 'pk.fields': 'id' });
      await write(sinkRecord({ value: { id: 1n, name: 'first' } }), sinkRecord({ value: ben }), sinkRecord({ value: ada }));
      expect(await database.rows('SELECT * FROM customers')).toEqual([[1, 'Ada', 'Rom']]);
    });

    test('fields.whitelist leaves the other fields out, not the key', async () => {
      const wide = struct({ id: Schema.INT64_SCHEMA, name: Schema.STRING_SCHEMA, secret: Schema.STRING_SCHEMA });
      await (await database.sink({ ...upsertByValue, 'fields.whitelist': 'name' })).write(sinkRecord({ valueSchema: wide, value: { ...ada, secret: 's' } }));
      expect(await database.columns('customers')).toEqual(['id bigint not null', 'name text not null']);
    });

    test.each([1, 3, 4, 5, 100])('batch.size %i writes all of ten records, and the last of each key', async (batchSize) => {
      const { write } = await database.sink({ ...upsertByKey, 'batch.size': String(batchSize) });
      await write(...Array.from({ length: 10 }, (_, i) => keyed(i % 4, `n${i}`)));
      expect(await database.rows('SELECT name FROM customers ORDER BY id')).toEqual([['n8'], ['n9'], ['n6'], ['n7']]);
    });

    test('a put of many batches and tables is one transaction', async () => {
      await database.execute('CREATE TABLE customers (id bigint PRIMARY KEY, name text); CREATE TABLE others (id bigint, name text)');
      const { task } = await database.sink({ 'pk.mode': 'record_value', 'pk.fields': 'id', 'batch.size': '1' });
      await failureOf(
        task.put([sinkRecord({ topic: 'others', value: ada }), sinkRecord({ value: ada }), sinkRecord({ value: ben }), sinkRecord({ value: ada })]),
      );
      expect(await database.rows('SELECT id FROM customers UNION ALL SELECT id FROM others')).toEqual([]);
    });
  });

  describe('deletions', () => {
    test('a record without value deletes the row of its key, whatever came before in the batch', async () => {
      const { write } = await database.sink(deleting);
      await write(keyed(1, 'Ada'), keyed(2, 'Ben'), tombstone(1), tombstone(3));
      expect(await database.rows(all)).toEqual([[2, 'Ben']]);
      await write(tombstone(2), keyed(2, 'Ben again'), keyed(4, 'Dora'), tombstone(4));
      expect(await database.rows(all)).toEqual([[2, 'Ben again']]);
    });

    test('insert and update keep the order of deletions', async () => {
      const { write } = await database.sink({ ...deleting, 'insert.mode': 'insert' });
      await write(keyed(1, 'a'), tombstone(1), keyed(1, 'b'), tombstone(1), keyed(1, 'c'));
      expect(await database.rows(all)).toEqual([[1, 'c']]);
      await (await database.sink({ ...deleting, 'insert.mode': 'update' })).write(keyed(1, 'd'), tombstone(1), keyed(1, 'e'));
      expect(await database.rows(all)).toEqual([]);
    });

    test('deletions before there is a table are nothing', async () => {
      const { write } = await database.sink(deleting);
      await write(tombstone(1));
      await write(keyed(1, 'Ada'));
      await write(tombstone(1));
      expect(await database.rows(all)).toEqual([]);
    });

    test('a key of another type than its column finds its row', async () => {
      await database.execute("CREATE TABLE customers (id text PRIMARY KEY, name text); INSERT INTO customers VALUES ('1', 'x'), ('2', 'y')");
      await (await database.sink(deleting)).write(tombstone(1), keyed(2, 'Ben'));
      expect(await database.rows('SELECT * FROM customers')).toEqual([['2', 'Ben']]);
    });
  });
});
