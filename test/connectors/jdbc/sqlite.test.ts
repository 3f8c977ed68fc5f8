import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { array, Decimal, dateSchema, decimalSchema, map, Schema, struct, timeSchema, timestampSchema } from '../../../shared/connect/index.ts';
import { customer, failureOf, keyed, sinkRecord, type TestSink, testSink, tombstone } from './test-sink.ts';

let folder: string;
let file: string;
let sinks: TestSink[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-jdbc-'));
  file = join(folder, 'test.db');
  sinks = [];
});
afterEach(async () => {
  for (const { task } of sinks) await task.stop();
  await rm(folder, { recursive: true });
});

async function sink(config: Record<string, string> = {}, options: { reporter?: boolean } = {}): Promise<TestSink> {
  const made = await testSink({ 'connection.url': `jdbc:sqlite:${file}`, ...config }, options);
  sinks.push(made);
  return made;
}

/** Rows as arrays, read through a connection of their own. */
function rows(sql: string): unknown[][] {
  const database = new DatabaseSync(file, { timeout: 1_000 });
  try {
    return database
      .prepare(sql)
      .all()
      .map((row) => Object.values(row));
  } finally {
    database.close();
  }
}
function execute(sql: string): void {
  const database = new DatabaseSync(file, { timeout: 1_000 });
  database.exec(sql);
  database.close();
}
const tableSql = (table = 'customers') => rows(`SELECT sql FROM sqlite_master WHERE name = '${table}'`)[0]?.[0];
const upsertByKey = { 'insert.mode': 'upsert', 'pk.mode': 'record_key', 'pk.fields': 'id' };
const upsertByValue = { 'insert.mode': 'upsert', 'pk.mode': 'record_value', 'pk.fields': 'id' };
const ada = { id: 1n, name: 'Ada' };
const ben = { id: 2n, name: 'Ben' };

describe('tables', () => {
  test('a missing table is created from the schemas', async () => {
    await (await sink(upsertByKey)).write(keyed(1, 'Ada'));
    expect(tableSql()).toBe('CREATE TABLE `customers` (\n`id` INTEGER NOT NULL,\n`name` TEXT NULL,\nPRIMARY KEY(`id`))');
    expect(rows('SELECT * FROM customers')).toEqual([[1, 'Ada']]);
  });

  test('a missing table that may not be created fails the task and reports no record', async () => {
    const { task, reported } = await sink({ 'auto.create': 'false' }, { reporter: true });
    const failure = await failureOf(task.put([sinkRecord({ value: ada })]));
    expect(failure.message).toBe('Table `customers` is missing and auto-creation is disabled: create it, or set auto.create=true');
    expect(failure.retriable).toBe(false);
    expect(reported).toEqual([]);
  });

  test('each topic has its table, by table.name.format', async () => {
    await (await sink({ 'table.name.format': 'kafka_${topic}_v1' })).write(sinkRecord({ topic: 'a', value: ada }), sinkRecord({ topic: 'b-c', value: ben }));
    expect(rows('SELECT name FROM kafka_a_v1')).toEqual([['Ada']]);
    expect(rows('SELECT name FROM "kafka_b-c_v1"')).toEqual([['Ben']]);
  });

  test('a topic that would name a table of four parts is refused', async () => {
    const failure = await failureOf((await sink()).write(sinkRecord({ topic: 'a.b.c.d', value: ada })));
    expect(failure.message).toContain("'a.b.c.d' is no name of a table");
  });

  test('columns that are missing are added when they are optional or have a default', async () => {
    const wider = struct({
      ...{ id: Schema.INT64_SCHEMA, name: Schema.OPTIONAL_STRING_SCHEMA },
      city: Schema.OPTIONAL_STRING_SCHEMA,
      level: Schema.INT32_SCHEMA.with({ defaultValue: 3 }),
    });
    const { write } = await sink({ 'auto.evolve': 'true' });
    await write(sinkRecord({ value: ada }));
    await write(sinkRecord({ valueSchema: wider, value: { ...ben, city: 'Rom' } }), sinkRecord({ value: { id: 3n, name: null } }));
    expect(rows('SELECT * FROM customers ORDER BY id')).toEqual([
      [1, 'Ada', null, 3],
      [2, 'Ben', 'Rom', 3],
      [3, null, null, 3],
    ]);
  });

  test('columns that may not be added are told, with the record', async () => {
    const wider = struct({ id: Schema.INT64_SCHEMA, city: Schema.OPTIONAL_STRING_SCHEMA });
    const { task, write } = await sink();
    await write(sinkRecord({ value: ada }));
    const failure = await failureOf(task.put([sinkRecord({ valueSchema: wider, value: { id: 2n, city: 'Rom' }, offset: 77n })]));
    expect(failure.message).toBe(
      "The record of topic 'customers', partition 0, offset 77 cannot be written: Table `customers` is missing fields " +
        "([SinkRecordField{schema=Schema{STRING}, name='city', isPrimaryKey=false}]) and auto-evolution is disabled",
    );
  });

  test('a required field without a default is never added', async () => {
    const wider = struct({ id: Schema.INT64_SCHEMA, city: Schema.STRING_SCHEMA });
    const { task, write } = await sink({ 'auto.evolve': 'true' });
    await write(sinkRecord({ value: ada }));
    expect((await failureOf(task.put([sinkRecord({ valueSchema: wider, value: { id: 2n, city: 'Rom' } })]))).message).toContain(
      "Cannot ALTER TABLE `customers` to add missing field SinkRecordField{schema=Schema{STRING}, name='city', isPrimaryKey=false}",
    );
  });

  test('a column whose name differs in case alone is the field’s own', async () => {
    execute('CREATE TABLE customers (ID INTEGER PRIMARY KEY, Name TEXT)');
    await (await sink({ ...upsertByValue, 'auto.create': 'false' })).write(sinkRecord({ value: ada }));
    expect(rows('SELECT ID, Name FROM customers')).toEqual([[1, 'Ada']]);
  });

  test('a view is written to only when table.types has it', async () => {
    execute('CREATE TABLE real (id INTEGER PRIMARY KEY, name TEXT); CREATE VIEW customers AS SELECT * FROM real');
    const failure = await failureOf((await sink()).task.put([sinkRecord({ value: ada })]));
    expect(failure.message).toBe('`customers` is a VIEW, and table.types has only TABLE');
    execute('CREATE TRIGGER into_view INSTEAD OF INSERT ON customers BEGIN INSERT INTO real VALUES (NEW.id, NEW.name); END');
    await (await sink({ 'table.types': 'view' })).write(sinkRecord({ value: ada }));
    expect(rows('SELECT * FROM real')).toEqual([[1, 'Ada']]);
  });

  test('a table that was changed while the task runs is looked at again', async () => {
    const { write } = await sink({ 'auto.evolve': 'true' });
    await write(sinkRecord({ value: ada }));
    execute('DROP TABLE customers; CREATE TABLE customers (id INTEGER)');
    await write(sinkRecord({ value: ben }));
    expect(rows('SELECT id, name FROM customers')).toEqual([[2, 'Ben']]);
  });
});

describe('insert.mode and pk.mode', () => {
  test('insert with pk.mode none adds a row for each record, in order', async () => {
    await (await sink()).write(sinkRecord({ value: ada }), sinkRecord({ value: ben }), sinkRecord({ value: ada }));
    expect(rows('SELECT name FROM customers')).toEqual([['Ada'], ['Ben'], ['Ada']]);
    expect(tableSql()).not.toContain('PRIMARY KEY');
  });

  test('pk.mode kafka takes topic, partition and offset, under names of one’s own if given', async () => {
    await (await sink({ 'pk.mode': 'kafka' })).write(sinkRecord({ value: ada, partition: 3, offset: 9_007_199_254_740_993n }));
    expect(rows('SELECT __connect_topic, __connect_partition, CAST(__connect_offset AS TEXT), name FROM customers')).toEqual([
      ['customers', 3, '9007199254740993', 'Ada'],
    ]);
    expect(tableSql()).toMatch(/PRIMARY KEY\(`__connect_topic`,`__connect_partition`,`__connect_offset`\)/);
    await (await sink({ 'pk.mode': 'kafka', 'pk.fields': 't,p,o', 'table.name.format': 'own' })).write(sinkRecord({ value: ada, offset: 5n }));
    expect(rows('SELECT t, p, o FROM own')).toEqual([['customers', 0, 5]]);
  });

  test('pk.mode record_key takes the fields of a struct, or those that pk.fields names', async () => {
    const keySchema = struct({ region: Schema.STRING_SCHEMA, id: Schema.INT32_SCHEMA, extra: Schema.STRING_SCHEMA });
    const record = sinkRecord({
      keySchema,
      key: { region: 'eu', id: 7, extra: 'x' },
      valueSchema: struct({ name: Schema.STRING_SCHEMA }),
      value: { name: 'Ada' },
    });
    await (await sink({ 'pk.mode': 'record_key' })).write(record);
    expect(rows('SELECT * FROM customers')).toEqual([['Ada', 'x', 7, 'eu']]);
    expect(tableSql()).toMatch(
      /`name` TEXT NOT NULL,\n`extra` TEXT NOT NULL,\n`id` INTEGER NOT NULL,\n`region` TEXT NOT NULL,\nPRIMARY KEY\(`extra`,`id`,`region`\)/,
    );
    await (await sink({ 'pk.mode': 'record_key', 'pk.fields': 'id,region', 'table.name.format': 'part' })).write(record);
    expect(rows('SELECT id, region, name FROM part')).toEqual([[7, 'eu', 'Ada']]);
  });

  test('pk.mode record_value takes fields of the value, all when none is named', async () => {
    await (await sink({ 'pk.mode': 'record_value', 'insert.mode': 'upsert' })).write(sinkRecord({ value: ada }), sinkRecord({ value: ada }));
    expect(rows('SELECT * FROM customers')).toEqual([[1, 'Ada']]);
  });

  test('a pk field that the schema lacks fails the task by name', async () => {
    const failure = await failureOf((await sink({ 'pk.mode': 'record_value', 'pk.fields': 'nr' })).task.put([sinkRecord({ value: ada })]));
    expect(failure.message).toBe(
      "PK mode for table 'customers' is RECORD_VALUE with configured PK fields [nr], but record value schema does not contain field: nr",
    );
  });

  test('upsert replaces the row of the same key, the last of a batch wins', async () => {
    const { write } = await sink(upsertByKey);
    await write(keyed(2, 'old'), keyed(1, 'Ada'), keyed(2, 'newer'), keyed(2, 'newest'));
    await write(keyed(1, 'Ada L.'));
    expect(rows('SELECT * FROM customers ORDER BY id')).toEqual([
      [1, 'Ada L.'],
      [2, 'newest'],
    ]);
  });

  test('update changes rows that are there, and adds none', async () => {
    execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT); INSERT INTO customers VALUES (1, 'x', 'Rom')");
    await (await sink({ 'insert.mode': 'update', 'pk.mode': 'record_value', 'pk.fields': 'id' })).write(sinkRecord({ value: ada }), sinkRecord({ value: ben }));
    expect(rows('SELECT * FROM customers')).toEqual([[1, 'Ada', 'Rom']]);
  });

  test('fields.whitelist leaves the other fields out, not the key', async () => {
    const wide = struct({ id: Schema.INT64_SCHEMA, name: Schema.STRING_SCHEMA, secret: Schema.STRING_SCHEMA });
    await (await sink({ ...upsertByValue, 'fields.whitelist': 'name' })).write(sinkRecord({ valueSchema: wide, value: { ...ada, secret: 's' } }));
    expect(rows('SELECT * FROM customers')).toEqual([[1, 'Ada']]);
  });

  test('a put of many batches and schemas is one transaction', async () => {
    execute('CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)');
    const { task } = await sink({ 'pk.mode': 'record_value', 'pk.fields': 'id', 'batch.size': '1' });
    const failure = await failureOf(task.put([sinkRecord({ value: ada }), sinkRecord({ value: ben }), sinkRecord({ value: ada, offset: 500n })]));
    expect(failure.message).toContain("topic 'customers', partition 0, offset 500 cannot be written: UNIQUE constraint failed: customers.id");
    expect(rows('SELECT * FROM customers')).toEqual([]);
  });
});

describe('deletions', () => {
  const deleting = { ...upsertByKey, 'delete.enabled': 'true' };

  test('a record without value deletes the row of its key, whatever came before in the batch', async () => {
    const { write } = await sink(deleting);
    await write(keyed(1, 'Ada'), keyed(2, 'Ben'), tombstone(1), tombstone(3));
    expect(rows('SELECT * FROM customers')).toEqual([[2, 'Ben']]);
    await write(tombstone(2), keyed(2, 'Ben again'), keyed(4, 'Dora'), tombstone(4));
    expect(rows('SELECT * FROM customers')).toEqual([[2, 'Ben again']]);
  });

  test('insert and update keep the order of deletions', async () => {
    const { write } = await sink({ ...deleting, 'insert.mode': 'insert' });
    await write(keyed(1, 'a'), tombstone(1), keyed(1, 'b'), tombstone(1), keyed(1, 'c'));
    expect(rows('SELECT * FROM customers')).toEqual([[1, 'c']]);
    await (await sink({ ...deleting, 'insert.mode': 'update' })).write(keyed(1, 'd'), tombstone(1), keyed(1, 'e'));
    expect(rows('SELECT * FROM customers')).toEqual([]);
  });

  test('deletions before there is a table are nothing', async () => {
    const { write } = await sink(deleting);
    await write(tombstone(1));
    await write(keyed(1, 'Ada'));
    await write(tombstone(1));
    expect(rows('SELECT * FROM customers')).toEqual([]);
  });

  test('without delete.enabled a record without value is refused', async () => {
    const failure = await failureOf((await sink(upsertByKey)).task.put([tombstone(1)]));
    expect(failure.message).toMatch(
      /Sink connector 'jdbc' is configured with 'delete.enabled=false' and 'pk.mode=record_key' and therefore requires records with a non-null Struct or String value and non-null Struct or String schema, but found record at \(topic='customers',partition=0,offset=\d+,timestamp=1750000000000\) with a null value and null value schema\.$/,
    );
  });
});

describe('values', () => {
  test('every type has its column, and its value comes back', async () => {
    const schema = struct({
      i8: Schema.INT8_SCHEMA,
      i16: Schema.INT16_SCHEMA,
      i32: Schema.INT32_SCHEMA,
      i64: Schema.INT64_SCHEMA,
      f32: Schema.FLOAT32_SCHEMA,
      f64: Schema.FLOAT64_SCHEMA,
      yes: Schema.BOOLEAN_SCHEMA,
      text: Schema.STRING_SCHEMA,
      bytes: Schema.BYTES_SCHEMA,
      price: decimalSchema(2),
      day: dateSchema(),
      time: timeSchema(),
      at: timestampSchema(),
    });
    const value = {
      i8: -8,
      i16: 1600,
      i32: -2_000_000_000,
      i64: -9_223_372_036_854_775_808n,
      f32: 0.5,
      f64: 1e300,
      yes: true,
      text: 'Käse ’; DROP TABLE',
      bytes: Buffer.from([0, 255]),
      price: new Decimal(-1205n, 2),
      day: new Date('2026-02-03'),
      time: new Date(3_600_000),
      at: new Date('2026-02-03T04:05:06.789Z'),
    };
    await (await sink()).write(sinkRecord({ valueSchema: schema, value }));
    expect(tableSql()).toBe(
      'CREATE TABLE `customers` (\n`i8` INTEGER NOT NULL,\n`i16` INTEGER NOT NULL,\n`i32` INTEGER NOT NULL,\n`i64` INTEGER NOT NULL,\n`f32` REAL NOT NULL,\n`f64` REAL NOT NULL,\n' +
        '`yes` INTEGER NOT NULL,\n`text` TEXT NOT NULL,\n`bytes` BLOB NOT NULL,\n`price` NUMERIC NOT NULL,\n`day` NUMERIC NOT NULL,\n`time` NUMERIC NOT NULL,\n`at` NUMERIC NOT NULL)',
    );
    expect(
      rows('SELECT i8, i16, i32, CAST(i64 AS TEXT), f32, f64, yes, text, hex(bytes), price, day, time, at, typeof(i8), typeof(at) FROM customers'),
    ).toEqual([
      [
        -8,
        1600,
        -2_000_000_000,
        '-9223372036854775808',
        0.5,
        1e300,
        1,
        value.text,
        '00FF',
        -12.05,
        1_770_076_800_000,
        3_600_000,
        1_770_091_506_789,
        'integer',
        'integer',
      ],
    ]);
  });

  test('whole numbers stay whole in a text column', async () => {
    execute('CREATE TABLE customers (id TEXT, name TEXT)');
    const schema = struct({ id: Schema.INT32_SCHEMA, name: Schema.STRING_SCHEMA });
    await (await sink()).write(sinkRecord({ valueSchema: schema, value: { id: 5, name: 'x' } }));
    expect(rows('SELECT id, typeof(id) FROM customers')).toEqual([['5', 'text']]);
  });

  test('null becomes the default of its schema, unless replace.null.with.default is off', async () => {
    const schema = struct({ id: Schema.INT64_SCHEMA, level: Schema.OPTIONAL_INT32_SCHEMA.with({ defaultValue: 3 }) });
    await (await sink()).write(sinkRecord({ valueSchema: schema, value: { id: 1n, level: null } }));
    await (await sink({ 'replace.null.with.default': 'false' })).write(sinkRecord({ valueSchema: schema, value: { id: 2n, level: null } }));
    expect(rows('SELECT id, level FROM customers ORDER BY id')).toEqual([
      [1, 3],
      [2, null],
    ]);
    expect(tableSql()).toContain('`level` INTEGER DEFAULT 3');
  });

  test('a plain string goes into the column that is named for it', async () => {
    await (await sink()).write(sinkRecord({ valueSchema: Schema.STRING_SCHEMA, value: 'hello' }));
    expect(rows('SELECT record_value FROM customers')).toEqual([['hello']]);
    await (await sink({ 'pk.mode': 'kafka', 'string.output.value.column.name': 'line', 'table.name.format': 'lines' })).write(
      sinkRecord({ valueSchema: Schema.STRING_SCHEMA, value: 'hello' }),
    );
    expect(rows('SELECT __connect_topic, line FROM lines')).toEqual([['customers', 'hello']]);
  });

  test('fields of timestamp.fields.list become timestamps', async () => {
    const schema = struct({ id: Schema.INT64_SCHEMA, a: Schema.INT64_SCHEMA, b: Schema.STRING_SCHEMA });
    await (await sink({ 'timestamp.fields.list': 'a,b' })).write(sinkRecord({ valueSchema: schema, value: { id: 1n, a: 1_770_091_506_789_123n, b: '-1' } }));
    expect(rows('SELECT a, b FROM customers')).toEqual([[1_770_091_506_789, -1]]);
    expect(tableSql()).toContain('`a` NUMERIC NOT NULL,\n`b` NUMERIC NOT NULL');
  });

  test('identifiers are quoted, or not', async () => {
    const schema = struct({ 'a`b c': Schema.STRING_SCHEMA });
    await (await sink({ 'table.name.format': 'or`der' })).task.put([sinkRecord({ valueSchema: schema, value: { 'a`b c': 'x' } })]);
    expect(rows('SELECT "a`b c" FROM "or`der"')).toEqual([['x']]);
    await (await sink({ 'quote.sql.identifiers': 'never', 'table.name.format': 'plain' })).write(sinkRecord({ value: ada }));
    expect(tableSql('plain')).toBe('CREATE TABLE plain (\nid INTEGER NOT NULL,\nname TEXT NULL)');
  });

  test.each([
    ['MAP', map(Schema.STRING_SCHEMA, Schema.STRING_SCHEMA)],
    ['ARRAY', array(Schema.STRING_SCHEMA)],
    ['STRUCT', customer],
  ])('%s has no column', async (type, inner) => {
    const failure = await failureOf((await sink()).task.put([sinkRecord({ valueSchema: struct({ inner }), value: { inner: null } })]));
    expect(failure.message).toBe(`null (${type}) type doesn't have a mapping to the SQL database column type`);
  });
});

describe('errors', () => {
  test('bad records go to the reporter, the others are written', async () => {
    execute('CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL CHECK (length(name) < 5))');
    const { write, reported } = await sink(upsertByKey, { reporter: true });
    const records = Array.from({ length: 50 }, (_, i) => keyed(i, i === 7 ? null : i === 23 ? 'far too long' : `n${i}`));
    await write(...records);
    expect(rows('SELECT count(*), sum(id IN (7, 23)) FROM customers')).toEqual([[48, 0]]);
    expect(reported.map(({ offset }) => offset)).toEqual([records[7]?.kafkaOffset, records[23]?.kafkaOffset]);
    expect(reported[0]?.error).toMatchObject({ javaClass: 'java.sql.SQLException' });
    expect(reported[0]?.error.message).toContain('NOT NULL constraint failed: customers.name');
    expect(reported[1]?.error.message).toContain('CHECK constraint failed');
  });

  test('records without a schema are reported, and the others written', async () => {
    const { write, reported } = await sink({}, { reporter: true });
    await write(sinkRecord({ value: ada }), sinkRecord({ valueSchema: null, value: new Map([['id', 1]]), offset: 900n }), sinkRecord({ value: ben }));
    expect(rows('SELECT id FROM customers')).toEqual([[1], [2]]);
    expect(reported.map(({ offset }) => offset)).toEqual([900n]);
    expect(reported[0]?.error.message).toContain('with a LinkedHashMap value and null value schema.');
  });

  test('trim.sensitive.log keeps the database’s words about the data out of errors', async () => {
    execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT CHECK (name != 'secret'))");
    const { write, reported } = await sink({ ...upsertByKey, 'trim.sensitive.log': 'true' }, { reporter: true });
    await write(keyed(1, 'secret'));
    expect(reported[0]?.error.message).toBe('constraint failed (SQLite result code 275)');
  });

  test('a file that is locked is tried again later, and then fails the task', async () => {
    const { task, timeouts } = await sink(
      { 'connection.url': `jdbc:sqlite:${file}?busy_timeout=1`, 'max.retries': '1', 'retry.backoff.ms': '42' },
      { reporter: true },
    );
    await task.put([sinkRecord({ value: ada })]);
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    const first = await failureOf(task.put([sinkRecord({ value: ben })]));
    expect([first.retriable, timeouts]).toEqual([true, [42]]);
    const second = await failureOf(task.put([sinkRecord({ value: ben })]));
    expect(second.retriable).toBe(false);
    expect(second.message).toMatch(/^Failing task after exhausting retries \(max.retries=1\): database is locked/);
    other.exec('ROLLBACK');
    other.close();
    await task.put([sinkRecord({ value: ben })]);
    expect(rows('SELECT id FROM customers')).toEqual([[1], [2]]);
  });

  test('a folder that is not there is tried as often as connection.attempts says', async () => {
    const { task } = await sink({ 'connection.url': `jdbc:sqlite:${folder}/none/test.db`, 'connection.attempts': '2' });
    expect(await failureOf(task.put([sinkRecord({ value: ada })]))).toMatchObject({
      retriable: true,
      message: 'unable to open database file (SQLite result code 14)',
    });
  });
});

test('what was put is durable: a write-ahead log, synced at each commit', async () => {
  await (await sink()).task.put([sinkRecord({ value: ada })]);
  expect(rows('PRAGMA journal_mode')).toEqual([['wal']]);
  // A reader of its own sees the rows at once.
  expect(rows('SELECT id FROM customers')).toEqual([[1]]);
});
