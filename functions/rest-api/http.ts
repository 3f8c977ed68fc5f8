import type { APIGatewayProxyEvent, APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';

/** A request, whichever way it came. */
export interface RestRequest {
  readonly method: string;
  /** As sent, percent-encoded, beginning with a slash. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** Of which listener it came, where `admin.listeners` has its own. */
  readonly listener?: 'admin';
}

/** An answer; without `body` or `text` there is none. */
export interface RestResponse {
  readonly status: number;
  readonly body?: unknown;
  /** In place of `body`, as it stands. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Reads the event of an API Gateway HTTP API, a function URL (payload version 2) or a REST API (version 1). */
export function requestOf(event: APIGatewayProxyEventV2 | APIGatewayProxyEvent): RestRequest {
  const headers = Object.fromEntries(Object.entries(event.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  const body = event.body ? Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8').toString('utf8') : '';
  if ('rawPath' in event) {
    const { stage, http, domainName } = event.requestContext;
    // A function URL passes paths on as they came; API Gateway's HTTP API decodes them, whatever the name of the field says.
    const path = domainName.includes('.lambda-url.') ? event.rawPath : encodedPath(event.rawPath);
    const listener = event.stageVariables?.['listener'] === 'admin' ? { listener: 'admin' as const } : {};
    return { method: http.method, path: withoutStage(path, stage), query: new URLSearchParams(event.rawQueryString), headers, body, ...listener };
  }
  const query = new URLSearchParams();
  for (const [name, values] of Object.entries(event.multiValueQueryStringParameters ?? {})) for (const value of values ?? []) query.append(name, value);
  return { method: event.httpMethod, path: event.path, query, headers, body };
}

/** Encodes what was decoded. A slash or question mark within a name is lost: API Gateway cut the path there. */
function encodedPath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function withoutStage(path: string, stage: string): string {
  const prefix = `/${stage}`;
  if (stage === '$default' || !(path === prefix || path.startsWith(`${prefix}/`))) return path;
  return path.slice(prefix.length) || '/';
}

/** The other way round. Whole numbers beyond 2^53 are written exactly. */
export function resultOf({ status, body, text, headers = {} }: RestResponse): APIGatewayProxyStructuredResultV2 {
  if (body === undefined && text === undefined) return { statusCode: status, headers: { ...headers } };
  return { statusCode: status, headers: { 'content-type': 'application/json', ...headers }, body: text ?? JSON.stringify(body, exactly) };
}

/** `JSON.rawJSON`, which TypeScript's library does not know yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** A replacer of `JSON.stringify`. */
export function exactly(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? rawJSON(value.toString()) : value;
}
