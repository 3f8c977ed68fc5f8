import { dayOf, firstWeek, onOrBefore } from './java-calendar.ts';

/** Fields of `java.util.Calendar` that a text told. The order of the keys is the order in which they were told. */
export interface ParsedDate {
  /** 0 is BC. */
  ERA?: number;
  YEAR?: number;
  WEEK_YEAR?: number;
  /** From 0. */
  MONTH?: number;
  DAY_OF_MONTH?: number;
  DAY_OF_YEAR?: number;
  /** 0 is Sunday. */
  DAY_OF_WEEK?: number;
  DAY_OF_WEEK_IN_MONTH?: number;
  WEEK_OF_YEAR?: number;
  WEEK_OF_MONTH?: number;
  /** 0 is AM. */
  AM_PM?: number;
  HOUR?: number;
  HOUR_OF_DAY?: number;
  MINUTE?: number;
  SECOND?: number;
  MILLISECOND?: number;
  /** Milliseconds ahead of UTC. */
  ZONE_OFFSET?: number;
}

type FieldName = keyof ParsedDate;

/**
 * The moment that these fields tell, in milliseconds since the epoch, as a lenient GregorianCalendar resolves them: what
 * contradicts itself goes by what was told last, values beyond their range carry over, and what is missing is 1970-01-01.
 */
export function resolveDate(fields: ParsedDate): number {
  const order = Object.keys(fields) as FieldName[];
  const stamp = (field: FieldName): number => order.indexOf(field) + 1;
  const days = dayFrom(fields, stamp);
  const seconds = (hourFrom(fields, stamp) * 60 + (fields.MINUTE ?? 0)) * 60 + (fields.SECOND ?? 0);
  return days * 86_400_000 + seconds * 1000 + (fields.MILLISECOND ?? 0) - (fields.ZONE_OFFSET ?? 0);
}

/** The time of a combination: that of the later field, or 0 when one is missing. */
function both(one: number, other: number): number {
  return one === 0 || other === 0 ? 0 : Math.max(one, other);
}

function hourFrom(fields: ParsedDate, stamp: (field: FieldName) => number): number {
  const ofDay = stamp('HOUR_OF_DAY');
  const ofHalfDay = both(stamp('HOUR'), stamp('AM_PM'));
  const best = Math.max(ofDay, ofHalfDay) || Math.max(stamp('HOUR'), stamp('AM_PM'));
  return best !== 0 && best === ofDay ? (fields.HOUR_OF_DAY ?? 0) : (fields.HOUR ?? 0) + 12 * (fields.AM_PM ?? 0);
}

function dayFrom(fields: ParsedDate, stamp: (field: FieldName) => number): number {
  if (stamp('WEEK_YEAR') > stamp('YEAR')) {
    const sunday = firstWeek(dayOf(fields.WEEK_YEAR ?? 0, 0, 1));
    return sunday + 7 * ((fields.WEEK_OF_YEAR ?? 1) - 1) + (fields.DAY_OF_WEEK ?? 0);
  }
  const shownYear = fields.YEAR ?? (stamp('ERA') > 0 ? 1 : 1970);
  const year = fields.ERA === 0 ? 1 - shownYear : shownYear;
  const dow = stamp('DAY_OF_WEEK');
  const dayOfMonth = stamp('DAY_OF_MONTH');
  let weekOfMonth = both(stamp('WEEK_OF_MONTH'), dow);
  let inMonth = both(stamp('DAY_OF_WEEK_IN_MONTH'), dow);
  let weekOfYear = both(stamp('WEEK_OF_YEAR'), dow);
  const dayOfYear = stamp('DAY_OF_YEAR');
  let best = Math.max(dayOfMonth, weekOfMonth, inMonth, dayOfYear, weekOfYear);
  if (best === 0) {
    weekOfMonth = stamp('WEEK_OF_MONTH');
    inMonth = Math.max(stamp('DAY_OF_WEEK_IN_MONTH'), dow);
    weekOfYear = stamp('WEEK_OF_YEAR');
    best = Math.max(weekOfMonth, inMonth, weekOfYear);
  }
  if (best === dayOfMonth) return dayOf(year, fields.MONTH ?? 0, fields.DAY_OF_MONTH ?? 1);
  if (best === dayOfYear) return dayOf(year, 0, 1) + (fields.DAY_OF_YEAR ?? 1) - 1;
  const firstOfMonth = dayOf(year, fields.MONTH ?? 0, 1);
  if (best === weekOfMonth) return firstWeek(firstOfMonth) + 7 * ((fields.WEEK_OF_MONTH ?? 1) - 1) + (fields.DAY_OF_WEEK ?? 0);
  if (best === inMonth) return dayOfWeekInMonth(fields, firstOfMonth, dayOf(year, (fields.MONTH ?? 0) + 1, 1));
  return firstWeek(dayOf(year, 0, 1)) + 7 * ((fields.WEEK_OF_YEAR ?? 1) - 1) + (fields.DAY_OF_WEEK ?? 0);
}

/** The third Friday of a month; negative ones are counted from its end. */
function dayOfWeekInMonth(fields: ParsedDate, first: number, firstOfNext: number): number {
  const place = fields.DAY_OF_WEEK_IN_MONTH ?? 1;
  const weekday = fields.DAY_OF_WEEK ?? 0;
  return onOrBefore(place >= 0 ? first + 7 * place - 1 : firstOfNext - 1 + 7 * (place + 1), weekday);
}
