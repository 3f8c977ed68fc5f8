import { decompress } from '../../shared/kafka/compression.ts';
import { batchField, compressionOf } from '../../shared/kafka/record-batch.ts';
import type { TestRecord } from './generated-records.ts';

/**
 * The records of one batch, read as "Record Batch" in Kafka's documentation of its formats has it, field by field without
 * any shortcut: what the decoder is compared with. Throws when a record does not end where it says.
 */
export function readPlainly(batch: Buffer): (TestRecord & { offset: bigint })[] {
  const type = compressionOf(batch, 0);
  if (!type) throw new Error('no such compression');
  const buffer = decompress(type, batch.subarray(batchField.records));
  let position = 0;
  const varlong = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = buffer.readUInt8(position++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        const whole = BigInt.asUintN(64, value);
        return (whole >> 1n) ^ -(whole & 1n);
      }
    }
    throw new Error('a number does not end');
  };
  // Of 32 bits: what is above them is lost, as in Java.
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = buffer.readUInt8(position++);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    throw new Error('a number does not end');
  };
  const bytes = (): Buffer | null => {
    const length = varint();
    if (length < 0) return null;
    if (position + length > buffer.length) throw new Error('bytes beyond the end');
    position += length;
    return buffer.subarray(position - length, position);
  };
  const logAppendTime = (batch.readInt16BE(batchField.attributes) & 8) !== 0;
  const baseTimestamp = batch.readBigInt64BE(batchField.baseTimestamp);
  const maxTimestamp = batch.readBigInt64BE(batchField.maxTimestamp);
  const records: (TestRecord & { offset: bigint })[] = [];
  for (let left = batch.readInt32BE(batchField.recordCount); left > 0; left--) {
    const length = varint();
    const end = position + length;
    position++;
    const timestamp = Number(logAppendTime ? maxTimestamp : baseTimestamp + varlong());
    if (logAppendTime) varlong();
    const offset = batch.readBigInt64BE(batchField.baseOffset) + BigInt(varint());
    const key = bytes();
    const value = bytes();
    const headers: TestRecord['headers'][number][] = [];
    for (let more = varint(); more !== 0; more--) {
      if (more < 0) throw new Error('fewer headers than none');
      const name = bytes();
      if (name === null) throw new Error('a header without a name');
      headers.push({ key: name.toString(), value: bytes() });
    }
    if (position !== end) throw new Error('a record that does not end where it says');
    records.push({ key, value, headers, timestamp, offset });
  }
  if (position !== buffer.length) throw new Error('something behind the last record');
  return records;
}
