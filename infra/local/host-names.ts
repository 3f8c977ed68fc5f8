import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { WorkerProperties } from './worker-file.ts';

/** Ends of names that nobody can register: what has one is on this machine or in this network. */
const privateEnds = /\.(?:localhost|local|internal|lan|intranet|home\.arpa|svc|test|example|invalid)$/;

/**
 * Whether a request without authentication may name this host. A page of somebody's site, whose name was made to mean 127.0.0.1 after it was
 * loaded (DNS rebinding), is of the same origin for a browser and could do everything here; its requests name that site. So names that
 * can be had in the DNS are refused, but for those that the worker file advertises.
 */
export function allowsHost(host: string | undefined, worker: WorkerProperties): boolean {
  const name = (URL.parse(`http://${host ?? ''}`)?.hostname ?? '').replace(/\.$/, '');
  if (isIP(name.replace(/^\[|\]$/g, '')) !== 0 || !name.includes('.') || privateEnds.test(name)) return true;
  return name === hostname().toLowerCase() || name === worker['rest.advertised.host.name']?.trim().toLowerCase();
}
