import { describe, expect, test } from 'vitest';
import { dialectOf, parseJdbcUrl } from '../../../shared/connectors/jdbc/jdbc-url.ts';

const host = (name: string, port = 5432) => ({ host: name, port });

describe('parseJdbcUrl', () => {
  test.each([
    ['jdbc:postgresql://db', [host('db')], null, {}],
    ['jdbc:postgresql://db/', [host('db')], null, {}],
    ['jdbc:postgresql://db/shop', [host('db')], 'shop', {}],
    ['jdbc:postgresql://db:6543/shop', [host('db', 6543)], 'shop', {}],
    ['jdbc:postgresql:///shop', [host('localhost')], 'shop', {}],
    ['jdbc:postgresql:shop', [host('localhost')], 'shop', {}],
    ['jdbc:postgresql:', [host('localhost')], null, {}],
    ['jdbc:postgresql://[2001:db8::1]:6543/shop', [host('2001:db8::1', 6543)], 'shop', {}],
    ['jdbc:postgresql://[::1]/shop', [host('::1')], 'shop', {}],
    ['jdbc:postgresql://one:1,two,[::1]:3/shop', [host('one', 1), host('two'), host('::1', 3)], 'shop', {}],
    ['jdbc:postgresql://db/my%20shop?user=ada&password=a%26b%3D&ssl', [host('db')], 'my shop', { user: 'ada', password: 'a&b=', ssl: '' }],
    ['jdbc:postgresql://db/shop?ssl=true&sslmode=verify-full', [host('db')], 'shop', { ssl: 'true', sslmode: 'verify-full' }],
    ['jdbc:postgresql://db?options=-c%20x=y&', [host('db')], null, { options: '-c x=y' }],
  ])('%s', (url, hosts, database, parameters) => {
    const parsed = parseJdbcUrl(url);
    expect({ ...parsed, parameters: Object.fromEntries(parsed.parameters) }).toEqual({ dialect: 'PostgreSqlDatabaseDialect', hosts, database, parameters });
  });

  test.each([
    ['jdbc:sqlite:shop.db', 'shop.db', {}],
    ['jdbc:sqlite:/var/shop.db', '/var/shop.db', {}],
    ['jdbc:sqlite:file:/var/shop.db?busy_timeout=5&foreign_keys=true', '/var/shop.db', { busy_timeout: '5', foreign_keys: 'true' }],
  ])('%s', (url, path, parameters) => {
    const parsed = parseJdbcUrl(url);
    expect({ ...parsed, parameters: Object.fromEntries(parsed.parameters) }).toEqual({ dialect: 'SqliteDatabaseDialect', path, parameters });
  });

  test.each([
    ['postgresql://db/shop', 'it is no JDBC URL'],
    ['', 'it is no JDBC URL'],
    ['jdbc:mysql://db/shop', 'there is no dialect for jdbc:mysql:'],
    ['jdbc:sqlite:', 'an SQLite database needs a file'],
    ['jdbc:sqlite::memory:', 'an SQLite database needs a file'],
    ['jdbc:sqlite:file:x?mode=memory', 'an SQLite database needs a file'],
    ['jdbc:postgresql:db/shop', 'after jdbc:postgresql: come two slashes and a host'],
    ['jdbc:postgresql://db:port/shop', 'host and port cannot be read'],
    ['jdbc:postgresql://db:0/shop', 'host and port cannot be read'],
    ['jdbc:postgresql://db:70000/shop', 'host and port cannot be read'],
    ['jdbc:postgresql://::1/shop', 'host and port cannot be read'],
    ['jdbc:postgresql://ada:hunter2@db/shop', 'user and password do not stand before the host: use connection.user and connection.password'],
    ['jdbc:postgresql://db/shop?password=%zz', 'a percent sign is not followed by two hexadecimal digits'],
  ])('%s is refused', (url, why) => {
    const parse = () => parseJdbcUrl(url);
    expect(parse).toThrow(`Invalid value for configuration connection.url: ${why}`);
    expect(parse).toThrow('Right are jdbc:postgresql://host:5432/database?user=…&sslmode=verify-full or jdbc:sqlite:/path/file.db');
  });

  test('a URL with a password in it is not in the message', () => {
    expect(() => parseJdbcUrl('jdbc:postgresql://ada:hunter2@db/shop')).not.toThrow('hunter2');
    expect(() => parseJdbcUrl('jdbc:postgresql://db:x/shop?password=hunter2')).not.toThrow('hunter2');
  });
});

test('dialect.name may say what the URL says, and nothing else', () => {
  const url = parseJdbcUrl('jdbc:sqlite:shop.db');
  expect(dialectOf(url, '')).toBe('SqliteDatabaseDialect');
  expect(dialectOf(url, 'SqliteDatabaseDialect')).toBe('SqliteDatabaseDialect');
  expect(() => dialectOf(url, 'PostgreSqlDatabaseDialect')).toThrow(
    'dialect.name is PostgreSqlDatabaseDialect, and connection.url is one for SqliteDatabaseDialect: leave dialect.name out',
  );
});
