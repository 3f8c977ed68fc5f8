import { describe, expect, test } from 'vitest';
import { simulateExactlyOnce } from './exactly-once.ts';

const seeds = 100;
const seedsForBug = 500;

describe('the simulation of an exactly-once source', () => {
  test(`of ${seeds} seeds commits each record once, in order, and all of them`, { timeout: 120_000 }, async () => {
    let records = 0;
    for (let seed = 1; seed <= seeds; seed++) {
      const result = await simulateExactlyOnce(seed);
      expect(result.violations, `seed ${seed}`).toEqual([]);
      records += result.records;
    }
    expect(records).toBeGreaterThan(5_000);
  });

  test('finds producers that are not fenced', { timeout: 120_000 }, async () => {
    let found = '';
    for (let seed = 1; seed <= seedsForBug && found === ''; seed++) found = (await simulateExactlyOnce(seed, { noFence: true })).violations[0] ?? '';
    expect(found).toMatch(/is committed/);
  });
});
