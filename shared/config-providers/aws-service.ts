import { ConfigException, oneOf, RetriableException, string } from '../connect/index.ts';

/** Keys that providers of AWS services share, under the names of AWS's own providers for Kafka. */
export const awsServiceKeys = {
  region: string({ default: '', importance: 'MEDIUM', doc: 'Region of the service. Empty: that of the function.' }),
  endpoint: string({ default: '', importance: 'MEDIUM', doc: 'Address of the service, where it is not the usual one, such as that of a VPC endpoint.' }),
  NotFoundStrategy: string({
    default: 'fail',
    validator: oneOf('fail', 'ignore'),
    importance: 'LOW',
    doc: 'What becomes of a reference to something that is not there: `fail`, or `ignore`, which makes it an empty text.',
  }),
  'allowed.prefixes': string({
    default: null,
    importance: 'HIGH',
    doc: 'How names may begin, with commas between. Without it every name may be read that the function has the right to.',
  }),
};

/** What a client of the service is made with. */
export function clientOptions({ region, endpoint }: { region: string | null; endpoint: string | null }): { region?: string; endpoint?: string } {
  return { ...(region ? { region } : {}), ...(endpoint ? { endpoint } : {}) };
}

/** A path of a reference: percent-encoded where it has colons (ARNs), with `?ttl=MILLISECONDS` for how long its values may be used. */
export function parsePath(path: string): { name: string; ttlMs?: number } {
  const [encoded = '', query = ''] = path.split('?');
  const name = decodeURIComponent(encoded);
  if (query === '') return { name };
  const ttl = new URLSearchParams(query).get('ttl');
  if (ttl === null || !/^[1-9]\d*$/.test(ttl))
    throw new ConfigException(`The reference to ${name} may have ?ttl= with a number of milliseconds after it, not ?${query}`);
  return { name, ttlMs: Number(ttl) };
}

/** Throws ConfigException for a name that connectors may not ask for. */
export function checkAllowed(name: string, allowed: string | null, kind: string): void {
  if (allowed === null) return;
  const prefixes = allowed
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  // Of an ARN the name is its last part: arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-abcdef, arn:aws:ssm:REGION:ACCOUNT:parameter/NAME.
  const plain = /^arn:[^:]*:[^:]*:[^:]*:[^:]*:(?:secret:|parameter)(.*)$/.exec(name)?.[1] ?? name;
  if (prefixes.some((prefix) => plain.startsWith(prefix))) return;
  const which = prefixes.length === 0 ? 'none may be read by connectors' : `connectors may read those that begin with ${prefixes.join(' or ')}`;
  throw new ConfigException(`The ${kind} ${name} may not be read: ${which} (worker property sluice.secrets.allowed.prefixes)`);
}

/** What a service answered, as an error that names the thing and what to do; null when it is not there. */
export function awsError(error: unknown, kind: string, name: string): Error | null {
  const { name: type = '', message = '', $retryable } = error as { name?: string; message?: string; $retryable?: object };
  if (type === 'ResourceNotFoundException' || type === 'ParameterNotFound') return null;
  if (type === 'AccessDeniedException')
    return new ConfigException(`The ${kind} ${name} may not be read by the function's role: allow it, and kms:Decrypt for a key of your own (${message})`, {
      cause: error,
    });
  if ($retryable !== undefined || /Throttl|Internal|Unavailable|Timeout|ECONN|ENOTFOUND|EAI_AGAIN/i.test(`${type} ${message}`))
    return new RetriableException(`The ${kind} ${name} cannot be read now: ${type} ${message}`, { cause: error });
  return new ConfigException(`The ${kind} ${name} cannot be read: ${type} ${message}`, { cause: error });
}

/** Made with the first call; closed if it was made. */
export function lazily<Client extends { close(): void }>(make: () => Promise<Client>): { get(): Promise<Client>; close(): Promise<void> } {
  let made: Promise<Client> | undefined;
  return {
    get() {
      made ??= make();
      return made;
    },
    async close() {
      (await made)?.close();
    },
  };
}
