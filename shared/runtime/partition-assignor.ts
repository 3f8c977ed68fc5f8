import { javaPattern } from '../connect/java-pattern.ts';
import type { TopicPartition } from '../connect/topic-partition.ts';

/** What a sink reads. */
export interface Subscription {
  /** Topic names, or null for a pattern: then all topics of the cluster must be looked at. */
  readonly topics: readonly string[] | null;
  /** Of these topics with their partition counts, the ones that the sink reads. */
  select(counts: ReadonlyMap<string, number>): Record<string, number>;
}

/** The topics of a sink from its `topics` or `topics.regex`. A pattern must match the whole name; internal topics are never matched, as in Kafka. */
export function subscriptionOf(config: Readonly<Record<string, string>>): Subscription {
  const pattern = config['topics.regex']?.trim() ?? '';
  if (pattern !== '') {
    const regex = javaPattern(pattern, { fullMatch: true });
    return { topics: null, select: (counts) => Object.fromEntries([...counts].filter(([topic]) => !topic.startsWith('__') && regex.test(topic))) };
  }
  const topics = (config.topics ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  return {
    topics,
    select: (counts) => Object.fromEntries([...new Set(topics)].flatMap((topic) => (counts.has(topic) ? [[topic, counts.get(topic) as number]] : []))),
  };
}

/**
 * Divides partitions among tasks, evenly and always the same way: all partitions in order of topic and number, dealt
 * round. Tasks beyond the number of partitions get none.
 */
export function assignPartitions(topics: Readonly<Record<string, number>>, tasks: number): TopicPartition[][] {
  const assignment: TopicPartition[][] = Array.from({ length: tasks }, () => []);
  if (tasks === 0) return assignment;
  let next = 0;
  for (const topic of Object.keys(topics).sort()) {
    for (let partition = 0; partition < (topics[topic] as number); partition++) assignment[next++ % tasks]?.push({ topic, partition });
  }
  return assignment;
}

/** The consumer group that lag tools look at. */
export function sinkGroup(connector: string, config: Readonly<Record<string, string>>): string {
  return config['consumer.override.group.id'] ?? `connect-${connector}`;
}
