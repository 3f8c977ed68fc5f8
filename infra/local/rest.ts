import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectorFile } from './spec-files.ts';
import { StartupError } from './startup-error.ts';

/** The API refuses the connector of a spec file. */
export class RefusedSpecError extends StartupError {
  /** Nothing is wrong with the file: somebody else changes the connector, or the API could not do it now. */
  readonly tryAgain: boolean;
  constructor(path: string, { status, body }: Answer) {
    super(`The connector of ${path} is refused (${status}): ${messageOf(body)}`);
    this.tryAgain = status === 409 || status >= 500;
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** The running system's REST API, as far as starting up and spec files need it. */
export class RestApi {
  readonly url: string;
  readonly #authorization: () => string | undefined;

  /** `authorization`: a header for each request. */
  constructor(url: string, authorization: () => string | undefined = () => undefined) {
    this.url = url;
    this.#authorization = authorization;
  }

  /** Waits until the API answers. @throws StartupError */
  async untilReady(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    let answer = 'nothing';
    while (performance.now() < deadline) {
      signal.throwIfAborted();
      try {
        const response = await fetch(this.url, { headers: this.#headers(), signal: AbortSignal.timeout(30_000) });
        const text = await response.text();
        if (response.ok) return;
        answer = `${response.status} ${text.slice(0, 300)}`;
      } catch (error) {
        answer = (error as Error).message;
      }
      await sleep(50);
    }
    throw new StartupError(`The REST API does not come up; it answers: ${answer}.`);
  }

  /** Creates or updates a connector as Kafka Connect's standalone mode does. @throws RefusedSpecError with the API's message */
  async apply({ path, name, config, initialState }: ConnectorFile): Promise<void> {
    if (initialState) {
      const created = await this.#send('POST', '/connectors', { name, config, initial_state: initialState });
      if (created.status < 300) return;
      if (created.status !== 409) throw new RefusedSpecError(path, created);
    }
    const put = await this.#send('PUT', `/connectors/${encodeURIComponent(name)}/config`, config);
    if (put.status >= 300) throw new RefusedSpecError(path, put);
  }

  async get(path: string): Promise<Answer> {
    return this.#send('GET', path);
  }

  async #send(method: string, path: string, body?: unknown): Promise<Answer> {
    const init =
      body === undefined ? { headers: this.#headers() } : { headers: { ...this.#headers(), 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(this.url + path, { method, ...init });
    return { status: response.status, body: await response.text() };
  }

  #headers(): Record<string, string> {
    const authorization = this.#authorization();
    return authorization === undefined ? {} : { authorization };
  }
}

function messageOf(body: string): string {
  try {
    return JSON.parse(body).message ?? body;
  } catch {
    return body;
  }
}
