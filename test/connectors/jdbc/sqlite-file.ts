import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestSink, testSink } from './test-sink.ts';

/** An SQLite file in a folder of its own, and JDBC sinks that write into it. */
export class SqliteFile {
  readonly folder: string;
  readonly file: string;
  readonly #sinks: TestSink[] = [];

  private constructor(folder: string) {
    this.folder = folder;
    this.file = join(folder, 'test.db');
  }

  static async create(): Promise<SqliteFile> {
    return new SqliteFile(await mkdtemp(join(tmpdir(), 'sluice-jdbc-')));
  }

  async sink(config: Record<string, string> = {}, options: { reporter?: boolean } = {}): Promise<TestSink> {
    const made = await testSink({ 'connection.url': `jdbc:sqlite:${this.file}`, ...config }, options);
    this.#sinks.push(made);
    return made;
  }

  /** Rows as arrays, read through a connection of their own. */
  rows(sql: string): unknown[][] {
    const database = this.#open();
    try {
      return database
        .prepare(sql)
        .all()
        .map((row) => Object.values(row));
    } finally {
      database.close();
    }
  }

  execute(sql: string): void {
    const database = this.#open();
    try {
      database.exec(sql);
    } finally {
      database.close();
    }
  }

  /** The statement that created a table. */
  tableSql(table = 'customers'): unknown {
    return this.rows(`SELECT sql FROM sqlite_master WHERE name = '${table}'`)[0]?.[0];
  }

  async drop(): Promise<void> {
    for (const { task } of this.#sinks) await task.stop();
    await rm(this.folder, { recursive: true });
  }

  #open(): DatabaseSync {
    return new DatabaseSync(this.file, { timeout: 1_000 });
  }
}
