import { setTimeout as sleep } from 'node:timers/promises';
import { type CommandCall, CommandError } from './command.ts';

/** Flags of commands that speak to the REST API. */
export const restOptions = { url: { type: 'string' }, user: { type: 'string' } } as const;

export interface RestAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Headers;
}

/** Someone else changes the connectors at this moment: Kafka Connect says so by 409, and it passes. */
const conflictRetries = 10;

/** Speaks to the REST API of Sluice, or of Kafka Connect. Passwords come from the environment only. */
export class RestClient {
  readonly url: string;
  readonly #headers: Record<string, string>;

  constructor({ flags, env }: Pick<CommandCall, 'flags' | 'env'>) {
    this.url = String(flags['url'] ?? env['SLUICE_URL'] ?? 'http://127.0.0.1:8083').replace(/\/+$/, '');
    if (!/^https?:\/\/[^/]/.test(this.url)) throw new CommandError(`--url must be an http:// or https:// address, not ${this.url}`);
    const user = flags['user'] ?? env['SLUICE_USER'];
    this.#headers = { accept: 'application/json' };
    if (user !== undefined) this.#headers['authorization'] = `Basic ${Buffer.from(`${user}:${env['SLUICE_PASSWORD'] ?? ''}`).toString('base64')}`;
  }

  /** Rejects with CommandError when nothing answers, or the answer is that nobody may ask. */
  async request(method: string, path: string, body?: unknown): Promise<RestAnswer> {
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#once(method, path, body);
      if (answer.status !== 409 || attempt === conflictRetries) return answer;
      await sleep(200 * (attempt + 1));
    }
  }

  /** The same, and only success will do. */
  async get<T>(path: string): Promise<T> {
    return (await this.done('GET', path)) as T;
  }

  /** The body of a success; anything else is a CommandError. */
  async done(method: string, path: string): Promise<unknown> {
    const { status, body } = await this.request(method, path);
    if (status >= 400) throw new CommandError(messageOf(body) ?? `${method} ${path}: HTTP ${status}`, 1);
    return body;
  }

  async #once(method: string, path: string, body: unknown): Promise<RestAnswer> {
    const headers = body === undefined ? this.#headers : { ...this.#headers, 'content-type': 'application/json' };
    const answer = await fetch(this.url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }).catch((error: Error) => {
      throw new CommandError(
        `Nothing answers at ${this.url}: ${(error.cause as Error | undefined)?.message ?? error.message}. Is it running, and is --url right?`,
        1,
      );
    });
    const text = await answer.text();
    if (answer.status === 401 || answer.status === 403)
      throw new CommandError(`${this.url} answers ${answer.status}: set SLUICE_USER and SLUICE_PASSWORD to a user that may ask`, 1);
    try {
      return { status: answer.status, body: text === '' ? null : JSON.parse(text), headers: answer.headers };
    } catch {
      throw new CommandError(`${method} ${this.url}${path} answers no JSON (HTTP ${answer.status}): is it the REST API of a Connect cluster?`, 1);
    }
  }
}

/** The message of an error body. */
export function messageOf(body: unknown): string | null {
  const { message } = (body ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message : null;
}

/** A connector's name in a path. */
export function pathOf(name: string, ...more: string[]): string {
  return ['/connectors', encodeURIComponent(name), ...more].join('/');
}
