import { createHash } from 'node:crypto';
import { partitionKey } from '../../connect/topic-partition.ts';
import type { ClusterAdmin, ConsumerRecord, PartitionReader } from '../../kafka/ports.ts';
import type { DeadLetter } from './dead-letter.ts';
import { letterOfRecord } from './letter-record.ts';

/** A letter in a dead letter topic. */
export interface LetterInTopic {
  readonly id: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly letter: DeadLetter;
  readonly record: ConsumerRecord;
}

export const topicLetterId = (partition: number, offset: bigint): string => `${partition}-${offset}`;

/** The partition and offset of an id; null when it is none. */
export function placeOfId(id: string): { readonly partition: number; readonly offset: bigint } | null {
  const match = /^(\d{1,9})-(\d{1,19})$/.exec(id);
  return match === null ? null : { partition: Number(match[1]), offset: BigInt(match[2] as string) };
}

/** What tells whether the letter at an offset is still the one that was there. */
export function digestOf({ timestamp, key, value, headers }: ConsumerRecord): string {
  const hash = createHash('sha256').update(String(timestamp));
  for (const bytes of [key, value, ...headers.flatMap((header) => [Buffer.from(header.key), header.value])])
    hash.update(bytes === null ? '-' : `${bytes.length}:`).update(bytes ?? '');
  return hash.digest('base64').slice(0, 22);
}

/** Where the partitions of a topic begin and end now, by their numbers. */
export async function boundsOf(admin: ClusterAdmin, topic: string): Promise<{ beginnings: Map<string, bigint>; ends: Map<string, bigint> }> {
  const count = (await admin.partitionCounts([topic])).get(topic) ?? 0;
  const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }));
  const [beginnings, ends] = await Promise.all([admin.beginningOffsets(partitions), admin.endOffsets(partitions)]);
  const byNumber = (offsets: ReadonlyMap<string, bigint>) =>
    new Map(partitions.map(({ partition }) => [String(partition), offsets.get(partitionKey(topic, partition)) ?? 0n]));
  return { beginnings: byNumber(beginnings), ends: byNumber(ends) };
}

/** Reads letters of a topic from some positions to some ends, in the order of each partition. */
export class TopicLetterReader {
  readonly #topic: string;
  readonly #reader: PartitionReader;
  readonly #ends: ReadonlyMap<string, bigint>;
  readonly #positions: Map<string, bigint>;

  constructor(topic: string, reader: PartitionReader, positions: ReadonlyMap<string, bigint>, ends: ReadonlyMap<string, bigint>) {
    this.#topic = topic;
    this.#reader = reader;
    this.#positions = new Map(positions);
    this.#ends = ends;
    const open = [...positions].filter(([partition]) => !this.#isOver(partition));
    reader.assign(open.map(([partition, offset]) => ({ topic, partition: Number(partition), offset })));
  }

  /** Where the next letters are, by partition. */
  get positions(): ReadonlyMap<string, bigint> {
    return this.#positions;
  }

  get done(): boolean {
    return [...this.#positions.keys()].every((partition) => this.#isOver(partition));
  }

  /** The next letters; none when it is done, or when there were none within the time. Rejects as a reader does. */
  async read(timeoutMs: number, signal?: AbortSignal): Promise<LetterInTopic[]> {
    const letters: LetterInTopic[] = [];
    if (this.done) return letters;
    for (const { partition, records, nextOffset } of await this.#reader.poll(timeoutMs, signal)) {
      const end = this.#ends.get(String(partition)) ?? 0n;
      for (const record of records) {
        if (record.offset >= end) break;
        letters.push({ id: topicLetterId(partition, record.offset), partition, offset: record.offset, letter: letterOfRecord(record), record });
      }
      this.#positions.set(String(partition), nextOffset < end ? nextOffset : end);
      if (nextOffset >= end) this.#reader.pause([{ topic: this.#topic, partition }]);
    }
    return letters;
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  #isOver(partition: string): boolean {
    return (this.#positions.get(partition) ?? 0n) >= (this.#ends.get(partition) ?? 0n);
  }
}
