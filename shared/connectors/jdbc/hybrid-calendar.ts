const msPerDay = 86_400_000;
/** 15 October 1582, the first day of the Gregorian calendar: Java's GregorianCalendar counts in the Julian one before it. */
const gregorianStart = -12_219_292_800_000;

/**
 * `date.calendar.system=LEGACY`: local milliseconds that read in the proleptic Gregorian calendar, which databases count
 * in, show the day that Java's hybrid calendar shows for `localMs`. From 1582 on that is `localMs` itself.
 */
export function hybridAsProleptic(localMs: number): number {
  if (localMs >= gregorianStart) return localMs;
  const day = Math.floor(localMs / msPerDay);
  const { year, month, dayOfMonth } = julianDate(day);
  return prolepticDay(year, month, dayOfMonth) * msPerDay + (localMs - day * msPerDay);
}

/** The other way round: milliseconds whose day in the hybrid calendar is the one that `localMs` has in the proleptic one. */
export function prolepticAsHybrid(localMs: number): number {
  if (localMs >= gregorianStart) return localMs;
  const day = Math.floor(localMs / msPerDay);
  const date = new Date(day * msPerDay);
  return julianDay(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()) * msPerDay + (localMs - day * msPerDay);
}

/** Days since 1970-01-01 of a date in the Julian calendar; year 0 is 1 BC. */
function julianDay(year: number, month: number, dayOfMonth: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const fromMarch = (month + 9) % 12;
  return Math.floor((shifted * 1461) / 4) + Math.floor((fromMarch * 153 + 2) / 5) + dayOfMonth - 1 - 719_470;
}

function julianDate(day: number): { year: number; month: number; dayOfMonth: number } {
  const days = day + 719_470;
  const shifted = Math.floor((days * 4 + 3) / 1461);
  const ofYear = days - Math.floor((shifted * 1461) / 4);
  const fromMarch = Math.floor((ofYear * 5 + 2) / 153);
  const month = ((fromMarch + 2) % 12) + 1;
  return { year: month <= 2 ? shifted + 1 : shifted, month, dayOfMonth: ofYear - Math.floor((fromMarch * 153 + 2) / 5) + 1 };
}

function prolepticDay(year: number, month: number, dayOfMonth: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, dayOfMonth);
  return date.getTime() / msPerDay;
}
