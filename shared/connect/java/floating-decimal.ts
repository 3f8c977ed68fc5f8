/**
 * The digits of floating point numbers as Java 17 prints them. They are not always the shortest ones (JDK-4511638, mended
 * in Java 19): 8.81E21 comes out as `8.809999999999999E21`. Keys of records are hashed by such digits.
 *
 * The method is that of Steele and White with Java's own conditions for the last digit: digits are made from B / S until
 * what is left is less than half a unit in the last place, M.
 */
export interface DecimalDigits {
  readonly digits: string;
  /** The value is 0.DIGITS * 10^exponent. */
  readonly exponent: number;
}

const mantissaBits = 52;
const view = new DataView(new ArrayBuffer(8));

/** The digits of a double that is positive and finite. */
export function doubleDigits(value: number): DecimalDigits {
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  return normalized(bits & ((1n << 52n) - 1n), Number(bits >> 52n), mantissaBits, 1023);
}

/** The digits of a float that is positive and finite. */
export function floatDigits(value: number): DecimalDigits {
  view.setFloat32(0, value);
  const bits = view.getUint32(0);
  return normalized(BigInt(bits & 0x7fffff), bits >>> 23, 23, 127);
}

function normalized(stored: bigint, storedExponent: number, size: number, bias: number): DecimalDigits {
  const widen = BigInt(mantissaBits - size);
  if (storedExponent !== 0) return digitsOf((stored | (1n << BigInt(size))) << widen, storedExponent - bias, size + 1);
  const significant = bitLength(stored);
  const shift = size + 1 - significant;
  return digitsOf((stored << BigInt(shift)) << widen, 1 - shift - bias, significant);
}

/** `mantissa` has its highest bit at place 52; the value is mantissa * 2^(exponent - 52). */
function digitsOf(mantissa: bigint, exponent: number, significant: number): DecimalDigits {
  const tailZeros = bitLength(mantissa & -mantissa) - 1;
  const used = mantissaBits + 1 - tailZeros;
  const tiny = Math.max(0, used - exponent - 1);
  if (tiny === 0 && exponent <= 62) return wholeDigits(mantissa, exponent, significant);
  return fractionDigits(mantissa >> BigInt(tailZeros), used, tiny, exponent, significant, estimate(mantissa, exponent));
}

/** A whole number that fits a long: digits that its precision does not reach are rounded away. */
function wholeDigits(mantissa: bigint, exponent: number, significant: number): DecimalDigits {
  const whole = exponent >= mantissaBits ? mantissa << BigInt(exponent - mantissaBits) : mantissa >> BigInt(mantissaBits - exponent);
  const doubtful = exponent > significant ? insignificantDigits(exponent - significant - 1) : 0;
  const unit = 10n ** BigInt(doubtful);
  const rounded = whole / unit + (doubtful > 0 && whole % unit >= unit / 2n ? 1n : 0n);
  const text = String(rounded);
  return { digits: text.replace(/0+$/, ''), exponent: text.length + doubtful };
}

/** How many decimal digits so many bits leave in doubt. */
function insignificantDigits(bits: number): number {
  return bits > 1 ? String(1n << BigInt(bits)).length - 1 : 0;
}

/** The decimal exponent, or one more. */
function estimate(mantissa: bigint, exponent: number): number {
  view.setBigUint64(0, (1023n << 52n) | (mantissa & ((1n << 52n) - 1n)));
  return Math.floor((view.getFloat64(0) - 1.5) * 0.289529654 + 0.176091259 + exponent * 0.301029995663981);
}

function fractionDigits(fraction: bigint, used: number, tiny: number, exponent: number, significant: number, estimated: number): DecimalDigits {
  let decimalExponent = estimated;
  const b5 = Math.max(0, -decimalExponent);
  const s5 = Math.max(0, decimalExponent);
  let b2 = b5 + tiny + exponent;
  let m2 = b2 - significant;
  let s2 = s5 + tiny;
  b2 -= used - 1;
  const common = Math.min(b2, s2);
  b2 -= common;
  s2 -= common;
  m2 -= common;
  // Below a power of two the next number is half as far away.
  if (used === 1) m2 -= 1;
  if (m2 < 0) {
    b2 -= m2;
    s2 -= m2;
    m2 = 0;
  }
  // Java computes in ints or longs where everything fits, and M may overflow there.
  const bits = Math.max(used + b2 + bitsOfPower5(b5), s2 + 1 + bitsOfPower5(s5 + 1));
  const width = bits < 32 ? 32 : bits < 64 ? 64 : 0;
  const wrap = (number: bigint): bigint => (width === 0 ? number : BigInt.asIntN(width, number));
  const s = (5n ** BigInt(s5)) << BigInt(s2);
  const tens = s * 10n;
  let b = (fraction * 5n ** BigInt(b5)) << BigInt(b2);
  let m = wrap(((5n ** BigInt(b5)) << BigInt(m2)) * 10n);
  let digit = b / s;
  b = 10n * (b % s);
  let low = b < m;
  let high = isHigh(wrap(b + m), tens, width);
  let digits = '';
  if (digit === 0n && !high) decimalExponent--;
  else digits = String(digit);
  // With an exponent there is at least one digit behind the point.
  if (decimalExponent < -3 || decimalExponent >= 8) low = high = false;
  while (!low && !high) {
    digit = b / s;
    b = 10n * (b % s);
    m = wrap(m * 10n);
    low = m <= 0n || b < m;
    high = m <= 0n || isHigh(wrap(b + m), tens, width);
    digits += String(digit);
  }
  const above = wrap(2n * b - tens);
  const lastIsOdd = Number(digits.at(-1)) % 2 === 1;
  const up = high && (!low || above > 0n || (above === 0n && lastIsOdd));
  return up ? roundedUp(digits, decimalExponent + 1) : { digits, exponent: decimalExponent + 1 };
}

function isHigh(sum: bigint, tens: bigint, width: number): boolean {
  return width === 0 ? sum >= tens : sum > tens;
}

/** Java's guess of the bits of a power of five: exact up to 5^26, three for each five beyond. */
function bitsOfPower5(power: number): number {
  if (power === 0) return 0;
  return power <= 26 ? bitLength(5n ** BigInt(power)) : power * 3;
}

function roundedUp(digits: string, exponent: number): DecimalDigits {
  const up = String(BigInt(digits) + 1n).padStart(digits.length, '0');
  return { digits: up.slice(0, digits.length), exponent: up.length > digits.length ? exponent + 1 : exponent };
}

function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}
