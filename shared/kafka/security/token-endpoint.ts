import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { ConfigException, ConnectException, RetriableException } from '../../connect/errors.ts';
import { boolean, nonEmptyText, number } from '../config-values.ts';
import type { KafkaClientConfig } from '../ports.ts';
import type { BearerToken, BearerTokens } from './bearer-tokens.ts';
import type { LoginModule } from './jaas-config.ts';
import { sslOptions } from './ssl-options.ts';
import { extensionsOf } from './unsecured-jws.ts';

const urlKey = 'sasl.oauthbearer.token.endpoint.url';

/**
 * Tokens from an identity provider by OAuth's client credentials (KIP-768), or from a file where
 * `sasl.oauthbearer.token.endpoint.url` begins with `file:`. Id, secret and scope come from
 * `sasl.oauthbearer.client.credentials.*` and `sasl.oauthbearer.scope` (KIP-1139), or else from the login module's
 * options, where also `ssl.*` for this endpoint and `extension_*` for the broker may be. Throws ConfigException.
 */
export function endpointTokens(config: KafkaClientConfig, module: LoginModule): BearerTokens {
  const url = endpointUrl(config);
  const extensions = extensionsOf(module, 'extension_');
  if (url.protocol === 'file:') return async () => tokenOf(readToken(url), undefined, extensions);
  const { options } = module;
  const clientId = nonEmptyText(config, 'sasl.oauthbearer.client.credentials.client.id') ?? options['clientId'];
  const secret = nonEmptyText(config, 'sasl.oauthbearer.client.credentials.client.secret') ?? options['clientSecret'];
  if (!clientId)
    throw new ConfigException('The OAuth client id is missing: set sasl.oauthbearer.client.credentials.client.id, or clientId="..." in sasl.jaas.config');
  if (!secret) {
    throw new ConfigException(
      'The OAuth client secret is missing: set sasl.oauthbearer.client.credentials.client.secret, or clientSecret="..." in sasl.jaas.config',
    );
  }
  const scope = nonEmptyText(config, 'sasl.oauthbearer.scope') ?? options['scope']?.trim();
  const encode = boolean(config, 'sasl.oauthbearer.header.urlencode') ? encodeURIComponent : (value: string) => value;
  const request: TokenRequest = {
    url,
    authorization: `Basic ${Buffer.from(`${encode(clientId)}:${encode(secret)}`).toString('base64')}`,
    body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope ? { scope } : {}) }).toString(),
    connectTimeoutMs: number(config, 'sasl.login.connect.timeout.ms', 'INT', 0) || 10_000,
    readTimeoutMs: number(config, 'sasl.login.read.timeout.ms', 'INT', 0) || 10_000,
    tls: url.protocol === 'https:' ? sslOptions(options) : undefined,
  };
  return async () => {
    const { status, text } = await post(request);
    const answer = jsonObject(text);
    if (status < 200 || status > 299) throw failure(url, status, answer, [secret, encode(secret)]);
    const value = answer?.['access_token'] ?? answer?.['id_token'];
    if (typeof value !== 'string' || value === '') {
      throw new ConnectException(`The token endpoint ${shown(url)} answered without an access_token. Check ${urlKey}.`);
    }
    const seconds = Number(answer?.['expires_in']);
    return tokenOf(value, Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined, extensions);
  };
}

interface TokenRequest {
  readonly url: URL;
  readonly authorization: string;
  readonly body: string;
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly tls: ConnectionOptions | undefined;
}

function endpointUrl(config: KafkaClientConfig): URL {
  const given = nonEmptyText(config, urlKey);
  if (!given) throw new ConfigException(`Missing required configuration "${urlKey}" which has no default value.`);
  const url = URL.parse(given);
  if (!url || !['http:', 'https:', 'file:'].includes(url.protocol)) {
    throw ConfigException.forValue(urlKey, given, 'It should be an address that begins with https://, http:// or file:');
  }
  if (url.username || url.password)
    throw new ConfigException(`Invalid value [hidden] for configuration ${urlKey}: It should have no user and no password in it`);
  return url;
}

function readToken(url: URL): string {
  try {
    return readFileSync(url, 'utf8').trim();
  } catch (error) {
    throw ConfigException.forValue(urlKey, url, `The file cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function post({ url, authorization, body, connectTimeoutMs, readTimeoutMs, tls }: TokenRequest): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = {
      accept: 'application/json',
      authorization,
      'cache-control': 'no-cache',
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
    };
    const client = url.protocol === 'https:' ? https : http;
    const request = client.request(url, { ...tls, method: 'POST', headers, agent: false, timeout: connectTimeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
      response.on('error', fail);
    });
    const fail = (error: Error) => {
      const code = String((error as NodeJS.ErrnoException).code ?? '');
      const message = `The token endpoint ${shown(url)} cannot be reached: ${error.message || code}.`;
      if (/^(ERR_TLS|ERR_SSL|DEPTH_|UNABLE_|CERT_|SELF_SIGNED|EPROTO|HOSTNAME_)/.test(code)) {
        reject(
          new ConnectException(`${message} Check ${urlKey}; a certificate authority of its own is given by ssl.truststore.certificates in sasl.jaas.config.`),
        );
      } else reject(new RetriableException(`${message} Check ${urlKey}, and that this network reaches it.`));
    };
    request.on('error', fail);
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('socket', (socket) => socket.once(tls ? 'secureConnect' : 'connect', () => request.setTimeout(readTimeoutMs)));
    request.end(body);
  });
}

// RFC 6749, 5.2: what is wrong is in `error` and `error_description`; some providers say it in other words.
function failure(url: URL, status: number, answer: Record<string, unknown> | undefined, secrets: readonly string[]): ConnectException {
  const words = [answer?.['error'] ?? answer?.['errorCode'], answer?.['error_description'] ?? answer?.['errorSummary']].filter(
    (word) => typeof word === 'string',
  );
  let said = words.length > 0 ? `: ${words.join(', ').slice(0, 300)}` : '';
  for (const secret of secrets) said = said.replaceAll(secret, '[hidden]');
  const message = `The token endpoint ${shown(url)} refused with HTTP status ${status}${said}.`;
  if (status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505)) return new RetriableException(message);
  return new ConnectException(`${message} Check ${urlKey}, and the client id, secret and scope in sasl.oauthbearer.client.credentials.* or sasl.jaas.config.`);
}

// A query may hold a key.
const shown = (url: URL): string => `${url.origin}${url.pathname}`;

/** A token with the times that it says itself, if it is a JWT; else with those that its endpoint told. */
function tokenOf(value: string, lifetimeMs: number | undefined, extensions: Readonly<Record<string, string>>): BearerToken {
  // RFC 6750: nothing else may be in it, least of all what separates the parts of the login.
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(value)) throw new ConnectException(`The token from ${urlKey} is not one that OAUTHBEARER can carry`);
  const claims = jsonObject(Buffer.from(value.split('.')[1] ?? '', 'base64url').toString('utf8'));
  const now = Date.now();
  const expires = claims?.['exp'];
  const issued = claims?.['iat'];
  const expiresAt = typeof expires === 'number' ? expires * 1000 : lifetimeMs === undefined ? undefined : now + lifetimeMs;
  if (expiresAt === undefined) {
    throw new ConnectException(`The token from ${urlKey} does not say when it ends: it should be a JWT with the claim exp, or come with expires_in`);
  }
  return { value, issuedAt: Math.min(typeof issued === 'number' ? issued * 1000 : now, now), expiresAt, extensions };
}

// Errors of JSON.parse quote what they read, which here may be a token: they are not passed on.
function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
