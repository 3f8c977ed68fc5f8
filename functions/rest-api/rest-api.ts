import { javaClassOf } from '../../shared/connect/errors.ts';
import type { Logger } from '../../shared/connect/logger.ts';
import { ConnectRestException } from '../../shared/herder/connect-rest-exception.ts';
import type { Herder } from '../../shared/herder/herder.ts';
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

const compiled = Object.entries(routes).map(([path, methods]) => ({ parts: path.split('/').filter((part) => part !== ''), methods }));

/** Answers one request: finds its route, checks what HTTP asks for, and makes Kafka Connect's error bodies. Never rejects. */
export async function answer(request: RestRequest, { herder, logger }: { herder: Herder; logger: Logger }): Promise<RestResponse> {
  try {
    const response = await dispatch(request, herder);
    return request.method === 'HEAD' ? { status: response.status, headers: { 'content-type': 'application/json', ...response.headers } } : response;
  } catch (error) {
    return errorResponse(error, request, logger);
  }
}

async function dispatch(request: RestRequest, herder: Herder): Promise<RestResponse> {
  const found = findRoute(decodedSegments(request.path));
  if (found === null) throw httpError(404, 'Not Found');
  const { methods, parameters } = found;
  if (request.method === 'OPTIONS') return { status: 200, headers: { allow: allowed(methods).join(',') } };
  const route: Route | undefined = methods[(request.method === 'HEAD' ? 'GET' : request.method) as Method];
  if (route === undefined) throw httpError(405, 'Method Not Allowed');
  if (!acceptsJson(request.headers['accept'])) throw httpError(406, 'Not Acceptable');
  if (/^(?:POST|PUT|PATCH)$/.test(request.method) && !bringsJson(request)) throw httpError(415, 'Unsupported Media Type');
  return route({ herder, request, parameters });
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

function findRoute(segments: readonly string[]): { methods: (typeof compiled)[number]['methods']; parameters: Record<string, string> } | null {
  const given = segments.length === 1 && segments[0] === '' ? [] : segments;
  for (const { parts, methods } of compiled) {
    if (parts.length !== given.length || !parts.every((part, index) => part.startsWith(':') || part === given[index])) continue;
    const parameters = parts.flatMap((part, index) => (part.startsWith(':') ? [[part.slice(1), given[index] as string]] : []));
    return { methods, parameters: Object.fromEntries(parameters) };
  }
  return null;
}

function allowed(methods: Partial<Record<Method, Route>>): string[] {
  const names: string[] = Object.keys(methods);
  return [...names, ...(names.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].sort();
}

function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return true;
  return accept.split(',').some((each) => {
    const [type = '', ...parameters] = each.split(';').map((part) => part.trim().toLowerCase());
    return ['*/*', 'application/*', 'application/json'].includes(type) && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
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
  if (contention.test(named)) return errorBody(409, 'Cannot complete request because of a conflicting operation (e.g. worker rebalance)');
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
