import { partitionKey, type TopicPartition } from '../connect/topic-partition.ts';
import type { ClusterAdmin } from '../kafka/ports.ts';
import type { TaskItem } from '../storage/ports.ts';
import { ageOfLag, type BehindPartition } from './lag-age.ts';

/** A partition and what is read next of it; null: nothing was stored yet. */
export interface Position extends TopicPartition {
  readonly offset: bigint | null;
}

/** How far behind one partition is. What retention has removed is not to be read any more and does not count. */
export interface PartitionLag extends TopicPartition {
  readonly offset: bigint;
  readonly end: bigint;
  readonly records: number;
}

/** Lags in the order of the positions; those of partitions that do not exist are zero. Two requests for all. Rejects when Kafka cannot be asked. */
export async function partitionLags(admin: Pick<ClusterAdmin, 'endOffsets' | 'beginningOffsets'>, positions: readonly Position[]): Promise<PartitionLag[]> {
  if (positions.length === 0) return [];
  const ends = await admin.endOffsets(distinct(positions));
  const unread = positions.filter(({ topic, partition, offset }) => offset === null || offset < (ends.get(partitionKey(topic, partition)) ?? 0n));
  const beginnings = unread.length === 0 ? new Map<string, bigint>() : await admin.beginningOffsets(distinct(unread));
  return positions.map(({ topic, partition, offset: stored }) => {
    const key = partitionKey(topic, partition);
    const beginning = beginnings.get(key) ?? 0n;
    const offset = stored !== null && stored > beginning ? stored : beginning;
    const end = ends.get(key) ?? offset;
    return { topic, partition, offset, end, records: end > offset ? Number(end - offset) : 0 };
  });
}

/** What a sink task reads next. */
export function positionsOf({ partitions, offsets }: Pick<TaskItem, 'partitions' | 'offsets'>): Position[] {
  return partitions.map(({ topic, partition }) => ({ topic, partition, offset: offsets.get(partitionKey(topic, partition)) ?? null }));
}

/** How old the oldest unread record is, in seconds (`ageOfLag`); 0 without one. */
export async function secondsBehind(admin: Pick<ClusterAdmin, 'offsetsForTime'>, lags: readonly PartitionLag[], now: number): Promise<number> {
  const behind: BehindPartition[] = lags.filter(({ records }) => records > 0);
  return behind.length === 0 ? 0 : ((await ageOfLag(admin, new Map([['', behind]]), now)).get('') ?? 0);
}

function distinct(positions: readonly TopicPartition[]): TopicPartition[] {
  return [...new Map(positions.map((each) => [partitionKey(each.topic, each.partition), each])).values()];
}
