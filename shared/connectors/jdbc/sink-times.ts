import { DataException } from '../../connect/index.ts';
import { hybridAsProleptic, prolepticAsHybrid } from './hybrid-calendar.ts';
import { type ZoneOffset, zoneOffset } from './time-zone.ts';

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

/** How times are written, by `db.timezone`, `date.timezone`, `date.calendar.system`, `timestamp.fields.list` and `timestamp.precision.mode`. */
export class SinkTimes {
  readonly timestampFields: ReadonlySet<string>;
  readonly #zone: ZoneOffset;
  readonly #dateZone: ZoneOffset;
  readonly #legacyCalendar: boolean;
  readonly #nanoseconds: boolean;

  constructor(options: { zone: string; dateZone: string; legacyCalendar: boolean; timestampFields: ReadonlySet<string>; nanoseconds: boolean }) {
    this.#zone = zoneOffset(options.zone);
    this.#dateZone = zoneOffset(options.dateZone);
    this.#legacyCalendar = options.legacyCalendar;
    this.timestampFields = options.timestampFields;
    this.#nanoseconds = options.nanoseconds;
  }

  /** An instant as a clock in `db.timezone` shows it: milliseconds since 1970 by that clock, in the proleptic calendar of databases. */
  local(epochMs: number): number {
    const local = epochMs + this.#zone(epochMs);
    return this.#legacyCalendar ? hybridAsProleptic(local) : local;
  }

  /** Offset of `db.timezone` at an instant, in milliseconds. */
  offset(epochMs: number): number {
    return this.#zone(epochMs);
  }

  /** As `local`, for dates, by `date.timezone`. */
  localDate(epochMs: number): number {
    const local = epochMs + this.#dateZone(epochMs);
    return this.#legacyCalendar ? hybridAsProleptic(local) : local;
  }

  /** The instant that a database with time zones shall hold. */
  instant(epochMs: number): number {
    return this.#legacyCalendar ? hybridAsProleptic(epochMs) : epochMs;
  }

  /** For databases that keep bare milliseconds, which are read in Java's hybrid calendar. */
  hybridInstant(epochMs: number): number {
    if (this.#legacyCalendar) return epochMs;
    const offset = this.#zone(epochMs);
    return prolepticAsHybrid(epochMs + offset) - offset;
  }

  /** The value of a field of `timestamp.fields.list` in microseconds since 1970, nanoseconds rounded. Throws DataException. */
  microseconds(field: string, value: unknown): bigint {
    const whole = typeof value === 'bigint' ? value : typeof value === 'string' && /^[+-]?\d+$/.test(value) ? BigInt(value) : null;
    if (whole === null || (!this.#nanoseconds && (whole < minInt64 || whole > maxInt64)))
      throw new DataException(`Field ${field} is in timestamp.fields.list, and its value is no whole number of ${this.#nanoseconds ? 'nano' : 'micro'}seconds`);
    if (!this.#nanoseconds) return whole;
    const halfUp = whole + 500n;
    return halfUp >= 0n || halfUp % 1000n === 0n ? halfUp / 1000n : halfUp / 1000n - 1n;
  }
}
