import type { SourceOffset, SourcePartition } from '../connect/data/record.ts';
import { canonicalJson } from '../connect/exact-json.ts';
import { javaToString } from '../connect/java/java-value.ts';
import { parsePartitionKey, partitionKey } from '../connect/topic-partition.ts';
import { BadRequestException } from './connect-rest-exception.ts';
import type { ConnectorOffset, ConnectorOffsets } from './entities.ts';

/** An entry of `PATCH /connectors/{c}/offsets` as it came: either part may be missing. */
export interface OffsetChange {
  readonly partition: SourcePartition | null;
  readonly offset: SourceOffset | null;
}

/** Sink offsets by partition key as the REST API tells them. */
export function sinkConnectorOffsets(offsets: ReadonlyMap<string, bigint>): ConnectorOffsets {
  return {
    offsets: [...offsets].map(([key, offset]): ConnectorOffset => {
      const { topic, partition } = parsePartitionKey(key);
      return { partition: { kafka_partition: partition, kafka_topic: topic }, offset: { kafka_offset: offset } };
    }),
  };
}

/** Reads offsets for a sink (Kafka's `SinkUtils.parseSinkConnectorOffsets`); null removes one. Throws BadRequestException with Kafka's texts. */
export function parseSinkOffsets(changes: readonly OffsetChange[]): Map<string, bigint | null> {
  const parsed = new Map<string, bigint | null>();
  for (const { partition, offset } of changes) {
    if (partition === null) throw new BadRequestException('The partition for a sink connector offset cannot be null or missing');
    if (!('kafka_topic' in partition) || !('kafka_partition' in partition))
      throw new BadRequestException("The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'");
    if (partition['kafka_topic'] === null) throw new BadRequestException('Kafka topic names must be valid strings and may not be null');
    if (partition['kafka_partition'] === null) throw new BadRequestException('Kafka partitions must be valid numbers and may not be null');
    const number = wholeNumber(partition['kafka_partition'], 31);
    if (number === null)
      throw new BadRequestException(
        `Failed to parse the following Kafka partition value in the provided offsets: '${javaText(partition['kafka_partition'])}'. Partition values for sink connectors need to be integers.`,
      );
    const key = partitionKey(javaText(partition['kafka_topic']), Number(number));
    if (offset === null) {
      parsed.set(key, null);
      continue;
    }
    if (!('kafka_offset' in offset)) throw new BadRequestException("The offset for a sink connector should either be null or contain the key 'kafka_offset'");
    const position = wholeNumber(offset['kafka_offset'], 63);
    if (position === null)
      throw new BadRequestException(
        `Failed to parse the following Kafka offset value in the provided offsets: '${javaText(offset['kafka_offset'])}'. Offset values for sink connectors need to be integers.`,
      );
    if (position < 0n) throw new BadRequestException(`Invalid offset ${position} for the partition ${key}: an offset must not be negative`);
    parsed.set(key, position);
  }
  return parsed;
}

/** What Java's `String.valueOf` makes of a value of JSON. */
function javaText(value: unknown): string {
  return javaToString(null, asMaps(value));
}

function asMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asMaps);
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value).map(([key, each]) => [key, asMaps(each)])) : value;
}

/** A number or its text, both are accepted; null for anything else, or beyond so many bits. */
function wholeNumber(value: unknown, bits: number): bigint | null {
  const text = typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string' ? String(value) : '';
  if (!/^[+-]?\d+$/.test(text)) return null;
  const whole = BigInt(text.replace('+', ''));
  return BigInt.asIntN(bits + 1, whole) === whole ? whole : null;
}

/**
 * Source offsets to be set, the last one of each partition; an entry without a partition and an offset says nothing.
 * Throws BadRequestException where a value is not a plain one.
 */
export function parseSourceOffsets(changes: readonly OffsetChange[]): { partition: SourcePartition; offset: SourceOffset | null }[] {
  const byPartition = new Map<string, { partition: SourcePartition; offset: SourceOffset | null }>();
  for (const { partition, offset } of changes) {
    for (const part of [partition, offset]) validateFormat(part);
    if (partition === null) {
      if (offset !== null) throw new BadRequestException('Partition objects cannot be null');
      continue;
    }
    byPartition.set(canonicalJson(partition), { partition, offset });
  }
  return [...byPartition.values()];
}

function validateFormat(part: Readonly<Record<string, unknown>> | null): void {
  for (const [field, value] of Object.entries(part ?? {})) {
    if (typeof value === 'object' && value !== null)
      throw new BadRequestException(
        `Offsets may only contain primitive types as values, but field ${field} contains ${Array.isArray(value) ? 'ARRAY' : 'MAP'}`,
      );
  }
}
