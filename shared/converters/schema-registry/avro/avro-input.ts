/** Reads Avro's binary encoding. Throws RangeError where the bytes end too early or say what cannot be. */
export class AvroInput {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;

  begin(bytes: Buffer, at: number): void {
    this.bytes = bytes;
    this.at = at;
  }

  /** To be called at the end, and within loops whose length the bytes tell: single reads beyond the end give zeros. */
  check(): void {
    if (this.at > this.bytes.length) throw new RangeError('The message ends within a value');
  }

  int(): number {
    const { bytes } = this;
    let byte = bytes[this.at++] as number;
    let n = byte & 0x7f;
    for (let shift = 7; byte & 0x80; shift += 7) {
      if (shift > 28) throw new RangeError('Invalid int encoding');
      byte = bytes[this.at++] as number;
      n |= (byte & 0x7f) << shift;
    }
    return (n >>> 1) ^ -(n & 1);
  }

  long(): bigint {
    const { bytes } = this;
    let byte = bytes[this.at++] as number;
    // 28 bits, 28 bits, and the rest: each part is exact.
    let low = byte & 0x7f;
    let middle = 0;
    let high = 0;
    for (let count = 1; byte & 0x80; count++) {
      if (count > 9) throw new RangeError('Invalid long encoding');
      byte = bytes[this.at++] as number;
      const bits = byte & 0x7f;
      if (count < 4) low |= bits << (7 * count);
      else if (count < 8) middle |= bits << (7 * (count - 4));
      else high |= bits << (7 * (count - 8));
    }
    if (high === 0 && middle < 0x1000000) {
      const zigzag = middle * 0x10000000 + low;
      return BigInt(low & 1 ? -(zigzag + 1) / 2 : zigzag / 2);
    }
    const zigzag = BigInt.asUintN(64, (BigInt(high) << 56n) | (BigInt(middle) << 28n) | BigInt(low));
    return (zigzag >> 1n) ^ -(zigzag & 1n);
  }

  /** How many items a block has; its length in bytes, where told, is passed over. */
  blockCount(): number {
    const count = this.#wholeNumber();
    if (count >= 0) return count;
    this.long();
    return -count;
  }

  float(): number {
    const at = this.at;
    this.at += 4;
    return this.bytes.readFloatLE(at);
  }

  double(): number {
    const at = this.at;
    this.at += 8;
    return this.bytes.readDoubleLE(at);
  }

  /** A copy. */
  fixed(length: number): Buffer {
    const at = this.#skip(length);
    return Buffer.from(this.bytes.subarray(at, this.at));
  }

  /** A copy. */
  byteString(): Buffer {
    return this.fixed(this.#length());
  }

  text(): string {
    const length = this.#length();
    const at = this.#skip(length);
    return this.bytes.toString('utf8', at, this.at);
  }

  /** A long that is a length: nearly all have one byte or two. */
  #wholeNumber(): number {
    const { bytes, at } = this;
    const first = bytes[at] as number;
    if (first < 0x80) {
      this.at = at + 1;
      return (first >>> 1) ^ -(first & 1);
    }
    const second = bytes[at + 1] as number;
    if (second < 0x80) {
      this.at = at + 2;
      const zigzag = (first & 0x7f) | (second << 7);
      return (zigzag >>> 1) ^ -(zigzag & 1);
    }
    return Number(this.long());
  }

  #length(): number {
    const length = this.#wholeNumber();
    if (length < 0) throw new RangeError(`Malformed data. Length is negative: ${length}`);
    return length;
  }

  #skip(length: number): number {
    const at = this.at;
    this.at += length;
    this.check();
    return at;
  }
}
