import type { SourceOffset, SourcePartition } from '../../connect/data/record.ts';
import { parseExact, stringifyExact } from '../../connect/exact-json.ts';
import type { ConsumerRecord, ProducerRecord, RecordHeader } from '../../kafka/ports.ts';
import type { ClaimCheck, DeadLetter, LetterOrigin } from './dead-letter.ts';

/** Kafka Connect's headers (KIP-298), in its order. */
const PREFIX = '__connect.errors.';
/** Ours, behind them, where there is something to say that Kafka Connect has no header for. */
const OURS = '__sluice.errors.';

/** A letter as a record of a topic: what the failed record was, then why it failed, byte for byte as Kafka Connect does it. */
export function letterRecord(letter: DeadLetter, { topic, contextHeaders }: { topic: string; contextHeaders: boolean }): ProducerRecord {
  const headers: { key: string; value: Uint8Array | null }[] = [...letter.headers];
  if (contextHeaders) for (const [key, value] of contextOf(letter)) headers.push({ key: PREFIX + key, value: Buffer.from(value ?? '') });
  for (const [key, value] of ownContextOf(letter)) headers.push({ key: OURS + key, value: Buffer.from(value) });
  return { topic, partition: null, key: letter.key, value: letter.value, headers, timestamp: letter.timestamp };
}

function* contextOf(letter: DeadLetter): Iterable<[key: string, value: string | null]> {
  const { origin } = letter;
  if (origin !== null) {
    yield ['topic', origin.topic];
    yield [origin.kind === 'sink' ? 'partition' : 'source.partition', origin.kind === 'sink' ? String(origin.partition) : stringifyExact(origin.partition)];
    yield [origin.kind === 'sink' ? 'offset' : 'source.offset', origin.kind === 'sink' ? String(origin.offset) : stringifyExact(origin.offset)];
  }
  yield ['connector.name', letter.connector];
  yield ['task.id', String(letter.task)];
  yield ['stage', letter.stage];
  yield ['class.name', letter.className];
  yield ['exception.class.name', letter.exceptionClass];
  yield ['exception.message', letter.message];
  yield ['exception.stacktrace', letter.trace];
}

function* ownContextOf(letter: DeadLetter): Iterable<[key: string, value: string]> {
  if (letter.content === 'record') yield ['content', 'record'];
  if (letter.origin?.kind === 'source' && letter.failedAt !== null) yield ['time', String(letter.failedAt)];
  if (letter.replays > 0) yield ['replays', String(letter.replays)];
  if (letter.claim !== null) yield ['claim', JSON.stringify(letter.claim)];
  if (letter.cutFrom !== null) yield ['cut.from', String(letter.cutFrom)];
}

/** The other way round. Whoever wrote the record, Kafka Connect or Sluice; what its headers do not tell is null. */
export function letterOfRecord(record: ConsumerRecord): DeadLetter {
  // A record may have failed before, elsewhere, and carry headers of that: the last are those of this failure.
  const start = record.headers.findLastIndex(({ key }) => key === `${PREFIX}topic`);
  const ours = record.headers.findIndex(({ key }, index) => index >= start && key.startsWith(OURS));
  const end = start >= 0 ? start : ours >= 0 ? ours : record.headers.length;
  const context = new Map(record.headers.slice(end).map(({ key, value }: RecordHeader) => [key, value === null ? null : value.toString('utf8')]));
  const text = (name: string) => context.get(PREFIX + name) ?? null;
  const own = (name: string) => context.get(OURS + name) ?? null;
  const task = text('task.id');
  const time = own('time');
  const cut = own('cut.from');
  return {
    key: record.key,
    value: record.value,
    headers: record.headers.slice(0, end),
    timestamp: record.timestamp < 0 ? null : record.timestamp,
    content: own('content') === 'record' ? 'record' : 'bytes',
    origin: originOf(text),
    connector: text('connector.name'),
    task: task === null ? null : Number(task),
    stage: text('stage'),
    className: text('class.name'),
    exceptionClass: text('exception.class.name'),
    message: text('exception.message'),
    trace: text('exception.stacktrace'),
    failedAt: time === null ? null : Number(time),
    replays: Number(own('replays') ?? 0),
    claim: claimOf(own('claim')),
    cutFrom: cut === null ? null : Number(cut),
  };
}

function originOf(text: (name: string) => string | null): LetterOrigin | null {
  const topic = text('topic');
  if (topic === null) return null;
  const [partition, offset] = [text('partition'), text('offset')];
  if (partition !== null && offset !== null && /^\d+$/.test(partition) && /^\d+$/.test(offset))
    return { kind: 'sink', topic, partition: Number(partition), offset: BigInt(offset) };
  const [sourcePartition, sourceOffset] = [json(text('source.partition')), json(text('source.offset'))];
  return sourcePartition === null
    ? null
    : { kind: 'source', topic, partition: sourcePartition as SourcePartition, offset: sourceOffset as SourceOffset | null };
}

function claimOf(text: string | null): ClaimCheck | null {
  const claim = json(text) as Partial<ClaimCheck> | null;
  return typeof claim?.bucket === 'string' && typeof claim.key === 'string' ? { bucket: claim.bucket, key: claim.key, bytes: Number(claim.bytes ?? 0) } : null;
}

/** Null for what is no JSON: anybody may write into a topic. */
function json(text: string | null): unknown {
  if (text === null) return null;
  try {
    return parseExact(text);
  } catch {
    return null;
  }
}
