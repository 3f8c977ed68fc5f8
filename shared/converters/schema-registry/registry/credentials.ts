import { type Clock, ConfigException } from '../../../connect/index.ts';
import { httpRequest } from './http-request.ts';
import { RegistryUnreachable, RestClientException } from './registry-errors.ts';

/** Headers that tell the registry who asks. Rejects as a request does when a token must be fetched and cannot. */
export type Credentials = (url: URL, signal: AbortSignal) => Promise<Readonly<Record<string, string>>>;

export interface CredentialsOptions {
  /** The client's keys as they were written; what is absent is not set. */
  readonly config: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
}

/** Reads `basic.auth.*` and `bearer.auth.*`. Without any of them, user and password are those within the address. Throws ConfigException. */
export function credentials(options: CredentialsOptions): Credentials {
  const { config } = options;
  const basic = config['basic.auth.credentials.source'];
  const bearer = config['bearer.auth.credentials.source'];
  if (basic && bearer) throw new ConfigException("Only one of 'basic.auth.credentials.source' and 'bearer.auth.credentials.source' may be specified");
  if (bearer) return bearerCredentials(bearer, options);
  switch (basic || 'URL') {
    case 'URL':
      return async (url) => (url.username === '' ? {} : basicHeader(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`));
    case 'USER_INFO': {
      const userInfo = config['schema.registry.basic.auth.user.info'] || config['basic.auth.user.info'];
      if (!userInfo) throw new ConfigException('UserInfo must be provided when basic.auth.credentials.source is set to USER_INFO');
      const header = basicHeader(userInfo);
      return async () => header;
    }
    case 'SASL_INHERIT': {
      const header = basicHeader(loginOf(config['sasl.jaas.config'] ?? ''));
      return async () => header;
    }
    default:
      throw ConfigException.forValue('basic.auth.credentials.source', basic, 'It should be URL, USER_INFO or SASL_INHERIT');
  }
}

function basicHeader(userInfo: string): Record<string, string> {
  return { Authorization: `Basic ${Buffer.from(userInfo).toString('base64')}` };
}

/** User and password of a login module: the two options are all that is needed of Java's syntax. */
function loginOf(jaas: string): string {
  const option = (name: string) => {
    const match = new RegExp(`\\b${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|'((?:[^'\\\\]|\\\\.)*)'|([^\\s;]+))`).exec(jaas);
    return (match?.[1] ?? match?.[2] ?? match?.[3])?.replace(/\\(.)/g, '$1');
  };
  const username = option('username');
  if (!username)
    throw new ConfigException("Provided SASL Login module doesn't provide username and password options and can't be inherited (sasl.jaas.config)");
  return `${username}:${option('password') ?? ''}`;
}

function bearerCredentials(source: string, options: CredentialsOptions): Credentials {
  const { config } = options;
  const targets: Record<string, string> = {};
  if (config['bearer.auth.logical.cluster']) targets['target-sr-cluster'] = config['bearer.auth.logical.cluster'];
  if (config['bearer.auth.identity.pool.id']) targets['Confluent-Identity-Pool-Id'] = config['bearer.auth.identity.pool.id'];
  switch (source) {
    case 'STATIC_TOKEN': {
      const token = config['bearer.auth.token'];
      if (!token) throw new ConfigException('Token must be provided via bearer.auth.token config when bearer.auth.credentials.source is set to STATIC_TOKEN');
      return async () => ({ Authorization: `Bearer ${token}`, ...targets });
    }
    case 'OAUTHBEARER': {
      const token = oauthToken(options);
      return async (_url, signal) => ({ Authorization: `Bearer ${await token(signal)}`, ...targets });
    }
    default:
      throw ConfigException.forValue('bearer.auth.credentials.source', source, 'It should be STATIC_TOKEN or OAUTHBEARER');
  }
}

/** Tokens by client credentials, each kept until shortly before it expires. */
function oauthToken({ config, clock, connectTimeoutMs, readTimeoutMs }: CredentialsOptions): (signal: AbortSignal) => Promise<string> {
  const required = (name: string): string => {
    const value = config[name];
    if (!value) throw new ConfigException(`The OAuth configuration option ${name} value must be non-null`);
    return value;
  };
  const url = new URL(required('bearer.auth.issuer.endpoint.url'));
  const authorization = basicHeader(`${required('bearer.auth.client.id')}:${required('bearer.auth.client.secret')}`);
  const scope = config['bearer.auth.scope'];
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope ? { scope } : {}) }).toString();
  const bufferMs = Number(config['bearer.auth.cache.expiry.buffer.seconds'] ?? 300) * 1000;
  let kept: { token: string; until: number } | null = null;
  return async (signal) => {
    if (kept !== null && clock.now() < kept.until) return kept.token;
    const headers = { ...authorization, 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' };
    const answer = await httpRequest({ method: 'POST', url, headers, body, connectTimeoutMs, readTimeoutMs, signal });
    if (answer.status !== 200) throw new RestClientException(`The token endpoint ${url.origin}${url.pathname} refused`, answer.status, answer.status);
    const { access_token: token, expires_in: seconds } = parse(answer.body);
    if (typeof token !== 'string') throw new RegistryUnreachable(`The token endpoint ${url.origin}${url.pathname} answered without an access_token`, false);
    const lifeMs = typeof seconds === 'number' ? seconds * 1000 : 0;
    kept = { token, until: clock.now() + (lifeMs > bufferMs ? lifeMs - bufferMs : lifeMs) };
    return token;
  };
}

function parse(text: string): { access_token?: unknown; expires_in?: unknown } {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
