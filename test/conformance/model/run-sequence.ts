import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, type Call, isBusy, send } from '../requests.ts';
import { describeCall, difference } from './comparison.ts';
import { pathOf, type Step } from './sequences.ts';
import { type Pair, settle, type Target } from './state.ts';

/** A sequence in which the systems differ: after which step, and how. */
export interface Finding {
  readonly step: number;
  readonly differences: readonly string[];
}

const busyMs = 30_000;
/** Said of a task that is not there, and for ever; a rebalance is over by then. */
const ownerlessMs = 3_000;
const readMs = 30_000;
const pauseMs = 100;

/** Sends the calls of a sequence to both systems until they differ. Null when they do not. Its connectors are deleted at the end. */
export async function runSequence(steps: readonly Step[], pair: Pair): Promise<Finding | null> {
  const targets = new Map<string, Target>();
  try {
    for (const [at, { calls }] of steps.entries()) {
      const differences = await runStep(calls, pair, targets);
      if (differences.length > 0) return { step: at, differences };
    }
    return null;
  } finally {
    await Promise.all([...targets.keys()].flatMap((path) => [pair.reference, pair.sluice].map((url) => deleteQuietly(path, url, pair))));
  }
}

async function runStep(calls: readonly Call[], pair: Pair, targets: Map<string, Target>): Promise<string[]> {
  const touched = new Set<string>();
  for (const [index, call] of calls.entries()) {
    const [reference, sluice] = await ask(call, pair, index > 0);
    // Jersey fails on HEAD of some resources, whether they are there or not.
    if (call.method === 'HEAD' && reference.status === 500) continue;
    if (sluice instanceof Error) return [`${describeCall(call)}: Sluice does not answer: ${sluice.message}`];
    const differs = difference(reference, sluice, { ignoreTasks: index > 0 });
    if (differs !== null) return [`${describeCall(call)}: ${differs}`];
    const change = changeOf(call, reference, targets);
    if (change === null) continue;
    targets.set(change.path, change.target);
    touched.add(change.path);
  }
  const settled = await Promise.all([...touched].map((path) => settle(pair, path, targets.get(path) ?? null)));
  return settled.flat();
}

/** The answers of both. What only reads is asked for until they are equal: both systems write what happens a moment later. */
async function ask(call: Call, pair: Pair, inHaste: boolean): Promise<[Answer, Answer | Error]> {
  const reads = call.method === 'GET' || call.path.endsWith('/validate');
  const deadline = Date.now() + readMs;
  for (;;) {
    const [reference, sluice] = await Promise.all([
      whenNotBusy(call, pair.reference, pair),
      whenNotBusy(call, pair.sluice, pair).catch((error: Error) => error),
    ]);
    const equal = !(sluice instanceof Error) && difference(reference, sluice, { ignoreTasks: inHaste }) === null;
    if (!reads || equal || Date.now() > deadline) return [reference, sluice];
    await sleep(pauseMs);
  }
}

/** The reference refuses while its workers share out what they do; Sluice only when its table does not answer in time, on a machine that both wear out. */
async function whenNotBusy(call: Call, url: string, { placeholders }: Pair): Promise<Answer> {
  const began = Date.now();
  for (;;) {
    const answer = await send(call, url, placeholders);
    const { message = '' } = (answer.body ?? {}) as { message?: string };
    const unowned = message.includes('no known leader URL');
    // The last: a restart that comes while it is being paused or resumed.
    const ends = /haven't stopped completely|zombie|not yet been fenced|^Failed to start connector/.test(message);
    if (!(isBusy(answer) || ends) || Date.now() - began > (unowned ? ownerlessMs : busyMs)) return answer;
    await sleep(pauseMs);
  }
}

/** What an accepted call makes of the connector at this path; null when it is none that changes one. */
function changeOf({ method, path, body }: Call, answer: Answer, targets: ReadonlyMap<string, Target>): { path: string; target: Target } | null {
  if (answer.status >= 300) return null;
  if (method === 'POST' && path === '/connectors') {
    // Not as `Location` says it: what follows a semicolon in a path Jersey takes for parameters of it.
    const { name } = answer.body as { name: string };
    if (/[/%\\]/.test(name)) return null;
    const state = (body as { initial_state?: string }).initial_state?.toUpperCase() ?? 'RUNNING';
    return { path: pathOf(name), target: state as Target };
  }
  const [, connector, change] = /^(\/connectors\/[^/]+)(?:\/(.+))?$/.exec(path) ?? [];
  if (connector === undefined) return null;
  const before = targets.get(connector) ?? null;
  if (method === 'PUT' && change === 'config') return { path: connector, target: before ?? 'RUNNING' };
  // Active topics can be reset where there is no connector.
  if (before === null) return null;
  if (method === 'DELETE' && change === undefined) return { path: connector, target: null };
  if (method === 'PUT' && change === 'pause') return { path: connector, target: 'PAUSED' };
  if (method === 'PUT' && change === 'resume') return { path: connector, target: 'RUNNING' };
  if (method === 'PUT' && change === 'stop') return { path: connector, target: 'STOPPED' };
  return method === 'GET' || method === 'HEAD' ? null : { path: connector, target: before };
}

async function deleteQuietly(path: string, url: string, { placeholders }: Pair): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const answer = await send({ method: 'DELETE', path }, url, placeholders).catch(() => null);
    if (answer !== null && !isBusy(answer)) return;
    await sleep(pauseMs * 5);
  }
}
