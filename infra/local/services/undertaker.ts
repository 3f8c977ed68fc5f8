import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

const living = new Set<number>();
let shell: ChildProcess | null = null;

/**
 * Sees to it that a child in a session of its own does not outlive this process, even if this is ended by SIGKILL: a
 * shell learns the process ids, waits for the end of its input, which comes with the end of this process, and sends SIGTERM.
 */
export function mayNotOutlive(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  living.add(pid);
  tell();
  child.once('exit', () => {
    living.delete(pid);
    tell();
  });
}

function tell(): void {
  shell ??= startShell();
  (shell.stdin as Socket).write(`${[...living].join(' ')}\n`);
  if (living.size > 0) return;
  shell.stdin?.end();
  shell = null;
}

function startShell(): ChildProcess {
  const script = 'while read -r line; do pids=$line; done; for pid in $pids; do kill "$pid" 2>/dev/null; done';
  const started = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  started.on('error', () => {});
  started.stdin.on('error', () => {});
  started.unref();
  (started.stdin as Socket).unref();
  return started;
}
