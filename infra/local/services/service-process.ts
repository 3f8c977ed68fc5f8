import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { StartupError } from '../startup-error.ts';
import { mayNotOutlive } from './undertaker.ts';

export interface ServiceProcess {
  readonly title: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when the process is gone, with what to tell if nobody asked it to go. */
  readonly exited: Promise<string>;
  /** SIGTERM (or `signal`), then SIGKILL after `graceMs`; resolves when the process is gone. */
  stop(graceMs?: number): Promise<void>;
}

export interface ServiceCommand {
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** The log of the start before is kept as `*.previous.log`. */
  readonly logFile: string;
  readonly signal?: NodeJS.Signals;
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** Starts a server as a child in a process group of its own, so that a Ctrl-C in the terminal reaches it only through `stop`. */
export async function startServiceProcess({ title, command, args, cwd, env, logFile, signal = 'SIGTERM', user }: ServiceCommand): Promise<ServiceProcess> {
  await mkdir(dirname(logFile), { recursive: true });
  await rename(logFile, logFile.replace(/\.log$/, '.previous.log')).catch(() => {});
  const log = openSync(logFile, 'a');
  let child: ChildProcess;
  try {
    child = spawn(command, args, { cwd, env: env ?? process.env, detached: true, stdio: ['ignore', log, log], ...user });
  } finally {
    closeSync(log);
  }
  mayNotOutlive(child);
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`${title} could not be started: ${error.message}`));
    child.once('exit', (code, by) => resolve(`${title} stopped by itself (${by ?? `exit code ${code}`}); its log is ${logFile}`));
  });
  const { pid } = child;
  if (pid === undefined) throw new StartupError(await exited);
  const gone = () => child.exitCode !== null || child.signalCode !== null;
  return {
    title,
    pid,
    logFile,
    exited,
    async stop(graceMs = 5000) {
      if (gone()) return;
      child.kill(signal);
      const kill = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(kill);
    },
  };
}

/**
 * Waits until a service says that it is ready.
 * @throws StartupError, after stopping the process, when it ends or is not ready in time
 */
export async function untilReady(service: ServiceProcess, ready: () => Promise<boolean>, timeoutMs: number, signal?: AbortSignal): Promise<void> {
  let ended: string | null = null;
  void service.exited.then((why) => {
    ended = why;
  });
  const deadline = performance.now() + timeoutMs;
  while (!(await ready())) {
    if (ended) throw new StartupError(`${ended}${await lastError(service.logFile)}`);
    if (signal?.aborted) {
      await service.stop();
      signal.throwIfAborted();
    }
    if (performance.now() > deadline) {
      await service.stop(0);
      throw new StartupError(`${service.title} is not ready after ${timeoutMs / 1000} s; its log is ${service.logFile}${await lastError(service.logFile)}`);
    }
    await sleep(25);
  }
}

async function lastError(logFile: string): Promise<string> {
  const lines = (await readFile(logFile, 'utf8').catch(() => '')).split('\n');
  const line = lines.findLast((text) => /error|exception|fatal/i.test(text) && !/^\s+at /.test(text));
  return line ? `: ${line.trim().slice(0, 300)}` : '';
}

/**
 * Ends a process that an earlier run left behind because it was killed. `mark` must be part of its command line: the
 * process id may belong to somebody else by now.
 */
export async function endLeftBehind(pid: number, mark: string): Promise<void> {
  const is = async () => (await commandLine(pid)).includes(mark);
  if (!(await is())) return;
  for (const [signal, waitMs] of [
    ['SIGTERM', 4000],
    ['SIGKILL', 2000],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    for (const end = performance.now() + waitMs; performance.now() < end; await sleep(50)) if (!(await is())) return;
  }
}

async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
  return promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]).then(
    ({ stdout }) => stdout,
    () => '',
  );
}

/** Removes a folder whose files a server may still be closing. */
export const removeFolder = (path: string) => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
