import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import type { ConsumerRecord, KafkaClients } from '../../shared/kafka/ports.ts';
import type { RunResult } from './expectation.ts';

type Bytes = string | null;

/** A header as vectors tell it: `value` (base64) of the record's own, `text` of Connect's, `prefix` and `causes` of a stack trace. */
interface HeaderImage {
  readonly key: string;
  readonly value?: Bytes;
  readonly text?: string | null;
  readonly prefix?: string;
  readonly causes?: readonly string[];
  readonly incidental?: boolean;
}

interface LetterImage {
  readonly key: Bytes;
  readonly value: Bytes;
  readonly timestamp: string;
  readonly headers: readonly HeaderImage[];
}

/** A case of kind dlq: records through a FileStreamSink with a dead letter topic. */
export interface DlqCase {
  readonly id: string;
  readonly kind: 'dlq';
  readonly config: Readonly<Record<string, string>>;
  readonly partitions: number;
  readonly records: readonly {
    readonly key: Bytes;
    readonly value: Bytes;
    readonly headers: readonly { key: string; value: Bytes }[];
    readonly timestamp: string;
    readonly partition: number;
  }[];
  readonly expect: {
    readonly task: { readonly state: string; readonly tracePrefix?: string; readonly traceCauses?: readonly string[] };
    readonly delivered: readonly string[];
    readonly deliveredIsIncidental?: boolean;
    readonly dlqPartitions?: number;
    readonly dlq: readonly LetterImage[];
  };
}

interface Status {
  readonly tasks: readonly { readonly state: string; readonly trace?: string }[];
}

const casesAtOnce = 4;
const settleTimeoutMs = 60_000;
const failedGraceMs = 1_500;
const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const base64 = (bytes: Uint8Array | null): Bytes => (bytes === null ? null : Buffer.from(bytes).toString('base64'));
const bytesOf = (text: Bytes): Buffer | null => (text === null ? null : Buffer.from(text, 'base64'));

/**
 * Runs cases of kind dlq, some at once, by the REST API at `url` and the broker at `kafka`, which is that system's. Both must be on this
 * machine: the sinks write to a folder of it. Topics and connectors have names of their own, the connectors are removed.
 */
export async function runDlq(cases: readonly DlqCase[], { url, kafka }: { url: string; kafka: string }): Promise<RunResult> {
  const clients = createKafkaClients({ 'bootstrap.servers': kafka }, quiet);
  const folder = await mkdtemp(join(tmpdir(), 'sluice-dlq-'));
  const run = Date.now().toString(36);
  try {
    const found: string[][] = [];
    const notes = cases.flatMap((each) => noteOn(each) ?? []);
    let next = 0;
    const lane = async () => {
      while (next < cases.length) {
        const index = next++;
        const each = cases[index] as DlqCase;
        const compared = compareCase(each, { url, clients, name: `dlq-${run}-${index}`, folder });
        found[index] = await compared.catch((error: unknown) => [`${each.id}: ${(error as Error).message}`]);
      }
    };
    await Promise.all(Array.from({ length: casesAtOnce }, lane));
    const failed = found.filter(({ length }) => length > 0).length;
    return { passed: cases.length - failed, failed, messages: { equal: 0, total: 0 }, mismatches: found.flat(), notes };
  } finally {
    await clients.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Place {
  readonly url: string;
  readonly clients: KafkaClients;
  /** Of the connector; its topics are named after it. */
  readonly name: string;
  readonly folder: string;
}

async function compareCase(each: DlqCase, place: Place): Promise<string[]> {
  const { url, clients, name } = place;
  const topic = `${name}-in`;
  const deadLetters = `${name}-out`;
  const file = join(place.folder, name);
  await clients.admin().createTopic({ topic, partitions: each.partitions, replicationFactor: 1 });
  const producer = clients.producer();
  for (const { key, value, headers, timestamp, partition } of each.records) {
    const record = { topic, partition, key: bytesOf(key), value: bytesOf(value), timestamp: Number(timestamp) };
    const { errors } = await producer.send([{ ...record, headers: headers.map((header) => ({ key: header.key, value: bytesOf(header.value) })) }]);
    for (const error of errors.values()) throw error;
  }
  await producer.close();
  const given = Object.entries(each.config).map(([key, value]) => [key, value === '${DLQ}' ? deadLetters : value]);
  const config = {
    ...Object.fromEntries(given),
    'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
    topics: topic,
    file,
    'tasks.max': '1',
    'consumer.override.auto.offset.reset': 'earliest',
  };
  await call(url, 'PUT', `/connectors/${name}/config`, config);
  try {
    const task = await settled(each, url, name);
    await sleep(task.state === 'FAILED' ? failedGraceMs : 100);
    return await differences(each, place, { task, file, topic, deadLetters });
  } finally {
    await call(url, 'DELETE', `/connectors/${name}`);
  }
}

/** The task, once it has FAILED or the offsets of all records are stored. */
async function settled(each: DlqCase, url: string, name: string): Promise<Status['tasks'][number]> {
  const wanted = new Map<number, number>();
  for (const { partition } of each.records) wanted.set(partition, (wanted.get(partition) ?? 0) + 1);
  for (const end = Date.now() + settleTimeoutMs; ; await sleep(200)) {
    // Kafka Connect knows no status of a connector that it has just taken.
    const [task] = ((await call(url, 'GET', `/connectors/${name}/status`, undefined, 404)) as Status | null)?.tasks ?? [];
    if (task?.state === 'FAILED') return task;
    const { offsets } = (await call(url, 'GET', `/connectors/${name}/offsets`)) as {
      offsets: readonly { partition: { kafka_partition: number }; offset: { kafka_offset: number } }[];
    };
    const stored = new Map(offsets.map(({ partition, offset }) => [partition.kafka_partition, offset.kafka_offset]));
    if (task !== undefined && [...wanted].every(([partition, count]) => stored.get(partition) === count)) return task;
    if (Date.now() > end) throw new Error(`after ${settleTimeoutMs / 1000} s its task is ${task?.state ?? 'not there'}, and not all offsets are stored`);
  }
}

async function differences(
  { id, config, records, expect }: DlqCase,
  { clients, name }: Place,
  { task, file, topic, deadLetters }: { task: Status['tasks'][number]; file: string; topic: string; deadLetters: string },
): Promise<string[]> {
  const mismatches: string[] = [];
  const compare = (what: string, expected: unknown, found: unknown) => {
    if (!isDeepStrictEqual(expected, found)) mismatches.push(`${id}: ${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(found)}`);
  };
  const lines = task.trace?.split('\n') ?? [];
  const trace = task.trace === undefined ? {} : { tracePrefix: lines[0]?.replace(deadLetters, '${DLQ}') ?? '', traceCauses: causesOf(lines) };
  compare('task', expect.task, { state: task.state, ...trace });
  if (expect.deliveredIsIncidental !== true) {
    const delivered = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
    compare('delivered', [...expect.delivered].sort(), delivered.sort());
  }
  const partitions = (await clients.admin().partitionCounts([deadLetters])).get(deadLetters);
  compare('dlqPartitions', expect.dlqPartitions, partitions);
  const missing = lacking({ config, records, expect });
  const letters = partitions === undefined ? [] : (await readAll(clients, deadLetters)).map((record) => imageOf(record, topic, name));
  const wanted = expect.dlq.length + missing;
  if (letters.length !== wanted) return [...mismatches, `${id}: dlq: expected ${wanted} records, got ${letters.length}`];
  if (missing > 0) {
    // Those that the vector lacks must be records of the case, as they were.
    const content = ({ key, value, timestamp }: { key: Bytes; value: Bytes; timestamp: string }) => JSON.stringify([key, value, timestamp]);
    const all = new Set(records.map(content));
    for (const letter of letters) if (!all.has(content(letter))) mismatches.push(`${id}: dlq: ${content(letter)} is no record of the case`);
    return mismatches;
  }
  // Those of different partitions come in any order.
  const place = ({ headers }: LetterImage) => headers.flatMap(({ key, text }) => (/errors\.(?:partition|offset)$/.test(key) ? [text] : [])).join(' ');
  const inOrder = (images: readonly LetterImage[]) => [...images].sort((a, b) => (place(a) < place(b) ? -1 : place(a) > place(b) ? 1 : 0));
  const found = inOrder(letters);
  for (const [index, letter] of inOrder(expect.dlq).entries()) {
    const got = found[index] as LetterImage;
    compare(`dlq[${index}]`, { ...letter, headers: letter.headers.map(({ key }) => key) }, { ...got, headers: got.headers.map(({ key }) => key) });
    for (const [at, header] of letter.headers.entries()) if (header.incidental !== true) compare(`dlq[${index}].${header.key}`, header, got.headers[at]);
  }
  return mismatches;
}

/**
 * How many dead letters a vector lacks. Without a transformation every record is delivered or is a dead letter; where a vector has neither of
 * some, it was taken too early: the real worker commits offsets without waiting for its dead letters, and the topic was read 0.1 s after that.
 */
function lacking({ config, records, expect }: Pick<DlqCase, 'config' | 'records' | 'expect'>): number {
  const hasQueue = (config['errors.deadletterqueue.topic.name'] ?? '') !== '';
  if (!hasQueue || config['transforms'] !== undefined || config['errors.tolerance'] !== 'all' || expect.task.state !== 'RUNNING') return 0;
  return Math.max(0, records.length - expect.delivered.length - expect.dlq.length);
}

function noteOn(each: DlqCase): string | null {
  const missing = lacking(each);
  if (missing === 0) return null;
  return `note: ${each.id} was recorded too early: of ${each.records.length} records ${missing} are neither delivered nor dead letters. They are taken for dead letters.`;
}

function imageOf(record: ConsumerRecord, topic: string, connector: string): LetterImage {
  return {
    key: base64(record.key),
    value: base64(record.value),
    timestamp: String(record.timestamp),
    headers: record.headers.map(({ key, value }): HeaderImage => {
      if (!key.startsWith('__connect.errors.')) return { key, value: base64(value) };
      const text = value === null ? null : Buffer.from(value).toString('utf8');
      if (key === '__connect.errors.exception.stacktrace' && text !== null) {
        const lines = text.split('\n');
        return { key, prefix: lines[0] ?? '', causes: causesOf(lines) };
      }
      if (key === '__connect.errors.topic' && text === topic) return { key, text: '${TOPIC}' };
      if (key === '__connect.errors.connector.name' && text === connector) return { key, text: '${CONNECTOR}' };
      return { key, text };
    }),
  };
}

const causesOf = (lines: readonly string[]) => lines.flatMap((line) => (line.startsWith('Caused by: ') ? [line.slice(11).split(':')[0] as string] : []));

async function readAll(clients: KafkaClients, topic: string): Promise<ConsumerRecord[]> {
  const end = (await clients.admin().endOffsets([{ topic, partition: 0 }])).get(`${topic}-0`) ?? 0n;
  const reader = clients.reader();
  reader.assign([{ topic, partition: 0, offset: 0n }]);
  const all: ConsumerRecord[] = [];
  for (let next = 0n; next < end; ) {
    for (const { records, nextOffset } of await reader.poll(1_000)) {
      for (const record of records) all.push(copyOf(record));
      next = nextOffset;
    }
  }
  await reader.close();
  return all;
}

/** What is read is a view of the batch it came in. */
function copyOf({ offset, timestamp, timestampType, key, value, headers }: ConsumerRecord): ConsumerRecord {
  const copy = (bytes: Buffer | null) => (bytes === null ? null : Buffer.from(bytes));
  return { offset, timestamp, timestampType, key: copy(key), value: copy(value), headers: headers.map((each) => ({ key: each.key, value: copy(each.value) })) };
}

/** Calls again while the system is busy (409, 429). Null for the status `absent`. */
async function call(url: string, method: string, path: string, body?: unknown, absent?: number): Promise<unknown> {
  for (let attempt = 0; ; attempt++) {
    const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(`${url}${path}`, { method, ...sent });
    const text = await response.text();
    if ((response.status === 409 || response.status === 429) && attempt < 60) await sleep(500);
    else if (response.status === absent) return null;
    else if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`);
    else return text === '' ? null : JSON.parse(text);
  }
}
