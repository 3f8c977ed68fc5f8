import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TokenClient {
  readonly id: string;
  readonly secret: string;
}

/**
 * An identity provider as far as OAuth's client credentials need one (RFC 6749, 4.4): tokens are JWTs signed with
 * RS256, and `/jwks` has the key to check them (RFC 7517).
 */
export class TokenEndpoint {
  readonly issuer = 'https://issuer.example.com';
  readonly audience = 'kafka';
  lifetimeSeconds = 3600;
  /** Answers all requests with this status while it is set. */
  failWith: number | undefined;
  /** Signs with a key that nobody knows. */
  forge = false;
  /** Gives tokens that only `expires_in` tells the end of. */
  opaque = false;
  /** Tokens that were given. */
  given = 0;
  /** What was posted last. */
  lastForm = new URLSearchParams();
  readonly #client: TokenClient;
  readonly #server: Server;
  readonly #key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  readonly #other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

  constructor(client: TokenClient) {
    this.#client = client;
    this.#server = createServer((request, response) => {
      this.#answer(request).then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(body));
      });
    });
  }

  /** Listens on the loopback address. */
  start(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get tokenUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/token`;
  }

  get jwksUrl(): string {
    return this.tokenUrl.replace('/token', '/jwks');
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    if (request.url === '/jwks') {
      const jwk = createPublicKey(this.#key).export({ format: 'jwk' });
      return { status: 200, body: { keys: [{ ...jwk, kid: 'one', use: 'sig', alg: 'RS256' }] } };
    }
    if (this.failWith !== undefined) return { status: this.failWith, body: { error: 'temporarily_unavailable' } };
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.lastForm = new URLSearchParams(Buffer.concat(chunks).toString());
    const { method, url, headers } = request;
    if (method !== 'POST' || url !== '/token' || headers['content-type'] !== 'application/x-www-form-urlencoded')
      return { status: 400, body: { error: 'invalid_request' } };
    const expected = Buffer.from(`${this.#client.id}:${this.#client.secret}`).toString('base64');
    if (headers.authorization !== `Basic ${expected}`) {
      // Some providers are as careless as to repeat what they were sent.
      const sent = Buffer.from(headers.authorization?.slice(6) ?? '', 'base64').toString();
      return { status: 401, body: { error: 'invalid_client', error_description: `Client authentication failed for ${sent}` } };
    }
    if (this.lastForm.get('grant_type') !== 'client_credentials') return { status: 400, body: { error: 'unsupported_grant_type' } };
    this.given++;
    const token = this.opaque ? `opaque-${this.given}` : this.#jwt(this.forge ? this.#other : this.#key);
    return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: this.lifetimeSeconds } };
  }

  #jwt(key: KeyObject): string {
    const now = Math.floor(Date.now() / 1000);
    const scope = this.lastForm.get('scope');
    const claims = {
      iss: this.issuer,
      sub: this.#client.id,
      aud: this.audience,
      ...(scope ? { scope } : {}),
      iat: now,
      exp: now + this.lifetimeSeconds,
      jti: String(this.given),
    };
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${part({ alg: 'RS256', kid: 'one', typ: 'JWT' })}.${part(claims)}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
  }
}
