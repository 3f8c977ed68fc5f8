import { DATE, DataException, DECIMAL, Decimal, MILLIS_PER_DAY, type Schema, TIME, TIMESTAMP } from '../../connect/index.ts';
import { parseDecimal, parseWhole } from '../../connect/java/number-text.ts';
import { SimpleDateFormat } from '../../connect/java/simple-date-format.ts';

const bits: Readonly<Record<string, number>> = { INT8: 8, INT16: 16, INT32: 32, INT64: 64 };

/** Makes values of a schema out of texts and JSON. Throws DataException for what does not fit. */
export class ValueParser {
  readonly #formats: readonly { readonly format: SimpleDateFormat; readonly hasZone: boolean }[];
  readonly #zone: Intl.DateTimeFormat | null;

  /** `patterns` are java.text.SimpleDateFormat's. Throws IllegalDatePattern, and RangeError for an unknown zone. */
  constructor(patterns: readonly string[], timeZone: string, now: number) {
    this.#formats = patterns.map((each) => ({ format: new SimpleDateFormat(each, now), hasZone: /[zZX]/.test(each.replace(/'[^']*'/g, '')) }));
    this.#zone = /^(UTC|GMT|Z)$/i.test(timeZone) ? null : zoneFormat(timeZone);
  }

  /** A value from text; null stays null where the schema is optional. */
  fromText(schema: Schema, text: string | null): unknown {
    if (text === null) {
      if (!schema.optional) throw new DataException('schema is not optional so input cannot be null.');
      return null;
    }
    if (schema.type === 'STRING') return text;
    const value = this.#parse(schema, text);
    if (value === undefined) throw new DataException(`Could not parse '${text}' to '${schema.name ?? schema.type}'`);
    return value;
  }

  /** A value from what JSON.parse gave. Numbers beyond 2^53 come as texts of their digits. */
  fromJson(schema: Schema, json: unknown): unknown {
    if (json === null || json === undefined) return this.fromText(schema, null);
    if (schema.type === 'STRUCT') {
      const fields = this.#object(schema, json);
      const struct: Record<string, unknown> = {};
      for (const field of schema.fields) struct[field.name] = this.fromJson(field.schema, fields[field.name]);
      return struct;
    }
    if (schema.type === 'ARRAY') {
      if (!Array.isArray(json)) throw new DataException(`An array was expected, found ${JSON.stringify(json)}`);
      return json.map((item) => this.fromJson(schema.valueSchema as Schema, item));
    }
    if (schema.type === 'MAP')
      return new Map(
        Object.entries(this.#object(schema, json)).map(([key, item]) => [
          this.fromText(schema.keySchema as Schema, key),
          this.fromJson(schema.valueSchema as Schema, item),
        ]),
      );
    if (typeof json === 'number' && isDate(schema)) return this.#date(schema, json);
    if (schema.type === 'STRING') return typeof json === 'string' ? json : JSON.stringify(json);
    if (typeof json === 'object') throw new DataException(`Could not parse '${JSON.stringify(json)}' to '${schema.name ?? schema.type}'`);
    if (typeof json === 'number' && schema.type in bits)
      return this.fromText(schema, Number.isFinite(json) ? BigInt(Math.trunc(json)).toString() : String(json));
    return this.fromText(schema, String(json));
  }

  #object(schema: Schema, json: unknown): Record<string, unknown> {
    if (typeof json !== 'object' || Array.isArray(json))
      throw new DataException(`An object was expected for ${schema.name ?? schema.type}, found ${JSON.stringify(json)}`);
    return json as Record<string, unknown>;
  }

  #parse(schema: Schema, text: string): unknown {
    if (isDate(schema)) return this.#parseDate(schema, text);
    if (schema.name === DECIMAL) return decimal(schema, text);
    switch (schema.type) {
      case 'INT8':
      case 'INT16':
      case 'INT32': {
        const value = parseWhole(text, bits[schema.type] as number);
        return value === undefined ? undefined : Number(value);
      }
      case 'INT64':
        return parseWhole(text, 64);
      case 'FLOAT32': {
        const value = parseDecimal(text);
        return value === undefined ? undefined : Math.fround(value);
      }
      case 'FLOAT64':
        return parseDecimal(text);
      case 'BOOLEAN':
        return /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : undefined;
      default:
        throw new DataException(`Schema ${schema.type}(${schema.name}) is not supported`);
    }
  }

  #parseDate(schema: Schema, text: string): Date | undefined {
    for (const { format, hasZone } of this.#formats) {
      try {
        const millis = format.parse(text);
        return this.#date(schema, hasZone || this.#zone === null ? millis : millis - offsetAt(this.#zone, millis));
      } catch {
        // The next pattern may fit.
      }
    }
    return undefined;
  }

  #date(schema: Schema, millis: number): Date {
    if (schema.name === TIMESTAMP) return new Date(millis);
    const local = this.#zone === null ? millis : millis + offsetOf(this.#zone, millis);
    const day = Math.floor(local / MILLIS_PER_DAY) * MILLIS_PER_DAY;
    return new Date(schema.name === DATE ? day : local - day);
  }
}

function isDate({ name }: Schema): boolean {
  return name === TIMESTAMP || name === DATE || name === TIME;
}

function decimal(schema: Schema, text: string): Decimal | undefined {
  const scale = Number(schema.parameters?.['scale']);
  if (!Number.isInteger(scale)) throw new DataException('Invalid Decimal schema: scale parameter not found.');
  let parsed: Decimal;
  try {
    parsed = Decimal.parse(text);
  } catch {
    return undefined;
  }
  if (parsed.scale <= scale) return new Decimal(parsed.unscaled * 10n ** BigInt(scale - parsed.scale), scale);
  const divisor = 10n ** BigInt(parsed.scale - scale);
  if (parsed.unscaled % divisor !== 0n) throw new DataException(`'${text}' has more than ${scale} digits after the point`);
  return new Decimal(parsed.unscaled / divisor, scale);
}

function zoneFormat(timeZone: string): Intl.DateTimeFormat {
  const numeric = 'numeric';
  return new Intl.DateTimeFormat('en-US', {
    timeZone: timeZone.replace(/^(UTC|GMT)(?=[+-])/, ''),
    calendar: 'iso8601',
    hourCycle: 'h23',
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric,
  });
}

/** How far the zone is before UTC at an instant, in milliseconds. */
function offsetOf(zone: Intl.DateTimeFormat, instant: number): number {
  const parts = Object.fromEntries(zone.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000;
}

/** The same at a local time. */
function offsetAt(zone: Intl.DateTimeFormat, local: number): number {
  return offsetOf(zone, local - offsetOf(zone, local));
}
