import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { type TestSink, testSink } from '../connectors/jdbc/test-sink.ts';

/** A schema of its own in a real PostgreSQL, and JDBC sinks that write into it. */
export class PostgresqlSchema {
  /** Of the schema, and of the application of its sinks in `pg_stat_activity`. */
  readonly name: string;
  /** `connection.*` keys of a sink that writes into this schema. */
  readonly connection: Readonly<Record<string, string>>;
  readonly #url: string;
  readonly #client: pg.Client;
  readonly #sinks: TestSink[] = [];

  private constructor(url: string, name: string, client: pg.Client) {
    this.name = name;
    this.#url = url;
    this.#client = client;
    this.connection = jdbcConnection(url, { currentSchema: name, ApplicationName: name });
  }

  static async create(url: string): Promise<PostgresqlSchema> {
    const name = `sink_${randomBytes(6).toString('hex')}`;
    const client = await connected(url, name);
    await client.query(`CREATE SCHEMA ${name}`);
    return new PostgresqlSchema(url, name, client);
  }

  async sink(config: Record<string, string> = {}, options: { reporter?: boolean } = {}): Promise<TestSink> {
    const made = await testSink({ ...this.connection, ...config }, options);
    this.#sinks.push(made);
    return made;
  }

  async execute(sql: string): Promise<void> {
    await this.#client.query(sql);
  }

  /** Rows as arrays. */
  async rows(sql: string, values: unknown[] = []): Promise<unknown[][]> {
    return (await this.#client.query({ text: sql, values, rowMode: 'array' })).rows;
  }

  /** Columns with their SQL types, as `name type`, and `not null` where that holds. */
  async columns(table: string): Promise<unknown[]> {
    const sql = `SELECT attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' not null' ELSE '' END
      FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`;
    return (await this.rows(sql, [`${this.name}."${table}"`])).flat();
  }

  /** Nobody reads or writes the table until the answer is called. */
  async lock(table: string): Promise<() => Promise<void>> {
    const client = await connected(this.#url, this.name);
    await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
    return () => client.end();
  }

  /** Resolves with their process ids when connections of the sinks wait for a lock. */
  async waiting(): Promise<number[]> {
    return this.#until('a write waits for the lock', async () => {
      const pids = await this.#backends("wait_event_type = 'Lock'");
      return pids.length > 0 ? pids : null;
    });
  }

  /** Resolves when no connection with one of these process ids is left. */
  async gone(pids: readonly number[]): Promise<void> {
    await this.#until('the connection is gone', async () => ((await this.#backends('true')).some((pid) => pids.includes(pid)) ? null : true));
  }

  /** Ends the connections of the sinks from the side of the server. Returns how many there were. */
  async cut(): Promise<number> {
    const pids = await this.#backends('true');
    for (const pid of pids) await this.rows('SELECT pg_terminate_backend($1)', [pid]);
    await this.gone(pids);
    return pids.length;
  }

  async drop(): Promise<void> {
    for (const { task } of this.#sinks) await task.stop();
    await this.#client.query(`DROP SCHEMA ${this.name} CASCADE`);
    await this.#client.end();
  }

  async #backends(condition: string): Promise<number[]> {
    return (await this.rows(`SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND ${condition}`, [this.name])).map(([pid]) => pid as number);
  }

  async #until<T>(what: string, look: () => Promise<T | null>): Promise<T> {
    for (let i = 0; i < 1_000; i++) {
      const found = await look();
      if (found !== null) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`It was waited for in vain that ${what}`);
  }
}

/** `connection.*` keys of a JDBC connector for a database that a `postgres://` URL names. */
export function jdbcConnection(url: string, parameters: Readonly<Record<string, string>>): Record<string, string> {
  const { host, pathname, username, password } = new URL(url);
  const query = new URLSearchParams(parameters);
  return {
    'connection.url': `jdbc:postgresql://${host}${pathname}?${query}`,
    'connection.user': decodeURIComponent(username),
    ...(password === '' ? {} : { 'connection.password': decodeURIComponent(password) }),
  };
}

/** A client in the schema, which writes times in one form whatever the server's settings are. */
async function connected(url: string, schema: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, options: `-c search_path=${schema} -c timezone=UTC -c datestyle=ISO -c bytea_output=hex` });
  await client.connect();
  return client;
}
