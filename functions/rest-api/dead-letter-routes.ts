import { BadRequestException } from '../../shared/herder/connect-rest-exception.ts';
import { letterQueryOf } from '../../shared/herder/dead-letters.ts';
import { object, parseJson } from './json-body.ts';
import type { Method, Route } from './routes.ts';

const filterNames = ['queue', 'stage', 'exception', 'message', 'topic', 'partition', 'task', 'since', 'until'];
const defaultLimit = 50;
const mostLetters = 500;
const mostIds = 10_000;

const name = (parameters: Readonly<Record<string, string>>) => parameters['connector'] as string;
const replayPath = (connector: string, id: string) => `/connectors/${encodeURIComponent(connector.toWellFormed())}/dead-letters/replay/${id}`;

/** Endpoints about dead letters, which Kafka Connect does not have. */
export const deadLetterRoutes: Readonly<Record<string, Partial<Record<Method, Route>>>> = {
  '/connectors/:connector/dead-letters': {
    GET: async ({ herder, parameters, request: { query } }) => {
      const given = Object.fromEntries(query);
      refuseUnknown(given, [...filterNames, 'limit', 'cursor']);
      const limit = limitOf(query.get('limit'));
      const page = herder.deadLetters.list(name(parameters), letterQueryOf(given), { limit, cursor: query.get('cursor') });
      return { status: 200, body: await page };
    },
  },
  '/connectors/:connector/dead-letters/replay': {
    GET: async ({ herder, parameters }) => ({ status: 200, body: await herder.deadLetters.replays(name(parameters)) }),
    POST: async ({ herder, parameters, request }) => {
      const { ids, again, dryRun, query } = replayBody(request.body);
      const begun = await herder.deadLetters.replay(name(parameters), query, { ids, again, dryRun });
      if ('dry_run' in begun) return { status: 200, body: begun };
      return { status: 202, body: begun, headers: { location: replayPath(name(parameters), begun.id) } };
    },
  },
  '/connectors/:connector/dead-letters/replay/:replay': {
    GET: async ({ herder, parameters }) => ({ status: 200, body: await herder.deadLetters.replayStatus(name(parameters), parameters['replay'] as string) }),
    DELETE: async ({ herder, parameters }) => ({ status: 200, body: await herder.deadLetters.cancelReplay(name(parameters), parameters['replay'] as string) }),
  },
  '/connectors/:connector/dead-letters/:letter': {
    GET: async ({ herder, parameters }) => ({
      status: 200,
      body: await herder.deadLetters.get(name(parameters), parameters['letter'] as string),
    }),
  },
};

function limitOf(text: string | null): number {
  if (text === null) return defaultLimit;
  if (!/^[1-9]\d{0,3}$/.test(text) || Number(text) > mostLetters)
    throw new BadRequestException(`Invalid value '${text}' of 'limit': expected 1 to ${mostLetters}`);
  return Number(text);
}

/** `{"ids": […], "filter": {…}, "queue": …, "again": …, "dry_run": …}`, all of it optional. An empty body: all that were not replayed yet. */
function replayBody(body: string) {
  const request = body.trim() === '' ? {} : object(parseJson(body, 'exact'), 'what to replay');
  refuseUnknown(request, ['ids', 'filter', 'queue', 'again', 'dry_run']);
  const filter = object(request['filter'] ?? {}, '"filter"');
  refuseUnknown(
    filter,
    filterNames.filter((each) => each !== 'queue'),
  );
  const ids = request['ids'] ?? null;
  if (ids !== null && !(Array.isArray(ids) && ids.length > 0 && ids.length <= mostIds && ids.every((id) => typeof id === 'string')))
    throw new BadRequestException(`Expected "ids" as a list of 1 to ${mostIds} ids of dead letters`);
  return {
    ids: ids as readonly string[] | null,
    again: flag(request, 'again'),
    dryRun: flag(request, 'dry_run'),
    query: letterQueryOf({ ...filter, queue: request['queue'] }),
  };
}

function flag(request: Readonly<Record<string, unknown>>, key: string): boolean {
  const value = request[key] ?? false;
  if (typeof value !== 'boolean') throw new BadRequestException(`Expected true or false as the value of "${key}"`);
  return value;
}

function refuseUnknown(given: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  const unknown = Object.keys(given).find((each) => !known.includes(each));
  if (unknown !== undefined) throw new BadRequestException(`Unrecognized field "${unknown}": known are ${known.join(', ')}`);
}
