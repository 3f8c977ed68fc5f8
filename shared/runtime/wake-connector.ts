import type { Storage } from '../storage/ports.ts';
import { isDelivered } from './is-delivered.ts';

/**
 * Something happened that a connector waits for: its tasks run now, or again when the runs under way end. Returns how many, or
 * null when there is no such connector. None when it is not wanted to run, because it looks for itself when it is resumed, and
 * none of a sink whose records are delivered.
 */
export async function wakeConnector(storage: Storage, connector: string, worker: Readonly<Record<string, string>>): Promise<number | null> {
  const snapshot = await storage.connectors.snapshot(connector);
  if (snapshot === null) return null;
  if (snapshot.spec.targetState !== 'STARTED' || isDelivered(snapshot.spec, worker)) return 0;
  const woken = await Promise.all(snapshot.tasks.map(({ task }) => storage.control.wakeTask(connector, task)));
  return woken.filter(Boolean).length;
}
