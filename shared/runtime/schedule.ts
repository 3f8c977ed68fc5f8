import { ConfigException } from '../connect/errors.ts';

const unitMs: Readonly<Record<string, number>> = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/**
 * When a scheduled source is due next, in milliseconds: `rate(5 minutes)` counts from `now`, `cron(0 6 * * ? *)` is
 * EventBridge's six fields in UTC. Null means every look. Rejects with ConfigException for anything else.
 */
export async function nextDue(schedule: string | null, now: number): Promise<number> {
  if (schedule === null || schedule === '') return now;
  const rate = /^rate\((\d+) (second|minute|hour|day)s?\)$/.exec(schedule);
  if (rate !== null) return now + Math.max(1, Number(rate[1])) * (unitMs[rate[2] as string] as number);
  const cron = /^cron\(([^)]+)\)$/.exec(schedule);
  const fields = cron?.[1]?.trim().split(/\s+/) ?? [];
  if (fields.length !== 6)
    throw ConfigException.forValue('sluice.schedule', schedule, 'Expected rate(5 minutes) or cron(minute hour day-of-month month day-of-week year)');
  const [minute, hour, dayOfMonth, month, dayOfWeek] = fields as [string, string, string, string, string];
  // It brings a calendar with it, which most runs never ask.
  const { CronExpressionParser } = await import('cron-parser');
  // EventBridge counts days of the week from 1 = Sunday, cron-parser from 0.
  const weekday = dayOfWeek.replace(/(?<![#/\w])\d/g, (digit) => String(Number(digit) - 1));
  try {
    return CronExpressionParser.parse(`0 ${minute} ${hour} ${dayOfMonth} ${month} ${weekday}`, { currentDate: new Date(now), tz: 'UTC' })
      .next()
      .getTime();
  } catch (cause) {
    throw ConfigException.forValue('sluice.schedule', schedule, `Not a cron expression: ${(cause as Error).message}`);
  }
}
