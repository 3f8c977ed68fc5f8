import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { ConfigException, ConnectException, isConnectException } from '../../../connect/index.ts';
import { type Fate, fateOfSqlState, SqlException } from '../errors.ts';
import type { TableId } from '../table-id.ts';
import type { BoundRows, DatabaseConnection, DialectSettings, TableDefinition } from './dialect.ts';
import type { PostgresqlRows, PostgresqlUrl } from './postgresql.ts';

/** pgjdbc's default, in seconds. */
const connectTimeoutSeconds = '10';
const statementsMax = 500;
const keepAliveDelayMs = 30_000;

const describeSql = `
SELECT c.relkind, n.nspname, c.relname, a.attname, t.typname, format_type(a.atttypid, -1) AS type
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_type t ON t.oid = a.atttypid
WHERE c.oid = to_regclass($1)
ORDER BY a.attnum`;

const kinds: Readonly<Record<string, string>> = { r: 'TABLE', p: 'PARTITIONED TABLE', v: 'VIEW', m: 'MATERIALIZED VIEW', f: 'FOREIGN TABLE' };

/** Parameters of pgjdbc's URLs that change nothing here, and need no warning. */
const harmless = new Set([
  'reWriteBatchedInserts',
  'stringtype',
  'binaryTransfer',
  'loggerLevel',
  'defaultRowFetchSize',
  'tcpKeepAlive',
  'loadBalanceHosts',
  'sslfactory',
]);
const used = new Set(
  'user password ssl sslmode sslrootcert sslcert sslkey connectTimeout loginTimeout socketTimeout ApplicationName currentSchema options prepareThreshold targetServerType'.split(
    ' ',
  ),
);

/**
 * Connects to the first host that takes writes. Throws SqlException when none does now, or the user is refused; ConnectException
 * when the password is missing or there is no such database, ConfigException when certificates cannot be read.
 */
export async function connectPostgresql(url: PostgresqlUrl, settings: DialectSettings, tableName: (table: TableId) => string): Promise<DatabaseConnection> {
  for (const name of url.parameters.keys())
    if (!used.has(name) && !harmless.has(name)) settings.logger.warn(`Parameter ${name} of connection.url is not known for PostgreSQL and has no effect`);
  const encryptions = await encryptionsOf(url.parameters);
  let failure: unknown;
  for (const { host, port } of url.hosts) {
    for (const ssl of encryptions) {
      const client = new pg.Client({ ...clientConfig(url, settings), host, port, ssl });
      const connection = new PostgresqlConnection(client, settings, tableName, url.parameters.get('prepareThreshold') !== '0');
      let encryptionMatters = false;
      try {
        await client.connect();
        await connection.prepare();
        if (url.hosts.length === 1 || !(await connection.isStandby())) return connection;
        failure = new SqlException(`${host}:${port} is a standby, which takes no writes`, 'connection', null);
      } catch (error) {
        failure = isConnectException(error) ? error : connectError(error, `${host}:${port}`);
        encryptionMatters = mayBeOfEncryption(error);
      }
      await connection.close();
      if (!encryptionMatters) break;
    }
  }
  throw failure;
}

function clientConfig({ database, parameters }: PostgresqlUrl, { user, password, applicationName }: DialectSettings): pg.ClientConfig {
  const name = parameters.get('user') ?? user;
  const seconds = Number(parameters.get('connectTimeout') ?? parameters.get('loginTimeout') ?? connectTimeoutSeconds);
  const socketTimeout = Number(parameters.get('socketTimeout') ?? 0);
  const schema = parameters.get('currentSchema');
  const options = [parameters.get('options'), schema === undefined ? undefined : `-c search_path=${schema}`].filter((each) => each !== undefined).join(' ');
  return {
    ...(name === null ? {} : { user: name }),
    ...(database === null ? {} : { database }),
    // A text, so that the environment's PGPASSWORD is never taken.
    password: parameters.get('password') ?? password ?? '',
    application_name: parameters.get('ApplicationName') ?? applicationName,
    connectionTimeoutMillis: seconds * 1000,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveDelayMs,
    ...(socketTimeout > 0 ? { query_timeout: socketTimeout * 1000 } : {}),
    ...(options === '' ? {} : { options }),
  };
}

/** What to try in turn, by pgjdbc's `sslmode`; its default is to encrypt where the server can. */
async function encryptionsOf(parameters: ReadonlyMap<string, string>): Promise<(false | ConnectionOptions)[]> {
  const ssl = parameters.get('ssl');
  const mode = parameters.get('sslmode') ?? (ssl !== undefined && ssl !== 'false' ? 'verify-full' : 'prefer');
  const files = {
    ...(await certificate(parameters, 'sslrootcert', 'ca')),
    ...(await certificate(parameters, 'sslcert', 'cert')),
    ...(await certificate(parameters, 'sslkey', 'key')),
  };
  const unchecked = { ...files, rejectUnauthorized: false };
  switch (mode) {
    case 'disable':
      return [false];
    case 'allow':
      return [false, unchecked];
    case 'prefer':
      return [unchecked, false];
    case 'require':
      return [unchecked];
    case 'verify-ca':
      return [{ ...files, rejectUnauthorized: true, checkServerIdentity: () => undefined }];
    case 'verify-full':
      return [{ ...files, rejectUnauthorized: true }];
    default:
      throw new ConfigException(`sslmode=${mode} in connection.url is not one of disable, allow, prefer, require, verify-ca, verify-full`);
  }
}

async function certificate(parameters: ReadonlyMap<string, string>, name: string, option: 'ca' | 'cert' | 'key'): Promise<ConnectionOptions> {
  const path = parameters.get(name);
  if (path === undefined) return {};
  try {
    return { [option]: await readFile(path) };
  } catch (cause) {
    throw new ConfigException(`The file that ${name} in connection.url names cannot be read: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
}

/** What only a person changes: user, password, database, or the right to connect to it. */
const refusals = /^(?:28|3D|42501)/;

function connectError(error: unknown, address: string): ConnectException {
  const { code, message, errors } = error as { code?: string; message: string; errors?: Error[] };
  const why = message || errors?.map((each) => each.message).join('; ') || code;
  const text = `Could not connect to ${address}: ${why}`;
  if (/password must be a/.test(message)) return new ConnectException(`${text} (connection.password is empty)`, { cause: error });
  if (code !== undefined && refusals.test(code)) {
    const advice = `${text} (SQLSTATE ${code}). See connection.user, connection.password and connection.url`;
    // Who is refused may be let in again, or have another password since.
    return code.startsWith('28') ? new SqlException(advice, 'down', code, { cause: error }) : new ConnectException(advice, { cause: error });
  }
  return new SqlException(text, 'connection', code ?? null, { cause: error });
}

/** Whether the same server may take a connection that is encrypted where this one was not, or the other way round. */
function mayBeOfEncryption(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return code === '28000' || code === 'ECONNRESET' || code?.startsWith('ERR_SSL') === true || message?.includes('SSL') === true;
}

class PostgresqlConnection implements DatabaseConnection {
  readonly #client: pg.Client;
  readonly #settings: DialectSettings;
  readonly #tableName: (table: TableId) => string;
  readonly #prepare: boolean;
  readonly #names = new Map<string, string>();
  #open = true;

  constructor(client: pg.Client, settings: DialectSettings, tableName: (table: TableId) => string, prepare: boolean) {
    this.#client = client;
    this.#settings = settings;
    this.#tableName = tableName;
    this.#prepare = prepare;
    const lost = () => {
      this.#open = false;
    };
    client.on('error', lost);
    client.on('end', lost);
  }

  get open(): boolean {
    return this.#open;
  }

  async isValid(timeoutMs: number): Promise<boolean> {
    const done = new AbortController();
    const answer = this.execute('SELECT 1').then(
      () => true,
      () => false,
    );
    const timeout = this.#settings.clock.sleep(timeoutMs, done.signal).then(() => false);
    const valid = await Promise.race([answer, timeout]);
    done.abort();
    return valid;
  }

  /**
   * Has the server look every second whether we are still there: a statement that waits for a lock would else go on, and
   * write, long after its connection was cut. Servers that cannot (before 14, or not on Linux) are left as they are.
   */
  async prepare(): Promise<void> {
    await this.execute("SELECT set_config('client_connection_check_interval', '1000', false) WHERE current_setting('server_version_num')::int >= 140000").catch(
      (error: SqlException) => {
        if (!this.#open) throw error;
      },
    );
  }

  async isStandby(): Promise<boolean> {
    const { rows } = await this.#query({ text: 'SELECT pg_is_in_recovery() AS standby' });
    return (rows[0] as { standby: boolean }).standby;
  }

  async describe(table: TableId): Promise<TableDefinition | null> {
    const { rows } = await this.#query({ text: describeSql, values: [this.#tableName(table)] });
    const columns = rows as { relkind: string; nspname: string; relname: string; attname: string | null; typname: string; type: string }[];
    const [first] = columns;
    if (first === undefined) return null;
    return {
      id: { catalog: null, schema: first.nspname, table: first.relname },
      type: kinds[first.relkind] ?? first.relkind,
      columns: new Map(
        columns.flatMap(({ attname, typname, type }) => (attname === null ? [] : [[attname, { name: attname, type: typname, castType: type }]])),
      ),
    };
  }

  async execute(sql: string): Promise<void> {
    await this.#query({ text: sql });
  }

  async run(rows: BoundRows): Promise<void> {
    const { sql, values } = rows as PostgresqlRows;
    await this.#query({ ...this.#named(sql), text: sql, values: values as Buffer[] });
  }

  async query(sql: string): Promise<readonly Record<string, unknown>[]> {
    return (await this.#query({ text: sql })).rows as Record<string, unknown>[];
  }

  async runAll(rows: readonly BoundRows[], first?: () => Promise<boolean>): Promise<void> {
    const [only] = rows;
    if (only === undefined && first === undefined) return;
    // A statement by itself is a transaction: one round trip instead of three.
    if (only !== undefined && rows.length === 1 && first === undefined) return this.run(only);
    await this.execute('BEGIN');
    try {
      if (first !== undefined && !(await first())) return await this.execute('ROLLBACK');
      for (const each of rows) await this.run(each);
      await this.execute('COMMIT');
    } catch (error) {
      if (this.#open) await this.execute('ROLLBACK').catch(() => this.close());
      throw error;
    }
  }

  async close(): Promise<void> {
    const wasOpen = this.#open;
    this.#open = false;
    // A connection that is lost does not answer to a farewell.
    if (!wasOpen) (this.#client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    const ended = this.#client.end().catch(() => {});
    if (wasOpen) await Promise.race([ended, this.#settings.clock.sleep(1_000)]);
  }

  /** Names of prepared statements, by text. */
  #named(sql: string): { name?: string } {
    if (!this.#prepare) return {};
    let name = this.#names.get(sql);
    if (name === undefined) {
      // Beyond this many shapes of records in one connection, statements are planned each time.
      if (this.#names.size >= statementsMax) return {};
      name = `sluice_${this.#names.size}`;
      this.#names.set(sql, name);
    }
    return { name };
  }

  async #query(query: pg.QueryConfig): Promise<pg.QueryResult> {
    try {
      return await this.#client.query(query);
    } catch (error) {
      throw this.#sqlException(error);
    }
  }

  #sqlException(error: unknown): SqlException {
    const { code, message, detail, column, constraint } = error as { code?: string; message: string; detail?: string; column?: string; constraint?: string };
    const state = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null;
    const fate: Fate = state === null ? 'connection' : fateOfSqlState(state);
    if (fate === 'connection') this.#open = false;
    if (state === null) return new SqlException(`The connection was lost: ${message}`, fate, null, { cause: error });
    if (!this.#settings.trimErrors) return new SqlException(`${message}${detail ? `: ${detail}` : ''} (SQLSTATE ${state})`, fate, state, { cause: error });
    const place = [constraint && `constraint ${constraint}`, column && `column ${column}`].filter(Boolean).join(', ');
    return new SqlException(`SQL error${place && ` at ${place}`} (SQLSTATE ${state})`, fate, state);
  }
}
