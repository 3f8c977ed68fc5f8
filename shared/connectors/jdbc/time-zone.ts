/** Offset of a zone from UTC at an instant: what to add to it, in milliseconds, to read off local time. */
export type ZoneOffset = (epochMs: number) => number;

const utc: ZoneOffset = () => 0;
const quarterMs = 900_000;
const cacheMax = 50_000;

/** Java's short ids that are no names of regions (`ZoneId.SHORT_IDS`). */
const shortIds: Readonly<Record<string, string>> = {
  ACT: 'Australia/Darwin',
  AET: 'Australia/Sydney',
  AGT: 'America/Argentina/Buenos_Aires',
  ART: 'Africa/Cairo',
  AST: 'America/Anchorage',
  BET: 'America/Sao_Paulo',
  BST: 'Asia/Dhaka',
  CAT: 'Africa/Harare',
  CNT: 'America/St_Johns',
  CST: 'America/Chicago',
  CTT: 'Asia/Shanghai',
  EAT: 'Africa/Addis_Ababa',
  ECT: 'Europe/Paris',
  EST: '-05:00',
  HST: '-10:00',
  IET: 'America/Indiana/Indianapolis',
  IST: 'Asia/Kolkata',
  JST: 'Asia/Tokyo',
  MIT: 'Pacific/Apia',
  MST: '-07:00',
  NET: 'Asia/Yerevan',
  NST: 'Pacific/Auckland',
  PLT: 'Asia/Karachi',
  PNT: 'America/Phoenix',
  PRT: 'America/Puerto_Rico',
  PST: 'America/Los_Angeles',
  SST: 'Pacific/Guadalcanal',
  VST: 'Asia/Ho_Chi_Minh',
};

/** True for what Java's ZoneId takes: names of regions, `UTC`, offsets (`+02:00`, `UTC+2`), short ids (`PST`). */
export function isTimeZone(id: string): boolean {
  try {
    zoneOffset(id);
    return true;
  } catch {
    return false;
  }
}

/** The offsets of a zone. Throws RangeError for a name that is none. */
export function zoneOffset(id: string): ZoneOffset {
  const name = shortIds[id] ?? id;
  if (/^(?:UTC|GMT|UT|Z|Etc\/UTC|Etc\/GMT|Zulu)$/.test(name)) return utc;
  const fixed = /^(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d\d))?(?::?(\d\d))?$/.exec(name);
  if (fixed !== null) {
    const seconds = Number(fixed[2]) * 3600 + Number(fixed[3] ?? 0) * 60 + Number(fixed[4] ?? 0);
    if (seconds > 18 * 3600) throw new RangeError(`Zone offset not in valid range: ${id}`);
    const ms = (fixed[1] === '-' ? -seconds : seconds) * 1000;
    return () => ms;
  }
  return regionOffset(name);
}

/** Regions change their offset at whole quarters of an hour at most, so that one answer does for all instants of a quarter. */
function regionOffset(name: string): ZoneOffset {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const known = new Map<number, number>();
  return (epochMs) => {
    const quarter = Math.floor(epochMs / quarterMs);
    let offset = known.get(quarter);
    if (offset === undefined) {
      if (known.size >= cacheMax) known.clear();
      offset = localTime(format, quarter * quarterMs) - quarter * quarterMs;
      known.set(quarter, offset);
    }
    return offset;
  };
}

/** What a clock in the zone shows, as milliseconds since 1970 by that clock. Intl counts in the proleptic Gregorian calendar. */
function localTime(format: Intl.DateTimeFormat, epochMs: number): number {
  const parts: Record<string, string> = {};
  for (const { type, value } of format.formatToParts(epochMs)) parts[type] = value;
  const year = parts['era'] === 'BC' || parts['era'] === 'B' ? 1 - Number(parts['year']) : Number(parts['year']);
  const date = new Date(0);
  date.setUTCFullYear(year, Number(parts['month']) - 1, Number(parts['day']));
  date.setUTCHours(Number(parts['hour']), Number(parts['minute']), Number(parts['second']), 0);
  return date.getTime();
}
