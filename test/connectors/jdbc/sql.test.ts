import { describe, expect, test } from 'vitest';
import { array, Decimal, dateSchema, decimalSchema, Schema, type SinkRecord, struct, timeSchema, timestampSchema } from '../../../shared/connect/index.ts';
import type { Dialect, DialectSettings, InsertMode, TableDefinition } from '../../../shared/connectors/jdbc/dialects/dialect.ts';
import { PostgresqlDialect, type PostgresqlRows } from '../../../shared/connectors/jdbc/dialects/postgresql.ts';
import { SqliteDialect, type SqliteRows } from '../../../shared/connectors/jdbc/dialects/sqlite.ts';
import { fieldsMetadata } from '../../../shared/connectors/jdbc/fields-metadata.ts';
import { SinkTimes } from '../../../shared/connectors/jdbc/sink-times.ts';
import { customer, keyed, tombstone } from './test-sink.ts';

const settings: DialectSettings = {
  quoteIdentifiers: true,
  times: new SinkTimes({ zone: 'UTC', dateZone: 'UTC', legacyCalendar: true, timestampFields: new Set(), nanoseconds: false }),
  user: null,
  password: null,
  trimErrors: false,
  applicationName: 'sluice',
  clock: { now: () => 0, sleep: async () => {}, nextTurn: async () => {} },
  logger: { trace() {}, debug() {}, info() {}, warn() {}, error() {} },
};
const postgresql = (changes: Partial<DialectSettings> = {}) =>
  new PostgresqlDialect({ ...settings, ...changes }, { dialect: 'PostgreSqlDatabaseDialect', hosts: [], database: null, parameters: new Map() });
const sqlite = (changes: Partial<DialectSettings> = {}) =>
  new SqliteDialect({ ...settings, ...changes }, { dialect: 'SqliteDatabaseDialect', path: 'x.db', parameters: new Map() });

const fields = (valueSchema: Schema | null, fieldsWhitelist: string[] = []) =>
  fieldsMetadata(
    'customers',
    { pkMode: 'record_key', pkFields: ['id'], fieldsWhitelist: new Set(fieldsWhitelist), stringValueColumn: 'record_value', replaceNullWithDefault: true },
    Schema.INT64_SCHEMA,
    valueSchema,
  );

function table(columns: Record<string, string>): TableDefinition {
  return {
    id: { catalog: null, schema: 'shop', table: 'customers' },
    type: 'TABLE',
    columns: new Map(Object.entries(columns).map(([name, type]) => [name, { name, type, castType: type }])),
  };
}

/** The statements for some records. */
function sqlOf(dialect: Dialect, definition: TableDefinition, mode: InsertMode, records: SinkRecord[], whitelist: string[] = []): string[] {
  const bound = dialect.writer(definition, fields(customer, whitelist), mode).bind(records);
  return bound.map((rows) => (rows as PostgresqlRows).sql);
}

describe('PostgreSQL', () => {
  const definition = table({ id: 'int8', name: 'text' });

  test('insert, upsert, update and delete take an array a column', () => {
    const source = 'unnest($1::int8[],$2::text[]) AS r(c1,c2)';
    expect(sqlOf(postgresql(), definition, 'insert', [keyed(1, 'a')])).toEqual([
      `INSERT INTO "shop"."customers" ("id","name") SELECT r.c1,r.c2 FROM ${source}`,
    ]);
    expect(sqlOf(postgresql(), definition, 'upsert', [keyed(1, 'a')])).toEqual([
      `INSERT INTO "shop"."customers" ("id","name") SELECT r.c1,r.c2 FROM ${source} ON CONFLICT ("id") DO UPDATE SET "name"=EXCLUDED."name"`,
    ]);
    expect(sqlOf(postgresql(), definition, 'update', [keyed(1, 'a')])).toEqual([
      `UPDATE "shop"."customers" AS t SET "name"=r.c2 FROM ${source} WHERE t."id" = r.c1::int8`,
    ]);
    expect(sqlOf(postgresql(), definition, 'upsert', [tombstone(1)])).toEqual([
      'DELETE FROM "shop"."customers" AS t USING unnest($1::int8[]) AS r(c1) WHERE t."id" = r.c1::int8',
    ]);
  });

  test('an upsert of nothing but the key does nothing where the row is there', () => {
    const [sql] = postgresql()
      .writer(definition, fields(struct({ id: Schema.INT64_SCHEMA })), 'upsert')
      .bind([keyed(1, 'a')]);
    expect((sql as PostgresqlRows).sql).toMatch(/ON CONFLICT \("id"\) DO NOTHING$/);
  });

  test('values are cast where the column is of another kind', () => {
    expect(sqlOf(postgresql(), table({ id: 'text', name: 'jsonb' }), 'upsert', [keyed(1, '{}')])).toEqual([
      'INSERT INTO "shop"."customers" ("id","name") SELECT r.c1,r.c2::jsonb FROM unnest($1::int8[],$2::text[]) AS r(c1,c2) ' +
        'ON CONFLICT ("id") DO UPDATE SET "name"=EXCLUDED."name"',
    ]);
    expect(sqlOf(postgresql(), table({ id: 'text' }), 'upsert', [tombstone(1)], ['none'])[0]).toMatch(/WHERE t\."id" = r\.c1::text$/);
  });

  test('what was last done to a row of a batch is all that is done, deletions first, ordered by key', () => {
    const bound = postgresql()
      .writer(definition, fields(customer), 'upsert')
      .bind([keyed(3, 'c'), keyed(1, 'a'), tombstone(3), tombstone(2), keyed(2, 'b'), keyed(1, 'z')]);
    expect(bound.map(({ records }) => records.map(({ key, value }) => [key, (value as { name: string } | null)?.name ?? null]))).toEqual([
      [[3n, null]],
      [
        [1n, 'z'],
        [2n, 'b'],
      ],
    ]);
  });

  test('insert keeps records and deletions in their order', () => {
    const bound = postgresql()
      .writer(definition, fields(customer), 'insert')
      .bind([keyed(3, 'c'), keyed(1, 'a'), tombstone(3), keyed(3, 'd')]);
    expect(bound.map(({ records }) => records.map(({ key }) => key))).toEqual([[3n, 1n], [3n], [3n]]);
  });

  test('quotes in names are doubled, or names are not quoted at all', () => {
    const id = { catalog: null, schema: 'a"b', table: 'Or"der' };
    expect(postgresql().createTable(id, fields(customer).allFields)).toBe(
      'CREATE TABLE "a""b"."Or""der" (\n"id" BIGINT NOT NULL,\n"name" TEXT NULL,\nPRIMARY KEY("id"))',
    );
    expect(postgresql({ quoteIdentifiers: false }).tableName({ ...id, schema: 'shop', table: 'Orders' })).toBe('shop.Orders');
  });

  test('a column for each type, with its default', () => {
    const optional = (schema: Schema, defaultValue: unknown) => schema.with({ optional: true, defaultValue });
    const valueSchema = struct({
      text: optional(Schema.STRING_SCHEMA, "it's"),
      yes: optional(Schema.BOOLEAN_SCHEMA, true),
      bytes: optional(Schema.BYTES_SCHEMA, Buffer.from([1, 255])),
      price: optional(decimalSchema(2), new Decimal(-5n, 2)),
      nan: optional(Schema.FLOAT64_SCHEMA, Number.NaN),
      day: optional(dateSchema(), new Date('2026-02-03')),
      time: optional(timeSchema(), new Date(1)),
      at: optional(timestampSchema(), new Date('2026-02-03T04:05:06.007Z')),
      list: optional(array(Schema.STRING_SCHEMA), ["a'b", 'c"d']),
    });
    expect(postgresql().alterTable({ catalog: null, schema: null, table: 't' }, fields(valueSchema).nonKeyFields)).toEqual([
      `ALTER TABLE "t" ADD "text" TEXT DEFAULT 'it''s', ADD "yes" BOOLEAN DEFAULT TRUE, ADD "bytes" BYTEA DEFAULT '\\x01ff', ADD "price" DECIMAL DEFAULT -0.05, ` +
        `ADD "nan" DOUBLE PRECISION DEFAULT 'NaN', ADD "day" DATE DEFAULT '2026-02-03', ADD "time" TIME DEFAULT '00:00:00.001', ` +
        `ADD "at" TIMESTAMP DEFAULT '2026-02-03 04:05:06.007', ADD "list" TEXT[] DEFAULT '{"a''b","c\\"d"}'`,
    ]);
  });
});

describe('SQLite', () => {
  const definition = table({ id: 'INTEGER', name: 'TEXT' });
  const statements = (mode: InsertMode) => {
    const [rows] = sqlite()
      .writer(definition, fields(customer), mode)
      .bind([keyed(1, 'a')]);
    const { write, delete: remove } = rows as SqliteRows;
    return [write?.sql, remove?.sql];
  };
  const remove = 'DELETE FROM `shop`.`customers` WHERE `id` = ?';

  test.each<[InsertMode, string]>([
    ['insert', 'INSERT INTO `shop`.`customers`(`id`,`name`) VALUES(?,?)'],
    ['upsert', 'INSERT OR REPLACE INTO `shop`.`customers`(`id`,`name`) VALUES(?,?)'],
    ['update', 'UPDATE `shop`.`customers` SET `name` = ? WHERE `id` = ?'],
  ])('%s', (mode, sql) => {
    expect(statements(mode)).toEqual([sql, remove]);
  });

  test('columns are added one by one', () => {
    const schema = struct({ a: Schema.OPTIONAL_STRING_SCHEMA, b: Schema.INT32_SCHEMA.with({ defaultValue: 3 }) });
    expect(sqlite().alterTable({ catalog: null, schema: null, table: 't' }, fields(schema).nonKeyFields)).toEqual([
      'ALTER TABLE `t` ADD `a` TEXT NULL',
      'ALTER TABLE `t` ADD `b` INTEGER DEFAULT 3',
    ]);
  });
});
