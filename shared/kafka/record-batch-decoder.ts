import { ConnectException } from '../connect/errors.ts';
import { type CompressionType, compressionLoaded, decompress } from './compression.ts';
import { crc32c } from './crc32c.ts';
import type { AbortedTransaction } from './fetch-protocol.ts';
import { FetchedRecord, type RecordSource } from './fetched-record.ts';
import { attribute, batchField, batchLogOverhead, compressionOf } from './record-batch.ts';

export interface DecoderOptions {
  /** For messages: `orders-0`. */
  readonly partition: string;
  /** Records before this offset are left out: a batch is fetched whole even when reading starts inside it. */
  readonly startOffset: bigint;
  /** Leave out records of these transactions (`read_committed`). Undefined: keep them. */
  readonly aborted?: readonly AbortedTransaction[] | undefined;
  /** `check.crcs`. Default true. */
  readonly checkCrcs?: boolean;
}

// Set by the slow readers of variable length numbers: the position behind what they read.
let cursor = 0;

/**
 * Reads the record batches of one partition as they were fetched, some records at a time: a batch of a million records
 * costs no more memory at once than the records that are asked for. Records are views into the buffer.
 *
 * Throws ConnectException where the data is corrupt or in a format before Kafka 0.11. A batch that was cut off at the
 * end is not an error: the broker cuts wherever the fetch is full.
 */
export class RecordBatchDecoder {
  readonly #buffer: Buffer;
  readonly #partition: string;
  readonly #checkCrcs: boolean;
  readonly #aborted: readonly AbortedTransaction[] | undefined;
  readonly #abortedProducers = new Set<bigint>();
  readonly #startOffset: bigint;
  #abortedIndex = 0;
  #next: bigint;
  #batch = 0;
  #source: RecordSource | undefined;
  #position = 0;
  #end = 0;
  #remaining = 0;
  #minDelta = 0;
  #afterBatch = 0n;

  constructor(buffer: Buffer, options: DecoderOptions) {
    this.#buffer = buffer;
    this.#partition = options.partition;
    this.#startOffset = options.startOffset;
    this.#next = options.startOffset;
    this.#checkCrcs = options.checkCrcs ?? true;
    // The broker sends them in the order of their first offsets; the algorithm below depends on it.
    this.#aborted = options.aborted?.length ? [...options.aborted].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1)) : undefined;
  }

  /** The position after what was taken; past batches without records too. */
  get nextOffset(): bigint {
    return this.#next;
  }

  /** Appends up to `max` records to `out`; fewer only when there are no more. */
  take(max: number, out: FetchedRecord[]): number {
    let taken = 0;
    while (taken < max) {
      if (this.#remaining === 0 && !this.#openBatch()) break;
      taken += this.#takeFromBatch(max - taken, out);
    }
    return taken;
  }

  /** True when nothing is left. Steps over batches that have no records for the reader. */
  get exhausted(): boolean {
    return this.#remaining === 0 && !this.#openBatch();
  }

  /** What the batch takes that is being read, when it had to be decompressed. */
  get decompressedBytes(): number {
    return this.#source && this.#source.buffer !== this.#buffer ? this.#source.buffer.length : 0;
  }

  #openBatch(): boolean {
    const buffer = this.#buffer;
    for (;;) {
      const start = this.#batch;
      if (start + batchField.magic >= buffer.length) return false;
      const length = buffer.readInt32BE(start + batchField.length);
      const magic = buffer[start + batchField.magic] as number;
      if (magic < 2) {
        throw new ConnectException(
          `Partition ${this.#partition} holds messages in format v${magic}, from before Kafka 0.11, at offset ${buffer.readBigInt64BE(start)}. Sluice reads record batches v2: copy the topic with a newer client, or start behind these messages.`,
        );
      }
      if (magic !== 2) throw this.#corrupt(`format v${magic} is not known`);
      if (length < batchField.records - batchLogOverhead) throw this.#corrupt(`a batch says that it has ${length} bytes`);
      const end = start + batchLogOverhead + length;
      if (end > buffer.length) return false;
      this.#batch = end;
      const baseOffset = buffer.readBigInt64BE(start);
      const lastDelta = buffer.readInt32BE(start + batchField.lastOffsetDelta);
      const afterBatch = baseOffset + BigInt(lastDelta) + 1n;
      if (afterBatch <= this.#startOffset) continue;
      if (this.#checkCrcs) {
        const stored = buffer.readUInt32BE(start + batchField.crc);
        const computed = crc32c(buffer, start + batchField.attributes, end);
        if (stored !== computed) throw this.#corrupt(`the checksum of the batch at offset ${baseOffset} is ${computed}, and should be ${stored}`);
      }
      if (lastDelta < 0) throw this.#corrupt(`a batch ends before it begins, at offset ${baseOffset}`);
      if (this.#open(start, end, baseOffset, afterBatch)) return true;
      this.#next = afterBatch;
    }
  }

  // False when the batch has nothing for the reader: control batches, aborted transactions, what compaction emptied.
  #open(start: number, end: number, baseOffset: bigint, afterBatch: bigint): boolean {
    const buffer = this.#buffer;
    const attributes = buffer.readInt16BE(start + batchField.attributes);
    const control = (attributes & attribute.control) !== 0;
    if (this.#aborted) {
      const producerId = buffer.readBigInt64BE(start + batchField.producerId);
      while (this.#abortedIndex < this.#aborted.length && (this.#aborted[this.#abortedIndex] as AbortedTransaction).firstOffset < afterBatch) {
        this.#abortedProducers.add((this.#aborted[this.#abortedIndex++] as AbortedTransaction).producerId);
      }
      if (control && isAbortMarker(buffer, start + batchField.records, end)) this.#abortedProducers.delete(producerId);
      else if (!control && (attributes & attribute.transactional) !== 0 && this.#abortedProducers.has(producerId)) return false;
    }
    const count = buffer.readInt32BE(start + batchField.recordCount);
    if (count < 0) throw this.#corrupt(`a batch says that it has ${count} records, at offset ${baseOffset}`);
    if (control || count === 0) return false;
    const type = compressionOf(buffer, start);
    if (!type) throw this.#corrupt(`the batch at offset ${baseOffset} has an unknown compression type`);
    const plain = type === 'none';
    const records = plain ? buffer : this.#decompressed(type, buffer.subarray(start + batchField.records, end), baseOffset);
    const logAppendTime = (attributes & attribute.logAppendTime) !== 0;
    this.#source = {
      buffer: records,
      baseOffset,
      timestampType: logAppendTime ? 'LogAppendTime' : 'CreateTime',
      timestamp: Number(buffer.readBigInt64BE(start + (logAppendTime ? batchField.maxTimestamp : batchField.baseTimestamp))),
      partition: this.#partition,
    };
    this.#position = plain ? start + batchField.records : 0;
    this.#end = plain ? end : records.length;
    // A record needs seven bytes at least: a count beyond that would only make the loop run into the end.
    if (count > (this.#end - this.#position) / 7) throw this.#corrupt(`the batch at offset ${baseOffset} is too short for its ${count} records`);
    this.#remaining = count;
    this.#minDelta = this.#startOffset > baseOffset ? Number(this.#startOffset - baseOffset) : 0;
    this.#afterBatch = afterBatch;
    return true;
  }

  #decompressed(type: CompressionType, bytes: Buffer, baseOffset: bigint): Buffer {
    if (!compressionLoaded(type))
      throw new ConnectException(`The ${type} codec was not loaded before the batch at offset ${baseOffset} of ${this.#partition} was read`);
    try {
      return decompress(type, bytes);
    } catch (error) {
      throw this.#corrupt(`batch at offset ${baseOffset}: ${(error as Error).message}`, error);
    }
  }

  #takeFromBatch(max: number, out: FetchedRecord[]): number {
    const source = this.#source as RecordSource;
    const buffer = source.buffer as unknown as readonly number[];
    const end = this.#end;
    const minDelta = this.#minDelta;
    let position = this.#position;
    let remaining = this.#remaining;
    let taken = 0;
    let lastDelta = -1;
    while (remaining > 0 && taken < max) {
      let byte = buffer[position++] as number;
      let length: number;
      if (byte < 0x80) length = (byte >>> 1) ^ -(byte & 1);
      else {
        length = longVarint(buffer, position, byte);
        position = cursor;
      }
      const recordEnd = position + length;
      if (!(length >= 6 && recordEnd <= end)) throw this.#corruptRecord(source);
      position++;
      let timestampDelta: number;
      byte = buffer[position++] as number;
      if (byte < 0x80) timestampDelta = (byte >>> 1) ^ -(byte & 1);
      else {
        timestampDelta = varlong(buffer, position, byte);
        position = cursor;
      }
      let offsetDelta: number;
      byte = buffer[position++] as number;
      if (byte < 0x80) offsetDelta = (byte >>> 1) ^ -(byte & 1);
      else {
        offsetDelta = longVarint(buffer, position, byte);
        position = cursor;
      }
      let keyLength: number;
      byte = buffer[position++] as number;
      if (byte < 0x80) keyLength = (byte >>> 1) ^ -(byte & 1);
      else {
        keyLength = longVarint(buffer, position, byte);
        position = cursor;
      }
      const keyStart = position;
      if (keyLength > 0) position += keyLength;
      if (position >= recordEnd) throw this.#corruptRecord(source);
      let valueLength: number;
      byte = buffer[position++] as number;
      if (byte < 0x80) valueLength = (byte >>> 1) ^ -(byte & 1);
      else {
        valueLength = longVarint(buffer, position, byte);
        position = cursor;
      }
      const valueStart = position;
      if (valueLength > 0) position += valueLength;
      if (position >= recordEnd || offsetDelta < 0) throw this.#corruptRecord(source);
      if (offsetDelta >= minDelta) {
        out.push(new FetchedRecord(source, offsetDelta, timestampDelta, keyStart, keyLength, valueStart, valueLength, position, recordEnd));
        taken++;
        lastDelta = offsetDelta;
      }
      position = recordEnd;
      remaining--;
    }
    this.#position = position;
    this.#remaining = remaining;
    if (remaining === 0) {
      if (position !== end) throw this.#corruptRecord(source);
      this.#next = this.#afterBatch;
      this.#source = undefined;
    } else if (lastDelta >= 0) {
      this.#next = source.baseOffset + BigInt(lastDelta) + 1n;
    }
    return taken;
  }

  #corruptRecord(source: RecordSource): ConnectException {
    return this.#corrupt(`a record of the batch at offset ${source.baseOffset} does not fit its length`);
  }

  #corrupt(what: string, cause?: unknown): ConnectException {
    return new ConnectException(`Partition ${this.#partition} cannot be read: ${what}`, { cause });
  }
}

/** The rest of a zigzag number of up to 32 bits whose first byte has been read; leaves the position in `cursor`. */
function longVarint(buffer: readonly number[], start: number, first: number): number {
  let position = start;
  let value = first & 0x7f;
  for (let shift = 7; shift < 35; shift += 7) {
    const byte = buffer[position++];
    if (byte === undefined) break;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      cursor = position;
      return (value >>> 1) ^ -(value & 1);
    }
  }
  throw new ConnectException('A record batch is corrupt: a number in it does not end');
}

/** The same for 64 bits. */
function varlong(buffer: readonly number[], start: number, first: number): number {
  let position = start;
  let value = first & 0x7f;
  for (let shift = 7; shift < 28; shift += 7) {
    const byte = buffer[position++];
    if (byte === undefined) break;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      cursor = position;
      return (value >>> 1) ^ -(value & 1);
    }
  }
  let wide = BigInt(value);
  for (let shift = 28n; shift < 70n; shift += 7n) {
    const byte = buffer[position++];
    if (byte === undefined) break;
    wide |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) {
      cursor = position;
      return Number(BigInt.asIntN(64, (BigInt.asUintN(64, wide) >> 1n) ^ -(wide & 1n)));
    }
  }
  throw new ConnectException('A record batch is corrupt: a number in it does not end');
}

// A control record's key is a version and a type, two bytes each; type 0 is abort.
function isAbortMarker(buffer: Buffer, start: number, end: number): boolean {
  const bytes = buffer as unknown as readonly number[];
  let position = start;
  // length, attributes, timestamp delta, offset delta, key length
  for (let field = 0; field < 5; field++) {
    if (field === 1) {
      position++;
      continue;
    }
    while (position < end && (bytes[position] as number) >= 0x80) position++;
    position++;
  }
  return position + 4 <= end && buffer.readInt16BE(position + 2) === 0;
}
