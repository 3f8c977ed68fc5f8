import { type CompressionType, compressionLoaded, loadCompression } from './compression.ts';
import { batchField, batchLogOverhead, compressionOf } from './record-batch.ts';

/** The offset after the last whole batch of a fetched answer; `start` when there is none. */
export function offsetAfter(records: Buffer, start: bigint): bigint {
  let position = 0;
  let next = start;
  while (position + batchField.magic < records.length) {
    // Messages of before Kafka 0.11 have another layout: the decoder says so when they are taken.
    if ((records[position + batchField.magic] as number) < 2) return records.readBigInt64BE(position) + 1n;
    const end = position + batchLogOverhead + records.readInt32BE(position + batchField.length);
    if (end > records.length || end <= position + batchField.records - 1) break;
    next = records.readBigInt64BE(position) + BigInt(records.readInt32BE(position + batchField.lastOffsetDelta)) + 1n;
    position = end;
  }
  return next;
}

/** Loads what the batches of a fetched answer are compressed with, so that decoding need not wait. */
export async function loadCodecs(records: Buffer): Promise<void> {
  let position = 0;
  while (position + batchField.records <= records.length) {
    const type: CompressionType | undefined = compressionOf(records, position);
    if (type && !compressionLoaded(type)) await loadCompression(type);
    const length = records.readInt32BE(position + batchField.length);
    if (length <= 0) return;
    position += batchLogOverhead + length;
  }
}
