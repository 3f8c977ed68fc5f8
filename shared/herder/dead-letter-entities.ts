import type { DeadLetter } from '../runtime/dead-letters/dead-letter.ts';
import type { Replay, ReplayCounts } from '../storage/ports.ts';
import { BadRequestException } from './connect-rest-exception.ts';

/** Bytes as people read them: a text where they are one, else base64. `bytes`: how many there are, where not all are told. */
export type BytesInfo = ({ readonly text: string } | { readonly base64: string }) & { readonly bytes?: number };

/** A dead letter in an answer. */
export interface DeadLetterInfo {
  readonly id: string;
  readonly stage: string | null;
  readonly class: string | null;
  readonly exception: string | null;
  readonly message: string | null;
  readonly task: number | null;
  /** Of the record in Kafka (sinks), or where it was to go (sources). */
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: bigint | null;
  readonly source?: { readonly partition: object; readonly offset: object | null };
  readonly timestamp: number | null;
  readonly failed_at: number | null;
  readonly replays: number;
  readonly replayed: boolean;
  readonly content: DeadLetter['content'];
  readonly key: BytesInfo | null;
  readonly value: BytesInfo | null;
  readonly headers: readonly { readonly key: string; readonly value: BytesInfo | null }[];
  /** Where the whole of it is. */
  readonly s3?: { readonly bucket: string; readonly key: string; readonly bytes: number };
  /** How many bytes the value had, of which only the first were kept. */
  readonly cut_from?: number;
  readonly stack_trace?: string | null;
}

export interface ReplayInfo {
  readonly id: string;
  readonly connector: string;
  readonly state: Replay['state'];
  readonly request: Replay['request'];
  readonly read: number;
  readonly replayed: number;
  readonly failed_again: number;
  readonly already_replayed: number;
  readonly unreadable: number;
  /** How many letters of the topic are still to be looked at; null for SQS. */
  readonly left: bigint | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly error: string | null;
  readonly trace: string | null;
}

/** What is told of keys and values in a list. */
const longest = 4_096;

export function letterInfo(id: string, letter: DeadLetter, { replayed, whole }: { replayed: boolean; whole: boolean }): DeadLetterInfo {
  const { origin, claim, cutFrom } = letter;
  const most = whole ? Number.POSITIVE_INFINITY : longest;
  return {
    id,
    stage: letter.stage,
    class: letter.className,
    exception: letter.exceptionClass,
    message: whole ? letter.message : (letter.message?.slice(0, longest) ?? null),
    task: letter.task,
    topic: origin?.topic ?? null,
    partition: origin?.kind === 'sink' ? origin.partition : null,
    offset: origin?.kind === 'sink' ? origin.offset : null,
    ...(origin?.kind === 'source' ? { source: { partition: origin.partition, offset: origin.offset } } : {}),
    timestamp: letter.timestamp,
    failed_at: letter.failedAt,
    replays: letter.replays,
    replayed,
    content: letter.content,
    key: bytesInfo(letter.key, most),
    value: bytesInfo(letter.value, most),
    headers: letter.headers.map(({ key, value }) => ({ key, value: bytesInfo(value, most) })),
    ...(claim === null ? {} : { s3: claim }),
    ...(cutFrom === null ? {} : { cut_from: cutFrom }),
    ...(whole ? { stack_trace: letter.trace } : {}),
  };
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function bytesInfo(bytes: Uint8Array | null, most: number): BytesInfo | null {
  if (bytes === null) return null;
  const size = bytes.length > most ? { bytes: bytes.length } : {};
  const text = textOf(bytes);
  // A character of a text has up to four bytes: the cut is between two.
  if (text !== null) return { text: bytes.length > most ? text.slice(0, most / 4).toWellFormed() : text, ...size };
  return { base64: Buffer.from(bytes.subarray(0, Math.min(bytes.length, most))).toString('base64'), ...size };
}

/** Null for what is no text: not UTF-8, or with control characters other than white space. */
function textOf(bytes: Uint8Array): string | null {
  try {
    const text = decoder.decode(bytes);
    return /[^\P{Cc}\t\n\r]/u.test(text) ? null : text;
  } catch {
    return null;
  }
}

export function replayInfo(replay: Replay): ReplayInfo {
  const { id, connector, state, request, counts, positions, ends, createdAt, updatedAt, error, trace } = replay;
  const { read, replayed, failedAgain, alreadyReplayed, unreadable }: ReplayCounts = counts;
  const left = [...ends].reduce((sum, [partition, end]) => sum + (end - (positions.get(partition) ?? end)), 0n);
  return {
    ...{ id, connector, state, request, read, replayed, failed_again: failedAgain, already_replayed: alreadyReplayed, unreadable },
    left: request['queue'] === 'sqs' ? null : left,
    ...{ created_at: createdAt, updated_at: updatedAt, error, trace },
  };
}

/** Where a page ended, for the next. */
export function cursorOf(positions: ReadonlyMap<string, bigint>): string {
  return [...positions].map(([partition, offset]) => `${partition}-${offset}`).join('_');
}

/** Where a page begins: at a cursor, but not before the first letters that there still are. */
export function positionsOf(cursor: string | null, beginnings: ReadonlyMap<string, bigint>): Map<string, bigint> {
  const positions = new Map(beginnings);
  for (const part of cursor === null ? [] : cursor.split('_')) {
    const match = /^(\d{1,9})-(\d{1,19})$/.exec(part);
    if (match === null) throw new BadRequestException(`Invalid value '${cursor}' of 'cursor': take it from 'next' of the page before`);
    const [partition, offset] = [match[1] as string, BigInt(match[2] as string)];
    if (offset > (beginnings.get(partition) ?? 0n)) positions.set(partition, offset);
  }
  return positions;
}
