import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EnvironmentPool } from './environment-pool.ts';
import { InvokeError } from './errors.ts';

/** Lambda's limit for the event of an invocation, in bytes. */
const eventBytesMax = 6 * 1024 * 1024;
/** As in Kafka Connect's worker. */
const urlLengthMax = 8192;
/** Headers of a request, its first line among them. */
const headerBytesMax = 16_384;

const wrongHost =
  'without authentication the Host header must be localhost, an address or a private name; others are named by rest.advertised.host.name in the worker file';

/** What is served without a function, by path. */
export type Pages = Readonly<Record<string, Page>>;

interface Page {
  readonly contentType: string;
  text(): string;
  isAllowed(authorization: string | undefined): boolean;
}

export interface HttpFrontOptions {
  readonly pages?: Pages;
  /** Whether requests may have this as `Host`; default: they may have any. */
  readonly allowsHost?: (host: string | undefined) => boolean;
  /** What events bring as variables of the stage. */
  readonly stageVariables?: Readonly<Record<string, string>>;
}

/** What a function answers an HTTP API with. */
interface HttpResult {
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, string | number | boolean>>;
  readonly cookies?: readonly string[];
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

/**
 * API Gateway's part: turns HTTP into events of an HTTP API (payload format 2.0) and answers back. `rawPath` is the path
 * as it was sent, percent-encoded, so that a name with a slash in it can be told from two names.
 */
export function createHttpFront(
  target: string,
  pool: () => EnvironmentPool,
  { pages = {}, allowsHost = () => true, stageVariables }: HttpFrontOptions = {},
): Server {
  const server = createServer({ maxHeaderSize: headerBytesMax }, (request, response) => {
    const url = request.url ?? '';
    if (url.length > urlLengthMax) return answerJson(response, 414, `HTTP 414 URI Too Long: at most ${urlLengthMax} characters`);
    if (!allowsHost(request.headers.host)) return answerJson(response, 421, `HTTP 421 Misdirected Request: ${wrongHost}`);
    const page = request.method === 'GET' || request.method === 'HEAD' ? pages[url.replace(/\?.*$/s, '')] : undefined;
    if (page !== undefined) return answerPage(request, response, page);
    serve(request, response, { target, pool: pool(), stageVariables }).catch((error: unknown) => {
      // Not 502 or 503: clients know those from proxies and do not try again.
      const stopping = error instanceof InvokeError && error.status === 503;
      if (stopping) return answerJson(response, 409, 'Cannot complete request because of a conflicting operation (e.g. worker rebalance)');
      answerJson(response, 500, error instanceof InvokeError ? error.message : `The function could not answer: ${String(error)}`);
    });
  });
  return server.on('clientError', refuse);
}

function answerPage(request: IncomingMessage, response: ServerResponse, page: Page): void {
  if (!page.isAllowed(request.headers.authorization)) return void response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
  response.writeHead(200, { 'content-type': page.contentType }).end(request.method === 'HEAD' ? undefined : page.text());
}

/** What Node cannot read as HTTP gets an answer of ours: methods that nobody knows, headers that are too large, what is no HTTP at all. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const { [error.code ?? '']: status = 400 } = { HPE_INVALID_METHOD: 405, HPE_HEADER_OVERFLOW: 431 } as Record<string, number>;
  const body = JSON.stringify({ error_code: status, message: `HTTP ${status} ${STATUS_CODES[status]}` });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

interface Serving {
  readonly target: string;
  readonly pool: EnvironmentPool;
  readonly stageVariables: HttpFrontOptions['stageVariables'];
}

async function serve(request: IncomingMessage, response: ServerResponse, { target, pool, stageVariables }: Serving): Promise<void> {
  const body = await read(request);
  const event = body === null ? null : JSON.stringify({ ...eventOf(request, body), ...(stageVariables ? { stageVariables } : {}) });
  if (event === null || Buffer.byteLength(event) > eventBytesMax) {
    // What is still on its way is not read: the connection ends with the answer.
    if (!request.complete) response.setHeader('connection', 'close');
    return answerJson(response, 413, `HTTP 413 Request Entity Too Large: a request may have at most ${eventBytesMax} bytes`);
  }
  // One machine has fewer environments than AWS: clients wait their turn, as for the threads of a worker.
  const { payload, error } = await pool.invokeWhenPossible(target, event, randomUUID());
  if (error !== null) {
    const { errorMessage } = JSON.parse(payload) as { errorMessage?: string };
    return answerJson(response, 500, errorMessage ?? 'Internal Server Error');
  }
  const result = JSON.parse(payload) as HttpResult | null;
  response.statusCode = result?.statusCode ?? 200;
  for (const [name, value] of Object.entries(result?.headers ?? {})) response.setHeader(name, String(value));
  if (result?.cookies !== undefined) response.setHeader('set-cookie', [...result.cookies]);
  const out = Buffer.from(result?.body ?? '', result?.isBase64Encoded ? 'base64' : 'utf8');
  const empty = out.length === 0 && (response.statusCode === 204 || response.statusCode === 304);
  if (!empty) response.setHeader('content-length', out.length);
  response.end(request.method === 'HEAD' ? undefined : out);
}

function eventOf(request: IncomingMessage, body: Buffer): object {
  const target = request.url ?? '/';
  const question = target.indexOf('?');
  const rawPath = question < 0 ? target : target.slice(0, question);
  const rawQueryString = question < 0 ? '' : target.slice(question + 1);
  const { cookie, ...rest } = request.headers;
  const headers = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : (value ?? '')]));
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rawQueryString)) query[name] = name in query ? `${query[name]},${value}` : value;
  const text = isText(body);
  const now = new Date();
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    ...(cookie === undefined ? {} : { cookies: cookie.split('; ') }),
    headers,
    ...(rawQueryString === '' ? {} : { queryStringParameters: query }),
    requestContext: {
      accountId: '000000000000',
      apiId: 'local',
      // As a function URL: paths come as they were sent.
      domainName: 'local.lambda-url.us-east-1.on.aws',
      domainPrefix: 'local',
      http: {
        method: request.method,
        path: rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress,
        userAgent: request.headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: now.toUTCString(),
      timeEpoch: now.getTime(),
    },
    ...(body.length === 0 ? {} : { body: body.toString(text ? 'utf8' : 'base64') }),
    isBase64Encoded: !text && body.length > 0,
  };
}

/** Whether bytes survive as UTF-8 text. */
function isText(body: Buffer): boolean {
  try {
    new TextDecoder('utf8', { fatal: true, ignoreBOM: true }).decode(body);
    return true;
  } catch {
    return false;
  }
}

/** Null: there is too much of it. */
async function read(request: IncomingMessage): Promise<Buffer | null> {
  if (Number(request.headers['content-length'] ?? 0) > eventBytesMax) return null;
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop must not destroy the request: it shares its socket with the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).length;
    if (size > eventBytesMax) return null;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function answerJson(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) return void response.end();
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error_code: status, message }));
}
