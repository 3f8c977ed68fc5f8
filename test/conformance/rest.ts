import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { RunResult } from './expectation.ts';
import { type Answer, type Call, isBusy, send } from './requests.ts';

/** One request of a transcript of the real Kafka Connect, and what it answered. */
interface RestStep extends Call {
  readonly id: string;
  /** Seconds to wait before. */
  readonly pauseBefore?: number;
  /** Seconds within which the answer must come to be the expected one. */
  readonly until?: number;
  /** The real one answers 500 to a client's mistake. */
  readonly quirk?: unknown;
  readonly expect: { readonly status: number; readonly headers?: Readonly<Record<string, unknown>>; readonly noBody?: boolean; readonly body?: unknown };
}

export interface RestDocument {
  readonly format: 'connect-rest-transcript/1';
  /** Input files of connectors by name; `${DIR}` in requests is where they are. */
  readonly files: Readonly<Record<string, string>>;
  readonly scenarios: readonly { readonly scenario: string; readonly steps: readonly RestStep[] }[];
}

export interface RestOptions {
  readonly url: string;
  /** In a step with a quirk any 4xx with the usual body is right too. */
  readonly lenient?: boolean;
  /** Only scenarios whose name has this in it. */
  readonly only?: string;
  /** All scenarios at once: each has names of its own. */
  readonly atOnce?: boolean;
}

/** Steps without a time of their own are asked again for so long while the server says that it is busy. */
const busySeconds = 20;
const pauseMs = 100;

/** Replays a transcript against a running REST API on this machine, which must see the input files under the same path. */
export async function runRest(document: RestDocument, options: RestOptions): Promise<RunResult> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-rest-'));
  const mismatches: string[] = [];
  let [passed, failed] = [0, 0];
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, text] of Object.entries(document.files)) await writeFile(join(folder, name), text);
    const replayAll = async (steps: readonly RestStep[]) => {
      for (const step of steps) {
        const differences = await replay(step, folder, options);
        if (differences.length === 0) passed++;
        else failed++;
        mismatches.push(...differences.slice(0, 6).map((difference) => `${step.id} ${step.method} ${step.path}: ${difference}`));
      }
    };
    const chosen = document.scenarios.filter(({ scenario }) => options.only === undefined || scenario.includes(options.only));
    if (options.atOnce) await Promise.all(chosen.map(({ steps }) => replayAll(steps)));
    else for (const { steps } of chosen) await replayAll(steps);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { passed, failed, messages: { equal: 0, total: 0 }, mismatches };
}

async function replay(step: RestStep, folder: string, options: RestOptions): Promise<string[]> {
  await sleep((step.pauseBefore ?? 0) * 1000);
  const deadline = Date.now() + (step.until ?? busySeconds) * 1000;
  for (;;) {
    const answer = await send(step, options.url, { '${DIR}': folder }).catch((error: Error) => error);
    const differences = answer instanceof Error ? [`no answer: ${answer.message}`] : compare(step, answer, options.lenient === true);
    const again = step.until !== undefined || (!(answer instanceof Error) && isBusy(answer));
    if (differences.length === 0 || !again || Date.now() > deadline) return differences;
    await sleep(pauseMs);
  }
}

function compare({ expect, quirk }: RestStep, answer: Answer, lenient: boolean): string[] {
  const { status, headers, body } = answer;
  if (lenient && quirk !== undefined && status >= 400 && status < 500) {
    const { error_code, message } = (body ?? {}) as { error_code?: unknown; message?: unknown };
    return error_code === status && typeof message === 'string' && message !== '' ? [] : [`expected an error's body, got ${short(body)}`];
  }
  if (status !== expect.status) return [`status: expected ${expect.status}, got ${status} ${short(body ?? answer.text)}`];
  const differences = Object.entries(expect.headers ?? {}).flatMap(([name, value]) => diff(value, headers[name], `header ${name}`));
  if (expect.noBody)
    return body === undefined && answer.text === undefined ? differences : [...differences, `body: expected none, got ${short(body ?? answer.text)}`];
  if (expect.body === undefined) return differences;
  return [...differences, ...(body === undefined ? [`body: expected ${short(expect.body)}, got ${short(answer.text)}`] : diff(expect.body, body, 'body'))];
}

/** Texts like `${string}` stand for what may be anything of that kind; null where a text is none of these. */
function matches(pattern: string, given: unknown): boolean | null {
  const [, kind, argument = ''] = /^\$\{([a-z]+\??)(?::([\s\S]*))?\}$/.exec(pattern) ?? [];
  const isText = typeof given === 'string';
  switch (kind) {
    case 'any':
      return true;
    case 'string':
      return isText && given !== '';
    case 'string?':
      return given === null || (isText && given !== '');
    case 'int':
      return Number.isInteger(given);
    case 'prefix':
      return isText && given.startsWith(argument);
    case 'regex':
      return isText && new RegExp(`^(?:${argument})$`, 's').test(given);
    default:
      return null;
  }
}

type Operator = (wanted: never, given: unknown, at: string) => string[];

/** What an object with `$…` keys asks of a value. */
const operators: Readonly<Record<string, Operator>> = {
  $contains: (wanted: readonly unknown[], given, at) =>
    Array.isArray(given)
      ? wanted.filter((each) => !given.some((item) => diff(each, item, at).length === 0)).map((each) => `${at}: lacks ${short(each)}`)
      : noList(given, at),
  $lacks: (wanted: readonly unknown[], given, at) =>
    Array.isArray(given)
      ? wanted.filter((each) => given.some((item) => diff(each, item, at).length === 0)).map((each) => `${at}: should lack ${short(each)}`)
      : noList(given, at),
  $has: (wanted: Readonly<Record<string, unknown>>, given, at) =>
    isObject(given)
      ? Object.entries(wanted).flatMap(([name, each]) => (name in given ? diff(each, given[name], `${at}.${name}`) : [`${at}: lacks the key ${name}`]))
      : [`${at}: expected an object, got ${short(given)}`],
  $unordered: (wanted: readonly unknown[], given, at) => {
    if (!Array.isArray(given) || given.length !== wanted.length) return [`${at}: expected ${wanted.length} items, got ${short(given)}`];
    const rest = [...given];
    return wanted.flatMap((each) => {
      const found = rest.findIndex((item) => diff(each, item, at).length === 0);
      if (found === -1) return [`${at}: lacks ${short(each)}`];
      rest.splice(found, 1);
      return [];
    });
  },
  $type: (wanted: string, given, at) => {
    const type = Array.isArray(given)
      ? 'list'
      : given === null
        ? 'NoneType'
        : { string: 'str', number: 'int', boolean: 'bool', object: 'dict' }[typeof given as 'string'];
    return type === wanted ? [] : [`${at}: expected a ${wanted}, got ${short(given)}`];
  },
  $validation: (wanted, given, at) => diff(wanted, validationSummary(given), at),
};

const noList = (given: unknown, at: string): string[] => [`${at}: expected a list, got ${short(given)}`];

/** What is compared of a validation's answer where a step says so. */
function validationSummary(body: unknown): unknown {
  if (!isObject(body) || !Array.isArray(body['configs'])) return body;
  const values = (body['configs'] as { value: { name: string; errors: string[] } }[]).map(({ value }) => value);
  return {
    name: body['name'],
    error_count: body['error_count'],
    groups: body['groups'],
    errors: Object.fromEntries(values.filter(({ errors }) => errors.length > 0).map(({ name, errors }) => [name, errors])),
    names: [...new Set(values.map(({ name }) => name))].sort(),
  };
}

function diff(expected: unknown, given: unknown, at: string): string[] {
  const differs = `${at}: expected ${short(expected)}, got ${short(given)}`;
  if (typeof expected === 'string') {
    const fits = matches(expected, given);
    if (fits !== null) return fits ? [] : [differs];
  }
  if (isObject(expected)) {
    const keys = Object.keys(expected);
    if (keys.length > 0 && keys.every((key) => key.startsWith('$')))
      return keys.flatMap((key) => (operators[key] as (wanted: unknown, given: unknown, at: string) => string[])(expected[key], given, at));
    if (!isObject(given)) return [differs];
    return [...new Set([...keys, ...Object.keys(given)])].flatMap((key) => {
      if (!(key in expected)) return [`${at}.${key}: unexpected ${short(given[key])}`];
      return key in given ? diff(expected[key], given[key], `${at}.${key}`) : [`${at}.${key}: missing, expected ${short(expected[key])}`];
    });
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(given) || given.length !== expected.length) return [differs];
    return expected.flatMap((each, index) => diff(each, given[index], `${at}[${index}]`));
  }
  return isDeepStrictEqual(expected, given) ? [] : [differs];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length < 260 ? text : `${text.slice(0, 260)}…`;
}
