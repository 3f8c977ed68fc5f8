import type { CompressionType } from './compression.ts';
import { compressionTypes } from './compression.ts';
import { crc32c } from './crc32c.ts';

/** Where the fields of a record batch v2 are (KIP-98; "Message format" in Kafka's documentation), from its first byte. */
export const batchField = {
  baseOffset: 0,
  length: 8,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
  records: 61,
} as const;

/** Bytes before a batch's length begins to count. */
export const batchLogOverhead = 12;

export const attribute = { compressionMask: 7, logAppendTime: 8, transactional: 16, control: 32 } as const;

/** Who wrote a batch, for brokers to know repeats: `-1n`, -1, -1 without idempotence. */
export interface ProducerStamp {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly transactional: boolean;
}

/** Writes a stamp over a batch's, and its checksum anew. */
export function stampBatch(batch: Buffer, stamp: ProducerStamp): void {
  const attributes = batch.readInt16BE(batchField.attributes) & ~attribute.transactional;
  batch.writeInt16BE(attributes | (stamp.transactional ? attribute.transactional : 0), batchField.attributes);
  batch.writeBigInt64BE(stamp.producerId, batchField.producerId);
  batch.writeInt16BE(stamp.producerEpoch, batchField.producerEpoch);
  batch.writeInt32BE(stamp.baseSequence, batchField.baseSequence);
  batch.writeUInt32BE(crc32c(batch, batchField.attributes, batch.length), batchField.crc);
}

/** The compression that the batch at `position` says it has; undefined when its number is none of Kafka's. */
export function compressionOf(buffer: Buffer, position: number): CompressionType | undefined {
  return compressionTypes[(buffer[position + batchField.attributes + 1] as number) & attribute.compressionMask];
}
