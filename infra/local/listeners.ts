import { StartupError } from './startup-error.ts';
import type { WorkerProperties } from './worker-file.ts';

/** Where the REST API shall listen, on 127.0.0.1. */
export interface Listeners {
  /** Of `listeners`; null: it is not set. */
  readonly port: number | null;
  /** Of `admin.listeners`; null: `/admin` has no listener of its own. */
  readonly adminPort: number | null;
  /** Listeners without a host, which are every address in Kafka Connect. */
  readonly narrowed: readonly string[];
}

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3})$/i;

/** Reads `listeners` and `admin.listeners` of a worker file. @throws StartupError for what this machine's Sluice does not do: TLS, other addresses, several listeners */
export function readListeners(worker: WorkerProperties, { ignoreMain = false } = {}): Listeners {
  const main = ignoreMain ? null : read('listeners', worker['listeners']);
  const admin = read('admin.listeners', worker['admin.listeners']);
  const narrowed = [main, admin].flatMap((listener) => (listener?.anywhere ? [listener.text] : []));
  if (main && admin && main.port === admin.port && main.port !== 0)
    throw new StartupError(`listeners and admin.listeners name the same port ${main.port}: leave admin.listeners out to have both on one.`);
  return { port: main?.port ?? null, adminPort: admin?.port ?? null, narrowed };
}

function read(key: string, value: string | undefined): { text: string; port: number; anywhere: boolean } | null {
  const [text, another] = (value ?? '').split(',').map((each) => each.trim());
  // An empty `admin.listeners` switches `/admin` off.
  if (!text && (value === undefined || key === 'admin.listeners')) return null;
  const [, protocol = '', host = '', port = ''] = /^(.*):\/\/\[?([0-9a-zA-Z\-%._:]*)\]?:(\d+)\/?$/.exec(text ?? '') ?? [];
  if (port === '' || Number(port) > 65_535) throw new StartupError(`${key} must be a listener such as http://127.0.0.1:8083, not '${value}'.`);
  const instead = `name http://127.0.0.1:${port}, and put a proxy in front of it`;
  if (protocol.toLowerCase() !== 'http') throw new StartupError(`${key}=${value}: Sluice on one machine speaks http and no TLS: ${instead} that does.`);
  if (host !== '' && !loopback.test(host)) throw new StartupError(`${key}=${value}: Sluice on one machine listens on 127.0.0.1 only: ${instead} for others.`);
  if (another) throw new StartupError(`${key} must name one listener, not '${value}'.`);
  return { text: text ?? '', port: Number(port), anywhere: host === '' };
}
