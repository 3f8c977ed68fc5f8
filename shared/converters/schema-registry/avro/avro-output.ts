import { ByteOutput } from '../byte-output.ts';

/** Writes Avro's binary encoding into a buffer that grows. One is shared by all writers: nothing waits while a message is written. */
export class AvroOutput extends ByteOutput {
  boolean(value: boolean): void {
    this.room(1);
    this.buffer[this.at++] = value ? 1 : 0;
  }

  int(value: number): void {
    this.room(5);
    this.#varint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  long(value: bigint | number): void {
    this.room(10);
    const number = Number(value);
    if (number >= -0x40000000 && number < 0x40000000) {
      this.#varint(((number << 1) ^ (number >> 31)) >>> 0);
      return;
    }
    if (number >= -0x10000000000000 && number <= 0x10000000000000) {
      // Exact as a double, which has no shifts.
      let rest = number >= 0 ? number * 2 : -number * 2 - 1;
      while (rest > 0x7fffffff) {
        this.buffer[this.at++] = (rest & 0x7f) | 0x80;
        rest = Math.floor(rest / 128);
      }
      this.#varint(rest);
      return;
    }
    const exact = BigInt(value);
    let rest = BigInt.asUintN(64, (exact << 1n) ^ (exact >> 63n));
    while (rest > 0x7fffffffn) {
      this.buffer[this.at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#varint(Number(rest));
  }

  #varint(unsigned: number): void {
    let rest = unsigned;
    while (rest > 0x7f) {
      this.buffer[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.at++] = rest;
  }

  float(value: number): void {
    this.room(4);
    this.at = this.buffer.writeFloatLE(value, this.at);
  }

  double(value: number): void {
    this.room(8);
    this.at = this.buffer.writeDoubleLE(value, this.at);
  }

  byteString(bytes: Uint8Array): void {
    this.long(bytes.length);
    this.raw(bytes);
  }

  text(text: string): void {
    const { length } = text;
    if (length < 48) {
      // Short ASCII, which most texts are, is faster by hand.
      this.room(length + 5);
      const start = this.at;
      this.#varint(length << 1);
      const buffer = this.buffer;
      let at = this.at;
      let index = 0;
      for (; index < length; index++) {
        const code = text.charCodeAt(index);
        if (code > 0x7f) break;
        buffer[at++] = code;
      }
      if (index === length) {
        this.at = at;
        return;
      }
      this.at = start;
    }
    const bytes = Buffer.byteLength(text);
    this.long(bytes);
    this.room(bytes);
    this.at += this.buffer.write(text, this.at, 'utf8');
  }
}
