import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunResult } from '../expectation.ts';
import { send } from '../requests.ts';
import { describeCall } from './comparison.ts';
import { feedConfig, feedTopics, files } from './configs.ts';
import { type Finding, runSequence } from './run-sequence.ts';
import { randomSequence, type Step } from './sequences.ts';
import type { Pair } from './state.ts';

export interface ModelOptions {
  /** Where the reference's REST API is, and ours: both on this machine. */
  readonly reference: string;
  readonly sluice: string;
  readonly count: number;
  /** The first sequence's; the next ones have the numbers after it. */
  readonly seed: number;
  /** Of each sequence; 30 by default. */
  readonly calls?: number;
  /** Sequences at once. */
  readonly atOnce: number;
  /** How often a sequence that differs is run again, to find a shorter one. */
  readonly shrinks: number;
  readonly progress: (line: string) => void;
}

const feedMs = 60_000;

/** Runs random sequences of calls against both systems. What differs is told with the calls that lead there. */
export async function runModel(options: ModelOptions): Promise<RunResult> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-model-'));
  const mismatches: string[] = [];
  let [next, failed, made] = [0, 0, 0];
  const run = Date.now().toString(36);
  // No id is part of another one, so that they can be put back in answers.
  const pair = (): Pair => ({ ...options, placeholders: { '${DIR}': folder, '${RUN}': `r${run}`, '${ID}': `s${run}x${++made}y` } });
  const work = async () => {
    while (next < options.count) {
      const seed = options.seed + next++;
      const steps = randomSequence(seed, options.calls);
      const finding = await runSequence(steps, pair());
      options.progress(finding === null ? `Sequence ${seed} is equal` : `Sequence ${seed} differs: ${finding.differences.join('; ')}`);
      if (finding === null) continue;
      failed++;
      const found = { steps: steps.slice(0, finding.step + 1), finding };
      const least = options.shrinks > 0 ? await shrink(found.steps, options.shrinks, (some) => runSequence(some, pair())) : found;
      mismatches.push(describe(seed, least ?? found, least !== null));
    }
  };
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    await feed(pair());
    await Promise.all(Array.from({ length: options.atOnce }, work));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { passed: options.count - failed, failed, messages: { equal: 0, total: 0 }, mismatches };
}

/** Fills the topics that sinks read, in both systems. */
async function feed({ reference, sluice, placeholders }: Pair): Promise<void> {
  const size = Buffer.byteLength(files['feed.txt'] as string);
  await Promise.all(
    [reference, sluice].flatMap((url) =>
      Object.keys(feedTopics).map(async (topic) => {
        const path = `/connectors/${topic}`;
        const deadline = Date.now() + feedMs;
        for (;;) {
          const made = await send({ method: 'PUT', path: `${path}/config`, body: feedConfig(topic) }, url, placeholders);
          if (made.status < 300) break;
          if (made.status !== 409 || Date.now() > deadline) throw new Error(`${url} does not take the source of ${topic}: ${JSON.stringify(made.body)}`);
          await sleep(200);
        }
        for (;;) {
          const { body } = await send({ method: 'GET', path: `${path}/offsets` }, url, placeholders);
          const [read] = (body as { offsets?: { offset: { position?: number } }[] }).offsets ?? [];
          if (read?.offset.position === size) break;
          if (Date.now() > deadline) throw new Error(`${url} does not fill ${topic}`);
          await sleep(200);
        }
        await send({ method: 'DELETE', path }, url, placeholders);
      }),
    ),
  );
}

interface Found {
  readonly steps: readonly Step[];
  readonly finding: Finding;
}

/** A shorter sequence that differs too; null when not even the whole one does again. */
async function shrink(whole: readonly Step[], runs: number, run: (steps: readonly Step[]) => Promise<Finding | null>): Promise<Found | null> {
  let left = runs;
  const attempt = async (steps: readonly Step[]): Promise<Found | null> => {
    left--;
    const finding = await run(steps);
    return finding && { steps: steps.slice(0, finding.step + 1), finding };
  };
  let least = await attempt(whole);
  if (least === null) return null;
  // Parts are left out, smaller and smaller ones; the last step is where it differs.
  for (let size = least.steps.length >> 1; size >= 1; size >>= 1) {
    for (let from = 0; from + size < least.steps.length && left > 0; ) {
      const fewer = await attempt([...least.steps.slice(0, from), ...least.steps.slice(from + size)]);
      if (fewer === null) from += size;
      else least = fewer;
    }
  }
  return least;
}

function describe(seed: number, { steps, finding }: Found, again: boolean): string {
  const calls = steps.flatMap((step) => step.calls.map((call, at) => `${at > 0 ? '    at once ' : '    '}${describeCall(call)}`));
  return [
    `Sequence ${seed} differs${again ? '' : ' (not when it was run again)'}; to replay it: npm run conformance -- --model 1 --seed ${seed}`,
    ...calls,
    ...finding.differences.map((each) => `  ${each}`),
  ].join('\n');
}
