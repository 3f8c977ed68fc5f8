import type { SourceOffset, SourcePartition } from '../../connect/data/record.ts';
import { javaClassOf, traceOf } from '../../connect/errors.ts';
import type { ProcessingContext } from '../errors/processing-context.ts';
import { recordText } from './source-record-text.ts';

/** Where a failed record came from: a partition of a topic, or a place in an external system on its way to a topic. */
export type LetterOrigin =
  | { readonly kind: 'sink'; readonly topic: string; readonly partition: number; readonly offset: bigint }
  | { readonly kind: 'source'; readonly topic: string; readonly partition: SourcePartition; readonly offset: SourceOffset | null };

/** Where a letter that is too large for its queue is as a whole. */
export interface ClaimCheck {
  readonly bucket: string;
  readonly key: string;
  readonly bytes: number;
}

/** A failed record with all that is known of the failure: what queues are told, and what is read back from them. */
export interface DeadLetter {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[];
  /** Of the record; null: none. */
  readonly timestamp: number | null;
  /** `bytes`: key, value and headers are the record's, as in Kafka. `record`: the value is the text of a source's record that has no bytes yet. */
  readonly content: 'bytes' | 'record';
  /** Null where the queue was not told (`errors.deadletterqueue.context.headers.enable=false`). */
  readonly origin: LetterOrigin | null;
  readonly connector: string | null;
  readonly task: number | null;
  readonly stage: string | null;
  readonly className: string | null;
  readonly exceptionClass: string | null;
  readonly message: string | null;
  readonly trace: string | null;
  /** When it failed, in milliseconds since the epoch; null where the queue was not told. */
  readonly failedAt: number | null;
  /** How often it was replayed before it failed this time. */
  readonly replays: number;
  readonly claim: ClaimCheck | null;
  /** How many bytes the value had of which only the first are here, because the queue takes no more; null: it is whole. */
  readonly cutFrom: number | null;
}

/** A consumed record that is being replayed: how often that is so now. */
export interface Replayed {
  readonly replays: number;
}

/** The letter about a failed operation; null when it is about no record. */
export function deadLetterOf(context: ProcessingContext, { connector, task, now }: { connector: string; task: number; now: number }): DeadLetter | null {
  const { consumed, source, stage, className, error } = context;
  const about = {
    connector,
    task,
    stage,
    className,
    exceptionClass: javaClassOf(error),
    message: error instanceof Error ? error.message : String(error),
    trace: traceOf(error),
    failedAt: now,
    claim: null,
    cutFrom: null,
  };
  if (consumed !== null) {
    const { topic, partition, record } = consumed;
    return {
      ...about,
      key: record.key,
      value: record.value,
      headers: record.headers,
      timestamp: record.timestamp < 0 ? null : record.timestamp,
      content: 'bytes',
      origin: { kind: 'sink', topic, partition, offset: record.offset },
      replays: replaysOf(record),
    };
  }
  if (source?.record === undefined) return null;
  const { record, produced = null } = source;
  const origin: LetterOrigin = { kind: 'source', topic: produced?.topic ?? record.topic, partition: record.sourcePartition, offset: record.sourceOffset };
  const replays = replaysOf(record);
  if (produced !== null) {
    const { key, value, headers, timestamp } = produced;
    return { ...about, key, value, headers, timestamp, content: 'bytes', origin, replays };
  }
  return { ...about, key: null, value: Buffer.from(recordText(record)), headers: [], timestamp: record.timestamp, content: 'record', origin, replays };
}

function replaysOf(record: object): number {
  return (record as Partial<Replayed>).replays ?? 0;
}
