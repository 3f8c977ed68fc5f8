import { ConfigException, oneOf, RetriableException, string } from '../connect/index.ts';

/** What limits connectors; the runtime sets it from the worker's `sluice.secrets.allowed.prefixes`. */
export const allowedPrefixesKey = {
  'allowed.prefixes': string({
    default: null,
    importance: 'HIGH',
    doc: 'How names may begin, with commas between. Without it every name may be read that the function has the right to.',
  }),
};

/** Keys that providers of AWS services share, under the names of AWS's own providers for Kafka. */
export const awsServiceKeys = {
  region: string({ default: '', importance: 'MEDIUM', doc: 'Region of the service. Empty: that of the function.' }),
  endpoint: string({
    default: '',
    importance: 'MEDIUM',
    doc: 'Address of the service, where it is not the usual one, such as that of a VPC endpoint. Empty: what AWS_ENDPOINT_URL and its likes say.',
  }),
  NotFoundStrategy: string({
    default: 'fail',
    validator: oneOf('fail', 'ignore'),
    importance: 'LOW',
    doc: 'What becomes of a reference to something that is not there: `fail`, or `ignore`, which makes it an empty text.',
  }),
  ...allowedPrefixesKey,
};

/** A part of a reference, and how long what it names may be used. */
export interface ReferencePart {
  readonly name: string;
  readonly ttlMs?: number;
}

/**
 * A path or a key of a reference, with `?ttl=MILLISECONDS` behind it or not. `encoded`: names with colons in them (ARNs) are
 * percent-encoded, because colons part a reference. Throws ConfigException for other options, and for what is no encoded text.
 */
export function parseReferencePart(text: string, encoded: boolean): ReferencePart {
  const [before = '', ...options] = text.split('?');
  const query = options.join('?');
  let name = before;
  try {
    if (encoded) name = decodeURIComponent(before);
  } catch (cause) {
    throw new ConfigException(`The reference to ${before} must be percent-encoded: % has to be written as %25`, { cause });
  }
  if (options.length === 0) return { name };
  const ttl = /^ttl=([1-9]\d*)$/.exec(query)?.[1];
  if (ttl === undefined) throw new ConfigException(`The reference to ${name} may have ?ttl= with a number of milliseconds after it, not ?${query}`);
  return { name, ttlMs: Number(ttl) };
}

/** The shortest of times that may be unknown. */
export function shortestTtl(times: readonly (number | undefined)[]): { ttlMs?: number } {
  const known = times.filter((each) => each !== undefined);
  return known.length === 0 ? {} : { ttlMs: Math.min(...known) };
}

/** The region in an ARN; undefined when the text is none. */
export function regionOfArn(name: string): string | undefined {
  return /^arn:[^:]*:[^:]*:([^:]+):/.exec(name)?.[1];
}

/** Throws ConfigException for a name that connectors may not ask for. */
export function checkAllowed(name: string, allowed: string | null, kind: 'secret' | 'parameter'): void {
  if (allowed === null) return;
  // Of an ARN the name is its last part: arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-abcdef, arn:aws:ssm:REGION:ACCOUNT:parameter/NAME.
  const plain = /^arn:[^:]*:[^:]*:[^:]*:[^:]*:(?:secret:|parameter)(.*)$/.exec(name)?.[1] ?? name;
  // ARNs of parameters have the slash that begins a hierarchy whether the name has it or not.
  const comparable = (text: string) => (kind === 'parameter' ? text.replace(/^\//, '') : text);
  const prefixes = allowed
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  if (prefixes.some((prefix) => comparable(plain).startsWith(comparable(prefix)))) return;
  const which = prefixes.length === 0 ? 'none may be read by connectors' : `connectors may read those that begin with ${prefixes.join(' or ')}`;
  throw new ConfigException(`The ${kind} ${name} may not be read: ${which} (worker property sluice.secrets.allowed.prefixes)`);
}

/** What a service answered, as an error that names the thing and what to do; null when it is not there. */
export function awsError(error: unknown, kind: 'secret' | 'parameter', name: string): Error | null {
  const { name: type = '', message: told = '', $retryable } = error as { name?: string; message?: string; $retryable?: object };
  // An answer that cannot be parsed may be half a secret: the parser's message would quote it.
  const message = type === 'SyntaxError' ? 'the answer of the service is not JSON' : told;
  if (type === 'ResourceNotFoundException' || type === 'ParameterNotFound') return null;
  if (type === 'AccessDeniedException') {
    const action = kind === 'secret' ? 'secretsmanager:GetSecretValue' : 'ssm:GetParameter';
    return new ConfigException(
      `The ${kind} ${name} may not be read by the function's role: allow it ${action}, and kms:Decrypt for a key of your own (${message})`,
      {
        cause: error,
      },
    );
  }
  if (/Timeout|ETIMEDOUT|ECONN|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH/i.test(`${type} ${message}`)) {
    const advice = 'from within a VPC only NAT or an endpoint of the service leads to it';
    return new RetriableException(`The ${kind} ${name} cannot be read now: ${type} ${message} (${advice})`, { cause: error });
  }
  if ($retryable !== undefined || /Throttl|Internal|Unavailable/i.test(`${type} ${message}`))
    return new RetriableException(`The ${kind} ${name} cannot be read now: ${type} ${message}`, { cause: error });
  return new ConfigException(`The ${kind} ${name} cannot be read: ${type} ${message}`, { cause: error });
}

/** What a client of the SDK is made with. */
export interface ClientOptions {
  readonly region?: string;
  readonly endpoint?: string;
  readonly maxAttempts: number;
  readonly requestHandler: { readonly connectionTimeout: number; readonly requestTimeout: number; readonly throwOnRequestTimeout: true };
}

/** Where no way leads to the service the SDK would wait until the run's time is over. */
const limits = { maxAttempts: 3, requestHandler: { connectionTimeout: 3_000, requestTimeout: 5_000, throwOnRequestTimeout: true } } as const;

/** A client of a service, whose SDK is loaded with the first call. */
export interface NamedReader {
  /** The text of this name; undefined when it is not a text. Rejects as the SDK does. */
  get(name: string): Promise<string | undefined>;
  close(): void;
}

/**
 * Clients made with the first call, one a region: what an ARN names is in the ARN's region. With an address of its own there
 * is only one.
 */
export class RegionalReader {
  readonly #settings: { readonly region: string | null; readonly endpoint: string | null };
  readonly #make: (options: ClientOptions) => Promise<NamedReader>;
  readonly #clients = new Map<string, Promise<NamedReader>>();

  constructor(settings: { region: string | null; endpoint: string | null }, make: (options: ClientOptions) => Promise<NamedReader>) {
    this.#settings = settings;
    this.#make = make;
  }

  /** The text of this name. Null: it is not there. Throws ConfigException, or RetriableException when the service cannot be reached. */
  async get(kind: 'secret' | 'parameter', name: string): Promise<string | undefined | null> {
    try {
      return await (await this.#client(name)).get(name);
    } catch (error) {
      const told = awsError(error, kind, name);
      if (told !== null) throw told;
      return null;
    }
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) (await client.catch(() => null))?.close();
  }

  #client(name: string): Promise<NamedReader> {
    const { endpoint } = this.#settings;
    const region = (endpoint ? undefined : regionOfArn(name)) ?? this.#settings.region ?? '';
    const client = this.#clients.get(region) ?? this.#make({ ...limits, ...(region ? { region } : {}), ...(endpoint ? { endpoint } : {}) });
    this.#clients.set(region, client);
    return client;
  }
}
