import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { type Command, type CommandCall, CommandError } from '../command.ts';
import { messageOf, pathOf, RestClient, restOptions } from '../rest-client.ts';

interface Content {
  readonly text?: string;
  readonly base64?: string;
  readonly bytes?: number;
}

interface Letter {
  readonly id: string;
  readonly stage: string | null;
  readonly class: string | null;
  readonly exception: string | null;
  readonly message: string | null;
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly source?: { readonly partition: object; readonly offset: object | null };
  readonly timestamp: number | null;
  readonly failed_at: number | null;
  readonly replays: number;
  readonly replayed: boolean;
  readonly key: Content | null;
  readonly value: Content | null;
  readonly headers: readonly { readonly key: string; readonly value: Content | null }[];
  readonly s3?: { readonly bucket: string; readonly key: string };
  readonly cut_from?: number;
  readonly stack_trace?: string | null;
}

interface Page {
  readonly dead_letters: readonly Letter[];
  readonly next: string | null;
}

interface ReplayStatus {
  readonly id: string;
  readonly state: string;
  readonly replayed: number;
  readonly failed_again: number;
  readonly already_replayed: number;
  readonly unreadable: number;
  readonly left: number | null;
  readonly error: string | null;
}

const filterFlags = ['queue', 'stage', 'exception', 'message', 'topic', 'partition', 'task', 'since', 'until'] as const;
const pollMs = 1_000;

/** Dead letters of a connector: what there are, and once more through its pipeline. */
export const dlqCommand: Command = {
  summary: `Lists, shows and replays the dead letters of a connector.
  list NAME                  the letters, oldest first; --all: all pages; --json: as the REST API tells them
  show NAME ID               one letter, whole, with its stack trace
  replay NAME [ID…]          puts letters that were not replayed yet through the pipeline again, and waits for the end (not with --no-wait);
                             --dry-run: only tells how many; --again: also those that were replayed before
  replays NAME               replays, the newest first
  cancel NAME REPLAY         ends a replay
Filters of list and replay: --stage VALUE_CONVERTER --exception DataException --message TEXT --topic T --partition N --task N --since TIME --until TIME,
and --queue topic|sqs where a connector has both.`,
  usage: 'list|show|replay|replays|cancel NAME [ID…] [--url URL] [--user USER]',
  options: {
    ...restOptions,
    ...Object.fromEntries(filterFlags.map((flag) => [flag, { type: 'string' as const }])),
    limit: { type: 'string' },
    cursor: { type: 'string' },
    all: { type: 'boolean' },
    json: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    again: { type: 'boolean' },
    'no-wait': { type: 'boolean' },
  },
  async run(call) {
    const [action = '', name = '', ...ids] = call.positionals;
    const run = Object.hasOwn(actions, action) ? actions[action as keyof typeof actions] : undefined;
    if (run === undefined) throw new CommandError(`Expected list, show, replay, replays or cancel, not '${action}'`);
    if (name === '') throw new CommandError('Name the connector');
    return run(new RestClient(call), name, ids, call);
  },
};

type Action = (client: RestClient, name: string, ids: readonly string[], call: CommandCall) => Promise<number>;

const actions = { list, show, replay, replays, cancel } satisfies Record<string, Action>;

async function list(client: RestClient, name: string, _ids: readonly string[], { flags, print }: CommandCall): Promise<number> {
  let cursor = flags['cursor'];
  let shown = 0;
  for (;;) {
    const query = new URLSearchParams(filtersOf(flags));
    if (flags['limit'] !== undefined) query.set('limit', String(flags['limit']));
    if (cursor !== undefined) query.set('cursor', String(cursor));
    const page = await client.get<Page>(`${pathOf(name, 'dead-letters')}?${query}`);
    for (const letter of page.dead_letters) print(flags['json'] === true ? JSON.stringify(letter) : lineOf(letter));
    shown += page.dead_letters.length;
    if (page.next === null) break;
    if (flags['all'] !== true) {
      if (flags['json'] !== true) print(page.next === 'more' ? 'There are more: ask again for the next' : `There are more: --cursor ${page.next}, or --all`);
      return 0;
    }
    if (page.next !== 'more') cursor = page.next;
  }
  if (shown === 0 && flags['json'] !== true) print(`${name} has no dead letters${Object.keys(filtersOf(flags)).length > 0 ? ' of this kind' : ''}`);
  return 0;
}

async function show(client: RestClient, name: string, ids: readonly string[], { flags, print }: CommandCall): Promise<number> {
  if (ids.length === 0) throw new CommandError('Name the id of the letter, as list tells it');
  for (const id of ids) {
    const letter = await client.get<Letter>(pathOf(name, 'dead-letters', encodeURIComponent(id)));
    if (flags['json'] === true) print(JSON.stringify(letter, null, 2));
    else for (const line of detailsOf(letter)) print(line);
  }
  return 0;
}

async function replay(client: RestClient, name: string, ids: readonly string[], { flags, print }: CommandCall): Promise<number> {
  const { queue, ...filter } = filtersOf(flags);
  const numbers = Object.fromEntries(Object.entries(filter).map(([key, value]) => [key, key === 'partition' || key === 'task' ? Number(value) : value]));
  const body = {
    ...(ids.length > 0 ? { ids } : {}),
    ...(Object.keys(filter).length > 0 ? { filter: numbers } : {}),
    ...(queue === undefined ? {} : { queue }),
    ...(flags['again'] === true ? { again: true } : {}),
    ...(flags['dry-run'] === true ? { dry_run: true } : {}),
  };
  const { status, body: answer } = await client.request('POST', pathOf(name, 'dead-letters', 'replay'), body);
  if (status >= 400) throw new CommandError(messageOf(answer) ?? `HTTP ${status}`, 1);
  if (flags['dry-run'] === true) {
    const { matching, already_replayed, complete } = answer as { matching: number; already_replayed: number; complete: boolean };
    print(`${complete ? '' : 'at least '}${letters(matching)} would be replayed; ${already_replayed} of those that match were replayed before`);
    return 0;
  }
  let now = answer as ReplayStatus;
  if (flags['no-wait'] === true) {
    print(`${now.id}: begun; npm run sluice -- dlq replays ${name} tells how far it is`);
    return 0;
  }
  while (now.state === 'PENDING' || now.state === 'RUNNING') {
    await sleep(pollMs);
    now = await client.get<ReplayStatus>(pathOf(name, 'dead-letters', 'replay', now.id));
  }
  print(progressOf(now));
  return now.state === 'COMPLETED' && now.failed_again === 0 && now.unreadable === 0 ? 0 : 1;
}

async function replays(client: RestClient, name: string, _ids: readonly string[], { flags, print }: CommandCall): Promise<number> {
  const all = await client.get<readonly ReplayStatus[]>(pathOf(name, 'dead-letters', 'replay'));
  if (flags['json'] === true) print(JSON.stringify(all, null, 2));
  else if (all.length === 0) print(`${name} has no replays`);
  else for (const each of all) print(progressOf(each));
  return 0;
}

async function cancel(client: RestClient, name: string, ids: readonly string[], { print }: CommandCall): Promise<number> {
  const [id] = ids;
  if (id === undefined) throw new CommandError('Name the id of the replay, as replays tells it');
  const { status, body } = await client.request('DELETE', pathOf(name, 'dead-letters', 'replay', encodeURIComponent(id)));
  if (status >= 400) throw new CommandError(messageOf(body) ?? `HTTP ${status}`, 1);
  print(progressOf(body as ReplayStatus));
  return 0;
}

function filtersOf(flags: CommandCall['flags']): Record<string, string> {
  return Object.fromEntries(filterFlags.flatMap((flag) => (flags[flag] === undefined ? [] : [[flag, String(flags[flag])]])));
}

const letters = (count: number) => (count === 1 ? '1 letter' : `${count} letters`);
const timeOf = (ms: number | null) => (ms === null ? '-' : new Date(ms).toISOString());
/** What stands in records is anybody's: nothing of it may drive the terminal. */
const clean = (text: string) => stripVTControlCharacters(text).replace(/[^\P{Cc}\t]/gu, ' ');
const contentOf = (content: Content | null) =>
  content === null ? 'null' : `${content.text ?? `base64:${content.base64}`}${content.bytes === undefined ? '' : `… (${content.bytes} bytes)`}`;

function placeOf({ topic, partition, offset, source }: Letter): string {
  return source === undefined
    ? `${topic ?? '?'}-${partition ?? '?'}@${offset ?? '?'}`
    : `${JSON.stringify(source.offset)} of ${JSON.stringify(source.partition)}`;
}

function lineOf(letter: Letter): string {
  const { id, stage, exception, message, replays: count, replayed, failed_at, timestamp } = letter;
  const marks = [...(count > 0 ? [`replayed ${count}x before`] : []), ...(replayed ? ['replayed'] : [])].join(', ');
  const what = `${stage ?? '?'}  ${(exception ?? '?').split('.').at(-1)}: ${(message ?? '').slice(0, 100)}`;
  return clean(`${id}  ${timeOf(failed_at ?? timestamp)}  ${placeOf(letter)}  ${what}${marks === '' ? '' : `  [${marks}]`}`);
}

function detailsOf(letter: Letter): string[] {
  const lines = [
    lineOf(letter),
    `  class      ${letter.class ?? '-'}`,
    `  exception  ${letter.exception ?? '-'}`,
    `  message    ${letter.message ?? '-'}`,
    `  timestamp  ${timeOf(letter.timestamp)}`,
    `  key        ${contentOf(letter.key)}`,
    `  value      ${contentOf(letter.value)}`,
    ...letter.headers.map(({ key, value }) => `  header     ${key}: ${contentOf(value)}`),
    ...(letter.s3 === undefined ? [] : [`  whole      s3://${letter.s3.bucket}/${letter.s3.key}`]),
    ...(letter.cut_from === undefined ? [] : [`  cut        the value had ${letter.cut_from} bytes`]),
  ].map(clean);
  return [
    ...lines,
    ...(letter.stack_trace ?? '')
      .trimEnd()
      .split('\n')
      .map((line) => `  ${clean(line)}`),
  ];
}

function progressOf({ id, state, replayed, failed_again, already_replayed, unreadable, left, error }: ReplayStatus): string {
  const counts = [
    `${letters(replayed)} replayed`,
    ...(failed_again > 0 ? [`${failed_again} of them failed again and are in the queue again`] : []),
    ...(already_replayed > 0 ? [`${already_replayed} had been replayed before`] : []),
    ...(unreadable > 0 ? [`${unreadable} cannot be replayed (the log tells why)`] : []),
    ...(left !== null && left > 0 ? [`${left} still to be looked at`] : []),
  ];
  return clean(`${id}: ${state}: ${counts.join(', ')}${error === null ? '' : `: ${error}`}`);
}
