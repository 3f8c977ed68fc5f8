const MILLIS_PER_DAY = 86_400_000;
/** 1582-10-15 in days since the epoch: Java's calendar is Julian before it. */
const CUTOVER_DAY = -141_427;

const floorDiv = (a: number, b: number): number => Math.floor(a / b);
const floorMod = (a: number, b: number): number => a - b * Math.floor(a / b);

/** The fields of a moment in UTC, as Java's GregorianCalendar (locale en_US) has them. */
export interface CalendarFields {
  /** Counted through zero: year 0 is 1 BC. */
  readonly year: number;
  /** From 0. */
  readonly month: number;
  readonly day: number;
  /** 0 is Sunday. */
  readonly dayOfWeek: number;
  readonly dayOfYear: number;
  readonly weekOfYear: number;
  readonly weekOfMonth: number;
  readonly weekYear: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millisecond: number;
}

/** Days since the epoch of a date; month and day may be beyond their range. */
export function dayOf(year: number, month: number, day: number): number {
  const wholeYear = year + floorDiv(month, 12);
  const wholeMonth = floorMod(month, 12);
  const gregorian = gregorianDay(wholeYear, wholeMonth) + day - 1;
  if (wholeYear > 1582) return gregorian;
  const julian = julianDay(wholeYear, wholeMonth) + day - 1;
  return wholeYear < 1582 || gregorian < CUTOVER_DAY ? julian : gregorian;
}

/** Days since the epoch of the first of a month; years begin in March here, so that a leap day comes last. */
function gregorianDay(year: number, month: number): number {
  const shifted = month < 2 ? year - 1 : year;
  return 365 * shifted + floorDiv(shifted, 4) - floorDiv(shifted, 100) + floorDiv(shifted, 400) + dayOfShiftedYear(month) - 719_468;
}

function julianDay(year: number, month: number): number {
  const shifted = month < 2 ? year - 1 : year;
  return 365 * shifted + floorDiv(shifted, 4) + dayOfShiftedYear(month) - 719_470;
}

function dayOfShiftedYear(month: number): number {
  return floorDiv(153 * floorMod(month - 2, 12) + 2, 5);
}

/** The latest day up to `day` that is this day of the week; 0 is Sunday. */
export function onOrBefore(day: number, dayOfWeek: number): number {
  return day - floorMod(day + 4 - dayOfWeek, 7);
}

/** The Sunday with which week 1 of a year or month begins; `first` is its first day. Weeks begin on Sunday, and one day is enough for the first. */
export function firstWeek(first: number): number {
  return onOrBefore(first, 0);
}

/** The fields of a moment in milliseconds since the epoch. */
export function calendarFields(millis: number): CalendarFields {
  const days = floorDiv(millis, MILLIS_PER_DAY);
  const ofDay = millis - days * MILLIS_PER_DAY;
  let year = yearOf(days);
  while (dayOf(year + 1, 0, 1) <= days) year++;
  while (dayOf(year, 0, 1) > days) year--;
  let month = 11;
  while (month > 0 && dayOf(year, month, 1) > days) month--;
  const first = dayOf(year, 0, 1);
  const nextWeekYear = firstWeek(dayOf(year + 1, 0, 1)) <= days;
  const firstOfMonth = dayOf(year, month, 1);
  return {
    year,
    month,
    day: days < CUTOVER_DAY || firstOfMonth >= CUTOVER_DAY ? days - firstOfMonth + 1 : days - firstOfMonth + 11,
    dayOfWeek: floorMod(days + 4, 7),
    dayOfYear: days - first + 1,
    weekOfYear: nextWeekYear ? 1 : (firstWeek(days) - firstWeek(first)) / 7 + 1,
    weekOfMonth: (firstWeek(days) - firstWeek(firstOfMonth)) / 7 + 1,
    weekYear: nextWeekYear ? year + 1 : year,
    hour: floorDiv(ofDay, 3_600_000),
    minute: floorDiv(ofDay, 60_000) % 60,
    second: floorDiv(ofDay, 1000) % 60,
    millisecond: ofDay % 1000,
  };
}

/** The year of a day, or one beside it. */
function yearOf(days: number): number {
  return 1970 + floorDiv(days, 365.2425);
}
