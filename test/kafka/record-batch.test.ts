import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ConnectException } from '../../shared/connect/errors.ts';
import type { CompressionType } from '../../shared/kafka/compression.ts';
import { compressionTypes, loadCompression } from '../../shared/kafka/compression.ts';
import { crc32c } from '../../shared/kafka/crc32c.ts';
import type { AbortedTransaction } from '../../shared/kafka/fetch-protocol.ts';
import type { FetchedRecord } from '../../shared/kafka/fetched-record.ts';
import { attribute, batchField, batchLogOverhead } from '../../shared/kafka/record-batch.ts';
import { RecordBatchDecoder } from '../../shared/kafka/record-batch-decoder.ts';
import { BufferPool, RecordBatchEncoder } from '../../shared/kafka/record-batch-encoder.ts';
import { anyRecord, contentOf, type TestRecord } from './generated-records.ts';
import { readPlainly } from './plain-record-batch.ts';

interface BatchOptions {
  compression?: CompressionType;
  baseOffset?: bigint;
  producerId?: bigint;
  transactional?: boolean;
  attributes?: number;
  lastOffsetDelta?: number;
  maxTimestamp?: number;
}

function batchOf(records: readonly TestRecord[], options: BatchOptions = {}): Buffer {
  const encoder = new RecordBatchEncoder(new BufferPool(1 << 20, 1));
  for (const record of records) encoder.append(record, record.timestamp, Number.POSITIVE_INFINITY);
  const stamp = { producerId: options.producerId ?? -1n, producerEpoch: 0, baseSequence: 0, transactional: options.transactional ?? false };
  const batch = Buffer.from(encoder.seal(stamp, options.compression ?? 'none').batch);
  batch.writeBigInt64BE(options.baseOffset ?? 0n, batchField.baseOffset);
  if (options.attributes) batch.writeInt16BE(batch.readInt16BE(batchField.attributes) | options.attributes, batchField.attributes);
  if (options.lastOffsetDelta !== undefined) batch.writeInt32BE(options.lastOffsetDelta, batchField.lastOffsetDelta);
  if (options.maxTimestamp !== undefined) batch.writeBigInt64BE(BigInt(options.maxTimestamp), batchField.maxTimestamp);
  return withChecksum(batch);
}

function withChecksum(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch, batchField.attributes, batch.length), batchField.crc);
  return batch;
}

function record(value: string | null, timestamp = 1000): TestRecord {
  return { key: null, value: value === null ? null : Buffer.from(value), headers: [], timestamp };
}

// Commit and abort markers: a control record's key is a version and a type.
function marker(type: 'abort' | 'commit', producerId: bigint, baseOffset: bigint): Buffer {
  const key = Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]);
  return batchOf([{ key, value: Buffer.alloc(6), headers: [], timestamp: 5 }], {
    baseOffset,
    producerId,
    transactional: true,
    attributes: attribute.control,
  });
}

function decode(buffer: Buffer, startOffset = 0n, aborted?: readonly AbortedTransaction[]): { records: FetchedRecord[]; next: bigint } {
  const decoder = new RecordBatchDecoder(buffer, { partition: 't-0', startOffset, aborted });
  const records: FetchedRecord[] = [];
  while (decoder.take(7, records) > 0);
  expect(decoder.exhausted).toBe(true);
  return { records, next: decoder.nextOffset };
}

beforeAll(async () => {
  await loadCompression('lz4');
});

describe('a record batch', () => {
  it('comes out of the decoder as it went into the encoder, whatever is in it and however it is compressed', () => {
    fc.assert(
      fc.property(
        fc.array(anyRecord, { minLength: 1, maxLength: 40 }),
        fc.constantFrom(...compressionTypes),
        fc.bigInt({ min: 0n, max: 2n ** 62n }),
        (given, compression, baseOffset) => {
          const { records, next } = decode(batchOf(given, { compression, baseOffset }), baseOffset);
          expect(next).toBe(baseOffset + BigInt(given.length));
          expect(records.map(({ key, value, headers, timestamp, offset }) => ({ key, value, headers, timestamp, offset }))).toEqual(
            given.map(({ key, value, headers, timestamp }, index) => ({ key, value, headers, timestamp, offset: baseOffset + BigInt(index) })),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it('keeps the order of headers that repeat a name or look like numbers', () => {
    const headers = ['1', 'b', '0', 'b', '1'].map((key, index) => ({ key, value: index % 2 ? null : Buffer.from([index]) }));
    const { records } = decode(batchOf([{ key: null, value: null, headers, timestamp: 1 }]));
    expect(records[0]?.headers).toEqual(headers);
  });

  it('has offsets beyond 2^53 without loss', () => {
    const { records, next } = decode(batchOf([record('a'), record('b')], { baseOffset: 2n ** 53n + 1n }), 2n ** 53n + 2n);
    expect(records.map(({ offset }) => offset)).toEqual([2n ** 53n + 2n]);
    expect(next).toBe(2n ** 53n + 3n);
  });

  it('of a million tiny records is read in pieces', () => {
    const encoder = new RecordBatchEncoder(new BufferPool(1 << 20, 1));
    const tiny = { key: null, value: null, headers: [] };
    for (let index = 0; index < 1_000_000; index++) encoder.append(tiny, 1, Number.POSITIVE_INFINITY);
    const { batch } = encoder.seal({ producerId: -1n, producerEpoch: -1, baseSequence: -1, transactional: false }, 'none');
    const decoder = new RecordBatchDecoder(batch, { partition: 't-0', startOffset: 10n });
    const first: FetchedRecord[] = [];
    expect(decoder.take(500, first)).toBe(500);
    expect([first[0]?.offset, decoder.nextOffset]).toEqual([10n, 510n]);
    const rest: FetchedRecord[] = [];
    expect(decoder.take(2_000_000, rest)).toBe(999_490);
    expect(decoder.nextOffset).toBe(1_000_000n);
  });

  it('stamped by the log has one time for all of its records', () => {
    const { records } = decode(batchOf([record('a', 1), record('b', 2)], { attributes: attribute.logAppendTime, maxTimestamp: 777 }));
    expect(records.map(({ timestamp, timestampType }) => [timestamp, timestampType])).toEqual([
      [777, 'LogAppendTime'],
      [777, 'LogAppendTime'],
    ]);
  });
});

describe('the record batch decoder', () => {
  it('leaves out what is before the start, and steps over gaps of compaction', () => {
    const buffer = Buffer.concat([
      batchOf([record('a')], { baseOffset: 0n }),
      batchOf([record('b'), record('c')], { baseOffset: 10n, lastOffsetDelta: 5 }),
      batchOf([record('d')], { baseOffset: 20n, lastOffsetDelta: 9 }),
    ]);
    const { records, next } = decode(buffer, 11n);
    expect(records.map(({ offset, value }) => [offset, value?.toString()])).toEqual([
      [11n, 'c'],
      [20n, 'd'],
    ]);
    expect(next).toBe(30n);
  });

  it('moves past a batch that compaction left without records', () => {
    const empty = batchOf([record('a')], { baseOffset: 5n, lastOffsetDelta: 3 }).subarray(0, batchField.records);
    const batch = Buffer.from(empty);
    batch.writeInt32BE(batch.length - 12, batchField.length);
    batch.writeInt32BE(0, batchField.recordCount);
    const { records, next } = decode(withChecksum(batch), 5n);
    expect([records.length, next]).toEqual([0, 9n]);
  });

  it('ignores a batch that was cut off at the end, at any place', () => {
    const whole = batchOf([record('a')]);
    const second = batchOf([record('b')], { baseOffset: 1n });
    for (let length = 0; length < second.length; length++) {
      const { records, next } = decode(Buffer.concat([whole, second.subarray(0, length)]));
      expect([records.length, next]).toEqual([1, 1n]);
    }
  });

  it('skips control batches, and aborted transactions when it reads committed records only', () => {
    const buffer = Buffer.concat([
      batchOf([record('aborted')], { baseOffset: 0n, producerId: 7n, transactional: true }),
      batchOf([record('other producer')], { baseOffset: 1n, producerId: 8n, transactional: true }),
      marker('abort', 7n, 2n),
      batchOf([record('committed later')], { baseOffset: 3n, producerId: 7n, transactional: true }),
      marker('commit', 8n, 4n),
      marker('commit', 7n, 5n),
    ]);
    const committed = decode(buffer, 0n, [{ producerId: 7n, firstOffset: 0n }]);
    expect(committed.records.map(({ value }) => value?.toString())).toEqual(['other producer', 'committed later']);
    expect(committed.next).toBe(6n);
    const uncommitted = decode(buffer);
    expect(uncommitted.records.map(({ value }) => value?.toString())).toEqual(['aborted', 'other producer', 'committed later']);
    expect(uncommitted.next).toBe(6n);
  });

  it('refuses a batch whose checksum is wrong, unless told not to look', () => {
    const batch = batchOf([record('value')]);
    batch[batch.length - 2] = (batch[batch.length - 2] as number) ^ 1;
    expect(() => decode(batch)).toThrow(/Partition t-0 cannot be read: the checksum of the batch at offset 0 is/);
    const decoder = new RecordBatchDecoder(batch, { partition: 't-0', startOffset: 0n, checkCrcs: false });
    expect(decoder.take(10, [])).toBe(1);
  });

  it('says what to do about messages from before Kafka 0.11', () => {
    const old = Buffer.alloc(34);
    old.writeInt32BE(22, 8);
    old[16] = 1;
    expect(() => decode(old)).toThrow(/Partition t-0 holds messages in format v1, from before Kafka 0\.11, at offset 0/);
  });

  // Before the checksum there are the offset, the length, the epoch and the format; it cannot speak for those.
  it('never gives a wrong record of a batch that was damaged: the checksum tells, wherever the damage is', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 8 }), anyCompression, damage, (records, compression, changes) => {
        const batch = damaged(batchOf(records, { compression }), changes);
        const found = outcome(batch);
        if (Array.isArray(found) && found.length > 0) expect(found.map(contentOf)).toEqual(records.map(contentOf));
      }),
      { numRuns: runs },
    );
  });

  it('reads what a damaged batch with a right checksum says, or refuses it clearly, and never hangs', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 8 }), anyCompression, damage, (records, compression, changes) => {
        const batch = withChecksum(damaged(batchOf(records, { compression }), changes));
        expectPlainReading(batch);
      }),
      { numRuns: runs },
    );
  });

  it.each(compressionTypes)('does so where the damage is in the records, compressed with %s', (compression) => {
    const many = fc.array(anyRecord, { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(many, damage, fc.boolean(), (records, changes, cut) => {
        let batch = batchOf(records, { compression });
        for (const { at, to } of changes) batch[batchField.records + (at % (batch.length - batchField.records))] = to;
        if (cut) {
          batch = batch.subarray(0, batchField.records + ((changes[0] as { at: number }).at % (batch.length - batchField.records)));
          batch.writeInt32BE(batch.length - batchLogOverhead, batchField.length);
        }
        expectPlainReading(withChecksum(batch));
      }),
      { numRuns: runs / 4 },
    );
  });

  it('does so with any bytes at all behind a good header', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), anyCompression, fc.integer({ min: 1, max: 50 }), (bytes, compression, count) => {
        const header = batchOf([record('a')], { compression }).subarray(0, batchField.records);
        const batch = Buffer.concat([header, bytes]);
        batch.writeInt32BE(batch.length - batchLogOverhead, batchField.length);
        batch.writeInt32BE(count, batchField.recordCount);
        expectPlainReading(withChecksum(batch));
      }),
      { numRuns: runs },
    );
  });
});

/** More for a longer look: `FUZZ_RUNS=100000`. */
const runs = Number(process.env.FUZZ_RUNS) || 2000;
const anyCompression = fc.constantFrom(...compressionTypes);
const damage = fc.array(fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) }), { minLength: 1, maxLength: 4 });

function damaged(batch: Buffer, changes: readonly { at: number; to: number }[]): Buffer {
  for (const { at, to } of changes) batch[at % batch.length] = to;
  return batch;
}

/** What the decoder says of a batch: its records, headers and all, or the error's message. Any error but ConnectException fails the test. */
function outcome(batch: Buffer): (TestRecord & { offset: bigint })[] | string {
  try {
    return decode(batch).records.map(({ key, value, headers, timestamp, offset }) => ({ key, value, headers, timestamp, offset }));
  } catch (error) {
    expect(error).toBeInstanceOf(ConnectException);
    return (error as Error).message;
  }
}

function plainOutcome(batch: Buffer): TestRecord[] | null {
  try {
    return readPlainly(batch);
  } catch {
    return null;
  }
}

/** The decoder may refuse more than a plain reading of the format would, but what it accepts is what is there. */
function expectPlainReading(batch: Buffer): void {
  const found = outcome(batch);
  if (!Array.isArray(found) || found.length === 0) return;
  const plain = plainOutcome(batch);
  // Times, and differences of times, that are beyond what a number can tell apart are not exact.
  const base = Number(batch.readBigInt64BE(batchField.baseTimestamp));
  const exact = Number.isSafeInteger(base) && found.every(({ timestamp }) => Number.isSafeInteger(timestamp) && Number.isSafeInteger(timestamp - base));
  const comparable = (record: TestRecord) => (exact ? record : { ...record, timestamp: 0 });
  expect(found.map(comparable)).toEqual(plain?.map(comparable));
}

describe('the record batch encoder', () => {
  it('takes no record that would grow the batch beyond its limit, except the first', () => {
    const encoder = new RecordBatchEncoder(new BufferPool(1 << 20, 1));
    const big = { key: null, value: Buffer.alloc(1000), headers: [] };
    expect([encoder.append(big, 1, 500), encoder.append(big, 1, 500), encoder.count]).toEqual([true, false, 1]);
    const size = encoder.size;
    expect([encoder.append(big, 1, size + 1100), encoder.append(big, 1, size + 1100)]).toEqual([true, false]);
  });

  it('uses buffers again without leaking one batch into another', () => {
    const pool = new BufferPool(300_000, 2);
    const fill = (byte: number) => {
      const encoder = new RecordBatchEncoder(pool);
      for (let index = 0; index < 28; index++) encoder.append({ key: null, value: Buffer.alloc(10_000, byte), headers: [] }, index, 300_000);
      return encoder.seal({ producerId: 1n, producerEpoch: 0, baseSequence: 0, transactional: false }, 'none');
    };
    const first = fill(1);
    expect(first.release?.length).toBe(300_000);
    if (first.release) pool.give(first.release);
    const second = fill(2);
    expect(second.release).toBe(first.release);
    expect(decode(second.batch).records.every(({ value }) => value?.every((byte) => byte === 2))).toBe(true);
  });
});

describe('crc32c', () => {
  it('gives the check value of the standard, at any alignment and length', () => {
    expect(crc32c(Buffer.from('123456789'), 0, 9)).toBe(0xe3069283);
    const text = Buffer.alloc(64, '123456789abcdefg');
    for (let start = 0; start < 16; start++) {
      for (let end = start; end < 64; end++) {
        let bitwise = -1;
        for (let index = start; index < end; index++) {
          bitwise ^= text[index] as number;
          for (let bit = 0; bit < 8; bit++) bitwise = bitwise & 1 ? (bitwise >>> 1) ^ 0x82f63b78 : bitwise >>> 1;
        }
        expect(crc32c(text, start, end)).toBe((bitwise ^ -1) >>> 0);
      }
    }
  });
});
