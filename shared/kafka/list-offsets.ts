import { partitionKey, type TopicPartition } from '../connect/topic-partition.ts';
import { KafkaCluster } from './kafka-cluster.ts';
import { brokerError, errorCode } from './kafka-errors.ts';

/** Special times of ListOffsets. */
export const listOffsetsAt = { latest: -1, earliest: -2 } as const;

interface ListOffsetsAnswer {
  readonly responses: readonly { topic: string; partitions: readonly { partition: number; errorCode: number; offset: string }[] }[];
}

/**
 * Offsets of many partitions at a time, with one request to each leader at once. Partitions that do not exist are left
 * out; those without an offset at that time are `-1n`.
 * @param timestamp milliseconds, or one of `listOffsetsAt`
 * @throws RetriableException when the cluster does not answer in time
 */
export async function listOffsets(
  cluster: KafkaCluster,
  partitions: readonly TopicPartition[],
  timestamp: number,
  readCommitted: boolean,
): Promise<Map<string, bigint>> {
  const found = new Map<string, bigint>();
  let left: readonly TopicPartition[] = partitions;
  let refresh = left.some(({ topic, partition }) => cluster.leader(topic, partition) === undefined);
  await cluster.retry('list offsets', async () => {
    if (refresh) await cluster.refresh([...new Set(left.map(({ topic }) => topic))]);
    refresh = true;
    const byLeader = new Map<number, TopicPartition[]>();
    for (const partition of left) {
      const leader = cluster.leader(partition.topic, partition.partition);
      if (leader === undefined) continue;
      const group = byLeader.get(leader);
      if (group) group.push(partition);
      else byLeader.set(leader, [partition]);
    }
    const answers = await Promise.all(
      [...byLeader].map(async ([leader, group]) => {
        const connection = await cluster.node(leader);
        return connection.request<ListOffsetsAnswer>('ListOffsets', { isolationLevel: readCommitted ? 1 : 0, topics: topicsOf(group, timestamp) }, false);
      }),
    );
    let failed: Error | undefined;
    const again = new Set<string>();
    for (const { responses } of answers) {
      for (const { topic, partitions: parts } of responses) {
        for (const { partition, errorCode: code, offset } of parts) {
          const key = partitionKey(topic, partition);
          if (code === errorCode.none) found.set(key, BigInt(offset));
          else if (code !== errorCode.unknownTopicOrPartition) {
            failed = brokerError(code, `Offsets of ${key}`);
            if (!KafkaCluster.staleMetadata(code)) throw failed;
            again.add(key);
          }
        }
      }
    }
    // Partitions that exist and have no leader now will have one: wait for it.
    for (const { topic, partition } of left) {
      const metadata = cluster.topic(topic);
      if (metadata?.error === 0 && metadata.leaders[partition] === -1) {
        again.add(partitionKey(topic, partition));
        failed ??= brokerError(errorCode.leaderNotAvailable, `Offsets of ${partitionKey(topic, partition)}`);
      } else if (metadata && metadata.error !== 0 && metadata.error !== errorCode.unknownTopicOrPartition) {
        failed = brokerError(metadata.error, `Topic "${topic}"`);
        again.add(partitionKey(topic, partition));
      }
    }
    left = left.filter(({ topic, partition }) => again.has(partitionKey(topic, partition)));
    if (failed && left.length > 0) throw failed;
  });
  return found;
}

function topicsOf(partitions: readonly TopicPartition[], timestamp: number): { topic: string; partitions: { partition: number; timestamp: number }[] }[] {
  const byTopic = new Map<string, { partition: number; timestamp: number }[]>();
  for (const { topic, partition } of partitions) {
    const group = byTopic.get(topic);
    if (group) group.push({ partition, timestamp });
    else byTopic.set(topic, [{ partition, timestamp }]);
  }
  return [...byTopic].map(([topic, group]) => ({ topic, partitions: group }));
}
