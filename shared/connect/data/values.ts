/**
 * An arbitrary-precision decimal as Connect's Decimal logical type carries it: `unscaled * 10^-scale`.
 * The scale is part of the value: 1.0 and 1.00 are different decimals.
 */
export class Decimal {
  readonly unscaled: bigint;
  readonly scale: number;
  constructor(unscaled: bigint, scale: number) {
    this.unscaled = unscaled;
    this.scale = scale;
  }

  /** Two's complement, big endian, as few bytes as carry the sign (Java's `BigInteger.toByteArray`). */
  static toBytes(unscaled: bigint): Buffer {
    let bytes = 1;
    while (BigInt.asIntN(bytes * 8, unscaled) !== unscaled) bytes++;
    return Buffer.from(
      BigInt.asUintN(bytes * 8, unscaled)
        .toString(16)
        .padStart(bytes * 2, '0'),
      'hex',
    );
  }

  /** The other way round. Empty bytes are an error in Java, and here: RangeError. */
  static fromBytes(bytes: Uint8Array): bigint {
    if (bytes.length === 0) throw new RangeError('Zero length BigInteger');
    return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`));
  }

  /** Reads decimal text with an optional exponent: `-12.50`, `1E+3`. Throws RangeError on anything else. */
  static parse(text: string): Decimal {
    const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
    const digits = `${match?.[2] ?? ''}${match?.[3] ?? ''}`;
    if (match === null || digits === '') throw new RangeError(`Not a decimal number: ${text}`);
    const unscaled = BigInt(digits);
    return new Decimal(match[1] === '-' ? -unscaled : unscaled, (match[3]?.length ?? 0) - Number(match[4] ?? 0));
  }

  /** Plain notation, never with an exponent (Java's `BigDecimal.toPlainString`). */
  toPlainString(): string {
    const negative = this.unscaled < 0n;
    const digits = (negative ? -this.unscaled : this.unscaled).toString();
    const sign = negative ? '-' : '';
    if (this.scale <= 0) return sign + (this.unscaled === 0n ? '0' : digits + '0'.repeat(-this.scale));
    const padded = digits.padStart(this.scale + 1, '0');
    return `${sign}${padded.slice(0, -this.scale)}.${padded.slice(-this.scale)}`;
  }

  /** Java's `BigDecimal.toString`: with an exponent where the scale is negative or the number is very small. */
  toString(): string {
    const negative = this.unscaled < 0n;
    const digits = (negative ? -this.unscaled : this.unscaled).toString();
    const exponent = digits.length - 1 - this.scale;
    if (this.scale >= 0 && exponent >= -6) return this.toPlainString();
    const mantissa = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
    return `${negative ? '-' : ''}${mantissa}${exponent === 0 ? '' : `E${exponent > 0 ? '+' : ''}${exponent}`}`;
  }
}

/** The Java number classes that a JavaScript number cannot stand for when there is no schema. */
export type BoxedType = 'INT8' | 'INT16' | 'INT32' | 'FLOAT32' | 'FLOAT64' | 'BIGINTEGER';

/**
 * A schemaless number that must remember its Java class.
 *
 * Without a schema a whole JavaScript number is a Long, a fraction a Double, a bigint a Long beyond 2^53. A Byte, Short,
 * Integer or Float, a Double that is whole (or -0.0), and a BigInteger are boxed. With a schema nothing is ever boxed.
 */
export class Boxed {
  readonly type: BoxedType;
  readonly value: number | bigint;
  constructor(type: BoxedType, value: number | bigint) {
    this.type = type;
    this.value = value;
  }
  valueOf(): number | bigint {
    return this.value;
  }
}

/** A schemaless Double: boxed only where a plain number would be taken for a Long. */
export function float64(value: number): number | Boxed {
  return Number.isInteger(value) ? new Boxed('FLOAT64', value) : value;
}

/** A schemaless Long: a number while it is exact, a bigint beyond. */
export function int64(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}
