/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A stable text for a partition, for use as a map key: `orders-0`. The part after the last hyphen is the partition. */
export function partitionKey(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/** The other way round. */
export function parsePartitionKey(key: string): TopicPartition {
  const hyphen = key.lastIndexOf('-');
  return { topic: key.slice(0, hyphen), partition: Number(key.slice(hyphen + 1)) };
}
