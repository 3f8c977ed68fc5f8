const half = 0x1000000;

/** `java.util.Random`: the same numbers for the same seed. Two halves of 24 bits hold its state of 48. */
export class JavaRandom {
  #high = 0;
  #low = 0;

  constructor(seed: bigint) {
    this.setSeed(seed);
  }

  setSeed(seed: bigint): void {
    const scrambled = BigInt.asUintN(48, seed ^ 0x5deece66dn);
    this.#high = Number(scrambled >> 24n);
    this.#low = Number(scrambled & 0xffffffn);
  }

  /** The next 64 bits, as a signed number. */
  nextLong(): bigint {
    const high = this.#next(32) | 0;
    const low = this.#next(32) | 0;
    return BigInt.asIntN(64, (BigInt(high) << 32n) + BigInt(low));
  }

  /** From 0 to below 1. */
  nextDouble(): number {
    const high = this.#next(26);
    return (high * 0x8000000 + this.#next(27)) / 2 ** 53;
  }

  /** A whole number from 0 to below `bound`. */
  nextInt(bound: number): number {
    return Math.floor(this.nextDouble() * bound);
  }

  #next(bits: number): number {
    // state = state * 0x5DEECE66D + 0xB, modulo 2^48, in halves of 24 bits: 0x5DEECE66D is 0x5DE:0xECE66D.
    const low = this.#low * 0xece66d + 0xb;
    this.#high = (this.#high * 0xece66d + this.#low * 0x5de + Math.floor(low / half)) % half;
    this.#low = low % half;
    return Math.floor((this.#high * half + this.#low) / 2 ** (48 - bits));
  }
}
