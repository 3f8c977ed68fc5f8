import { beforeEach, describe, expect, test } from 'vitest';
import { Schema, struct } from '../../../shared/connect/index.ts';
import { SqliteFile } from './sqlite-file.ts';
import { failureOf, keyed, sinkRecord, tombstone } from './test-sink.ts';

let database: SqliteFile;
beforeEach(async () => {
  database = await SqliteFile.create();
  return () => database.drop();
});

const upsertByKey = { 'insert.mode': 'upsert', 'pk.mode': 'record_key', 'pk.fields': 'id' };
const upsertByValue = { 'insert.mode': 'upsert', 'pk.mode': 'record_value', 'pk.fields': 'id' };
const ada = { id: 1n, name: 'Ada' };
const ben = { id: 2n, name: 'Ben' };

describe('tables', () => {
  test('a missing table is created from the schemas', async () => {
    await (await database.sink(upsertByKey)).write(keyed(1, 'Ada'));
    expect(database.tableSql()).toBe('CREATE TABLE `customers` (\n`id` INTEGER NOT NULL,\n`name` TEXT NULL,\nPRIMARY KEY(`id`))');
    expect(database.rows('SELECT * FROM customers')).toEqual([[1, 'Ada']]);
  });

  test('a missing table that may not be created fails the task and reports no record', async () => {
    const { task, reported } = await database.sink({ 'auto.create': 'false' }, { reporter: true });
    const failure = await failureOf(task.put([sinkRecord({ value: ada })]));
    expect(failure.message).toBe('Table `customers` is missing and auto-creation is disabled: create it, or set auto.create=true');
    expect(failure.retriable).toBe(false);
    expect(reported).toEqual([]);
  });

  test('each topic has its table, by table.name.format', async () => {
    await (await database.sink({ 'table.name.format': 'kafka_${topic}_v1' })).write(
      sinkRecord({ topic: 'a', value: ada }),
      sinkRecord({ topic: 'b-c', value: ben }),
    );
    expect(database.rows('SELECT name FROM kafka_a_v1')).toEqual([['Ada']]);
    expect(database.rows('SELECT name FROM "kafka_b-c_v1"')).toEqual([['Ben']]);
  });

  test('a topic that would name a table of four parts is refused', async () => {
    const failure = await failureOf((await database.sink()).write(sinkRecord({ topic: 'a.b.c.d', value: ada })));
    expect(failure.message).toContain("'a.b.c.d' is no name of a table");
  });

  test('columns that are missing are added when they are optional or have a default', async () => {
    const wider = struct({
      ...{ id: Schema.INT64_SCHEMA, name: Schema.OPTIONAL_STRING_SCHEMA },
      city: Schema.OPTIONAL_STRING_SCHEMA,
      level: Schema.INT32_SCHEMA.with({ defaultValue: 3 }),
    });
    const { write } = await database.sink({ 'auto.evolve': 'true' });
    await write(sinkRecord({ value: ada }));
    await write(sinkRecord({ valueSchema: wider, value: { ...ben, city: 'Rom' } }), sinkRecord({ value: { id: 3n, name: null } }));
    expect(database.rows('SELECT * FROM customers ORDER BY id')).toEqual([
      [1, 'Ada', null, 3],
      [2, 'Ben', 'Rom', 3],
      [3, null, null, 3],
    ]);
  });

  test('columns that may not be added are told, with the record', async () => {
    const wider = struct({ id: Schema.INT64_SCHEMA, city: Schema.OPTIONAL_STRING_SCHEMA });
    const { task, write } = await database.sink();
    await write(sinkRecord({ value: ada }));
    const failure = await failureOf(task.put([sinkRecord({ valueSchema: wider, value: { id: 2n, city: 'Rom' }, offset: 77n })]));
    expect(failure.message).toBe(
      "The record of topic 'customers', partition 0, offset 77 cannot be written: Table `customers` is missing fields " +
        "([SinkRecordField{schema=Schema{STRING}, name='city', isPrimaryKey=false}]) and auto-evolution is disabled",
    );
  });

  test('a required field without a default is never added', async () => {
    const wider = struct({ id: Schema.INT64_SCHEMA, city: Schema.STRING_SCHEMA });
    const { task, write } = await database.sink({ 'auto.evolve': 'true' });
    await write(sinkRecord({ value: ada }));
    expect((await failureOf(task.put([sinkRecord({ valueSchema: wider, value: { id: 2n, city: 'Rom' } })]))).message).toContain(
      "Cannot ALTER TABLE `customers` to add missing field SinkRecordField{schema=Schema{STRING}, name='city', isPrimaryKey=false}",
    );
  });

  test('a column whose name differs in case alone is the field’s own', async () => {
    database.execute('CREATE TABLE customers (ID INTEGER PRIMARY KEY, Name TEXT)');
    await (await database.sink({ ...upsertByValue, 'auto.create': 'false' })).write(sinkRecord({ value: ada }));
    expect(database.rows('SELECT ID, Name FROM customers')).toEqual([[1, 'Ada']]);
  });

  test('a view is written to only when table.types has it', async () => {
    database.execute('CREATE TABLE real (id INTEGER PRIMARY KEY, name TEXT); CREATE VIEW customers AS SELECT * FROM real');
    const failure = await failureOf((await database.sink()).task.put([sinkRecord({ value: ada })]));
    expect(failure.message).toBe('`customers` is a VIEW, and table.types has only TABLE');
    database.execute('CREATE TRIGGER into_view INSTEAD OF INSERT ON customers BEGIN INSERT INTO real VALUES (NEW.id, NEW.name); END');
    await (await database.sink({ 'table.types': 'view' })).write(sinkRecord({ value: ada }));
    expect(database.rows('SELECT * FROM real')).toEqual([[1, 'Ada']]);
  });

  test('a table that was changed while the task runs is looked at again', async () => {
    const { write } = await database.sink({ 'auto.evolve': 'true' });
    await write(sinkRecord({ value: ada }));
    database.execute('DROP TABLE customers; CREATE TABLE customers (id INTEGER)');
    await write(sinkRecord({ value: ben }));
    expect(database.rows('SELECT id, name FROM customers')).toEqual([[2, 'Ben']]);
  });
});

describe('insert.mode and pk.mode', () => {
  test('insert with pk.mode none adds a row for each record, in order', async () => {
    await (await database.sink()).write(sinkRecord({ value: ada }), sinkRecord({ value: ben }), sinkRecord({ value: ada }));
    expect(database.rows('SELECT name FROM customers')).toEqual([['Ada'], ['Ben'], ['Ada']]);
    expect(database.tableSql()).not.toContain('PRIMARY KEY');
  });

  test('pk.mode kafka takes topic, partition and offset, under names of one’s own if given', async () => {
    await (await database.sink({ 'pk.mode': 'kafka' })).write(sinkRecord({ value: ada, partition: 3, offset: 9_007_199_254_740_993n }));
    expect(database.rows('SELECT __connect_topic, __connect_partition, CAST(__connect_offset AS TEXT), name FROM customers')).toEqual([
      ['customers', 3, '9007199254740993', 'Ada'],
    ]);
    expect(database.tableSql()).toMatch(/PRIMARY KEY\(`__connect_topic`,`__connect_partition`,`__connect_offset`\)/);
    await (await database.sink({ 'pk.mode': 'kafka', 'pk.fields': 't,p,o', 'table.name.format': 'own' })).write(sinkRecord({ value: ada, offset: 5n }));
    expect(database.rows('SELECT t, p, o FROM own')).toEqual([['customers', 0, 5]]);
  });

  test('pk.mode record_key takes the fields of a struct, or those that pk.fields names', async () => {
    const keySchema = struct({ region: Schema.STRING_SCHEMA, id: Schema.INT32_SCHEMA, extra: Schema.STRING_SCHEMA });
    const record = sinkRecord({
      keySchema,
      key: { region: 'eu', id: 7, extra: 'x' },
      valueSchema: struct({ name: Schema.STRING_SCHEMA }),
      value: { name: 'Ada' },
    });
    await (await database.sink({ 'pk.mode': 'record_key' })).write(record);
    expect(database.rows('SELECT * FROM customers')).toEqual([['Ada', 'x', 7, 'eu']]);
    expect(database.tableSql()).toMatch(
      /`name` TEXT NOT NULL,\n`extra` TEXT NOT NULL,\n`id` INTEGER NOT NULL,\n`region` TEXT NOT NULL,\nPRIMARY KEY\(`extra`,`id`,`region`\)/,
    );
    await (await database.sink({ 'pk.mode': 'record_key', 'pk.fields': 'id,region', 'table.name.format': 'part' })).write(record);
    expect(database.rows('SELECT id, region, name FROM part')).toEqual([[7, 'eu', 'Ada']]);
  });

  test('pk.mode record_value takes fields of the value, all when none is named', async () => {
    await (await database.sink({ 'pk.mode': 'record_value', 'insert.mode': 'upsert' })).write(sinkRecord({ value: ada }), sinkRecord({ value: ada }));
    expect(database.rows('SELECT * FROM customers')).toEqual([[1, 'Ada']]);
  });

  test('a pk field that the schema lacks fails the task by name', async () => {
    const failure = await failureOf((await database.sink({ 'pk.mode': 'record_value', 'pk.fields': 'nr' })).task.put([sinkRecord({ value: ada })]));
    expect(failure.message).toBe(
      "PK mode for table 'customers' is RECORD_VALUE with configured PK fields [nr], but record value schema does not contain field: nr",
    );
  });

  test('upsert replaces the row of the same key, the last of a batch wins', async () => {
    const { write } = await database.sink(upsertByKey);
    await write(keyed(2, 'old'), keyed(1, 'Ada'), keyed(2, 'newer'), keyed(2, 'newest'));
    await write(keyed(1, 'Ada L.'));
    expect(database.rows('SELECT * FROM customers ORDER BY id')).toEqual([
      [1, 'Ada L.'],
      [2, 'newest'],
    ]);
  });

  test('update changes rows that are there, and adds none', async () => {
    database.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT); INSERT INTO customers VALUES (1, 'x', 'Rom')");
    await (await database.sink({ 'insert.mode': 'update', 'pk.mode': 'record_value', 'pk.fields': 'id' })).write(
      sinkRecord({ value: ada }),
      sinkRecord({ value: ben }),
    );
    expect(database.rows('SELECT * FROM customers')).toEqual([[1, 'Ada', 'Rom']]);
  });

  test('fields.whitelist leaves the other fields out, not the key', async () => {
    const wide = struct({ id: Schema.INT64_SCHEMA, name: Schema.STRING_SCHEMA, secret: Schema.STRING_SCHEMA });
    await (await database.sink({ ...upsertByValue, 'fields.whitelist': 'name' })).write(sinkRecord({ valueSchema: wide, value: { ...ada, secret: 's' } }));
    expect(database.rows('SELECT * FROM customers')).toEqual([[1, 'Ada']]);
  });

  test('a put of many batches and schemas is one transaction', async () => {
    database.execute('CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)');
    const { task } = await database.sink({ 'pk.mode': 'record_value', 'pk.fields': 'id', 'batch.size': '1' });
    const failure = await failureOf(task.put([sinkRecord({ value: ada }), sinkRecord({ value: ben }), sinkRecord({ value: ada, offset: 500n })]));
    expect(failure.message).toContain("topic 'customers', partition 0, offset 500 cannot be written: UNIQUE constraint failed: customers.id");
    expect(database.rows('SELECT * FROM customers')).toEqual([]);
  });
});

describe('deletions', () => {
  const deleting = { ...upsertByKey, 'delete.enabled': 'true' };

  test('a record without value deletes the row of its key, whatever came before in the batch', async () => {
    const { write } = await database.sink(deleting);
    await write(keyed(1, 'Ada'), keyed(2, 'Ben'), tombstone(1), tombstone(3));
    expect(database.rows('SELECT * FROM customers')).toEqual([[2, 'Ben']]);
    await write(tombstone(2), keyed(2, 'Ben again'), keyed(4, 'Dora'), tombstone(4));
    expect(database.rows('SELECT * FROM customers')).toEqual([[2, 'Ben again']]);
  });

  test('insert and update keep the order of deletions', async () => {
    const { write } = await database.sink({ ...deleting, 'insert.mode': 'insert' });
    await write(keyed(1, 'a'), tombstone(1), keyed(1, 'b'), tombstone(1), keyed(1, 'c'));
    expect(database.rows('SELECT * FROM customers')).toEqual([[1, 'c']]);
    await (await database.sink({ ...deleting, 'insert.mode': 'update' })).write(keyed(1, 'd'), tombstone(1), keyed(1, 'e'));
    expect(database.rows('SELECT * FROM customers')).toEqual([]);
  });

  test('deletions before there is a table are nothing', async () => {
    const { write } = await database.sink(deleting);
    await write(tombstone(1));
    await write(keyed(1, 'Ada'));
    await write(tombstone(1));
    expect(database.rows('SELECT * FROM customers')).toEqual([]);
  });

  test('without delete.enabled a record without value is refused', async () => {
    const failure = await failureOf((await database.sink(upsertByKey)).task.put([tombstone(1)]));
    expect(failure.message).toMatch(
      /Sink connector 'jdbc' is configured with 'delete.enabled=false' and 'pk.mode=record_key' and therefore requires records with a non-null Struct or String value and non-null Struct or String schema, but found record at \(topic='customers',partition=0,offset=\d+,timestamp=1750000000000\) with a null value and null value schema\.$/,
    );
  });
});

test('what was put is durable: a write-ahead log, synced at each commit', async () => {
  await (await database.sink()).task.put([sinkRecord({ value: ada })]);
  expect(database.rows('PRAGMA journal_mode')).toEqual([['wal']]);
  // A reader of its own sees the rows at once.
  expect(database.rows('SELECT id FROM customers')).toEqual([[1]]);
});
