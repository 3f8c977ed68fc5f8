import { BadRequestException } from './connect-rest-exception.ts';

/** Where offsets are reset to: a time in milliseconds since the epoch, or an end of the partitions. */
export type ResetTarget = number | 'earliest' | 'latest';

const iso = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;

/**
 * Reads the query parameter `timestamp`: ISO 8601, in UTC unless it says otherwise, as Kafka's own tools take it; milliseconds; `earliest` or `latest`.
 * Throws BadRequestException.
 */
export function parseResetTarget(text: string | null): ResetTarget {
  const expected = 'expected a time such as 2026-11-29T08:30:00Z, milliseconds since the epoch, earliest or latest';
  if (text === null || text.trim() === '') throw new BadRequestException(`The query parameter 'timestamp' is missing: ${expected}`);
  // A plus that was not encoded has become a space.
  const given = text.trim().replace(/ (?=\d{2}:?\d{2}$)/, '+');
  if (given === 'earliest' || given === 'latest') return given;
  const time = /^\d{1,15}$/.test(given) ? Number(given) : isoTime(given);
  if (time === null || !Number.isFinite(time) || time < 0 || time > 8.64e15)
    throw new BadRequestException(`Invalid value '${text}' of the query parameter 'timestamp': ${expected}`);
  return time;
}

function isoTime(text: string): number | null {
  const [, date, time = '00:00', zone = 'Z'] = iso.exec(text) ?? [];
  if (date === undefined) return null;
  const day = Date.parse(date);
  // There is no 30th of February, though it would be read as the 2nd of March.
  if (Number.isNaN(day) || !new Date(day).toISOString().startsWith(date)) return null;
  const hours = zone.length === 3 ? `${zone}:00` : zone.replace(/^([+-]\d{2})(\d{2})$/, '$1:$2');
  return Date.parse(`${date}T${time.replace(',', '.')}${hours.toUpperCase()}`);
}
