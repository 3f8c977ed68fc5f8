import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectorFile } from './spec-files.ts';
import { StartupError } from './startup-error.ts';

/** The running system's REST API, as far as starting up needs it. */
export class RestApi {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** Waits until the API answers. @throws StartupError */
  async untilReady(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    let answer = 'nothing';
    while (performance.now() < deadline) {
      signal.throwIfAborted();
      try {
        const response = await fetch(this.url, { signal: AbortSignal.timeout(30_000) });
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

  /** Creates or updates a connector as Kafka Connect's standalone mode does. @throws StartupError with the API's message when it is refused */
  async apply({ path, name, config, initialState }: ConnectorFile): Promise<void> {
    if (initialState) {
      const created = await this.#send('POST', '/connectors', { name, config, initial_state: initialState });
      if (created.status < 300) return;
      if (created.status !== 409) throw refused(path, created);
    }
    const put = await this.#send('PUT', `/connectors/${encodeURIComponent(name)}/config`, config);
    if (put.status >= 300) throw refused(path, put);
  }

  async get(path: string): Promise<{ status: number; body: string }> {
    return this.#send('GET', path);
  }

  async #send(method: string, path: string, body?: unknown): Promise<{ status: number; body: string }> {
    const init = body === undefined ? {} : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(this.url + path, { method, ...init });
    return { status: response.status, body: await response.text() };
  }
}

function refused(path: string, { status, body }: { status: number; body: string }): StartupError {
  let message = body;
  try {
    message = JSON.parse(body).message ?? body;
  } catch {}
  return new StartupError(`The connector of ${path} is refused (${status}): ${message}`);
}
