import type { TableContext } from './table-storage.ts';

/**
 * When a lease ends that is taken now, in the time that all share. The clock of this environment may be wrong; how long the run may take is not.
 * `expiresAt`: by that clock, in milliseconds. `now`: the shared time; who holds a lease that ended by then has lost it.
 */
export function leaseTime({ clock, leaseClock = clock }: TableContext, expiresAt: number): { readonly now: number; readonly leaseExpiresAt: number } {
  const now = leaseClock.now();
  return { now, leaseExpiresAt: now + (expiresAt - clock.now()) };
}
