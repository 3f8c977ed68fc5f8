import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { array, Decimal, dateSchema, decimalSchema, map, Schema, struct, timeSchema, timestampSchema } from '../../shared/connect/index.ts';
import { customer, failureOf, sinkRecord } from '../connectors/jdbc/test-sink.ts';
import { PostgresqlSchema } from './postgresql-schema.ts';
import { databaseUrl } from './servers.ts';

const url = databaseUrl();
const optional = (schema: Schema) => schema.with({ optional: true });

/** A column for each type: its schema, its SQL type, a value, and what PostgreSQL prints for that. */
const types: Record<string, readonly [schema: Schema, sqlType: string, value: unknown, printed: string]> = {
  i8: [Schema.INT8_SCHEMA, 'smallint', -128, '-128'],
  i16: [Schema.INT16_SCHEMA, 'smallint', 32_767, '32767'],
  i32: [Schema.INT32_SCHEMA, 'integer', -2_147_483_648, '-2147483648'],
  i64: [Schema.INT64_SCHEMA, 'bigint', -9_223_372_036_854_775_808n, '-9223372036854775808'],
  f32: [Schema.FLOAT32_SCHEMA, 'real', 0.5, '0.5'],
  f64: [Schema.FLOAT64_SCHEMA, 'double precision', 5e-324, '5e-324'],
  not_a_number: [Schema.FLOAT64_SCHEMA, 'double precision', Number.NaN, 'NaN'],
  infinite: [Schema.FLOAT64_SCHEMA, 'double precision', Number.POSITIVE_INFINITY, 'Infinity'],
  infinite32: [Schema.FLOAT32_SCHEMA, 'real', Number.NEGATIVE_INFINITY, '-Infinity'],
  minus_zero: [Schema.FLOAT64_SCHEMA, 'double precision', -0, '-0'],
  yes: [Schema.BOOLEAN_SCHEMA, 'boolean', true, 'true'],
  no: [Schema.BOOLEAN_SCHEMA, 'boolean', false, 'false'],
  text: [Schema.STRING_SCHEMA, 'text', 'Käse ’; DROP TABLE — 🧀 {",\\} \t', 'Käse ’; DROP TABLE — 🧀 {",\\} \t'],
  empty: [Schema.STRING_SCHEMA, 'text', '', ''],
  long: [Schema.STRING_SCHEMA, 'text', 'ü'.repeat(300), 'ü'.repeat(300)],
  bytes: [Schema.BYTES_SCHEMA, 'bytea', Buffer.from([0, 92, 255]), '\\x005cff'],
  no_bytes: [Schema.BYTES_SCHEMA, 'bytea', Buffer.alloc(0), '\\x'],
  price: [decimalSchema(2), 'numeric', new Decimal(-1205n, 2), '-12.05'],
  huge: [decimalSchema(3), 'numeric', new Decimal(10n ** 40n + 1n, 3), `1${'0'.repeat(37)}.001`],
  rounded: [decimalSchema(-3), 'numeric', new Decimal(7n, -3), '7000'],
  tiny: [decimalSchema(12), 'numeric', new Decimal(1n, 12), '0.000000000001'],
  day: [dateSchema(), 'date', new Date('2026-02-03'), '2026-02-03'],
  before_epoch: [dateSchema(), 'date', new Date('1600-02-29'), '1600-02-29'],
  last_day: [dateSchema(), 'date', new Date('9999-12-31'), '9999-12-31'],
  time: [timeSchema(), 'time without time zone', new Date(86_399_999), '23:59:59.999'],
  at: [timestampSchema(), 'timestamp without time zone', new Date('2026-02-03T04:05:06.789Z'), '2026-02-03 04:05:06.789'],
  far: [timestampSchema(), 'timestamp without time zone', new Date('9999-12-31T23:59:59.999Z'), '9999-12-31 23:59:59.999'],
  integers: [array(Schema.INT32_SCHEMA), 'integer[]', [1, -2, 3], '{1,-2,3}'],
  small: [array(Schema.INT8_SCHEMA), 'smallint[]', [1, -2], '{1,-2}'],
  longs: [array(Schema.INT64_SCHEMA), 'bigint[]', [2n ** 63n - 1n], '{9223372036854775807}'],
  doubles: [array(Schema.FLOAT64_SCHEMA), 'double precision[]', [0.5, Number.NaN, Number.NEGATIVE_INFINITY, 1e300], '{0.5,NaN,-Infinity,1e+300}'],
  flags: [array(Schema.BOOLEAN_SCHEMA), 'boolean[]', [true, false], '{t,f}'],
  texts: [array(optional(Schema.STRING_SCHEMA)), 'text[]', ['a "b" \\', null, 'null', '', 'x,y'], '{"a \\"b\\" \\\\",NULL,"null","","x,y"}'],
  none: [array(Schema.STRING_SCHEMA), 'text[]', [], '{}'],
};
const names = Object.keys(types);
const printed = `SELECT ${names.map((name) => `${name}::text`).join(', ')} FROM customers`;
const sample = (name: string) => types[name]?.[2];
const schemaOf = (wrap: (schema: Schema) => Schema) => struct(Object.fromEntries(names.map((name) => [name, wrap(types[name]?.[0] as Schema)])));

describe.skipIf(url === null)('values in PostgreSQL (needs DATABASE_URL)', () => {
  let database: PostgresqlSchema;
  beforeAll(async () => {
    database = await PostgresqlSchema.create(url as string);
  });
  beforeEach(() => database.execute('DROP TABLE IF EXISTS customers'));
  afterAll(() => database.drop());

  test('every type has its column, and its value comes back', async () => {
    const value = Object.fromEntries(names.map((name) => [name, sample(name)]));
    await (await database.sink()).write(sinkRecord({ valueSchema: schemaOf((schema) => schema), value }));
    expect(await database.columns('customers')).toEqual(names.map((name) => `${name} ${types[name]?.[1]} not null`));
    expect(await database.rows(printed)).toEqual([names.map((name) => types[name]?.[3])]);
  });

  test('every type may be null, among rows that are not', async () => {
    const full = Object.fromEntries(names.map((name) => [name, sample(name)]));
    const empty = Object.fromEntries(names.map((name) => [name, null]));
    const { write } = await database.sink();
    await write(...[empty, full, empty, {}].map((value) => sinkRecord({ valueSchema: schemaOf(optional), value })));
    expect(await database.columns('customers')).toEqual(names.map((name) => `${name} ${types[name]?.[1]}`));
    const nulls = names.map(() => null);
    expect(await database.rows(`${printed} ORDER BY ctid`)).toEqual([nulls, names.map((name) => types[name]?.[3]), nulls, nulls]);
  });

  test('the default of every type becomes that of its column', async () => {
    const withDefault = (schema: Schema, value: unknown) => schema.with({ optional: true, defaultValue: value });
    const schema = struct({
      id: Schema.INT64_SCHEMA,
      ...Object.fromEntries(names.map((name) => [name, withDefault(types[name]?.[0] as Schema, sample(name))])),
    });
    const { write } = await database.sink({ 'auto.evolve': 'true', 'pk.mode': 'record_value', 'pk.fields': 'id' });
    await write(sinkRecord({ valueSchema: struct({ id: Schema.INT64_SCHEMA }), value: { id: 1n } }));
    // Null is replaced by the default; the row that was there has it from the column.
    await write(sinkRecord({ valueSchema: schema, value: { id: 2n } }));
    // SQL has no literal for a negative zero; a default of it is 0, as Confluent's is.
    const expected = (minusZero: string) => names.map((name) => (name === 'minus_zero' ? minusZero : types[name]?.[3]));
    expect(await database.rows(`${printed} ORDER BY id`)).toEqual([expected('0'), expected('-0')]);
  });

  test.each([
    ['MAP', map(Schema.STRING_SCHEMA, Schema.STRING_SCHEMA)],
    ['STRUCT', customer],
  ])('%s has no column', async (type, inner) => {
    const failure = await failureOf((await database.sink()).task.put([sinkRecord({ valueSchema: struct({ inner }), value: { inner: null } })]));
    expect(failure.message).toBe(`null (${type}) type doesn't have a mapping to the SQL database column type`);
    expect(failure.retriable).toBe(false);
  });

  test('texts are read as what their column holds: json, uuid, numbers, enums, intervals, domains', async () => {
    await database.execute(`CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN positive AS int CHECK (VALUE > 0);
      CREATE TABLE customers (doc json, docb jsonb, id uuid PRIMARY KEY, nr numeric(6,2), feeling mood, took interval, code char(3), short varchar(5), level positive, ip inet)`);
    const value = {
      doc: '{"a" : 1}',
      docb: '{"a" : 1}',
      id: 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
      nr: '12.5',
      feeling: 'ok',
      took: '1 day',
      code: 'ab',
      short: 'abcde',
      level: '3',
      ip: '10.0.0.1',
    };
    const valueSchema = struct(Object.fromEntries(Object.keys(value).map((name) => [name, Schema.STRING_SCHEMA])));
    const { write, reported } = await database.sink({ 'insert.mode': 'upsert', 'pk.mode': 'record_value', 'pk.fields': 'id' }, { reporter: true });
    const bad = (change: Partial<typeof value>) => sinkRecord({ valueSchema, value: { ...value, id: 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', ...change } });
    await write(
      sinkRecord({ valueSchema, value }),
      ...[{ doc: '{' }, { id: 'x' }, { feeling: 'fine' }, { short: 'abcdef' }, { level: '-1' }, { nr: '99999' }, { nr: 'many' }, { ip: 'a\0b' }].map(bad),
    );
    expect(await database.rows('SELECT doc::text, docb::text, id, nr, feeling, took::text, code, short, level, host(ip) FROM customers')).toEqual([
      ['{"a" : 1}', '{"a": 1}', value.id.toLowerCase(), '12.50', 'ok', '1 day', 'ab ', 'abcde', 3, '10.0.0.1'],
    ]);
    expect(reported.map(({ error }) => error.message)).toEqual([
      expect.stringContaining('invalid input syntax for type json'),
      expect.stringContaining('invalid input syntax for type uuid: "x"'),
      expect.stringContaining('invalid input value for enum mood: "fine"'),
      expect.stringContaining('value too long for type character varying(5)'),
      expect.stringContaining('violates check constraint "positive_check"'),
      expect.stringContaining('numeric field overflow'),
      expect.stringContaining('invalid input syntax for type numeric: "many"'),
      expect.stringContaining('invalid byte sequence for encoding "UTF8": 0x00'),
    ]);
  });

  test('numbers go into wider and narrower columns, and those that do not fit are reported', async () => {
    await database.execute('CREATE TABLE customers (id numeric PRIMARY KEY, small smallint, as_text text, price float8)');
    const valueSchema = struct({ id: Schema.INT64_SCHEMA, small: Schema.INT64_SCHEMA, as_text: Schema.INT32_SCHEMA, price: decimalSchema(1) });
    const { write, reported } = await database.sink({ 'insert.mode': 'upsert', 'pk.mode': 'record_value', 'pk.fields': 'id' }, { reporter: true });
    const record = (id: bigint, small: bigint) => sinkRecord({ valueSchema, value: { id, small, as_text: 5, price: new Decimal(25n, 1) }, offset: id });
    await write(record(1n, 7n), record(2n, 70_000n), record(3n, -7n));
    expect(await database.rows('SELECT id::int, small, as_text, price FROM customers ORDER BY id')).toEqual([
      [1, 7, '5', 2.5],
      [3, -7, '5', 2.5],
    ]);
    expect(reported).toMatchObject([{ offset: 2n, error: { message: 'smallint out of range (SQLSTATE 22003)' } }]);
  });

  test('a value that is not what its schema says is reported with its field', async () => {
    const { write, reported } = await database.sink({}, { reporter: true });
    await write(sinkRecord({ value: { id: 1n, name: 'Ada' } }), sinkRecord({ value: { id: 2n, name: 5 }, offset: 99n }));
    expect(await database.rows('SELECT id::int FROM customers')).toEqual([[1]]);
    expect(reported).toMatchObject([{ offset: 99n, error: { message: 'The value of field name cannot be written: a string is expected, not number' } }]);
  });

  test('times are written by db.timezone, and into columns with a time zone as the instant', async () => {
    await database.execute('CREATE TABLE customers (at timestamp, at_zone timestamptz, day date, clock time)');
    const valueSchema = struct({ at: timestampSchema(), at_zone: timestampSchema(), day: dateSchema(), clock: timeSchema() });
    const at = new Date('2026-07-01T22:30:00.001Z');
    const value = { at, at_zone: at, day: new Date('2026-07-01'), clock: new Date(0) };
    const zone = { 'db.timezone': 'America/New_York', 'date.timezone': 'utc' };
    await (await database.sink(zone)).write(sinkRecord({ valueSchema, value }));
    await (await database.sink({ 'db.timezone': 'Asia/Kolkata' })).write(sinkRecord({ valueSchema, value }));
    expect(await database.rows('SELECT at::text, at_zone::text, day::text, clock::text FROM customers ORDER BY ctid')).toEqual([
      ['2026-07-01 18:30:00.001', '2026-07-01 22:30:00.001+00', '2026-07-01', '19:00:00'],
      ['2026-07-02 04:00:00.001', '2026-07-01 22:30:00.001+00', '2026-07-01', '05:30:00'],
    ]);
  });

  test('days before October 1582 are counted as Java does, or in the Gregorian calendar throughout', async () => {
    const valueSchema = struct({ day: dateSchema(), at: timestampSchema() });
    const value = { day: new Date('1582-10-14'), at: new Date('1000-01-01T12:00:00Z') };
    await (await database.sink()).write(sinkRecord({ valueSchema, value }));
    await (await database.sink({ 'date.calendar.system': 'PROLEPTIC_GREGORIAN' })).write(sinkRecord({ valueSchema, value }));
    expect(await database.rows('SELECT day::text, at::text FROM customers ORDER BY ctid')).toEqual([
      ['1582-10-04', '0999-12-27 12:00:00'],
      ['1582-10-14', '1000-01-01 12:00:00'],
    ]);
  });

  test('fields of timestamp.fields.list become timestamps with microseconds', async () => {
    const valueSchema = struct({ a: Schema.INT64_SCHEMA, b: Schema.STRING_SCHEMA });
    const value = { a: 1_770_091_506_789_123n, b: '-1' };
    await (await database.sink({ 'timestamp.fields.list': 'a,b' })).write(sinkRecord({ valueSchema, value }));
    await (await database.sink({ 'timestamp.fields.list': 'a,b', 'timestamp.precision.mode': 'nanoseconds' })).write(
      sinkRecord({ valueSchema, value: { a: 1_770_091_506_789_123_500n, b: '1499' } }),
    );
    expect(await database.columns('customers')).toEqual(['a timestamp without time zone not null', 'b timestamp without time zone not null']);
    expect(await database.rows('SELECT a::text, b::text FROM customers ORDER BY ctid')).toEqual([
      ['2026-02-03 04:05:06.789123', '1969-12-31 23:59:59.999999'],
      ['2026-02-03 04:05:06.789124', '1970-01-01 00:00:00.000001'],
    ]);
  });

  test('keys of every comparable type find their rows again', async () => {
    const keys = ['i8', 'i64', 'f64', 'yes', 'text', 'bytes', 'price', 'day', 'time', 'at'];
    const keySchema = struct(Object.fromEntries(keys.map((name) => [name, types[name]?.[0] as Schema])));
    const key = Object.fromEntries(keys.map((name) => [name, sample(name)]));
    const { write } = await database.sink({ 'insert.mode': 'upsert', 'pk.mode': 'record_key', 'delete.enabled': 'true' });
    const record = (key: object, name: string | null) =>
      sinkRecord({ keySchema, key, valueSchema: struct({ name: Schema.STRING_SCHEMA }), value: name === null ? null : { name } });
    // 1.50 and 1.5 are one key to the database.
    const alike = { ...key, price: new Decimal(-12050n, 3) };
    await write(record(key, 'first'), record({ ...key, text: 'other' }, 'other'), record(alike, 'second'));
    expect(await database.rows('SELECT name FROM customers ORDER BY name')).toEqual([['other'], ['second']]);
    await write(record({ ...key, text: 'other' }, null));
    expect(await database.rows('SELECT name FROM customers')).toEqual([['second']]);
  });
});
