import { ConfigException } from '../../connect/index.ts';
import type { DialectName } from './dialect-names.ts';

/** A JDBC URL taken apart. `parameters` are those behind the question mark, names as written. */
export type JdbcUrl =
  | { readonly dialect: 'SqliteDatabaseDialect'; readonly path: string; readonly parameters: ReadonlyMap<string, string> }
  | {
      readonly dialect: 'PostgreSqlDatabaseDialect';
      /** Tried in order. */
      readonly hosts: readonly { readonly host: string; readonly port: number }[];
      /** Null: named as the user. */
      readonly database: string | null;
      readonly parameters: ReadonlyMap<string, string>;
    };

const key = 'connection.url';
const forms = 'jdbc:postgresql://host:5432/database?user=…&sslmode=verify-full or jdbc:sqlite:/path/file.db';
const postgresqlPort = 5432;

/**
 * Takes a JDBC URL apart. Throws ConfigException on `connection.url` that names the right forms. The URL itself is not in
 * the message: it may hold a password.
 */
export function parseJdbcUrl(url: string): JdbcUrl {
  if (url.startsWith('jdbc:sqlite:')) return sqliteUrl(url.slice('jdbc:sqlite:'.length));
  if (url.startsWith('jdbc:postgresql:')) return postgresqlUrl(url.slice('jdbc:postgresql:'.length));
  const protocol = /^jdbc:[a-z0-9]+:/.exec(url)?.[0];
  throw refused(protocol === undefined ? 'it is no JDBC URL' : `there is no dialect for ${protocol}`);
}

/** The dialect of a config: `dialect.name`, or what the URL says. Throws ConfigException when they do not fit. */
export function dialectOf(url: JdbcUrl, dialectName: string): DialectName {
  if (dialectName !== '' && dialectName !== url.dialect)
    throw new ConfigException(`dialect.name is ${dialectName}, and connection.url is one for ${url.dialect}: leave dialect.name out`);
  return url.dialect;
}

function refused(why: string): ConfigException {
  return new ConfigException(`Invalid value for configuration ${key}: ${why}. Right are ${forms}`);
}

function sqliteUrl(rest: string): JdbcUrl {
  const [path, query] = cut(rest.startsWith('file:') ? rest.slice('file:'.length) : rest);
  const parameters = parametersOf(query);
  if (path === '' || path.startsWith(':memory:') || parameters.get('mode') === 'memory')
    throw refused('an SQLite database needs a file, because one in memory is gone when the function ends');
  return { dialect: 'SqliteDatabaseDialect', path, parameters };
}

function postgresqlUrl(rest: string): JdbcUrl {
  const [address, query] = cut(rest);
  const parameters = parametersOf(query);
  if (!address.startsWith('//')) {
    if (address.includes('/')) throw refused('after jdbc:postgresql: come two slashes and a host, or the name of a database');
    return { dialect: 'PostgreSqlDatabaseDialect', hosts: [{ host: 'localhost', port: postgresqlPort }], database: decoded(address) || null, parameters };
  }
  const slash = address.indexOf('/', 2);
  const authority = slash < 0 ? address.slice(2) : address.slice(2, slash);
  if (authority.includes('@')) throw refused('user and password do not stand before the host: use connection.user and connection.password');
  const database = slash < 0 ? '' : decoded(address.slice(slash + 1));
  return { dialect: 'PostgreSqlDatabaseDialect', hosts: authority.split(',').map(hostOf), database: database || null, parameters };
}

function hostOf(text: string): { host: string; port: number } {
  const match = /^(\[[^\]]+\]|[^:[\]]*)(?::(\d+))?$/.exec(text);
  const port = match?.[2] === undefined ? postgresqlPort : Number(match[2]);
  if (match === null || port < 1 || port > 65_535) throw refused(`host and port cannot be read`);
  return { host: (match[1] as string).replace(/^\[|\]$/g, '') || 'localhost', port };
}

function cut(text: string): [before: string, after: string] {
  const mark = text.indexOf('?');
  return mark < 0 ? [text, ''] : [text.slice(0, mark), text.slice(mark + 1)];
}

function parametersOf(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of query.split('&')) {
    const equals = part.indexOf('=');
    if (part !== '') parameters.set(decoded(equals < 0 ? part : part.slice(0, equals)), equals < 0 ? '' : decoded(part.slice(equals + 1)));
  }
  return parameters;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused('a percent sign is not followed by two hexadecimal digits');
  }
}
