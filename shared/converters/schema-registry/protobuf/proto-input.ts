import type { ScalarType } from './proto-model.ts';
import { DELIMITED, FIXED32, FIXED64, VARINT } from './proto-output.ts';

/** Reads Protobuf's encoding. Throws RangeError where the bytes end too early or say what cannot be. */
export class ProtoInput {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;

  begin(bytes: Buffer, at: number): void {
    this.bytes = bytes;
    this.at = at;
  }

  /** The low 32 bits of a varint. */
  varint32(): number {
    const { bytes } = this;
    let low = 0;
    for (let count = 0; count < 10; count++) {
      const byte = this.#next(bytes);
      if (count < 5) low |= (byte & 0x7f) << (7 * count);
      if (byte < 0x80) return low;
    }
    throw new RangeError('A number has too many bytes');
  }

  /** All 64 bits of a varint, as unsigned. */
  varint64(): bigint {
    const { bytes } = this;
    let low = 0;
    let middle = 0;
    let high = 0;
    for (let count = 0; count < 10; count++) {
      const byte = this.#next(bytes);
      const bits = byte & 0x7f;
      if (count < 4) low |= bits << (7 * count);
      else if (count < 8) middle |= bits << (7 * (count - 4));
      else high |= bits << (7 * (count - 8));
      if (byte >= 0x80) continue;
      if (high === 0 && middle < 0x1000000) return BigInt(middle * 0x10000000 + low);
      return BigInt.asUintN(64, (BigInt(high) << 56n) | (BigInt(middle) << 28n) | BigInt(low));
    }
    throw new RangeError('A number has too many bytes');
  }

  #next(bytes: Buffer): number {
    const byte = bytes[this.at++];
    if (byte === undefined) throw new RangeError('The message ends within a value');
    return byte;
  }

  /** A length that the bytes have. */
  length(): number {
    const length = this.varint32();
    if (length < 0 || this.at + length > this.bytes.length) throw new RangeError('The message ends within a value');
    return length;
  }

  /** A value of a scalar type as Java has it: unsigned 32 bits as long, unsigned 64 bits as signed. */
  scalar(type: ScalarType): unknown {
    switch (type) {
      case 'int32':
        return this.varint32();
      case 'sint32': {
        const zigzag = this.varint32();
        return (zigzag >>> 1) ^ -(zigzag & 1);
      }
      case 'uint32':
        return BigInt(this.varint32() >>> 0);
      case 'int64':
      case 'uint64':
        return BigInt.asIntN(64, this.varint64());
      case 'sint64': {
        const zigzag = this.varint64();
        return (zigzag >> 1n) ^ -(zigzag & 1n);
      }
      case 'bool':
        return this.varint64() !== 0n;
      case 'fixed32':
        return BigInt(this.bytes.readUInt32LE(this.#skipped(4)));
      case 'sfixed32':
        return this.bytes.readInt32LE(this.#skipped(4));
      case 'fixed64':
      case 'sfixed64':
        return this.bytes.readBigInt64LE(this.#skipped(8));
      case 'float':
        return this.bytes.readFloatLE(this.#skipped(4));
      case 'double':
        return this.bytes.readDoubleLE(this.#skipped(8));
      case 'string': {
        const length = this.length();
        return this.bytes.toString('utf8', this.#skipped(length), this.at);
      }
      case 'bytes': {
        const length = this.length();
        return Buffer.from(this.bytes.subarray(this.#skipped(length), this.at));
      }
    }
  }

  #skipped(length: number): number {
    const { at } = this;
    this.at += length;
    return at;
  }

  /** Passes over a field that nobody asked for. */
  skip(wire: number): void {
    switch (wire) {
      case VARINT:
        this.varint64();
        break;
      case FIXED64:
        this.at += 8;
        break;
      case FIXED32:
        this.at += 4;
        break;
      case DELIMITED: {
        const length = this.length();
        this.at += length;
        break;
      }
      case 3:
        this.#skipGroup();
        break;
      default:
        throw new RangeError(`Protocol message tag had invalid wire type ${wire}.`);
    }
    if (this.at > this.bytes.length) throw new RangeError('The message ends within a value');
  }

  #skipGroup(): void {
    for (;;) {
      const wire = this.varint32() & 7;
      if (wire === 4) return;
      this.skip(wire);
    }
  }
}

/** The value of a scalar that is not there. */
export function defaultScalar(type: ScalarType): unknown {
  switch (type) {
    case 'bool':
      return false;
    case 'string':
      return '';
    case 'bytes':
      return Buffer.alloc(0);
    case 'int32':
    case 'sint32':
    case 'sfixed32':
    case 'float':
    case 'double':
      return 0;
    default:
      return 0n;
  }
}
