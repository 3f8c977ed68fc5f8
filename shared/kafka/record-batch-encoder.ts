import { type CompressionType, compress, compressionTypes } from './compression.ts';
import { batchField, batchLogOverhead, type ProducerStamp, stampBatch } from './record-batch.ts';

/** The part of a record that a batch holds. */
export interface EncodableRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[];
}

/** Buffers of full batches, used again after the batch was acknowledged: a megabyte is not zeroed and collected each time. */
export class BufferPool {
  /** Bytes of each buffer. */
  readonly size: number;
  readonly #most: number;
  readonly #free: Buffer[] = [];

  constructor(size: number, most: number) {
    this.size = size;
    this.#most = most;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.size);
  }

  give(buffer: Buffer): void {
    if (buffer.length === this.size && this.#free.length < this.#most) this.#free.push(buffer);
  }
}

/** A bound of a record's size in a batch of its own, as Kafka's producer estimates it for `max.request.size`. */
export function recordBatchSizeUpperBound(record: EncodableRecord): number {
  return batchField.records + 21 + sizeOfBody(record);
}

const firstSize = 16 * 1024;

/** Writes records one after another into a batch. Cheap to append to, sealed once. */
export class RecordBatchEncoder {
  readonly #pool: BufferPool;
  #buffer: Buffer;
  #position: number = batchField.records;
  #count = 0;
  #baseTimestamp = 0;
  #maxTimestamp = 0;

  constructor(pool: BufferPool) {
    this.#pool = pool;
    this.#buffer = Buffer.allocUnsafe(firstSize);
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes so far, uncompressed. */
  get size(): number {
    return this.#position;
  }

  /** Appends a record unless the batch has records and would grow beyond `limit` bytes: then false. `timestamp` in milliseconds. */
  append(record: EncodableRecord, timestamp: number, limit: number): boolean {
    const first = this.#count === 0;
    const timestampDelta = first ? 0 : timestamp - this.#baseTimestamp;
    const { key, value, headers } = record;
    const length = 1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(this.#count) + sizeOfBody(record);
    const needed = this.#position + sizeOfVarint(length) + length;
    if (needed > limit && !first) return false;
    if (needed > this.#buffer.length) this.#grow(needed);
    if (first) {
      this.#baseTimestamp = timestamp;
      this.#maxTimestamp = timestamp;
    } else if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    const buffer = this.#buffer;
    let position = writeVarint(buffer, this.#position, length);
    buffer[position++] = 0;
    position = writeVarlong(buffer, position, timestampDelta);
    position = writeVarint(buffer, position, this.#count);
    position = writeBytes(buffer, position, key);
    position = writeBytes(buffer, position, value);
    position = writeVarint(buffer, position, headers.length);
    for (let index = 0; index < headers.length; index++) {
      const header = headers[index] as (typeof headers)[number];
      const keyLength = Buffer.byteLength(header.key);
      position = writeVarint(buffer, position, keyLength);
      position += buffer.write(header.key, position);
      position = writeBytes(buffer, position, header.value);
    }
    this.#position = position;
    this.#count++;
    return true;
  }

  /** The finished batch. The encoder is not to be used afterwards; `release` says where the buffer goes when the batch is done with. */
  seal(stamp: ProducerStamp, compression: CompressionType): { batch: Buffer; release: Buffer | undefined } {
    let batch: Buffer;
    let release: Buffer | undefined = this.#buffer;
    if (compression === 'none') batch = this.#buffer.subarray(0, this.#position);
    else {
      const records = compress(compression, this.#buffer.subarray(batchField.records, this.#position));
      batch = Buffer.allocUnsafe(batchField.records + records.length);
      batch.set(records, batchField.records);
      this.#pool.give(this.#buffer);
      release = undefined;
    }
    batch.writeBigInt64BE(0n, batchField.baseOffset);
    batch.writeInt32BE(batch.length - batchLogOverhead, batchField.length);
    // The partition leader epoch, which the broker fills in, and the magic number.
    batch.writeInt32BE(-1, batchField.length + 4);
    batch.writeInt8(2, batchField.magic);
    batch.writeInt16BE(compressionTypes.indexOf(compression), batchField.attributes);
    batch.writeInt32BE(this.#count - 1, batchField.lastOffsetDelta);
    batch.writeBigInt64BE(BigInt(this.#baseTimestamp), batchField.baseTimestamp);
    batch.writeBigInt64BE(BigInt(this.#maxTimestamp), batchField.maxTimestamp);
    batch.writeInt32BE(this.#count, batchField.recordCount);
    stampBatch(batch, stamp);
    return { batch, release };
  }

  #grow(needed: number): void {
    // Small batches stay small; one that outgrew a quarter of a megabyte is likely to become full.
    const size = Math.max(needed, this.#buffer.length * 4);
    const larger = size > 256 * 1024 && needed <= this.#pool.size ? this.#pool.take() : Buffer.allocUnsafe(size);
    this.#buffer.copy(larger, 0, 0, this.#position);
    this.#buffer = larger;
  }
}

function sizeOfBody({ key, value, headers }: EncodableRecord): number {
  let size = sizeOfBytes(key) + sizeOfBytes(value) + sizeOfVarint(headers.length);
  for (let index = 0; index < headers.length; index++) {
    const header = headers[index] as (typeof headers)[number];
    const length = Buffer.byteLength(header.key);
    size += sizeOfVarint(length) + length + sizeOfBytes(header.value);
  }
  return size;
}

function sizeOfBytes(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length;
}

function sizeOfVarint(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x200000 ? 3 : zigzag < 0x10000000 ? 4 : 5;
}

function writeVarint(buffer: Buffer, start: number, value: number): number {
  let position = start;
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  while (zigzag >= 0x80) {
    buffer[position++] = (zigzag & 0x7f) | 0x80;
    zigzag >>>= 7;
  }
  buffer[position++] = zigzag;
  return position;
}

// Differences of timestamps, whole milliseconds: up to 2^53 each way. Twice as much would not be exact any more, so the
// sign, which zigzag puts into the last bit, is kept apart from the magnitude.
function sizeOfVarlong(value: number): number {
  if (isShort(value)) return sizeOfVarint(value);
  let size = 1;
  for (let rest = (value < 0 ? -1 - value : value) / 64; rest >= 1; rest /= 128) size++;
  return size;
}

function writeVarlong(buffer: Buffer, start: number, value: number): number {
  if (isShort(value)) return writeVarint(buffer, start, value);
  let position = start;
  const magnitude = value < 0 ? -1 - value : value;
  buffer[position++] = (magnitude % 64) * 2 + (value < 0 ? 0x81 : 0x80);
  let rest = Math.floor(magnitude / 64);
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) buffer[position++] = (rest % 128) | 0x80;
  buffer[position++] = rest;
  return position;
}

// Twelve days in milliseconds: nearly all of them, and whole numbers are quicker.
function isShort(value: number): boolean {
  return value < 0x40000000 && value >= -0x40000000;
}

function writeBytes(buffer: Buffer, start: number, bytes: Uint8Array | null): number {
  if (bytes === null) {
    buffer[start] = 1;
    return start + 1;
  }
  const position = writeVarint(buffer, start, bytes.length);
  buffer.set(bytes, position);
  return position + bytes.length;
}
