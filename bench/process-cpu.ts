import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts CPU time in hundredths of a second there. */
const ticksPerSecond = 100;

/** CPU seconds that these processes have used so far, children that have ended not counted. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // It ended meanwhile.
    }
  }
  return ticks / ticksPerSecond;
}

/** Processes of a function that a Sluice of this pid has started. */
export function taskProcesses(sluicePid: number, functionName = 'task'): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      parents.set(
        Number(entry),
        Number(
          readFileSync(`/proc/${entry}/stat`, 'utf8')
            .replace(/^.*\) /, '')
            .split(' ')[1],
        ),
      );
    } catch {
      // It ended meanwhile.
    }
  }
  return [...parents.keys()].filter((pid) => {
    if (parents.get(pid) !== sluicePid) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`AWS_LAMBDA_FUNCTION_NAME=${functionName}`);
    } catch {
      return false;
    }
  });
}
