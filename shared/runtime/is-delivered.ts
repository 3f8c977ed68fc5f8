import type { ConnectorType } from '../storage/ports.ts';

/**
 * True for sinks whose records an event source delivers: no run of theirs reads by itself. Where there are no event sources
 * (the worker property `sluice.event.sources=none`, as on one machine) they read as others do.
 */
export function isDelivered(
  { type, config }: { readonly type: ConnectorType; readonly config: Readonly<Record<string, string>> },
  worker: Readonly<Record<string, string>>,
): boolean {
  return type === 'sink' && config['sluice.trigger'] === 'event' && worker['sluice.event.sources'] !== 'none';
}
