import { spawn } from 'node:child_process';

export interface MeasuredProcess {
  /** What it printed to its standard output. */
  readonly printed: string;
  /** CPU seconds, user and system, of the process from its start to its end, all of its threads. */
  readonly cpuSeconds: number;
}

// The shell's `times` tells what its children have used: the same count for every kind of process, exact to the end.
const script = '"$@" 3>&-; code=$?; times >&3; exit $code';

/** Runs a program to its end. Rejects with what it printed when it fails. */
export function runMeasured(command: string, args: readonly string[]): Promise<MeasuredProcess> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', script, 'sh', command, ...args], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    const texts = ['', '', '', ''];
    for (const at of [1, 2, 3]) {
      child.stdio[at]?.on('data', (chunk: Buffer) => {
        texts[at] += chunk.toString();
      });
    }
    child.once('error', reject);
    child.once('close', (code) => {
      const [, printed = '', complaints = '', times = ''] = texts;
      if (code !== 0) reject(new Error(`${command} ${args.join(' ')} ended with ${code}\n${printed}${complaints}`));
      else resolve({ printed, cpuSeconds: childrenSeconds(times) });
    });
  });
}

/** The second line of `times` is that of the children: `0m1.230s 0m0.100s`. */
function childrenSeconds(times: string): number {
  const line = times.split('\n')[1] ?? '';
  const parts = [...line.matchAll(/(\d+)m([\d.]+)s/g)];
  if (parts.length !== 2) throw new Error(`The shell's "times" is not understood: ${times}`);
  return parts.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}
