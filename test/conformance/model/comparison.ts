import { isDeepStrictEqual } from 'node:util';
import type { Answer, Call } from '../requests.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * What is compared of an answer. Left out is what no client can rely on: ids of workers, stack frames, the order of names, offsets and tasks,
 * connectors of other sequences, the documentation of keys, and the plugins that are installed.
 */
export function normalised(answer: Answer): Answer {
  return answer.body === undefined ? answer : { ...answer, body: normalisedBody(answer.body) };
}

function normalisedBody(body: unknown): unknown {
  if (Array.isArray(body)) return body.every((each) => typeof each === 'string') ? body.filter(isOurs).toSorted() : sortedByText(body.map(normalisedBody));
  if (!isObject(body)) return body;
  const entries = Object.entries(body).flatMap(([key, value]): [string, unknown][] => {
    // Of what failed it is told only if it had come into being.
    if (key === 'version' && body['state'] === 'FAILED') return [];
    if (key === 'worker_id') return [[key, typeof value === 'string' && value !== '' ? '${worker}' : value]];
    if (key === 'trace') return [[key, traceOf(String(value))]];
    if (key === 'message') return [[key, messageOf(value)]];
    if (key === 'configs' && Array.isArray(value)) return [[key, value.map(keyInfo)]];
    if (key === 'config' || key === 'groups') return [[key, value]];
    if (key === 'commit' || key === 'kafka_cluster_id') return [];
    return [[key, Array.isArray(value) ? sortedByText(value.map(normalisedBody)) : normalisedBody(value)]];
  });
  // A map of connectors.
  const maps = entries.length > 0 && entries.every(([, value]) => isObject(value) && Object.keys(value).every((key) => ['status', 'info'].includes(key)));
  return Object.fromEntries(maps ? entries.filter(([key]) => isOurs(key)) : entries);
}

const isOurs = (name: string): boolean => name.includes('${ID}') || name.includes('${RUN}');

/** The definition of a key and its value. Plugins that may be chosen depend on what is installed. */
function keyInfo(info: unknown): unknown {
  const { definition, value } = info as { definition: Json | null; value: Json | null };
  const { documentation: _documentation, ...defined } = definition ?? {};
  const { recommended_values: recommended, ...rest } = value ?? {};
  const plugins = defined['type'] === 'CLASS' || String(rest['name']).endsWith('.type') || String(rest['name']).endsWith('version');
  return { definition: definition && defined, value: value && { ...rest, ...(plugins ? {} : { recommended_values: recommended }) } };
}

/** What was thrown, and what of Kafka Connect's own made it: frames and messages of libraries are left out. */
function traceOf(trace: string): string {
  const lines = trace.split('\n');
  return [lines[0], ...lines.filter((line) => /^Caused by: org\.apache\.kafka/.test(line)).map((line) => line.replace(/^(Caused by: [\w.$]+).*/, '$1'))].join(
    '\n',
  );
}

/** The real one remembers which classes it did not find, and names the exception from the second time on. */
function messageOf(message: unknown): unknown {
  if (typeof message !== 'string') return message;
  return message
    .replace(/^[\w.]+Exception: (?=Failed to find any class)/, '')
    .replace(/(?<=available connectors are: )[\s\S]*$/, '')
    .replace(/^Connector config \{[\s\S]*\} (?=contains no connector type$)/, 'Connector config ');
}

/**
 * How an answer of Sluice differs from the reference's; null when it does not. Where the reference says 500 to a client's mistake, or 409
 * because it looks for the owner of a task that is not there, any 4xx with the usual body is right; where Jetty answers, its page is not compared.
 */
export function difference(reference: Answer, sluice: Answer, { ignoreTasks }: { readonly ignoreTasks: boolean }): string | null {
  const [expected, given] = [normalised(reference), normalised(sluice)];
  const where = expected.status === 200 && given.status === 200 ? paths(expected, given) : [];
  const told = where.length > 0 ? where.join('; ') : `reference ${describe(expected)}, Sluice ${describe(given)}`;
  if (isMistakenFor500(expected)) return isHonestError(given) || hasErrors(given) || isSame(expected, given) ? null : told;
  // Jetty answers by itself, with a page or nothing.
  if (expected.text !== undefined || (expected.status === 400 && expected.body === undefined)) return expected.status === given.status ? null : told;
  // Whether the real one has a consumer group of which nothing is stored depends on how far its tasks came.
  if (expected.status === 200 && String((given.body as Json | undefined)?.['message']).endsWith('it has no offsets that could be removed')) return null;
  const [one, other] = ignoreTasks ? [withoutTasks(expected), withoutTasks(given)] : [expected, given];
  // Jersey forgets to say what some of its errors are.
  if (one.headers['content-type'] === undefined) return isSame(one, { ...other, headers: withoutType(other.headers) }) ? null : told;
  return isSame(one, other) ? null : told;
}

function isMistakenFor500({ status, body }: Answer): boolean {
  return status === 500 || (status === 409 && String((body as Json | undefined)?.['message']).includes('no known leader URL'));
}

function isHonestError({ status, body }: Answer): boolean {
  const { error_code, message } = (body ?? {}) as Json;
  return status >= 400 && status < 500 && error_code === status && typeof message === 'string' && message !== '';
}

/** A validation that found something. */
function hasErrors({ status, body }: Answer): boolean {
  return status === 200 && Number((body as Json | undefined)?.['error_count']) > 0;
}

function withoutType({ 'content-type': _type, ...headers }: Answer['headers']): Answer['headers'] {
  return headers;
}

function withoutTasks(answer: Answer): Answer {
  if (!isObject(answer.body)) return answer;
  const { tasks: _tasks, ...body } = answer.body;
  return { ...answer, body };
}

/** Equal, whatever the order of keys. */
export const isSame = (one: unknown, other: unknown): boolean => isDeepStrictEqual(one, other);

function describe({ status, headers, body, text }: Answer): string {
  const shown = body === undefined ? (text ?? '') : JSON.stringify(body);
  return `${status} ${JSON.stringify(headers)} ${shown.length > 1500 ? `${shown.slice(0, 1500)}…` : shown}`;
}

/** A request, for people. */
export function describeCall({ method, path, headers, body, rawBody }: Call): string {
  const sent = body === undefined ? rawBody && JSON.stringify(rawBody) : JSON.stringify(body);
  return [method, path, headers && JSON.stringify(headers), sent].filter((each) => each !== undefined && each !== '').join(' ');
}

function sortedByText(list: readonly unknown[]): unknown[] {
  return list
    .map((each) => [JSON.stringify(each), each] as const)
    .toSorted(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0))
    .map(([, each]) => each);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Where two values differ first, by paths, to be read. */
export function paths(expected: unknown, given: unknown, at = ''): string[] {
  if (isSame(expected, given)) return [];
  if (isObject(expected) && isObject(given))
    return [...new Set([...Object.keys(expected), ...Object.keys(given)])].flatMap((key) => paths(expected[key], given[key], `${at}.${key}`));
  if (Array.isArray(expected) && Array.isArray(given) && expected.length === given.length)
    return expected.flatMap((each, index) => paths(each, given[index], `${at}[${index}]`));
  return [`${at}: reference ${short(expected)}, Sluice ${short(given)}`];
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length < 700 ? text : `${text.slice(0, 700)}…`;
}
