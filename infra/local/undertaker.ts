import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';

export interface Undertaker {
  /** Says which processes must not outlive this one. */
  watch(pids: readonly number[]): void;
  /** Nothing is left to be ended. */
  dismiss(): void;
}

/**
 * A process that waits for the end of its input, which comes when this process is gone, even by SIGKILL, and then ends
 * the servers that this process has started in sessions of their own.
 */
export function startUndertaker(pidFile: string): Undertaker {
  writeFileSync(pidFile, '');
  const script = 'cat >/dev/null; for pid in $(cat "$0"); do kill "$pid" 2>/dev/null; done';
  const child = spawn('sh', ['-c', script, pidFile], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  child.on('error', () => {});
  child.unref();
  return {
    watch: (pids) => writeFileSync(pidFile, pids.join(' ')),
    dismiss: () => child.kill('SIGKILL'),
  };
}
