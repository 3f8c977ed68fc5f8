import { ByteOutput } from '../byte-output.ts';
import type { ScalarType } from './proto-model.ts';

/** Wire types of Protobuf's encoding. */
export const VARINT = 0;
export const FIXED64 = 1;
export const DELIMITED = 2;
export const FIXED32 = 5;

export function wireType(type: ScalarType | 'enum' | 'message'): number {
  switch (type) {
    case 'fixed64':
    case 'sfixed64':
    case 'double':
      return FIXED64;
    case 'fixed32':
    case 'sfixed32':
    case 'float':
      return FIXED32;
    case 'string':
    case 'bytes':
    case 'message':
      return DELIMITED;
    default:
      return VARINT;
  }
}

/** Writes Protobuf's encoding into a buffer that grows. */
export class ProtoOutput extends ByteOutput {
  tag(number: number, wire: number): void {
    this.varint(number * 8 + wire);
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    this.room(10);
    let rest = value;
    while (rest > 0x7fffffff) {
      this.buffer[this.at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.buffer[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.at++] = rest;
  }

  /** 64 bits of a bigint, as unsigned. */
  #varint64(value: bigint): void {
    this.room(10);
    let rest = BigInt.asUintN(64, value);
    while (rest > 0x7fn) {
      this.buffer[this.at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.buffer[this.at++] = Number(rest);
  }

  /** A value of a scalar type, without its tag. Whole numbers come as number or bigint. */
  scalar(type: ScalarType, value: unknown): void {
    switch (type) {
      case 'bool':
        this.varint(value === true ? 1 : 0);
        break;
      case 'string':
        this.text(value as string);
        break;
      case 'bytes':
        this.bytes(value as Uint8Array);
        break;
      case 'float':
        this.room(4);
        this.at = this.buffer.writeFloatLE(Number(value), this.at);
        break;
      case 'double':
        this.room(8);
        this.at = this.buffer.writeDoubleLE(Number(value), this.at);
        break;
      case 'fixed32':
      case 'sfixed32':
        this.room(4);
        this.at = this.buffer.writeInt32LE(int32(value), this.at);
        break;
      case 'fixed64':
      case 'sfixed64':
        this.room(8);
        this.at = this.buffer.writeBigInt64LE(BigInt.asIntN(64, BigInt(value as number)), this.at);
        break;
      case 'uint32':
        this.varint(int32(value) >>> 0);
        break;
      case 'sint32': {
        const int = int32(value);
        this.varint(((int << 1) ^ (int >> 31)) >>> 0);
        break;
      }
      case 'sint64': {
        const long = BigInt(value as number);
        this.#varint64((long << 1n) ^ (long >> 63n));
        break;
      }
      default: {
        // int32 is written as the long that it is.
        const number = type === 'int32' ? int32(value) : Number(value);
        if (number >= 0 && number <= Number.MAX_SAFE_INTEGER) this.varint(number);
        else this.#varint64(type === 'int32' ? BigInt(number) : BigInt(value as number));
      }
    }
  }

  text(text: string): void {
    const length = Buffer.byteLength(text);
    this.varint(length);
    this.room(length);
    this.at += this.buffer.write(text, this.at, 'utf8');
  }

  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** Writes something behind its length, which is known only then. */
  delimited<T>(write: (value: T) => void, value: T): void {
    const start = this.at;
    this.room(1);
    this.at++;
    write(value);
    const length = this.at - start - 1;
    if (length < 0x80) {
      this.buffer[start] = length;
      return;
    }
    const more = varintLength(length) - 1;
    this.room(more);
    this.buffer.copyWithin(start + 1 + more, start + 1, this.at);
    const end = this.at + more;
    this.at = start;
    this.varint(length);
    this.at = end;
  }
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 0x7f; rest >>>= 7) length++;
  return length;
}

function int32(value: unknown): number {
  if (typeof value === 'bigint') return Number(BigInt.asIntN(32, value));
  return Number(value) | 0;
}
