import { request } from 'node:http';

/** A request as it is sent, byte for byte: no path is made tidy. */
export interface Call {
  readonly method: string;
  readonly path: string;
  /** A `Content-Type` of '' sends none. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** A body that need not be JSON. */
  readonly rawBody?: string;
}

/** What of an answer is compared. */
export interface Answer {
  readonly status: number;
  /** `content-type` without parameters, `location` as a path, `allow` sorted. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON; undefined without a body. */
  readonly body?: unknown;
  /** A body that is no JSON. */
  readonly text?: string;
}

/** Texts in requests and what they stand for: `${DIR}` for a folder. In answers they are put back. */
export type Placeholders = Readonly<Record<string, string>>;

const busyTexts = ['stale configuration', 'rebalance', 'Please try again', 'Timeout'];
const answerTimeoutMs = 100_000;

/** Sends a request to a REST API. Rejects when there is no answer. */
export function send({ method, path, headers: given, body, rawBody }: Call, url: string, placeholders: Placeholders): Promise<Answer> {
  const { hostname, port, pathname } = new URL(url);
  const meant = (text: string) => Object.entries(placeholders).reduce((changed, [name, value]) => changed.replaceAll(name, value), text);
  const told = (text: string) => Object.entries(placeholders).reduce((changed, [name, value]) => changed.replaceAll(value, name), text);
  const sent = body !== undefined ? meant(JSON.stringify(body)) : rawBody === undefined ? null : meant(rawBody);
  const headers: Record<string, string> = { Accept: 'application/json', ...(sent === null ? {} : { 'Content-Type': 'application/json' }), ...given };
  if (headers['Content-Type'] === '') delete headers['Content-Type'];
  if (sent !== null || ['POST', 'PUT', 'PATCH'].includes(method)) headers['Content-Length'] = String(Buffer.byteLength(sent ?? ''));
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { hostname, port, method, path: pathname.replace(/\/$/, '') + meant(path), headers, timeout: answerTimeoutMs },
      async (incoming) => {
        try {
          let text = '';
          for await (const chunk of incoming.setEncoding('utf8')) text += chunk;
          const { location, ...others } = incoming.headers as Record<string, string>;
          resolve(answerOf(incoming.statusCode ?? 0, { ...others, ...(location !== undefined && { location: told(location) }) }, told(text)));
        } catch (error) {
          reject(error);
        }
      },
    );
    outgoing.once('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.once('error', reject);
    outgoing.end(sent ?? undefined);
  });
}

function answerOf(status: number, { location, 'content-type': type, allow }: Readonly<Record<string, string>>, text: string): Answer {
  const headers = {
    ...(type === undefined ? {} : { 'content-type': (type.toLowerCase().split(';')[0] ?? '').trim() }),
    ...(location === undefined ? {} : { location: /^https?:\/\/[^/]+(\/[^?#]*)/.exec(location)?.[1] ?? location }),
    ...(allow === undefined ? {} : { allow: sorted(allow) }),
  };
  if (text === '') return { status, headers };
  try {
    return { status, headers, body: JSON.parse(text) as unknown };
  } catch {
    return { status, headers, text };
  }
}

const sorted = (list: string): string =>
  list
    .split(',')
    .map((each) => each.trim())
    .sort()
    .join(',');

/** Whether the server says that the same request may succeed a moment later. */
export function isBusy({ status, body }: Answer): boolean {
  const message = (body as { message?: unknown } | null | undefined)?.message;
  return (
    (status === 409 || status === 500) && typeof message === 'string' && !message.includes('already exists') && busyTexts.some((each) => message.includes(each))
  );
}
