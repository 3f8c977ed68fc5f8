import { describe, expect, test } from 'vitest';
import type { Plants } from './platform.ts';
import { simulate } from './simulation.ts';

/** `npm run simulate -- --seeds N` takes as many as one wants. */
const seeds = 200;
/** Each of the bugs must be found within so many. */
const seedsForBug = 500;

describe('the simulation', () => {
  test(`of ${seeds} seeds breaks no invariant, and everything arrives`, { timeout: 120_000 }, async () => {
    let records = 0;
    for (let seed = 1; seed <= seeds; seed++) {
      const result = await simulate(seed);
      expect(result.violations, `seed ${seed}`).toEqual([]);
      records += result.records;
    }
    expect(records).toBeGreaterThan(10_000);
  });

  test('of one seed does the same each time', async () => {
    const [first, second] = [await simulate(77), await simulate(77)];
    expect(second).toEqual(first);
    expect((await simulate(78)).events).not.toBe(first.events);
  });

  test.each<[string, Plants, RegExp]>([
    ['offsets that are stored before the target has the records', { commitBeforeFlush: true }, /is stored, but what is before it is written only up to/],
    ['records that are said to be in Kafka before they are', { earlyAck: true }, /is stored, but Kafka has only/],
    ['writes without a condition on the lease', { noFence: true }, /went back|is stored, but|not everything arrived/],
    ['a lease that ends before its run', { shortLease: true }, /goes on after its lease has ended|not everything arrived/],
    ['a lease that is much longer than its run', { longLease: true }, /not everything arrived/],
    ['failures that nobody is told of', { lostFailures: true }, /the failure queue does not know/],
    ['events that are forgotten because a run is under way', { lostWake: true }, /not everything arrived/],
    ['tasks that ask in vain for other task configs', { lostReconfiguration: true }, /the source has \d tasks instead of \d/],
    ['offsets that a user changes while a task begins', { offsetResetRace: true }, /and it was not written again/],
  ])('finds %s', { timeout: 120_000 }, async (_, plants, expected) => {
    let found = '';
    for (let seed = 1; seed <= seedsForBug && found === ''; seed++) found = (await simulate(seed, plants)).violations[0] ?? '';
    expect(found).toMatch(expected);
  });
});
