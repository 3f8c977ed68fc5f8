import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

interface Reference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

interface Stored {
  readonly id: number;
  readonly schema: string;
  readonly schemaType: string;
  readonly references: readonly Reference[];
}

/** A request as it arrived. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/**
 * A Schema Registry in memory that keeps the documented REST contract, as far as serializers use it: ids are one for each
 * schema text, versions count within a subject, errors have `error_code` and `message`.
 */
export class TestSchemaRegistry {
  readonly requests: SeenRequest[] = [];
  /** Answers to be given instead of the next ones: a status with its error code. */
  readonly failures: { status: number; errorCode: number; message: string }[] = [];
  /** Where set, requests without this `Authorization` are refused. */
  authorization: string | null = null;
  readonly #server: Server;
  readonly #secure: boolean;
  readonly #schemas: Stored[] = [];
  readonly #subjects = new Map<string, number[]>();

  private constructor(tls: ServerOptions | null) {
    const handle = (request: IncomingMessage, response: ServerResponse) => void this.#handle(request, response);
    this.#secure = tls !== null;
    this.#server = tls === null ? createServer(handle) : createSecureServer(tls, handle);
  }

  static async start(tls: ServerOptions | null = null): Promise<TestSchemaRegistry> {
    const registry = new TestSchemaRegistry(tls);
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  get url(): string {
    return `${this.#secure ? 'https' : 'http'}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Registers as a POST does, and returns the id. */
  register(subject: string, schema: string, schemaType = 'AVRO', references: readonly Reference[] = []): number {
    const known = this.#schemas.find(
      (each) => each.schema === schema && each.schemaType === schemaType && JSON.stringify(each.references) === JSON.stringify(references),
    );
    const stored = known ?? { id: this.#schemas.length + 1, schema, schemaType, references };
    if (known === undefined) this.#schemas.push(stored);
    const versions = this.#subjects.get(subject) ?? [];
    this.#subjects.set(subject, versions);
    if (!versions.includes(stored.id)) versions.push(stored.id);
    return stored.id;
  }

  /** Texts of a subject's versions, in order. */
  versions(subject: string): string[] {
    return (this.#subjects.get(subject) ?? []).map((id) => (this.#schemas[id - 1] as Stored).schema);
  }

  subjects(): string[] {
    return [...this.#subjects.keys()];
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const path = request.url as string;
    this.requests.push({ method: request.method as string, path, headers: request.headers, body });
    const [status, json] = this.#answer(request, path, body);
    response.writeHead(status, { 'Content-Type': 'application/vnd.schemaregistry.v1+json' }).end(JSON.stringify(json));
  }

  #answer({ method, headers }: IncomingMessage, path: string, body: string): [number, unknown] {
    const failure = this.failures.shift();
    if (failure !== undefined) return error(failure.status, failure.errorCode, failure.message);
    if (this.authorization !== null && headers.authorization !== this.authorization) return error(401, 401, 'Unauthorized');
    const url = new URL(path, 'http://registry');
    const parts = url.pathname.split('/').slice(1).map(decodeURIComponent);
    if (method === 'GET' && parts[0] === 'schemas' && parts[1] === 'ids') return this.#byId(Number(parts[2]));
    if (method === 'GET' && path === '/subjects') return [200, this.subjects()];
    if (parts[0] === 'subjects' && parts.length >= 2) {
      const subject = parts[1] as string;
      if (method === 'GET' && parts[2] === 'versions' && parts.length === 4) return this.#version(subject, parts[3] as string);
      if (method === 'POST') {
        const sent = parse(body);
        if (sent === null) return error(422, 42201, 'Empty schema');
        if (parts[2] === 'versions') return [200, { id: this.register(subject, sent.schema, sent.schemaType, sent.references) }];
        if (parts.length === 2) return this.#lookUp(subject, sent);
      }
    }
    return error(404, 404, 'HTTP 404 Not Found');
  }

  #byId(id: number): [number, unknown] {
    const stored = this.#schemas[id - 1];
    if (stored === undefined) return error(404, 40403, `Schema ${id} not found`);
    return [200, described(stored)];
  }

  #version(subject: string, version: string): [number, unknown] {
    const ids = this.#subjects.get(subject);
    if (ids === undefined) return error(404, 40401, `Subject '${subject}' not found.`);
    const number = version === 'latest' ? ids.length : Number(version);
    const id = ids[number - 1];
    if (id === undefined) return error(404, 40402, `Version ${version} not found.`);
    return [200, { subject, version: number, id, ...described(this.#schemas[id - 1] as Stored) }];
  }

  #lookUp(subject: string, sent: { schema: string; schemaType: string; references: readonly Reference[] }): [number, unknown] {
    const ids = this.#subjects.get(subject);
    if (ids === undefined) return error(404, 40401, `Subject '${subject}' not found.`);
    const at = ids.findIndex((id) => {
      const stored = this.#schemas[id - 1] as Stored;
      return stored.schema === sent.schema && stored.schemaType === sent.schemaType;
    });
    const id = ids[at];
    if (id === undefined) return error(404, 40403, 'Schema not found');
    return [200, { subject, version: at + 1, id, ...described(this.#schemas[id - 1] as Stored) }];
  }
}

/** As the registry tells them: what is Avro's and what is empty is left out. */
function described({ schema, schemaType, references }: Stored): object {
  return { schema, ...(schemaType === 'AVRO' ? {} : { schemaType }), ...(references.length === 0 ? {} : { references }) };
}

function error(status: number, error_code: number, message: string): [number, unknown] {
  return [status, { error_code, message }];
}

function parse(body: string): { schema: string; schemaType: string; references: readonly Reference[] } | null {
  const { schema, schemaType = 'AVRO', references = [] } = JSON.parse(body);
  return typeof schema === 'string' && schema !== '' ? { schema, schemaType, references } : null;
}
