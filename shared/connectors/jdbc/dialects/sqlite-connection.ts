import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { ConnectException, DataException, isConnectException, type SinkRecord } from '../../../connect/index.ts';
import { fateOfSqliteCode, SqlException } from '../errors.ts';
import type { JdbcUrl } from '../jdbc-url.ts';
import type { TableId } from '../table-id.ts';
import type { BoundRows, DatabaseConnection, DialectSettings, TableDefinition } from './dialect.ts';
import type { SqliteColumn, SqliteRows, SqliteStatement, SqliteValue } from './sqlite.ts';

/** How long a write waits for another one to end, in milliseconds. The process stands still meanwhile, so it is short. */
const busyTimeoutMs = 5_000;
const statementsMax = 200;

/**
 * One SQLite file. What was committed survives a loss of power: a write-ahead log that is synced at each commit. Everything
 * is done at once, on the thread of the caller.
 */
export class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #settings: DialectSettings;
  readonly #statements = new Map<string, StatementSync>();

  constructor(url: Extract<JdbcUrl, { dialect: 'SqliteDatabaseDialect' }>, settings: DialectSettings) {
    this.#settings = settings;
    const { path, parameters } = url;
    for (const name of parameters.keys())
      if (!['busy_timeout', 'foreign_keys', 'mode'].includes(name))
        settings.logger.warn(`Parameter ${name} of connection.url is not known for SQLite and has no effect`);
    const busy = Number(parameters.get('busy_timeout') ?? busyTimeoutMs);
    this.#database = this.#attempt(() => new DatabaseSync(path, { timeout: busy, enableForeignKeyConstraints: parameters.get('foreign_keys') === 'true' }));
    try {
      this.#attempt(() => this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL'));
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  get open(): boolean {
    return this.#database.isOpen;
  }

  async isValid(): Promise<boolean> {
    return this.open;
  }

  async describe({ schema, table }: TableId): Promise<TableDefinition | null> {
    return this.#attempt(() => {
      const kinds = this.#database.prepare(
        'SELECT schema, name, type FROM pragma_table_list WHERE name = ? COLLATE NOCASE AND (? IS NULL OR schema = ? COLLATE NOCASE)',
      );
      const found = kinds.get(table, schema, schema) as { schema: string; name: string; type: string } | undefined;
      if (found === undefined) return null;
      const rows = this.#database.prepare('SELECT name, type FROM pragma_table_info(?, ?)').all(found.name, found.schema) as unknown as {
        name: string;
        type: string;
      }[];
      return {
        id: { catalog: null, schema, table: found.name },
        type: found.type === 'view' ? 'VIEW' : 'TABLE',
        columns: new Map(rows.map(({ name, type }) => [name, { name, type, castType: type }])),
      };
    });
  }

  async execute(sql: string): Promise<void> {
    this.#attempt(() => this.#database.exec(sql));
  }

  async run(rows: BoundRows): Promise<void> {
    this.#write(rows as SqliteRows);
  }

  async query(sql: string): Promise<readonly Record<string, unknown>[]> {
    return this.#attempt(() => this.#database.prepare(sql).all() as Record<string, unknown>[]);
  }

  async runAll(rows: readonly BoundRows[], first?: () => Promise<boolean>): Promise<void> {
    this.#attempt(() => this.#database.exec('BEGIN IMMEDIATE'));
    try {
      if (first !== undefined && !(await first())) return this.#attempt(() => this.#database.exec('ROLLBACK'));
      for (const each of rows) this.#write(each as SqliteRows);
      this.#attempt(() => this.#database.exec('COMMIT'));
    } catch (error) {
      if (this.#database.isTransaction) this.#attempt(() => this.#database.exec('ROLLBACK'));
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #write({ records, write, delete: remove }: SqliteRows): void {
    const writing = write && this.#prepared(write);
    const removing = remove && this.#prepared(remove);
    const values: SqliteValue[] = [];
    for (const record of records) {
      if (record.value === null || record.value === undefined) {
        if (removing && remove) this.#attempt(() => removing.run(...bound(remove.columns, record, values)));
      } else if (writing && write) {
        this.#attempt(() => writing.run(...bound(write.columns, record, values)));
      }
    }
  }

  #prepared({ sql }: SqliteStatement): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      if (this.#statements.size >= statementsMax) this.#statements.clear();
      statement = this.#attempt(() => this.#database.prepare(sql));
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw this.#sqlException(error);
    }
  }

  #sqlException(error: unknown): Error {
    if (isConnectException(error)) return error;
    const { code, errcode, errstr, message } = error as { code?: string; errcode?: number; errstr?: string; message: string };
    if (code === 'ERR_SQLITE_ERROR' && errcode !== undefined) {
      const text = this.#settings.trimErrors ? (errstr ?? 'SQL error') : message;
      return new SqlException(`${text} (SQLite result code ${errcode})`, fateOfSqliteCode(errcode), String(errcode), {
        cause: this.#settings.trimErrors ? undefined : error,
      });
    }
    if (error instanceof TypeError || error instanceof RangeError) return new DataException(`A value cannot be bound: ${message}`, { cause: error });
    return new ConnectException(message, { cause: error });
  }
}

/** The values of a record for a statement, in `into`. */
function bound(columns: readonly SqliteColumn[], record: SinkRecord, into: SqliteValue[]): SqliteValue[] {
  for (let i = 0; i < columns.length; i++) {
    const { read, convert } = columns[i] as SqliteColumn;
    const value = read(record) ?? null;
    into[i] = value === null ? null : convert(value);
  }
  into.length = columns.length;
  return into;
}
