/** Java's `Double.toString`: at least one digit after the point, an exponent below 10^-3 and from 10^7. */
export function doubleToString(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value);
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  if (!Number.isFinite(value)) return String(value);
  const twoDigits = value.toExponential(1);
  return withJavaExponent(Number(twoDigits) === value ? twoDigits : value.toExponential());
}

/** Java's `Float.toString` of a number that a float can hold: as few digits as tell it from its neighbours. */
export function floatToString(value: number): string {
  const size = Math.abs(value);
  if (value === 0 || !Number.isFinite(value)) return doubleToString(value);
  if (Number.isInteger(value) && size < 1e7) return `${value}.0`;
  // Six digits are exact for every float that is not subnormal: what needs fewer ends in zeros.
  let digits = size < 1.17549435e-38 ? 2 : 6;
  let text = value.toExponential(digits - 1);
  while (Math.fround(Number(text)) !== value) text = value.toExponential(digits++);
  return size >= 1e-3 && size < 1e7
    ? doubleToString(Number(text))
    : withJavaExponent(Number(text).toExponential(size < 1.17549435e-38 ? digits - 1 : undefined));
}

function withJavaExponent(text: string): string {
  const [mantissa, exponent] = text.split('e') as [string, string];
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${Number(exponent)}`;
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

/** Java's `Double.parseDouble` (hexadecimal floats left out). Undefined where Java throws NumberFormatException. */
export function parseDecimal(text: string): number | undefined {
  const match = decimalNumber.exec(text);
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
