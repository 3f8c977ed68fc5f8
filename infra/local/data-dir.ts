import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endLeftBehind } from './services/service-process.ts';
import { StartupError } from './startup-error.ts';

export type PortName = 'kafka' | 'kafkaController' | 'dynamodb' | 'sqs';

/** What one start tells the next. */
export interface DataDirState {
  readonly ports: Partial<Record<PortName, number>>;
  /** Process ids of the servers that run now; empty after a clean stop. */
  readonly services: readonly number[];
}

export interface DataDir {
  readonly path: string;
  readonly state: DataDirState;
  save(state: DataDirState): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes a data directory for this process. The lock of a process that is gone is taken over, and servers that it left
 * behind are ended.
 * @throws StartupError when another Sluice uses it, or it cannot be written
 */
export async function openDataDir(path: string): Promise<DataDir> {
  const lock = join(path, 'lock');
  const stateFile = join(path, 'state.json');
  try {
    await mkdir(path, { recursive: true });
    await takeLock(lock, path);
  } catch (error) {
    if (error instanceof StartupError) throw error;
    throw new StartupError(`The data directory ${path} cannot be used: ${(error as Error).message}; choose another with --data-dir.`, 1, { cause: error });
  }
  const state: DataDirState = await readFile(stateFile, 'utf8')
    .then(JSON.parse, () => ({}))
    .catch(() => ({}));
  await Promise.all((state.services ?? []).map((pid) => endLeftBehind(pid, path)));
  let saved = Promise.resolve();
  return {
    path,
    state: { ports: state.ports ?? {}, services: [] },
    save(next) {
      saved = saved.then(async () => {
        await writeFile(`${stateFile}.new`, JSON.stringify(next, null, 2));
        await rename(`${stateFile}.new`, stateFile);
      });
      return saved;
    },
    release: () => rm(lock, { force: true }),
  };
}

async function takeLock(lock: string, path: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await writeFile(lock, String(process.pid), { flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === 3) throw error;
    }
    const owner = Number(await readFile(lock, 'utf8').catch(() => ''));
    if (owner && owner !== process.pid && isSluice(owner)) {
      throw new StartupError(`The data directory ${path} is in use by another Sluice (process ${owner}): stop that one, or choose another with --data-dir.`);
    }
    await rm(lock, { force: true });
  }
}

function isSluice(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).includes('infra/local/main.ts');
  } catch {
    return false;
  }
}
