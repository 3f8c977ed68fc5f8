import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import pg from 'pg';
import type { RestApi } from '../rest.ts';
import { parseConnectorFile } from '../spec-files.ts';
import { StartupError } from '../startup-error.ts';

const examples = fileURLToPath(new URL('../../../examples/weather/', import.meta.url));
const csv = 'seattle-weather.csv';

export interface DemoOptions {
  readonly rest: RestApi;
  readonly dataDir: string;
  /** A PostgreSQL that shall get the rows too. */
  readonly databaseUrl: string | null;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** The variable through which the demo's PostgreSQL connector gets its password, so that its spec need not hold it. */
export const demoPasswordVariable = 'SLUICE_DEMO_PASSWORD';

/**
 * Applies the demo pipeline (CSV file, topic, table) and waits until the table holds every row of the file.
 * Returns what to tell: the rows, and what to try.
 * @throws StartupError when a connector fails or the rows do not come
 */
export async function runDemo({ rest, dataDir, databaseUrl, signal, progress }: DemoOptions): Promise<string> {
  const dir = join(dataDir, 'demo');
  const database = join(dir, 'weather.db');
  const expected = (await readFile(join(examples, csv), 'utf8')).trim().split('\n').length - 1;
  for (const folder of ['in', 'finished', 'error']) await mkdir(join(dir, folder), { recursive: true });
  const before = countRows(database);
  const loaded = existsSync(join(dir, 'finished', csv));
  if (!loaded && !existsSync(join(dir, 'in', csv))) {
    // The source must not see half a file.
    await copyFile(join(examples, csv), join(dir, csv));
    await rename(join(dir, csv), join(dir, 'in', csv));
  }

  const connectors = ['weather-source', 'weather-sqlite', ...(databaseUrl ? ['weather-postgresql'] : [])];
  for (const name of connectors) {
    const path = join(examples, `${name}.json`);
    const spec = parseConnectorFile(path, fill(await readFile(path, 'utf8'), dir, databaseUrl));
    const present = await rest.get(`/connectors/${name}/config`);
    // Sent again it would end the run under way.
    if (present.status === 200 && isDeepStrictEqual(JSON.parse(present.body), spec.config)) continue;
    await rest.apply(spec);
  }
  if (before < expected) progress(`The demo reads ${expected} days of weather from a CSV file through the topic 'weather' into a table`);
  const tables = [async () => countRows(database), ...(databaseUrl ? [() => countPostgresqlRows(databaseUrl)] : [])];
  for (const count of tables) await untilLoaded(rest, count, expected, connectors, signal);
  return summary(rest.url, database, expected, before >= expected, databaseUrl !== null);
}

function fill(spec: string, dir: string, databaseUrl: string | null): string {
  const url = databaseUrl ? new URL(databaseUrl) : null;
  const values: Record<string, string> = {
    DIR: dir,
    HOST: url?.host ?? '',
    DATABASE: url?.pathname.slice(1) ?? '',
    USER: decodeURIComponent(url?.username ?? ''),
  };
  return spec.replaceAll(/\{\{(\w+)\}\}/g, (_, name) => JSON.stringify(values[name] ?? '').slice(1, -1));
}

async function untilLoaded(rest: RestApi, count: () => Promise<number>, expected: number, connectors: readonly string[], signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + 120_000;
  for (let look = 1, rows = await count(); rows < expected; look++, rows = await count()) {
    signal.throwIfAborted();
    if (look % 10 === 0) for (const name of connectors) await throwIfFailed(rest, name);
    if (performance.now() > deadline) {
      throw new StartupError(`The demo's table has ${rows} of ${expected} rows after two minutes; look at ${rest.url}/connectors?expand=status.`);
    }
    await sleep(100);
  }
}

async function throwIfFailed(rest: RestApi, name: string): Promise<void> {
  const { status, body } = await rest.get(`/connectors/${name}/status`);
  if (status !== 200) return;
  const { connector, tasks } = JSON.parse(body) as { connector: State; tasks: State[] };
  const failed = [connector, ...tasks].find(({ state }) => state === 'FAILED');
  if (failed) throw new StartupError(`The demo's connector ${name} failed: ${failed.trace?.split('\n')[0] ?? 'no trace'}`);
}

interface State {
  readonly state: string;
  readonly trace?: string;
}

function countRows(database: string): number {
  return query<{ rows: number }>(database, 'SELECT count(*) AS rows FROM weather')?.[0]?.rows ?? 0;
}

async function countPostgresqlRows(databaseUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  try {
    await client.connect();
    const { rows } = await client.query<{ rows: number }>('SELECT count(*)::int AS rows FROM sluice_weather');
    return rows[0]?.rows ?? 0;
  } catch (error) {
    const undefinedTable = '42P01';
    if ((error as { code?: string }).code === undefinedTable) return 0;
    throw new StartupError(`The database of DATABASE_URL cannot be read: ${(error as Error).message}; correct DATABASE_URL, or unset it.`, 1, { cause: error });
  } finally {
    await client.end().catch(() => {});
  }
}

/** Null while there is no such table. */
function query<Row>(database: string, sql: string): Row[] | null {
  if (!existsSync(database)) return null;
  const db = new DatabaseSync(database, { readOnly: true, timeout: 1000 });
  try {
    return db.prepare(sql).all() as Row[];
  } catch {
    return null;
  } finally {
    db.close();
  }
}

function summary(url: string, database: string, expected: number, already: boolean, postgresql: boolean): string {
  const rows = query<Record<string, unknown>>(database, 'SELECT * FROM weather ORDER BY high_celsius DESC LIMIT 3') ?? [];
  const sql = 'SELECT weather, count(*) AS days, round(avg(high_celsius), 1) AS high FROM weather GROUP BY weather';
  return [
    '',
    `The demo's table holds ${expected} days of Seattle's weather${already ? ', from an earlier start' : ', out of a CSV file, by way of Kafka'}. The hottest:`,
    ...rows.map((row) => `  ${row.day}  ${row.high_celsius} °C, wind ${row.wind_m_s} m/s, ${row.weather}`),
    '',
    `  REST API    ${url}`,
    `  SQLite      ${database}`,
    ...(postgresql ? ['  PostgreSQL  table sluice_weather, in the database of DATABASE_URL'] : []),
    '',
    'To try:',
    `  curl -s '${url}/connectors?expand=status'`,
    `  npx node -e "console.table(new (require('node:sqlite').DatabaseSync)('${database}').prepare('${sql}').all())"`,
    `  curl -s -X PUT ${url}/connectors/weather-source/stop`,
    '',
    'Ctrl-C stops everything and keeps the data.',
  ].join('\n');
}
