import { describe, expect, test } from 'vitest';
import type { Plants } from './platform.ts';
import { simulate } from './simulation.ts';

/** Each bug must be found within so many seeds. */
const seeds = 500;

/** A bug of each kind that there may be is planted in what the code under test reaches the world through; the code itself has no switch for it. */
describe('the simulation finds', () => {
  test.each<[string, Plants, RegExp]>([
    ['offsets that are stored before the target has the records', { commitBeforeFlush: true }, /is stored, but what is before it is written only up to/],
    ['records that are said to be in Kafka before they are', { earlyAck: true }, /is stored, but Kafka has only/],
    ['writes without a condition on the lease', { noFence: true }, /went back|is stored, but|not everything arrived|cannot be read/],
    ['a lease that ends before its run', { shortLease: true }, /goes on after its lease has ended|not everything arrived/],
    ['a lease that is much longer than its run', { longLease: true }, /not everything arrived/],
    ['leases in the time of whoever looks at them', { ownClocks: true }, /was taken away \d+ ms before its end/],
    ['failures that nobody is told of', { lostFailures: true }, /the failure queue does not know/],
    ['events that are forgotten because a run is under way', { lostWake: true }, /not everything arrived/],
    ['tasks that ask in vain for other task configs', { lostReconfiguration: true }, /the source has \d tasks instead of \d/],
    ['offsets that a user changes while a task begins', { offsetResetRace: true }, /a user set \S+ back to offset/],
    ['dead letters that a replay passes over', { earlyReplay: true }, /were not replayed/],
    ['an outage that is taken for an error of each record', { outageIsRecordError: true }, /the good record \d+:\d+ is a dead letter/],
    ['a task that fails because its target is away', { outageFails: true }, /an outage was taken for a failure of/],
  ])('%s', { timeout: 300_000 }, async (_, plants, expected) => {
    let found = '';
    for (let seed = 1; seed <= seeds && found === ''; seed++) found = (await simulate(seed, plants)).violations[0] ?? '';
    expect(found).toMatch(expected);
  });
});
