import { WireReader, WireWriter } from './wire.ts';

/** Fetch version 11 (KIP-392, Kafka 2.3): the newest without flexible fields; Kafka 4 serves it. */
export const fetchVersion = 11;

export interface FetchPartition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly error: number;
  readonly highWatermark: bigint;
  readonly lastStableOffset: bigint;
  readonly aborted: readonly AbortedTransaction[];
  /** A view into the answer. */
  readonly records: Buffer | null;
}

/** A request outside of any fetch session. The order of partitions is the order in which the broker fills the answer. */
export function encodeFetchRequest(request: {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly partitionMaxBytes: number;
  readonly readCommitted: boolean;
  readonly partitions: readonly FetchPartition[];
}): Buffer {
  const writer = new WireWriter(64 + request.partitions.length * 48)
    .int32(-1)
    .int32(request.maxWaitMs)
    .int32(request.minBytes)
    .int32(request.maxBytes)
    .int8(request.readCommitted ? 1 : 0)
    .int32(0)
    .int32(-1);
  const groups: FetchPartition[][] = [];
  for (const partition of request.partitions) {
    const last = groups.at(-1);
    if (last && last[0]?.topic === partition.topic) last.push(partition);
    else groups.push([partition]);
  }
  writer.int32(groups.length);
  for (const group of groups) {
    writer.string((group[0] as FetchPartition).topic).int32(group.length);
    for (const { partition, offset } of group) writer.int32(partition).int32(-1).int64(offset).int64(-1n).int32(request.partitionMaxBytes);
  }
  return writer.int32(0).string('').bytes();
}

export function decodeFetchResponse(payload: Buffer): { throttleMs: number; error: number; partitions: FetchedPartition[] } {
  const reader = new WireReader(payload);
  const throttleMs = reader.int32();
  const error = reader.int16();
  reader.int32();
  const partitions: FetchedPartition[] = [];
  for (let topics = reader.int32(); topics > 0; topics--) {
    const topic = reader.string();
    for (let count = reader.int32(); count > 0; count--) {
      const partition = reader.int32();
      const partitionError = reader.int16();
      const highWatermark = reader.int64();
      const lastStableOffset = reader.int64();
      reader.int64();
      const aborted: AbortedTransaction[] = [];
      for (let transactions = reader.int32(); transactions > 0; transactions--) aborted.push({ producerId: reader.int64(), firstOffset: reader.int64() });
      reader.int32();
      partitions.push({ topic, partition, error: partitionError, highWatermark, lastStableOffset, aborted, records: reader.bytes() });
    }
  }
  return { throttleMs, error, partitions };
}
