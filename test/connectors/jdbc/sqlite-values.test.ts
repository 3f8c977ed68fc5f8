import { beforeEach, expect, test } from 'vitest';
import { array, Decimal, dateSchema, decimalSchema, map, Schema, struct, timeSchema, timestampSchema } from '../../../shared/connect/index.ts';
import { SqliteFile } from './sqlite-file.ts';
import { customer, failureOf, sinkRecord } from './test-sink.ts';

let database: SqliteFile;
beforeEach(async () => {
  database = await SqliteFile.create();
  return () => database.drop();
});

const ada = { id: 1n, name: 'Ada' };

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
  await (await database.sink()).write(sinkRecord({ valueSchema: schema, value }));
  expect(database.tableSql()).toBe(
    'CREATE TABLE `customers` (\n`i8` INTEGER NOT NULL,\n`i16` INTEGER NOT NULL,\n`i32` INTEGER NOT NULL,\n`i64` INTEGER NOT NULL,\n`f32` REAL NOT NULL,\n`f64` REAL NOT NULL,\n' +
      '`yes` INTEGER NOT NULL,\n`text` TEXT NOT NULL,\n`bytes` BLOB NOT NULL,\n`price` NUMERIC NOT NULL,\n`day` NUMERIC NOT NULL,\n`time` NUMERIC NOT NULL,\n`at` NUMERIC NOT NULL)',
  );
  expect(
    database.rows('SELECT i8, i16, i32, CAST(i64 AS TEXT), f32, f64, yes, text, hex(bytes), price, day, time, at, typeof(i8), typeof(at) FROM customers'),
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
  database.execute('CREATE TABLE customers (id TEXT, name TEXT)');
  const schema = struct({ id: Schema.INT32_SCHEMA, name: Schema.STRING_SCHEMA });
  await (await database.sink()).write(sinkRecord({ valueSchema: schema, value: { id: 5, name: 'x' } }));
  expect(database.rows('SELECT id, typeof(id) FROM customers')).toEqual([['5', 'text']]);
});

test('null becomes the default of its schema, unless replace.null.with.default is off', async () => {
  const schema = struct({ id: Schema.INT64_SCHEMA, level: Schema.OPTIONAL_INT32_SCHEMA.with({ defaultValue: 3 }) });
  await (await database.sink()).write(sinkRecord({ valueSchema: schema, value: { id: 1n, level: null } }));
  await (await database.sink({ 'replace.null.with.default': 'false' })).write(sinkRecord({ valueSchema: schema, value: { id: 2n, level: null } }));
  expect(database.rows('SELECT id, level FROM customers ORDER BY id')).toEqual([
    [1, 3],
    [2, null],
  ]);
  expect(database.tableSql()).toContain('`level` INTEGER DEFAULT 3');
});

test('a plain string goes into the column that is named for it', async () => {
  await (await database.sink()).write(sinkRecord({ valueSchema: Schema.STRING_SCHEMA, value: 'hello' }));
  expect(database.rows('SELECT record_value FROM customers')).toEqual([['hello']]);
  await (await database.sink({ 'pk.mode': 'kafka', 'string.output.value.column.name': 'line', 'table.name.format': 'lines' })).write(
    sinkRecord({ valueSchema: Schema.STRING_SCHEMA, value: 'hello' }),
  );
  expect(database.rows('SELECT __connect_topic, line FROM lines')).toEqual([['customers', 'hello']]);
});

test('fields of timestamp.fields.list become timestamps', async () => {
  const schema = struct({ id: Schema.INT64_SCHEMA, a: Schema.INT64_SCHEMA, b: Schema.STRING_SCHEMA });
  await (await database.sink({ 'timestamp.fields.list': 'a,b' })).write(
    sinkRecord({ valueSchema: schema, value: { id: 1n, a: 1_770_091_506_789_123n, b: '-1' } }),
  );
  expect(database.rows('SELECT a, b FROM customers')).toEqual([[1_770_091_506_789, -1]]);
  expect(database.tableSql()).toContain('`a` NUMERIC NOT NULL,\n`b` NUMERIC NOT NULL');
});

test('identifiers are quoted, or not', async () => {
  const schema = struct({ 'a`b c': Schema.STRING_SCHEMA });
  await (await database.sink({ 'table.name.format': 'or`der' })).task.put([sinkRecord({ valueSchema: schema, value: { 'a`b c': 'x' } })]);
  expect(database.rows('SELECT "a`b c" FROM "or`der"')).toEqual([['x']]);
  await (await database.sink({ 'quote.sql.identifiers': 'never', 'table.name.format': 'plain' })).write(sinkRecord({ value: ada }));
  expect(database.tableSql('plain')).toBe('CREATE TABLE plain (\nid INTEGER NOT NULL,\nname TEXT NULL)');
});

test.each([
  ['MAP', map(Schema.STRING_SCHEMA, Schema.STRING_SCHEMA)],
  ['ARRAY', array(Schema.STRING_SCHEMA)],
  ['STRUCT', customer],
])('%s has no column', async (type, inner) => {
  const failure = await failureOf((await database.sink()).task.put([sinkRecord({ valueSchema: struct({ inner }), value: { inner: null } })]));
  expect(failure.message).toBe(`null (${type}) type doesn't have a mapping to the SQL database column type`);
});
