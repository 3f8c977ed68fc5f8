import { ConfigException } from '../errors.ts';
import { Password } from './password.ts';

/** Kafka's config types. */
export type ConfigType = 'BOOLEAN' | 'STRING' | 'INT' | 'SHORT' | 'LONG' | 'DOUBLE' | 'LIST' | 'CLASS' | 'PASSWORD';

const ranges = {
  INT: [-(2n ** 31n), 2n ** 31n - 1n],
  SHORT: [-(2n ** 15n), 2n ** 15n - 1n],
  LONG: [-(2n ** 63n), 2n ** 63n - 1n],
} as const;

/**
 * Reads the text of a config value as Kafka's `ConfigDef.parseType` does: trimmed, booleans in any case, lists split
 * at commas. A LONG beyond 2^53 comes out as the nearest number. Throws ConfigException with Kafka's message.
 */
export function parseType(name: string, value: string | null, type: ConfigType): unknown {
  if (value === null) return null;
  const text = javaTrim(value);
  switch (type) {
    case 'BOOLEAN': {
      const lower = text.toLowerCase();
      if (lower === 'true') return true;
      if (lower === 'false') return false;
      throw ConfigException.forValue(name, value, 'Expected value to be either true or false');
    }
    case 'STRING':
    case 'CLASS':
      return text;
    case 'PASSWORD':
      return new Password(text);
    case 'LIST':
      return text === '' ? [] : text.split(/[ \t\n\v\f\r]*,[ \t\n\v\f\r]*/);
    case 'DOUBLE': {
      if (!/^[+-]?(NaN|Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?)$/.test(text))
        throw ConfigException.forValue(name, value, `Not a number of type ${type}`);
      return Number(text.replace(/[fFdD]$/, ''));
    }
    case 'INT':
    case 'SHORT':
    case 'LONG': {
      if (!/^[+-]?\d+$/.test(text)) throw ConfigException.forValue(name, value, `Not a number of type ${type}`);
      const whole = BigInt(text.replace('+', ''));
      const [least, most] = ranges[type];
      if (whole < least || whole > most) throw ConfigException.forValue(name, value, `Not a number of type ${type}`);
      return Number(whole);
    }
  }
}

/** Java's `String.trim`: everything up to and including the space character. */
export function javaTrim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) <= 32) start++;
  while (end > start && text.charCodeAt(end - 1) <= 32) end--;
  return text.slice(start, end);
}

/** A parsed value as Kafka prints it in validation answers and generated documentation. */
export function convertToString(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'number' && !Number.isInteger(value)) return String(value);
  return String(value);
}
