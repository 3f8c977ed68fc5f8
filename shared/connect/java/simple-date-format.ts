import { type CalendarFields, calendarFields } from './java-calendar.ts';
import { asciiDigits } from './number-text.ts';
import { type ParsedDate, resolveDate } from './resolve-date.ts';

const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const short = (names: readonly string[]): string[] => names.map((name) => name.slice(0, 3));
const millisPerHour = 3_600_000;

/** Zones that a text may name, in hours from UTC. */
const zones: Readonly<Record<string, number>> = {
  'Coordinated Universal Time': 0,
  'Greenwich Mean Time': 0,
  UTC: 0,
  GMT: 0,
  EST: -5,
  EDT: -4,
  CST: -6,
  CDT: -5,
  MST: -7,
  MDT: -6,
  PST: -8,
  PDT: -7,
  CET: 1,
  CEST: 2,
  EET: 2,
  EEST: 3,
  WET: 0,
  WEST: 1,
  MSK: 3,
  JST: 9,
};

type Token = { readonly literal: string } | { readonly letter: string; readonly count: number };

/** A text does not fit a date pattern. */
export class ParseException extends Error {
  readonly javaClass = 'java.text.ParseException';
}

/** A pattern has a letter that means nothing, or a quote without end. */
export class IllegalDatePattern extends Error {
  readonly javaClass = 'java.lang.IllegalArgumentException';
}

/**
 * `java.text.SimpleDateFormat` in UTC and English: formats and parses dates by a pattern. Parsing is lenient
 * (`2024-02-30` is March 1) and stops where the pattern ends.
 */
export class SimpleDateFormat {
  readonly pattern: string;
  readonly #tokens: readonly Token[];
  /** Where the hundred years begin that two-digit years are in: 80 years ago, as Java has it. */
  readonly #centuryStart: number;

  /** Throws IllegalDatePattern. `now` settles the century of two-digit years. */
  constructor(pattern: string, now: number = Date.now()) {
    this.pattern = pattern;
    this.#tokens = tokensOf(pattern);
    const { year, month, day } = calendarFields(now);
    this.#centuryStart = resolveDate({ YEAR: year - 80, MONTH: month, DAY_OF_MONTH: day }) + (now % 86_400_000);
  }

  /** The text of a moment in milliseconds since the epoch. */
  format(millis: number): string {
    const fields = calendarFields(millis);
    return this.#tokens.map((token) => ('literal' in token ? token.literal : formatField(token.letter, token.count, fields))).join('');
  }

  /** The moment that a text tells, in milliseconds since the epoch. Throws ParseException. */
  parse(text: string): number {
    const parse = new Parse(text, this.#centuryStart);
    for (const [at, token] of this.#tokens.entries()) {
      if ('literal' in token) parse.literal(token.literal);
      else parse.field(token.letter, token.count, isNumber(this.#tokens[at + 1]));
    }
    const millis = resolveDate(parse.fields);
    return parse.ambiguousYear && millis < this.#centuryStart ? resolveDate({ ...parse.fields, YEAR: (parse.fields.YEAR ?? 0) + 100 }) : millis;
  }
}

/** Whether a token is a field of digits: one before it then takes no more digits than it has letters. */
function isNumber(token: Token | undefined): boolean {
  if (token === undefined || 'literal' in token) return false;
  return token.letter === 'M' || token.letter === 'L' ? token.count <= 2 : 'ydkHmsSDFwWhKYu'.includes(token.letter);
}

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = [];
  let literal = '';
  const endLiteral = () => {
    if (literal !== '') tokens.push({ literal });
    literal = '';
  };
  for (let at = 0; at < pattern.length; ) {
    const character = pattern[at] as string;
    if (character === "'") {
      const quoted = /^'((?:[^']|'')*)'/.exec(pattern.slice(at));
      if (quoted === null) throw new IllegalDatePattern('Unterminated quote');
      literal += quoted[1] === '' ? "'" : (quoted[1] as string).replaceAll("''", "'");
      at += quoted[0].length;
    } else if (/[a-zA-Z]/.test(character)) {
      if (!'GyMdkHmsSEDFwWahKzZYuXL'.includes(character)) throw new IllegalDatePattern(`Illegal pattern character '${character}'`);
      let end = at;
      while (pattern[end] === character) end++;
      if (character === 'X' && end - at > 3) throw new IllegalDatePattern(`invalid ISO 8601 format: length=${end - at}`);
      endLiteral();
      tokens.push({ letter: character, count: end - at });
      at = end;
    } else {
      literal += character;
      at++;
    }
  }
  endLiteral();
  return tokens;
}

function formatField(letter: string, count: number, fields: CalendarFields): string {
  const padded = (value: number): string => (value < 0 ? `-${String(-value).padStart(count, '0')}` : String(value).padStart(count, '0'));
  const { year, month, dayOfWeek, hour } = fields;
  switch (letter) {
    case 'G':
      return year > 0 ? 'AD' : 'BC';
    case 'y':
    case 'Y': {
      const shown = letter === 'Y' ? fields.weekYear : year > 0 ? year : 1 - year;
      return count === 2 ? String(shown % 100).padStart(2, '0') : padded(shown);
    }
    case 'M':
    case 'L':
      return count >= 4 ? (months[month] as string) : count === 3 ? (short(months)[month] as string) : padded(month + 1);
    case 'd':
      return padded(fields.day);
    case 'k':
      return padded(hour === 0 ? 24 : hour);
    case 'H':
      return padded(hour);
    case 'm':
      return padded(fields.minute);
    case 's':
      return padded(fields.second);
    case 'S':
      return padded(fields.millisecond);
    case 'E':
      return count >= 4 ? (weekdays[dayOfWeek] as string) : (short(weekdays)[dayOfWeek] as string);
    case 'D':
      return padded(fields.dayOfYear);
    case 'F':
      return padded(Math.floor((fields.day - 1) / 7) + 1);
    case 'w':
      return padded(fields.weekOfYear);
    case 'W':
      return padded(fields.weekOfMonth);
    case 'a':
      return hour < 12 ? 'AM' : 'PM';
    case 'h':
      return padded(hour % 12 === 0 ? 12 : hour % 12);
    case 'K':
      return padded(hour % 12);
    case 'u':
      return padded(dayOfWeek === 0 ? 7 : dayOfWeek);
    case 'z':
      return count >= 4 ? 'Coordinated Universal Time' : 'UTC';
    case 'Z':
      return '+0000';
    default:
      return 'Z';
  }
}

interface NumberField {
  readonly field: keyof ParsedDate;
  /** The value that stands for zero: 24 o'clock. */
  readonly wraps?: number;
}

const numberFields: Readonly<Record<string, NumberField>> = {
  d: { field: 'DAY_OF_MONTH' },
  k: { field: 'HOUR_OF_DAY', wraps: 24 },
  H: { field: 'HOUR_OF_DAY' },
  m: { field: 'MINUTE' },
  s: { field: 'SECOND' },
  S: { field: 'MILLISECOND' },
  D: { field: 'DAY_OF_YEAR' },
  F: { field: 'DAY_OF_WEEK_IN_MONTH' },
  w: { field: 'WEEK_OF_YEAR' },
  W: { field: 'WEEK_OF_MONTH' },
  h: { field: 'HOUR', wraps: 12 },
  K: { field: 'HOUR' },
};

/** One text being read; fields are kept in the order in which they came, the last first in doubt. */
class Parse {
  readonly fields: ParsedDate = {};
  ambiguousYear = false;
  readonly #text: string;
  readonly #centuryStartYear: number;
  #at = 0;

  constructor(text: string, centuryStart: number) {
    this.#text = text;
    this.#centuryStartYear = calendarFields(centuryStart).year;
  }

  literal(text: string): void {
    if (!this.#text.startsWith(text, this.#at)) this.#fail();
    this.#at += text.length;
  }

  field(letter: string, count: number, beforeNumber: boolean): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at++;
    if (this.#at >= this.#text.length) this.#fail();
    const limit = beforeNumber ? count : undefined;
    if (letter === 'y') this.#year(count, limit);
    else if (letter === 'Y') this.#set('WEEK_YEAR', this.#twoDigitYear(count, limit));
    else if (letter === 'M' || letter === 'L') this.#set('MONTH', count <= 2 ? this.#number(limit) - 1 : this.#name([months, short(months)]));
    else if (letter === 'G') this.#set('ERA', this.#name([['BC', 'AD']]));
    else if (letter === 'E') this.#set('DAY_OF_WEEK', this.#name([weekdays, short(weekdays)]));
    else if (letter === 'a') this.#set('AM_PM', this.#name([['AM', 'PM']]));
    else if (letter === 'u') this.#set('DAY_OF_WEEK', this.#number(limit) % 7);
    else if (letter === 'X') this.#set('ZONE_OFFSET', this.#isoZone(count));
    else if (letter === 'z' || letter === 'Z') this.#set('ZONE_OFFSET', this.#zone());
    else {
      const { field, wraps } = numberFields[letter] as NumberField;
      this.#set(field, this.#number(limit), wraps);
    }
  }

  /** `wraps` is the value that stands for zero. */
  #set(field: keyof ParsedDate, value: number, wraps?: number): void {
    delete this.fields[field];
    this.fields[field] = value === wraps ? 0 : value;
  }

  #year(count: number, limit: number | undefined): void {
    const before = this.#at;
    const value = this.#twoDigitYear(count, limit);
    if (count <= 2 && this.#at - before === 2) this.ambiguousYear = value === this.#centuryStartYear;
    this.#set('YEAR', value);
  }

  /** Two digits where the pattern has two letters at most are a year of the hundred that begin 80 years ago. */
  #twoDigitYear(count: number, limit: number | undefined): number {
    const start = this.#at;
    const value = this.#number(limit);
    if (count > 2 || this.#at - start !== 2 || value < 0) return value;
    const ambiguous = this.#centuryStartYear % 100;
    return value + this.#centuryStartYear - ambiguous + (value < ambiguous ? 100 : 0);
  }

  #number(limit: number | undefined): number {
    if (limit !== undefined && this.#at + limit > this.#text.length) this.#fail();
    const match = /^-?\p{Nd}+/u.exec(this.#text.slice(this.#at, limit === undefined ? undefined : this.#at + limit));
    if (match === null) this.#fail();
    this.#at += match[0].length;
    return Number(asciiDigits(match[0])) | 0;
  }

  /** The place of the name that stands here in its list, in any case; the longest that fits. */
  #name(lists: readonly (readonly string[])[]): number {
    const rest = this.#text.slice(this.#at).toLowerCase();
    for (const names of lists) {
      const found = names.findIndex((name) => rest.startsWith(name.toLowerCase()));
      if (found === -1) continue;
      this.#at += (names[found] as string).length;
      return found;
    }
    return this.#fail();
  }

  #zone(): number {
    const rest = this.#text.slice(this.#at);
    const numeric = /^([+-])(\d\d)(\d\d)/.exec(rest) ?? /^GMT([+-])(\d\d?):?(\d\d)/i.exec(rest);
    if (numeric !== null) {
      this.#at += numeric[0].length;
      return this.#offset(numeric[1] as string, numeric[2] as string, numeric[3] as string);
    }
    const name = Object.keys(zones).find((each) => rest.toLowerCase().startsWith(each.toLowerCase()) && !/^\w/.test(rest.slice(each.length)));
    if (name === undefined) this.#fail();
    this.#at += name.length;
    return (zones[name] as number) * millisPerHour;
  }

  #isoZone(count: number): number {
    if (this.#text[this.#at] === 'Z') {
      this.#at++;
      return 0;
    }
    const form = count === 1 ? /^([+-])(\d\d)/ : count === 2 ? /^([+-])(\d\d)(\d\d)/ : /^([+-])(\d\d):(\d\d)/;
    const match = form.exec(this.#text.slice(this.#at));
    if (match === null) this.#fail();
    this.#at += match[0].length;
    return this.#offset(match[1] as string, match[2] as string, match[3] ?? '0');
  }

  #offset(sign: string, hours: string, minutes: string): number {
    if (Number(hours) > 23 || Number(minutes) > 59) this.#fail();
    return (sign === '-' ? -1 : 1) * (Number(hours) * millisPerHour + Number(minutes) * 60_000);
  }

  #fail(): never {
    throw new ParseException(`Unparseable date: "${this.#text}"`);
  }
}
