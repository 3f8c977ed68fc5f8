import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { configValue } from '../../../shared/connect/index.ts';
import { jdbcSink } from '../../../shared/connectors/jdbc/sink.ts';

const url = 'jdbc:postgresql://db/shop';

/** What is wrong with a config, by key. */
async function errorsOf(config: Record<string, string>): Promise<Record<string, string[]>> {
  const rawConfig = { 'connection.url': url, ...config };
  const values = new Map(jdbcSink.config.validateAll(rawConfig).map((value) => [value.name, value]));
  await jdbcSink.validate?.({ rawConfig, config: null, value: (name) => values.get(name) ?? configValue(name, null) });
  return Object.fromEntries(
    [...values.values()].filter(({ errorMessages }) => errorMessages.length > 0).map(({ name, errorMessages }) => [name, errorMessages]),
  );
}

describe('a config of the JDBC sink', () => {
  test.each([
    ['the URL alone', {}],
    ['upsert by the key', { 'insert.mode': 'upsert', 'pk.mode': 'record_key', 'pk.fields': 'id', 'delete.enabled': 'true' }],
    ['words in upper case', { 'insert.mode': 'UPSERT', 'pk.mode': 'KAFKA', 'quote.sql.identifiers': 'NEVER', 'table.types': 'TABLE,VIEW' }],
    ['three names for Kafka’s coordinates', { 'pk.mode': 'kafka', 'pk.fields': 't,p,o' }],
    ['a zone by its region, offset or short id', { 'db.timezone': 'Europe/Berlin', 'date.timezone': 'utc' }],
    ['an offset as zone', { 'db.timezone': '+05:30' }],
    ['Java’s own provider of credentials', { 'jdbc.credentials.provider.class': 'io.confluent.connect.jdbc.util.DefaultJdbcCredentialsProvider' }],
  ])('is right: %s', async (_, config) => {
    expect(await errorsOf(config)).toEqual({});
  });

  const noDeletes = ['Deletes are only supported for pk.mode record_key'];
  const needsKey = (mode: string) => [
    `insert.mode=${mode} requires key field names to be known, check the primary key configuration: pk.mode must be one of kafka, record_key, record_value`,
  ];
  const threeNames = (names: string) => [
    `PK mode is KAFKA so there should either be no field names defined for defaults [__connect_topic, __connect_partition, __connect_offset] to be applicable, or exactly 3, defined fields are: [${names}] (pk.fields)`,
  ];
  test.each<[Record<string, string>, Record<string, unknown>]>([
    [{ 'insert.mode': 'merge' }, { 'insert.mode': ['Invalid value merge for configuration insert.mode: Invalid enumerator'] }],
    [{ 'pk.mode': 'Kafka' }, { 'pk.mode': ['Invalid value Kafka for configuration pk.mode: Invalid enumerator'] }],
    [{ 'insert.mode': 'upsert' }, { 'pk.mode': needsKey('upsert') }],
    [{ 'insert.mode': 'update', 'pk.mode': 'none' }, { 'pk.mode': needsKey('update') }],
    [{ 'delete.enabled': 'true' }, { 'pk.mode': noDeletes, 'delete.enabled': noDeletes }],
    [
      { 'delete.enabled': 'true', 'pk.mode': 'kafka', 'insert.mode': 'upsert' },
      { 'pk.mode': noDeletes, 'delete.enabled': noDeletes },
    ],
    [{ 'pk.mode': 'kafka', 'pk.fields': 'a,b' }, { 'pk.fields': threeNames('a, b') }],
    [{ 'batch.size': '-1' }, { 'batch.size': ['Invalid value -1 for configuration batch.size: Value must be at least 0'] }],
    [{ 'connection.attempts': '0' }, { 'connection.attempts': ['Invalid value 0 for configuration connection.attempts: Value must be at least 1'] }],
    [{ 'table.types': 'TABLE,SYNONYM' }, { 'table.types': ['Invalid value SYNONYM for configuration table.types: Invalid enumerator'] }],
    [
      { 'quote.sql.identifiers': 'often' },
      { 'quote.sql.identifiers': ["No matching QuoteMethod found for 'often' of quote.sql.identifiers: it is always or never"] },
    ],
    [{ 'db.timezone': 'Mars/Base' }, { 'db.timezone': [expect.stringContaining('Invalid value Mars/Base for configuration db.timezone: Invalid time zone.')] }],
    [{ 'connection.url': 'jdbc:mysql://db/shop' }, { 'connection.url': [expect.stringContaining('there is no dialect for jdbc:mysql:')] }],
    [{ 'dialect.name': 'SqliteDatabaseDialect' }, { 'dialect.name': [expect.stringContaining('leave dialect.name out')] }],
    [
      { 'dialect.name': 'MySqlDatabaseDialect' },
      { 'dialect.name': [expect.stringContaining('Dialects are PostgreSqlDatabaseDialect and SqliteDatabaseDialect')] },
    ],
    [
      { 'jdbc.credentials.provider.class': 'com.acme.Vault' },
      { 'jdbc.credentials.provider.class': [expect.stringContaining('let a config provider give user and password')] },
    ],
  ])('%j is refused', async (config, errors) => {
    expect(await errorsOf(config)).toEqual(errors);
  });

  test('without a URL is refused', () => {
    const value = jdbcSink.config.validateAll({}).find(({ name }) => name === 'connection.url');
    expect(value?.errorMessages).toEqual(['Missing required configuration "connection.url" which has no default value.']);
  });
});

test('the README has every key, with its type', async () => {
  const readme = await readFile(new URL('../../../shared/connectors/jdbc/README.md', import.meta.url), 'utf8');
  const rows = [...readme.matchAll(/^\| `([a-z.]+)` +\| ([a-z]+) /gm)].map(([, key, type]) => [key, type]);
  expect(rows.filter(([key]) => jdbcSink.config.keys[key as string])).toEqual(
    Object.entries(jdbcSink.config.keys).map(([key, { type }]) => [key, type.toLowerCase()]),
  );
});
