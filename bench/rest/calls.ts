import { setTimeout as sleep } from 'node:timers/promises';
import { rest } from '../measure.ts';
import { type BenchmarkOptions, percentile, type Result } from '../report.ts';

/** A Connect whose calls are measured. */
export interface Target {
  readonly system: Result['system'];
  readonly url: string;
  cpu(): number;
  readonly names: readonly string[];
  /** Those that have tasks. */
  readonly withTasks: readonly string[];
  /** Those that may be changed. */
  readonly changed: readonly string[];
}

/** Changes come so far apart, that one is dealt with before the next. */
const changePauseMs = 250;
const goals = { all: 500, one: 30 };

type Request = readonly [method: string, path: string, body?: unknown];

/** Makes each kind of call some times, one after the other, as a client with a kept-alive connection does. */
export async function measureCalls(
  target: Target,
  { calls, changes, lists }: { readonly calls: number; readonly changes: number; readonly lists: number },
  { log, figure }: Pick<BenchmarkOptions, 'log' | 'figure'>,
): Promise<readonly Result[]> {
  const { system, url, names, withTasks, changed } = target;
  const results: Result[] = [];
  const measure = async (each: string, count: number, request: (number: number) => Request, { goal = goals.one, pauseMs = 0 } = {}) => {
    const milliseconds: number[] = [];
    const cpuBefore = target.cpu();
    for (let number = 0; number < count; number++) {
      if (pauseMs > 0) await sleep(pauseMs);
      const made = request(number);
      const startedAt = performance.now();
      await rest(url, ...made);
      milliseconds.push(performance.now() - startedAt);
    }
    const cpuSeconds = Math.max(0, target.cpu() - cpuBefore);
    const seconds = milliseconds.reduce((sum, one) => sum + one, 0) / 1000;
    results.push({ case: each, system, round: 1, records: count, seconds, cpuSeconds });
    const told = system === 'sluice' ? '' : `, ${system}`;
    const own = system === 'sluice' ? { goal } : {};
    if (goal === goals.all) figure({ case: each, what: `time${told}`, unit: 'ms', values: milliseconds, ...own });
    else figure({ case: each, what: `99th percentile${told}`, unit: 'ms', values: [percentile(milliseconds, 0.99)], ...own });
    const [middle, most] = [percentile(milliseconds, 0.5), percentile(milliseconds, 0.99)];
    log(`${system} ${each}: ${middle.toFixed(1)} ms, 99 of 100 below ${most.toFixed(1)}`);
  };
  // Each in its turn, far from the one before.
  const one = (some: readonly string[], number: number) => some[(number * 7919) % some.length] as string;
  const path = (number: number, rest = '') => `/connectors/${one(names, number)}${rest}`;
  const toggled = (number: number, rest: string) => `/connectors/${changed[number % changed.length]}${rest}`;
  const configs = new Map<string, Record<string, string>>();
  for (const name of [...changed, ...Array.from({ length: calls }, (_, number) => one(names, number))]) {
    configs.set(name, (await rest(url, 'GET', `/connectors/${name}/config`)) as Record<string, string>);
  }
  const configOf = (name: string) => configs.get(name) as Record<string, string>;

  await measure('expand', lists, () => ['GET', '/connectors?expand=status&expand=info'], { goal: goals.all });
  await measure('expand-status', lists, () => ['GET', '/connectors?expand=status'], { goal: goals.all });
  await measure('list', calls, () => ['GET', '/connectors']);
  await measure('root', calls, () => ['GET', '/']);
  await measure('info', calls, (number) => ['GET', path(number)]);
  await measure('config', calls, (number) => ['GET', path(number, '/config')]);
  await measure('status', calls, (number) => ['GET', path(number, '/status')]);
  await measure('tasks', calls, (number) => ['GET', path(number, '/tasks')]);
  await measure('task-status', calls, (number) => ['GET', `/connectors/${one(withTasks, number)}/tasks/${number % 4}/status`]);
  await measure('topics', calls, (number) => ['GET', path(number, '/topics')]);
  await measure('offsets', calls, (number) => ['GET', path(number, '/offsets')]);
  const validated = configOf(changed[0] as string);
  await measure('validate', calls, () => ['PUT', '/connector-plugins/FileStreamSourceConnector/config/validate', validated]);
  await measure('put-same', calls, (number) => ['PUT', path(number, '/config'), configOf(one(names, number))]);
  const paced = { pauseMs: changePauseMs };
  await measure(
    'put-changed',
    changes,
    (number) => ['PUT', toggled(number, '/config'), { ...configOf(toggled(number, '').slice(12)), change: `${number}` }],
    paced,
  );
  await measure(
    'pause',
    changes,
    (number) => {
      return ['PUT', toggled(number, '/pause')];
    },
    paced,
  );
  await measure('resume', changes, (number) => ['PUT', toggled(number, '/resume')], paced);
  return results;
}
