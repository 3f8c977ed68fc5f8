import { partitionKey, type TopicPartition } from '../connect/topic-partition.ts';
import type { ClusterAdmin } from '../kafka/ports.ts';

/** A partition of which a connector has not read everything; `offset` is what it reads next. */
export interface BehindPartition extends TopicPartition {
  readonly offset: bigint;
}

/** Ages that can be told: from one second up, each a fifth more than the one before, to a month. */
const steps = 81;
const secondsOf = (step: number): number => 1.2 ** step;

interface Search {
  readonly connector: string;
  /** The oldest unread record is older than this step, */
  low: number;
  /** and not older than this one, unless this is the last. */
  high: number;
  partitions: readonly BehindPartition[];
}

/**
 * How old the oldest unread record of each connector is, in seconds, at most a fifth too much; a month at most. No record
 * is fetched: the brokers tell which offset a time has, and the age is narrowed down in seven rounds, in which connectors
 * share requests as long as they are about equally far behind. Records are as old as their timestamps say.
 * Rejects when Kafka cannot be asked.
 */
export async function ageOfLag(
  admin: Pick<ClusterAdmin, 'offsetsForTime'>,
  behind: ReadonlyMap<string, readonly BehindPartition[]>,
  now: number,
): Promise<Map<string, number>> {
  const searches = [...behind].map(([connector, partitions]): Search => ({ connector, low: -1, high: steps, partitions }));
  for (;;) {
    const open = searches.filter(({ low, high }) => high - low > 1);
    if (open.length === 0) break;
    await Promise.all([...Map.groupBy(open, ({ low, high }) => low + high)].map(([sum, group]) => narrow(admin, group, Math.floor(sum / 2), now)));
  }
  return new Map(searches.map(({ connector, high }) => [connector, Math.round(secondsOf(high))]));
}

/** Asks whether the oldest unread records are older than `middle`. */
async function narrow(admin: Pick<ClusterAdmin, 'offsetsForTime'>, group: readonly Search[], middle: number, now: number): Promise<void> {
  const wanted = new Map(group.flatMap(({ partitions }) => partitions.map((each) => [partitionKey(each.topic, each.partition), each])));
  const offsets = await admin.offsetsForTime([...wanted.values()], now - Math.round(secondsOf(middle) * 1000));
  for (const search of group) {
    // The first record of that time or later comes after the one that is read next: that one is older.
    const older = search.partitions.filter(({ topic, partition, offset }) => (offsets.get(partitionKey(topic, partition)) ?? offset) > offset);
    if (older.length === 0) search.high = middle;
    else {
      search.low = middle;
      search.partitions = older;
    }
  }
}
