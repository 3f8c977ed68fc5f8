import { describe, expect, test } from 'vitest';
import { simulate } from './simulation.ts';

/** `npm run simulate -- --seeds N` takes as many as one wants. */
const seeds = 80;

describe('the simulation', () => {
  test(`of ${seeds} seeds breaks no invariant, and everything arrives`, { timeout: 120_000 }, async () => {
    let records = 0;
    for (let seed = 1; seed <= seeds; seed++) {
      const result = await simulate(seed);
      expect(result.violations, `seed ${seed}`).toEqual([]);
      records += result.records;
    }
    expect(records).toBeGreaterThan(5_000);
  });

  test('of one seed does the same each time', async () => {
    const [first, second] = [await simulate(77), await simulate(77)];
    expect(second).toEqual(first);
    expect((await simulate(78)).events).not.toBe(first.events);
  });
});
