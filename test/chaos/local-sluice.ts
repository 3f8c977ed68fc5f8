import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rest, until } from '../../bench/measure.ts';
import { taskProcesses } from '../../bench/process-cpu.ts';
import { freePorts } from '../../infra/local/ports.ts';
import { removeFolder, startServiceProcess } from '../../infra/local/services/service-process.ts';

/** A whole Sluice in a folder of its own, started as a user starts it. */
export interface LocalSluice {
  readonly folder: string;
  readonly url: string;
  request(method: string, path: string, body?: unknown): Promise<unknown>;
  /** SIGKILLs every process that runs tasks now; tells how many there were. */
  killTasks(): number;
  /** Sends a signal to every process of a function that there is now; tells which. */
  signal(functionName: 'task' | 'controller', signal: NodeJS.Signals): readonly number[];
  stop(): Promise<void>;
}

/** Starts one; `kafka` is where its broker shall be, `dynamodb` its table, if it is not to start one itself. */
export async function startLocalSluice(kafka: string, dynamodb?: string): Promise<LocalSluice> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-chaos-'));
  const { rest: port } = await freePorts(['rest'] as const);
  const url = `http://127.0.0.1:${port}`;
  const service = await startServiceProcess({
    title: 'Sluice',
    command: process.execPath,
    args: [
      'infra/local/main.ts',
      '--no-demo',
      '--port',
      String(port),
      '--kafka',
      kafka,
      '--data-dir',
      join(folder, 'data'),
      ...(dynamodb === undefined ? [] : ['--dynamodb', dynamodb]),
    ],
    // Its own DynamoDB, whatever the tests around it use: the table is its own.
    env: { ...process.env, DYNAMODB_ENDPOINT: '', AWS_ENDPOINT_URL_DYNAMODB: '' },
    logFile: join(folder, 'sluice.log'),
  });
  await Promise.race([
    until('Sluice to answer', async () => Array.isArray(await rest(url, 'GET', '/connectors')), 60_000),
    service.exited.then((why) => Promise.reject(new Error(why))),
  ]);
  return {
    folder,
    url,
    request: (method, path, body) => rest(url, method, path, body),
    killTasks() {
      const pids = taskProcesses(service.pid);
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      return pids.length;
    },
    signal(functionName, signal) {
      const pids = taskProcesses(service.pid, functionName);
      for (const pid of pids) process.kill(pid, signal);
      return pids;
    },
    async stop() {
      await service.stop(15_000);
      await removeFolder(folder);
    },
  };
}
