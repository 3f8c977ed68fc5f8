import { ConfigException } from '../../shared/connect/errors.ts';
import { javaPattern } from '../../shared/connect/java-pattern.ts';
import type { RestRequest } from './http.ts';

const allowOrigin = 'access.control.allow.origin';
const defaultMethods = 'GET,POST,HEAD';

/** The headers that let pages of other origins read an answer. */
export type CrossOrigin = (request: Pick<RestRequest, 'method' | 'headers'>) => Readonly<Record<string, string>>;

/**
 * What `access.control.allow.origin` (patterns with commas between, `*` for all) and `access.control.allow.methods` say, as Jetty's
 * CrossOriginHandler does it in Kafka Connect's worker: the answer itself is the same for every origin, and so is its status. Null: the
 * key is not set, and browsers keep the answers from all other origins.
 *
 * Throws ConfigException for a pattern that is none.
 */
export function crossOrigin(worker: Readonly<Record<string, string | undefined>>): CrossOrigin | null {
  const origins = (worker[allowOrigin] ?? '').split(',').filter((each) => each.trim() !== '');
  if (origins.length === 0) return null;
  const patterns = origins.map(pattern);
  const methods = (worker['access.control.allow.methods'] || defaultMethods)
    .split(',')
    .map((each) => each.trim())
    .join(',');
  return ({ method, headers }) => {
    const vary = { vary: 'Origin' };
    const origin = headers['origin'];
    if (!origin?.split(' ').some((each) => patterns.some((allowed) => allowed(each)))) return vary;
    const simple = { ...vary, 'access-control-allow-origin': origin };
    const preflight = method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
    if (!preflight) return simple;
    return { ...simple, 'access-control-allow-methods': methods, 'access-control-allow-headers': 'Content-Type', 'access-control-max-age': '60' };
  };
}

function pattern(text: string): (origin: string) => boolean {
  if (text.trim() === '*') return () => true;
  try {
    const compiled = javaPattern(`(?i)${text.trim()}`, { fullMatch: true });
    return (origin) => compiled.test(origin);
  } catch (cause) {
    throw new ConfigException(
      `Invalid value ${text} for configuration ${allowOrigin}: expected * or regular expressions of origins such as https://ui\\.example\\.com, with commas between: ${(cause as Error).message}`,
      { cause },
    );
  }
}
