import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { type ServiceProcess, startServiceProcess, untilReady } from './service-process.ts';

const debian = '/usr/lib/postgresql';

/** The folder of PostgreSQL's programs, of the newest version on this machine; null when it is not installed. */
export async function findPostgres(env: NodeJS.ProcessEnv = process.env): Promise<string | null> {
  const versions = (await readdir(debian).catch(() => [])).sort((a, b) => Number(b) - Number(a)).map((version) => join(debian, version, 'bin'));
  for (const folder of [...versions, ...(env.PATH ?? '').split(delimiter)]) {
    if (existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres'))) return folder;
  }
  return null;
}

/**
 * Starts a PostgreSQL for tests, on the data that an earlier one left or new: nothing is synced to disk, and it belongs to `nobody` when we
 * are root, which it refuses to be. `survivesKill`: what was committed is still there after a SIGKILL (commits are slower).
 */
export async function startPostgres(options: {
  bin: string;
  dataDir: string;
  logFile: string;
  port: number;
  survivesKill?: boolean;
}): Promise<{ service: ServiceProcess; url: string }> {
  const { bin, dataDir, logFile, port, survivesKill = false } = options;
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
  await mkdir(dataDir, { recursive: true });
  if (user) await chown(dataDir, user.uid, user.gid);
  const initialize = ['-D', join(dataDir, 'data'), '-U', 'sluice', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  if (!existsSync(join(dataDir, 'data', 'PG_VERSION'))) await promisify(execFile)(join(bin, 'initdb'), initialize, { cwd: dataDir, ...user });
  const service = await startServiceProcess({
    title: 'PostgreSQL',
    command: join(bin, 'postgres'),
    args: [
      '-D',
      join(dataDir, 'data'),
      '-p',
      String(port),
      '-h',
      '127.0.0.1',
      '-k',
      '',
      '-c',
      'fsync=off',
      '-c',
      `synchronous_commit=${survivesKill ? 'on' : 'off'}`,
      '-c',
      'full_page_writes=off',
    ],
    cwd: dataDir,
    logFile,
    // Its fast shutdown: connections are ended, not waited for.
    signal: 'SIGINT',
    ...(user ? { user } : {}),
  });
  const url = `postgres://sluice@127.0.0.1:${port}/postgres`;
  await untilReady(service, () => answers(url), 30_000);
  return { service, url };
}

/** Its port is open a little before it takes connections. */
async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end();
  }
}
