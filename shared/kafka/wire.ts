/** Writes the protocol's primitive types, big endian, into a buffer that grows. */
export class WireWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(size = 512) {
    this.#buffer = Buffer.allocUnsafe(size);
  }

  /** What was written; the writer is not to be used afterwards. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  int8(value: number): this {
    this.#reserve(1);
    this.#length = this.#buffer.writeInt8(value, this.#length);
    return this;
  }

  int16(value: number): this {
    this.#reserve(2);
    this.#length = this.#buffer.writeInt16BE(value, this.#length);
    return this;
  }

  int32(value: number): this {
    this.#reserve(4);
    this.#length = this.#buffer.writeInt32BE(value, this.#length);
    return this;
  }

  int64(value: bigint): this {
    this.#reserve(8);
    this.#length = this.#buffer.writeBigInt64BE(value, this.#length);
    return this;
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const length = Buffer.byteLength(value);
    this.int16(length);
    this.#reserve(length);
    this.#length += this.#buffer.write(value, this.#length);
    return this;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** Reads the protocol's primitive types. Reading past the end throws RangeError. */
export class WireReader {
  readonly #buffer: Buffer;
  #position = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  int16(): number {
    this.#position += 2;
    return this.#buffer.readInt16BE(this.#position - 2);
  }

  int32(): number {
    this.#position += 4;
    return this.#buffer.readInt32BE(this.#position - 4);
  }

  int64(): bigint {
    this.#position += 8;
    return this.#buffer.readBigInt64BE(this.#position - 8);
  }

  string(): string {
    const length = this.int16();
    if (length < 0) return '';
    this.#position += length;
    return this.#buffer.toString('utf8', this.#position - length, this.#position);
  }

  /** A view; null when the length is -1. */
  bytes(): Buffer | null {
    const length = this.int32();
    if (length < 0) return null;
    this.#position += length;
    if (this.#position > this.#buffer.length) throw new RangeError('The answer of a Kafka broker ends too early');
    return this.#buffer.subarray(this.#position - length, this.#position);
  }
}
