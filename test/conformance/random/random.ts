/** Choices that a seed decides: the same seed, the same cases. The generator is Mulberry32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A fraction from 0 to below 1. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(0, items.length - 1)] as T;
  }

  /** One of several makers, made. */
  oneOf<T>(...makers: readonly (() => T)[]): T {
    return this.pick(makers)();
  }

  /** So many things. */
  list<T>(count: number, make: () => T): T[] {
    return Array.from({ length: count }, make);
  }

  /** Some of the items, in any order, none twice. */
  some<T>(items: readonly T[], count: number): T[] {
    const left = [...items];
    return this.list(Math.min(count, left.length), () => left.splice(this.int(0, left.length - 1), 1)[0] as T);
  }

  /** A whole number of so many bits, with its sign; small ones and those at the ends are frequent. */
  bits(bits: number): bigint {
    const limit = 1n << BigInt(bits - 1);
    const edge = [0n, 1n, -1n, limit - 1n, -limit, limit - 2n];
    if (this.chance(0.3)) return this.pick(edge);
    if (this.chance(0.5)) return BigInt.asIntN(bits, BigInt(this.int(-300, 300)));
    let value = 0n;
    for (let left = this.int(1, bits); left > 0; left -= 16) value = (value << 16n) | BigInt(this.int(0, 0xffff));
    return BigInt.asIntN(bits, this.chance(0.5) ? value : -value);
  }

  /** A double of any kind: decimal fractions as people write them, any bits, whole ones, and those at the ends. */
  double(): number {
    return this.oneOf(
      () => this.pick([0, -0, 1, -1, 0.1, 0.5, 1.5, 100, 1e7, 9999999, 1e-3, 9.999e-4, 1e21, 1e22, 2e-3, 123456789, Number.MAX_VALUE, Number.MIN_VALUE]),
      () =>
        this.pick([Number.NaN, Infinity, -Infinity, 2 ** 31, 2 ** 63, -(2 ** 63), 2 ** 53 + 2, 1.17549435e-38, 2.2250738585072014e-308, 2e-44, 3.4028235e38]),
      () => this.int(-100_000, 100_000) / 10 ** this.int(0, 5),
      () => this.int(-1000, 1000),
      () => Number(`${this.int(1, 99_999_999)}e${this.int(-30, 30)}`),
      () => {
        const words = new Uint32Array([this.int(0, 0xffffffff), this.int(0, 0xffffffff)]);
        return new Float64Array(words.buffer)[0] as number;
      },
    );
  }

  /** A float, likewise. */
  float(): number {
    if (this.chance(0.6)) return Math.fround(this.double());
    return new Float32Array(new Uint32Array([this.int(0, 0xffffffff)]).buffer)[0] as number;
  }
}
