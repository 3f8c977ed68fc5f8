import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startCountingProxy } from './counting-proxy.ts';

/** What ticks of a warm controller took. */
export interface Ticks {
  readonly milliseconds: readonly number[];
  /** Requests of a tick to DynamoDB that read, and those that write, by operation. */
  readonly requests: readonly Readonly<Record<string, number>>[];
  readonly invoked: number;
}

const reading = /^(?:GetItem|BatchGetItem|Query|Scan)$/;
export const readsOf = (requests: Readonly<Record<string, number>>): number =>
  Object.entries(requests).reduce((sum, [operation, count]) => sum + (reading.test(operation) ? count : 0), 0);

/** Ticks the controller's function, each time with the count that it takes once a minute; the first three are its warming up. */
export async function measureTicks(options: { dynamodb: string; tableName: string; kafka: string; ticks: number }): Promise<Ticks> {
  const { dynamodb, tableName, kafka, ticks } = options;
  const proxy = await startCountingProxy(dynamodb);
  const child = spawn(process.execPath, [fileURLToPath(new URL('tick-process.ts', import.meta.url))], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: {
      ...process.env,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint,
      SLUICE_TABLE: tableName,
      SLUICE_WORKER: JSON.stringify({ 'bootstrap.servers': kafka }),
      SLUICE_METRICS_INTERVAL_MS: '1',
      SLUICE_LOG_LEVEL: 'ERROR',
      // A task run that is asked for would fail: nothing is due.
      SLUICE_TASK_FUNCTION: 'task',
    },
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    const lines = createInterface({ input: child.stderr })[Symbol.asyncIterator]();
    const milliseconds: number[] = [];
    const requests: Record<string, number>[] = [];
    let invoked = 0;
    let said = '';
    for (let tick = -3; tick < ticks; tick++) {
      proxy.counts.clear();
      child.stdin.write('tick\n');
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`The controller ended:\n${said}`);
        if (!value.startsWith('{"milliseconds"')) {
          said = `${said}${value}\n`.slice(-4_000);
          continue;
        }
        const result = JSON.parse(value) as { milliseconds: number; invoked: number };
        invoked += result.invoked;
        if (tick >= 0) {
          milliseconds.push(result.milliseconds);
          requests.push(Object.fromEntries(proxy.counts));
        }
        break;
      }
    }
    return { milliseconds, requests, invoked };
  } finally {
    child.stdin.end();
    child.kill('SIGTERM');
    await exited;
    await proxy.close();
  }
}
