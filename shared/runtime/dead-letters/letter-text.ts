import { parseExact, stringifyExact } from '../../connect/exact-json.ts';
import type { DeadLetter, LetterOrigin } from './dead-letter.ts';

type Base64 = string | null;

/** A letter as JSON, in SQS messages and S3 objects: bytes in base64, everything else as people read it. */
interface TextOfLetter {
  readonly sluice: 'dead-letter/1';
  readonly connector: string | null;
  readonly task: number | null;
  readonly stage: string | null;
  readonly class: string | null;
  readonly exception: string | null;
  readonly message: string | null;
  readonly failed_at: number | null;
  readonly replays: number;
  readonly origin:
    | { readonly topic: string; readonly partition: number; readonly offset: number | bigint }
    | { readonly topic: string; readonly source_partition: Record<string, unknown>; readonly source_offset: Record<string, unknown> | null }
    | null;
  readonly content: DeadLetter['content'];
  readonly key: Base64;
  readonly value: Base64;
  readonly headers: readonly { readonly key: string; readonly value: Base64 }[];
  readonly timestamp: number | null;
  readonly claim: DeadLetter['claim'];
  readonly cut_from: number | null;
  readonly stack_trace: string | null;
}

const base64 = (bytes: Uint8Array | null): Base64 => (bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64'));
const bytesOf = (text: Base64): Buffer | null => (text === null ? null : Buffer.from(text, 'base64'));

export function letterText(letter: DeadLetter): string {
  const { origin } = letter;
  const text: TextOfLetter = {
    sluice: 'dead-letter/1',
    connector: letter.connector,
    task: letter.task,
    stage: letter.stage,
    class: letter.className,
    exception: letter.exceptionClass,
    message: letter.message,
    failed_at: letter.failedAt,
    replays: letter.replays,
    origin:
      origin === null
        ? null
        : origin.kind === 'sink'
          ? { topic: origin.topic, partition: origin.partition, offset: origin.offset }
          : { topic: origin.topic, source_partition: origin.partition, source_offset: origin.offset },
    content: letter.content,
    key: base64(letter.key),
    value: base64(letter.value),
    headers: letter.headers.map(({ key, value }) => ({ key, value: base64(value) })),
    timestamp: letter.timestamp,
    claim: letter.claim,
    cut_from: letter.cutFrom,
    stack_trace: letter.trace,
  };
  return stringifyExact(text);
}

/** The other way round; null for what is no letter: anybody may send to a queue. */
export function letterOfText(text: string): DeadLetter | null {
  try {
    const parsed = parseExact(text) as TextOfLetter;
    if (parsed.sluice !== 'dead-letter/1') return null;
    return {
      key: bytesOf(parsed.key),
      value: bytesOf(parsed.value),
      headers: parsed.headers.map(({ key, value }) => ({ key, value: bytesOf(value) })),
      timestamp: parsed.timestamp,
      content: parsed.content,
      origin: originOf(parsed.origin),
      connector: parsed.connector,
      task: parsed.task,
      stage: parsed.stage,
      className: parsed.class,
      exceptionClass: parsed.exception,
      message: parsed.message,
      trace: parsed.stack_trace,
      failedAt: parsed.failed_at,
      replays: parsed.replays,
      claim: parsed.claim,
      cutFrom: parsed.cut_from,
    };
  } catch {
    return null;
  }
}

function originOf(origin: TextOfLetter['origin']): LetterOrigin | null {
  if (origin === null) return null;
  if ('source_partition' in origin) return { kind: 'source', topic: origin.topic, partition: origin.source_partition, offset: origin.source_offset };
  return { kind: 'sink', topic: origin.topic, partition: origin.partition, offset: BigInt(origin.offset) };
}
