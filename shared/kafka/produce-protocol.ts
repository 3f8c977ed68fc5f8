import { WireReader, WireWriter } from './wire.ts';

/** Produce version 7 (KIP-110, Kafka 2.1, with zstd): the newest that kafkajs negotiates; Kafka 4 serves it. */
export const produceVersion = 7;

export interface ProducePartition {
  readonly topic: string;
  readonly partition: number;
  /** One sealed batch: the protocol allows one for each partition in a request. */
  readonly batch: Buffer;
}

export interface ProducedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly error: number;
  readonly baseOffset: bigint;
  /** -1 unless the topic stamps records when they are appended. */
  readonly logAppendTime: number;
}

/** A request with acks=all, as parts that need not be copied together. */
export function encodeProduceRequest(transactionalId: string | null, timeoutMs: number, partitions: readonly ProducePartition[]): Buffer[] {
  const byTopic = new Map<string, ProducePartition[]>();
  for (const partition of partitions) {
    const group = byTopic.get(partition.topic);
    if (group) group.push(partition);
    else byTopic.set(partition.topic, [partition]);
  }
  const parts: Buffer[] = [];
  let writer = new WireWriter(128).string(transactionalId).int16(-1).int32(timeoutMs).int32(byTopic.size);
  for (const [topic, group] of byTopic) {
    writer.string(topic).int32(group.length);
    for (const { partition, batch } of group) {
      parts.push(writer.int32(partition).int32(batch.length).bytes(), batch);
      writer = new WireWriter(128);
    }
  }
  return parts;
}

export function decodeProduceResponse(payload: Buffer): { throttleMs: number; partitions: ProducedPartition[] } {
  const reader = new WireReader(payload);
  const partitions: ProducedPartition[] = [];
  for (let topics = reader.int32(); topics > 0; topics--) {
    const topic = reader.string();
    for (let count = reader.int32(); count > 0; count--) {
      const partition = reader.int32();
      const error = reader.int16();
      const baseOffset = reader.int64();
      const logAppendTime = Number(reader.int64());
      reader.int64();
      partitions.push({ topic, partition, error, baseOffset, logAppendTime });
    }
  }
  return { throttleMs: reader.int32(), partitions };
}
