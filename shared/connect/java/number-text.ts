import { type DecimalDigits, doubleDigits, floatDigits } from './floating-decimal.ts';

/**
 * Java's `Double.toString`: at least one digit after the point, an exponent below 10^-3 and from 10^7. Between them the
 * digits are those of JavaScript.
 */
export function doubleToString(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value);
  return special(value) ?? (value < 0 ? '-' : '') + withPoint(doubleDigits(size));
}

/** Java's `Float.toString` of a number that a float can hold. */
export function floatToString(value: number): string {
  const size = Math.abs(value);
  if (size >= 1 && size < 1e7 && Number.isInteger(value)) return `${value}.0`;
  return special(value) ?? (value < 0 ? '-' : '') + withPoint(floatDigits(size));
}

function special(value: number): string | undefined {
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  return Number.isFinite(value) ? undefined : String(value);
}

function withPoint({ digits, exponent }: DecimalDigits): string {
  if (exponent > 0 && exponent < 8)
    return digits.length > exponent ? `${digits.slice(0, exponent)}.${digits.slice(exponent)}` : `${digits.padEnd(exponent, '0')}.0`;
  if (exponent <= 0 && exponent > -3) return `0.${'0'.repeat(-exponent)}${digits}`;
  return `${digits[0]}.${digits.slice(1) || '0'}E${exponent - 1}`;
}

const wholeNumber = /^[+-]?\p{Nd}+$/u;
const decimalNumber = /^[\0-\x20]*([+-]?)(NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([fFdD]?)[\0-\x20]*$/;

/**
 * Java's `Long.parseLong` and its like: digits of any script, no blanks, within `bits`. Undefined where Java throws
 * NumberFormatException.
 */
export function parseWhole(text: string, bits: number): bigint | undefined {
  if (!wholeNumber.test(text)) return undefined;
  const value = BigInt(asciiDigits(text.startsWith('+') ? text.slice(1) : text));
  return BigInt.asIntN(bits, value) === value ? value : undefined;
}

const hexNumber = /^[\0-\x20]*([+-]?)0[xX](?=[\da-fA-F.])([\da-fA-F]*)\.?([\da-fA-F]*)[pP]([+-]?\d+)[fFdD]?[\0-\x20]*$/;

/** Java's `Double.parseDouble`. Undefined where Java throws NumberFormatException. */
export function parseDecimal(text: string): number | undefined {
  const match = decimalNumber.exec(text);
  const hex = match === null ? hexNumber.exec(text) : null;
  if (hex !== null && `${hex[2]}${hex[3]}` !== '') {
    const value = Number(BigInt(`0x${hex[2]}${hex[3]}`)) * 2 ** (Number(hex[4]) - 4 * (hex[3] as string).length);
    return hex[1] === '-' ? -value : value;
  }
  if (match === null || (match[3] !== '' && /[NI]/.test(match[2] as string))) return undefined;
  return Number(`${match[1]}${match[2]}`);
}

/** Digits of any script as ASCII. They come in runs of ten that begin at the zero. */
export function asciiDigits(text: string): string {
  return text.replace(/(?![0-9])\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0) as number;
    let zero = code;
    while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
    return String((code - zero) % 10);
  });
}

/** A double as Java casts it to a long: towards zero, NaN is 0, beyond the range its end. */
export function doubleToLong(value: number): bigint {
  if (Number.isNaN(value)) return 0n;
  if (value >= 2 ** 63) return 2n ** 63n - 1n;
  if (value <= -(2 ** 63)) return -(2n ** 63n);
  return BigInt(Math.trunc(value));
}

/** A double as Java casts it to an int: towards zero, NaN is 0, beyond the range its end. */
export function doubleToInt(value: number): number {
  if (value >= 2 ** 31) return 2 ** 31 - 1;
  if (value <= -(2 ** 31)) return -(2 ** 31);
  return Math.trunc(value) | 0;
}
