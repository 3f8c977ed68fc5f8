import { javaClassOf } from '../../shared/connect/errors.ts';
import type { Logger } from '../../shared/connect/logger.ts';
import { ConnectRestException } from '../../shared/herder/connect-rest-exception.ts';
import type { Herder } from '../../shared/herder/herder.ts';
import { ItemTooLargeException, UnavailableStorageException } from '../../shared/storage/ports.ts';
import { deadLetterRoutes } from './dead-letter-routes.ts';
import type { RestRequest, RestResponse } from './http.ts';
import { errorHeaders } from './note-headers.ts';
import { type Method, type Route, routes } from './routes.ts';

/** Statuses of errors that the product throws. */
const statuses: Readonly<Record<string, number>> = {
  'org.apache.kafka.connect.errors.NotFoundException': 404,
  'org.apache.kafka.connect.errors.AlreadyExistsException': 409,
  'org.apache.kafka.common.config.ConfigException': 400,
};

/** Errors of AWS that go away when the request is made again. Clients know 409 as that, and no other status. */
const contention = /Throttl|ProvisionedThroughputExceeded|RequestLimitExceeded|TransactionConflict|TransactionInProgress/;

const compiled = Object.entries({ ...routes, ...deadLetterRoutes }).map(([path, methods]) => ({
  path,
  parts: path.split('/').filter((part) => part !== ''),
  methods,
}));

export interface AnswerOptions {
  readonly herder: Herder;
  readonly logger: Logger;
  /** Whether whoever sent it may have an answer; default: everybody. What is no endpoint at all is told to everybody, as Kafka Connect does. */
  readonly isAllowed?: (request: RestRequest) => boolean;
  /** Whether an endpoint, such as `/admin/loggers/:logger`, is served; default: each. */
  readonly isServed?: (path: string) => boolean;
}

/** Answers one request: finds its route, checks what HTTP asks for, and makes Kafka Connect's error bodies. Never rejects. */
export async function answer(request: RestRequest, options: AnswerOptions): Promise<RestResponse> {
  try {
    const response = await dispatch(request, options);
    return request.method === 'HEAD' ? { status: response.status, headers: { 'content-type': 'application/json', ...response.headers } } : response;
  } catch (error) {
    return errorResponse(error, request, options.logger);
  }
}

async function dispatch(request: RestRequest, { herder, isAllowed = () => true, isServed = () => true }: AnswerOptions): Promise<RestResponse> {
  const found = findRoute(decodedSegments(request.path));
  if (found === null || !isServed(found.path)) throw httpError(404, 'Not Found');
  const { methods, parameters } = found;
  if (request.method === 'OPTIONS') {
    const headers = { 'content-type': 'application/json', allow: allowed(methods).join(',') };
    return isAllowed(request) ? { status: 200, headers } : unauthorized;
  }
  const route: Route | undefined = methods[(request.method === 'HEAD' ? 'GET' : request.method) as Method];
  if (route === undefined) throw httpError(405, 'Method Not Allowed');
  if (!isBare(request)) {
    if (!acceptsJson(request.headers['accept'])) throw httpError(406, 'Not Acceptable');
    if (/^(?:POST|PUT|PATCH)$/.test(request.method) && !bringsJson(request)) throw httpError(415, 'Unsupported Media Type');
  }
  return isAllowed(request) ? route({ herder, request, parameters }) : unauthorized;
}

/** As BasicAuthSecurityRestExtension says it: a sentence that calls itself JSON, and no challenge. */
const unauthorized: RestResponse = { status: 401, text: 'User cannot access the resource.' };

/** POST and PUT that only say what shall happen, such as pause: what types a client names for a body that is not there does not matter. */
function isBare({ method, path, body }: RestRequest): boolean {
  return body === '' && (method === 'POST' || method === 'PUT') && /\/(?:pause|resume|stop|restart|reset|wake)\/?$/.test(path);
}

/** The parts of a path. What a server may misread is refused: empty parts, control characters, encoded slashes, backslashes and percent signs. */
function decodedSegments(path: string): string[] {
  if (/\/\/|%(?:2f|5c|25|0|1|7f)/i.test(path))
    throw new ConnectRestException(400, 'Bad Request: the path has an empty segment or an encoding that is ambiguous');
  try {
    return path.replace(/^\//, '').replace(/\/$/, '').split('/').map(decodeURIComponent);
  } catch {
    throw new ConnectRestException(400, 'Bad Request: the path is not well encoded');
  }
}

interface FoundRoute {
  readonly path: string;
  readonly methods: (typeof compiled)[number]['methods'];
  readonly parameters: Readonly<Record<string, string>>;
}

function findRoute(segments: readonly string[]): FoundRoute | null {
  const given = segments.length === 1 && segments[0] === '' ? [] : segments;
  for (const { path, parts, methods } of compiled) {
    if (parts.length !== given.length || !parts.every((part, index) => part.startsWith(':') || part === given[index])) continue;
    const parameters = parts.flatMap((part, index) => (part.startsWith(':') ? [[part.slice(1), given[index] as string]] : []));
    return { path, methods, parameters: Object.fromEntries(parameters) };
  }
  return null;
}

function allowed(methods: Partial<Record<Method, Route>>): string[] {
  const names: string[] = Object.keys(methods);
  return [...names, ...(names.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].sort();
}

/** A quality of zero means nothing, as to Jersey. */
function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return true;
  return accept.split(',').some((each) => {
    const type = (each.split(';')[0] ?? '').trim().toLowerCase();
    return ['*/*', 'application/*', 'application/json'].includes(type);
  });
}

/** A body must say that it is JSON; a request without one need not say anything. */
function bringsJson({ headers, body }: RestRequest): boolean {
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  return type === '' ? body === '' : type === 'application/json';
}

function httpError(status: number, reason: string): ConnectRestException {
  return new ConnectRestException(status, `HTTP ${status} ${reason}`);
}

function errorResponse(error: unknown, request: RestRequest, logger: Logger): RestResponse {
  if (error instanceof ConnectRestException) return errorBody(error.status, error.message, errorHeaders(error));
  const named = error instanceof Error ? error.name : '';
  if (error instanceof ItemTooLargeException) return errorBody(413, error.message);
  if (contention.test(named) || error instanceof UnavailableStorageException)
    return errorBody(409, 'Cannot complete request because of a conflicting operation (e.g. worker rebalance)');
  const message = error instanceof Error ? error.message : String(error);
  const status = statuses[javaClassOf(error)] ?? 500;
  if (status === 500)
    logger.error('Uncaught exception in REST call', { method: request.method, path: request.path, error: named, message, stack: (error as Error).stack });
  return errorBody(status, message);
}

function errorBody(status: number, message: string, headers: Readonly<Record<string, string>> = {}): RestResponse {
  const told = Object.keys(headers).length === 0 ? {} : { headers };
  return { status, body: { error_code: status, message }, ...told };
}
