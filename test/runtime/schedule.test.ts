import { describe, expect, test } from 'vitest';
import { nextDue } from '../../shared/runtime/schedule.ts';

const now = Date.UTC(2026, 0, 15, 10, 30, 0);

describe('schedule', () => {
  test('without one a source is due at every look', () => expect(nextDue(null, now)).resolves.toBe(now));
  test('a rate counts from the end of the last run', () => expect(nextDue('rate(5 minutes)', now)).resolves.toBe(now + 300_000));
  test('a cron expression is EventBridge’s, in UTC', () => expect(nextDue('cron(0 6 * * ? *)', now)).resolves.toBe(Date.UTC(2026, 0, 16, 6)));
  test('days of the week count from 1 = Sunday', () => expect(nextDue('cron(0 12 ? * 2 *)', now)).resolves.toBe(Date.UTC(2026, 0, 19, 12)));
  test('names of days are understood', () => expect(nextDue('cron(0 12 ? * MON-FRI *)', now)).resolves.toBe(Date.UTC(2026, 0, 15, 12)));
  test.each(['rate(5 lightyears)', 'every day', 'cron(0 6 * *)', 'cron(99 6 * * ? *)'])('%s is refused by name', async (schedule) => {
    await expect(nextDue(schedule, now)).rejects.toThrow(/sluice\.schedule/);
  });
});
