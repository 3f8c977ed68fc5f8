import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AsyncQueue } from './async-queue.ts';
import type { EnvironmentPool } from './environment-pool.ts';
import { InvokeError } from './errors.ts';

/** Lambda's limits for payloads, in bytes. */
const syncBytesMax = 6 * 1024 * 1024;
const asyncBytesMax = 1024 * 1024;

/** Serves the Invoke API to SDK clients and the Runtime API to execution environments, on one loopback port. */
export function createLambdaApi(pool: () => EnvironmentPool, queue: () => AsyncQueue): Server {
  const server = createServer((request, response) => {
    serve(request, response, pool(), queue()).catch((error: unknown) => {
      const known = error instanceof InvokeError ? error : new InvokeError(500, 'ServiceException', String(error));
      const body = JSON.stringify({ Message: known.message, message: known.message, ...known.details });
      response.writeHead(known.status, { 'content-type': 'application/json', 'x-amzn-errortype': known.type }).end(body);
    });
  });
  // Environments keep one request open for as long as they are idle.
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  server.keepAliveTimeout = 0;
  server.timeout = 0;
  return server;
}

async function serve(request: IncomingMessage, response: ServerResponse, pool: EnvironmentPool, queue: AsyncQueue): Promise<void> {
  const path = request.url ?? '';
  const runtime = /^\/([0-9a-f]+)\/2018-06-01\/runtime\/(.+)$/.exec(path);
  if (runtime !== null) return serveRuntime(request, response, pool, runtime[1] as string, runtime[2] as string);
  const invoke = /^\/2015-03-31\/functions\/([^/]+)\/invocations(?:\?.*)?$/.exec(path);
  if (invoke === null || request.method !== 'POST')
    throw new InvokeError(404, 'ResourceNotFoundException', `This host serves Invoke only, not ${request.method} ${path}`);
  const name = functionName(decodeURIComponent(invoke[1] as string));
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  const body = await read(request);
  const payload = body.length === 0 ? '{}' : body.toString();
  const limit = type === 'Event' ? asyncBytesMax : syncBytesMax;
  if (body.length > limit)
    throw new InvokeError(413, 'RequestTooLargeException', `${body.length} byte payload is too large for the ${type} invocation type (limit ${limit} bytes)`);
  try {
    JSON.parse(payload);
  } catch (error) {
    throw new InvokeError(400, 'InvalidRequestContentException', `Could not parse request body into json: ${(error as Error).message}`, { Type: 'User' });
  }
  if (type === 'DryRun') {
    pool.spec(name);
    response.writeHead(204).end();
  } else if (type === 'Event') {
    const requestId = queue.push(name, payload);
    response.writeHead(202, { 'x-amzn-requestid': requestId, 'content-length': 0 }).end();
  } else {
    const requestId = randomUUID();
    const result = await pool.invokeNow(name, payload, requestId);
    const headers: Record<string, string> = { 'content-type': 'application/json', 'x-amzn-requestid': requestId, 'x-amz-executed-version': '$LATEST' };
    if (result.error !== null) headers['x-amz-function-error'] = result.error;
    response.writeHead(200, headers).end(result.payload);
  }
}

async function serveRuntime(request: IncomingMessage, response: ServerResponse, pool: EnvironmentPool, id: string, path: string): Promise<void> {
  const environment = pool.environment(id);
  if (environment === undefined) throw new InvokeError(404, 'ResourceNotFoundException', 'No such environment');
  if (path === 'invocation/next') {
    environment.onNext(response);
    pool.onInitialized();
    return;
  }
  const body = (await read(request)).toString();
  response.writeHead(202, { 'content-length': 0 }).end();
  if (path === 'init/error') return environment.onInitError(body);
  const result = /^invocation\/([^/]+)\/(response|error)$/.exec(path);
  if (result !== null) environment.onResult(result[1] as string, body, result[2] === 'error' ? 'Unhandled' : null);
}

/** Functions may be named by name, partial or full ARN. */
function functionName(text: string): string {
  const arn = /(?:^|:)function:([^:]+)/.exec(text);
  return arn?.[1] ?? (text.split(':')[0] as string);
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
