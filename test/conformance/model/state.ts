import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, isBusy, type Placeholders, send } from '../requests.ts';
import { isSame, normalised, paths } from './comparison.ts';
import { files } from './configs.ts';

/** Both systems, with the texts that stand for others. */
export interface Pair {
  readonly reference: string;
  readonly sluice: string;
  readonly placeholders: Placeholders;
}

/** What a client can see of a connector. */
interface State {
  readonly info: Answer;
  readonly status: Answer;
  readonly tasks: Answer;
  readonly offsets: Answer;
  readonly topics: Answer;
}

/** As the user wants a connector: by the calls that were accepted. Null: deleted. */
export type Target = 'RUNNING' | 'PAUSED' | 'STOPPED' | null;

const lookMs = 150;
/** How long everything has to stay as it is where nothing tells that it is done. */
const calmMs = 1500;
const settleMs = 120_000;
/** How much longer the real one may be at sharing out its work. */
const busyMs = 60_000;

const parts = { info: '', status: '/status', tasks: '/tasks', offsets: '/offsets', topics: '/topics' } as const;

async function stateOf(url: string, path: string, placeholders: Placeholders): Promise<State> {
  const answers = await Promise.all(Object.values(parts).map((part) => send({ method: 'GET', path: path + part }, url, placeholders)));
  const named = Object.keys(parts).map((part, at) => [part, normalised(answers[at] as Answer)] as const);
  return Object.fromEntries(named) as unknown as State;
}

/**
 * Waits until both systems show the same of a connector and nothing more is to come. Returns the differences that stay.
 * @param path of the connector
 */
export async function settle(pair: Pair, path: string, target: Target): Promise<string[]> {
  const deadline = Date.now() + settleMs;
  let [before, calmSince] = ['', 0];
  for (;;) {
    const [expected, given] = (await Promise.all([pair.reference, pair.sluice].map((url) => stateOf(url, path, pair.placeholders)))) as [State, State];
    const now = JSON.stringify([expected, given]);
    if (now !== before) [before, calmSince] = [now, Date.now()];
    const done = isSame(expected, given) ? progress(expected, target) : 'differs';
    if (done === 'done' || (done === 'unknown' && Date.now() - calmSince >= calmMs)) return [];
    if (Date.now() > deadline && (!isBusyNow(expected) || Date.now() > deadline + busyMs))
      return [`${path} does not come to rest as ${target ?? 'deleted'}: ${done}`, ...paths(expected, given)];
    await sleep(lookMs);
  }
}

const isBusyNow = (state: State): boolean => Object.values(state).some((answer) => isBusy(answer));

interface Status {
  readonly connector: { readonly state: string };
  readonly tasks: readonly { readonly id: number; readonly state: string }[];
}

/** Whether all that the user wants has come about; `unknown` where only time can tell. Otherwise what is missing. */
function progress({ info, status, tasks, offsets }: State, target: Target): 'done' | 'unknown' | string {
  if (target === null) return info.status === 404 && status.status === 404 ? 'done' : 'there still is a connector';
  if (status.status !== 200 || tasks.status !== 200 || info.status !== 200) return 'there is no status yet';
  const { connector, tasks: states } = status.body as Status;
  if (connector.state !== target && connector.state !== 'FAILED') return `the connector is ${connector.state}`;
  const passing = states.find(({ state }) => state !== target && state !== 'FAILED');
  if (passing !== undefined) return `a task is ${passing.state}`;
  if (target === 'STOPPED') return states.length === 0 ? 'unknown' : 'there are tasks';
  if (target === 'PAUSED') return 'unknown';
  const { config } = info.body as { config: Readonly<Record<string, string>> };
  const configs = tasks.body as readonly { config: Readonly<Record<string, string>> }[];
  if (connector.state === 'FAILED') return 'unknown';
  if (states.length === 0 || states.length !== configs.length) return 'there are no tasks';
  if (configs.some((task) => Object.entries(config).some(([key, value]) => key !== 'name' && task.config[key] !== value))) return 'tasks have another config';
  return hasReadAll(config, states, offsets);
}

/** Known of a source that converts whatever it reads. */
function hasReadAll(config: Readonly<Record<string, string>>, tasks: Status['tasks'], offsets: Answer): 'done' | 'unknown' | string {
  const filename = config['file'] ?? '';
  const text = files[filename.replace('${DIR}/', '')] ?? '';
  const size = text.lastIndexOf('\n') + 1;
  const plain = config['topic'] !== undefined && config['transforms'] === undefined && config['errors.tolerance'] === undefined;
  if (!plain || size === 0 || tasks.some(({ state }) => state !== 'RUNNING')) return 'unknown';
  const read = (offsets.body as { offsets: readonly { partition: { filename?: string }; offset: { position?: number } }[] }).offsets;
  const done = read.some(({ partition, offset }) => partition.filename === filename && Number(offset.position) >= size);
  return done ? 'done' : `${filename} is not read`;
}
