import type { SourceOffset, SourcePartition } from '../../connect/data/record.ts';
import { canonicalJson, parseExact, stringifyExact } from '../../connect/exact-json.ts';
import { hashOrder } from '../../connect/java/hash-order.ts';
import type { ConsumerRecord, ProducerRecord } from '../../kafka/ports.ts';

/** A source partition and how far it was read; null: nowhere, or not any more. */
export interface PartitionOffset {
  readonly partition: SourcePartition;
  readonly offset: SourceOffset | null;
}

interface Entry extends PartitionOffset {
  /** As it stands in the topic: compaction goes by these bytes. */
  readonly key: Buffer;
}

/**
 * The offsets of one connector as its offsets topic has them, in Kafka Connect's format: `["connector",{partition}]` as
 * key, `{offset}` as value, both JSON without schemas.
 */
export class StoredOffsets {
  readonly #connector: string;
  readonly #entries = new Map<string, Entry>();

  constructor(connector: string) {
    this.#connector = connector;
  }

  get(partition: SourcePartition): SourceOffset | null {
    return this.#entries.get(canonicalJson(partition))?.offset ?? null;
  }

  /** Those that have an offset. */
  all(): readonly { readonly partition: SourcePartition; readonly offset: SourceOffset }[] {
    return [...this.#entries.values()].flatMap(({ partition, offset }) => (offset === null ? [] : [{ partition, offset }]));
  }

  /** Takes over what was stored. */
  set({ partition, offset }: PartitionOffset): void {
    this.#entries.set(canonicalJson(partition), { partition, offset, key: this.#keyOf(partition) });
  }

  /** Takes over a record of the topic; one of another connector, or that is not in the format, is left out. */
  read({ key, value }: Pick<ConsumerRecord, 'key' | 'value'>): void {
    if (key === null) return;
    let pair: unknown;
    let offset: unknown = null;
    try {
      pair = parseExact(key.toString('utf8'));
      if (!Array.isArray(pair) || pair.length !== 2 || pair[0] !== this.#connector || !isObject(pair[1])) return;
      if (value !== null) offset = parseExact(value.toString('utf8'));
    } catch {
      return;
    }
    const [, partition] = pair as [string, SourcePartition];
    // The fetched bytes belong to a batch: a copy, so that it need not be kept.
    this.#entries.set(canonicalJson(partition), { partition, offset: isObject(offset) ? offset : null, key: Buffer.from(key) });
  }

  /** The record of the topic that says so. */
  record(topic: string, { partition, offset }: PartitionOffset): ProducerRecord {
    const value = offset === null ? null : Buffer.from(stringifyExact(offset));
    return { topic, partition: null, key: this.#keyOf(partition), value, headers: [], timestamp: null };
  }

  #keyOf(partition: SourcePartition): Buffer {
    const known = this.#entries.get(canonicalJson(partition));
    if (known !== undefined) return known.key;
    // As a HashMap has them, so that a key which Kafka Connect writes is the same one as a rule.
    const ordered = Object.fromEntries(hashOrder(Object.keys(partition)).map((name) => [name, partition[name]]));
    return Buffer.from(stringifyExact([this.#connector, ordered]));
  }
}

/** What must be stored for `stored` to say what `wanted` says. */
export function differences(wanted: readonly PartitionOffset[], stored: readonly PartitionOffset[]): PartitionOffset[] {
  const left = new Map(stored.map(({ partition, offset }) => [canonicalJson(partition), { partition, offset }]));
  const changes: PartitionOffset[] = [];
  for (const each of wanted) {
    const key = canonicalJson(each.partition);
    const there = left.get(key);
    left.delete(key);
    if (there === undefined || canonicalJson(there.offset) !== canonicalJson(each.offset)) changes.push(each);
  }
  for (const { partition } of left.values()) changes.push({ partition, offset: null });
  return changes;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
