import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KafkaTools, provideKafkaTools } from '../../infra/local/services/kafka-tools.ts';
import type { Logger } from '../../shared/connect/logger.ts';
import { compressionTypes, loadCompression } from '../../shared/kafka/compression.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import type { ConsumerRecord, PartitionReader, ProducerRecord, RecordProducer } from '../../shared/kafka/ports.ts';
import { batchField } from '../../shared/kafka/record-batch.ts';
import { BufferPool, RecordBatchEncoder } from '../../shared/kafka/record-batch-encoder.ts';
import { anyRecord, anyRecords, contentOf, farFuture, type TestRecord } from '../kafka/generated-records.ts';
import { kafkaBrokers } from './servers.ts';

/** Random batches for each pair of codecs; more for a longer look. */
const batchesEach = Number(process.env.INTEROP_BATCHES) || 12;
const silent: Logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const clients = createKafkaClients({ 'bootstrap.servers': kafkaBrokers() }, silent);
const admin = clients.admin();
const run = `kafka-interop-${process.pid}-${Date.now()}`;
const forever = String(2n ** 63n - 1n);
let tools: KafkaTools;

beforeAll(async () => {
  tools = await provideKafkaTools(() => {});
  await loadCompression('lz4');
});

afterAll(async () => {
  await admin.deleteTopics([...(await admin.partitionCounts()).keys()].filter((topic) => topic.startsWith(run)));
  await clients.close();
});

/** A topic that takes records of any time without rolling its log for it. */
async function newTopic(name: string, configs: Record<string, string> = {}): Promise<string> {
  const topic = `${run}-${name}`;
  const times = { 'message.timestamp.after.max.ms': forever, 'segment.ms': forever, 'retention.ms': '-1', 'max.message.bytes': '10000000' };
  await admin.createTopic({ topic, partitions: 1, replicationFactor: 1, configs: { ...times, ...configs } });
  return topic;
}

async function send(producer: RecordProducer, topic: string, records: readonly TestRecord[]) {
  const result = await producer.send(records.map((record): ProducerRecord => ({ topic, partition: 0, ...record })));
  expect([...result.errors.values()]).toEqual([]);
  return records.map((_, index) => result.metadata(index) as NonNullable<ReturnType<typeof result.metadata>>);
}

async function read(reader: PartitionReader, count: number): Promise<ConsumerRecord[]> {
  const found: ConsumerRecord[] = [];
  while (found.length < count) {
    const polled = await reader.poll(10_000);
    if (polled.length === 0) throw new Error(`${found.length} of ${count} records came`);
    for (const { records } of polled) found.push(...records);
  }
  return found;
}

/** Runs one of Kafka's tools; what it printed. */
function java(tool: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const machine = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Dfile.encoding=UTF-8', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'];
    const child = execFile(
      tools.java,
      [...machine, '-cp', tools.classPath, tool, ...args],
      { maxBuffer: 1 << 28, env: { ...process.env, LC_ALL: 'C.UTF-8' } },
      (error, printed, complaints) => (error ? reject(new Error(`${tool}: ${error.message}\n${printed}${complaints}`)) : resolve(printed)),
    );
    child.stdin?.end(input);
  });
}

const pairs = (separator: string, keys: Record<string, string>) => Object.entries(keys).flatMap(([key, value]) => [separator, `${key}=${value}`]);

// Where the codec of the topic is not that of the batch, the broker decodes the batch and writes another with Java's codecs.
describe.each(['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'])('a broker that keeps a topic as %s', (kept) => {
  const topics = new Map<'CreateTime' | 'LogAppendTime', { topic: string; reader: PartitionReader }>();

  beforeAll(async () => {
    for (const type of ['CreateTime', 'LogAppendTime'] as const) {
      const topic = await newTopic(`${kept}-${type}`, { 'compression.type': kept, 'message.timestamp.type': type });
      const reader = clients.reader({ maxPollRecords: 10_000 });
      reader.assign([{ topic, partition: 0, offset: 0n }]);
      topics.set(type, { topic, reader });
    }
  });

  it.each(compressionTypes)('gives back what was produced with %s, whatever is in it', { timeout: 600_000 }, async (compression) => {
    const producer = clients.producer({ compression });
    await fc.assert(
      fc.asyncProperty(anyRecords, fc.constantFrom(...topics.keys()), async (records, type) => {
        const { topic, reader } = topics.get(type) as { topic: string; reader: PartitionReader };
        const landed = await send(producer, topic, records);
        reader.seek({ topic, partition: 0 }, landed[0]?.offset as bigint);
        const found = (await read(reader, records.length)).slice(0, records.length);
        const times = records.map(({ timestamp }, index) => (type === 'CreateTime' ? timestamp : (landed[index]?.timestamp as number)));
        expect(found.map(contentOf)).toEqual(records.map((record, index) => contentOf({ ...record, timestamp: times[index] as number })));
        expect(found.map(({ offset, timestampType }) => [offset, timestampType])).toEqual(landed.map(({ offset }) => [offset, type]));
      }),
      { numRuns: batchesEach },
    );
    await producer.close();
  });
});

/** Text that the console tools can print and parse: nothing of what separates the fields. */
const text = (maxLength: number) => fc.string({ unit: 'grapheme', maxLength }).filter((value) => !/[\t\n\r,:<>\u0085\u2028\u2029]/.test(value));
const nullable = (value: fc.Arbitrary<string>) => fc.option(value, { nil: null });
const textRecord = fc.record({
  key: nullable(text(30)),
  value: nullable(text(200)),
  headers: fc.array(fc.record({ key: fc.oneof(fc.constantFrom('a', 'b', '1'), text(10)), value: nullable(text(20)) }), { maxLength: 4 }),
  timestamp: fc.oneof(fc.constantFrom(0, farFuture), fc.integer({ min: 0, max: farFuture })),
});
type TextRecord = typeof textRecord extends fc.Arbitrary<infer T> ? T : never;
const buffer = (value: string | null) => (value === null ? null : Buffer.from(value));
const toBytes = ({ key, value, headers, timestamp }: TextRecord): TestRecord => ({
  key: buffer(key),
  value: buffer(value),
  headers: headers.map((header) => ({ key: header.key, value: buffer(header.value) })),
  timestamp,
});
const orNull = (value: string | null) => value ?? '<null>';
const headerText = (headers: TextRecord['headers']) => headers.map(({ key, value }) => `${key}:${orNull(value)}`).join(',');

describe('Java’s consumer', () => {
  it('reads what was produced with each codec: keys, values, headers and times', async () => {
    const topic = await newTopic('console');
    const given: TextRecord[] = [];
    for (const compression of compressionTypes) {
      const producer = clients.producer({ compression });
      const records = fc.sample(textRecord, 200);
      await send(producer, topic, records.map(toBytes));
      await producer.close();
      given.push(...records);
    }
    const shown = { timestamp: 'true', offset: 'true', headers: 'true', key: 'true', value: 'true' };
    const properties = Object.fromEntries(Object.entries(shown).map(([what, whether]) => [`print.${what}`, whether]));
    const printed = await java('org.apache.kafka.tools.consumer.ConsoleConsumer', [
      ...['--bootstrap-server', kafkaBrokers(), '--topic', topic, '--from-beginning', '--max-messages', String(given.length), '--timeout-ms', '30000'],
      ...pairs('--formatter-property', { ...properties, 'null.literal': '<null>' }),
    ]);
    const lines = given.map(({ key, value, headers, timestamp }, offset) =>
      [`CreateTime:${timestamp}`, `Offset:${offset}`, headers.length === 0 ? 'NO_HEADERS' : headerText(headers), orNull(key), orNull(value)].join('\t'),
    );
    expect(printed.split('\n').slice(0, -1)).toEqual(lines);
  });
});

describe('Java’s producer', () => {
  it('writes, with each codec, what we read as it was meant', async () => {
    const given = new Map(compressionTypes.map((compression) => [compression, fc.sample(textRecord, 200)]));
    const startedAt = Date.now();
    await Promise.all(
      [...given].map(async ([compression, records]) => {
        const topic = await newTopic(`console-${compression}`);
        const lines = records.map(({ key, value, headers }) => [headers.length === 0 ? '<null>' : headerText(headers), orNull(key), orNull(value)].join('\t'));
        await java(
          'org.apache.kafka.tools.ConsoleProducer',
          [
            ...['--bootstrap-server', kafkaBrokers(), '--topic', topic, '--compression-codec', compression],
            ...pairs('--reader-property', { 'parse.key': 'true', 'parse.headers': 'true', 'null.marker': '<null>' }),
          ],
          `${lines.join('\n')}\n`,
        );
        const reader = clients.reader();
        reader.assign([{ topic, partition: 0, offset: 0n }]);
        const found = await read(reader, records.length);
        await reader.close();
        expect(found.map((record) => ({ ...contentOf(record), timestamp: 0 }))).toEqual(records.map((record) => ({ ...toBytes(record), timestamp: 0 })));
        for (const { timestamp } of found) expect(timestamp).toBeGreaterThanOrEqual(startedAt);
      }),
    );
  });
});

describe('Java’s reader of log segments', () => {
  it('finds batches of our encoder valid, and in them what was put in', async () => {
    const hex = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(Buffer.from(bytes).toString('hex')));
    const readable = anyRecord.map(
      (record): TestRecord => ({
        ...record,
        key: hex(record.key),
        value: hex(record.value),
        headers: record.headers.map((header) => ({ ...header, key: Buffer.from(header.key).toString('hex') })),
      }),
    );
    const given = fc.sample(
      fc.tuple(fc.array(readable, { minLength: 1, maxLength: 30 }), fc.constantFrom(...compressionTypes)),
      Math.max(batchesEach * 25, 300),
    );
    let next = 0;
    let lines: string[] = [];
    const batches = given.map(([records, compression], index) => {
      const encoder = new RecordBatchEncoder(new BufferPool(1 << 20, 1));
      for (const record of records) encoder.append(record, record.timestamp, Number.POSITIVE_INFINITY);
      const { batch } = encoder.seal({ producerId: BigInt(index), producerEpoch: 3, baseSequence: next, transactional: index % 2 === 1 }, compression);
      batch.writeBigInt64BE(BigInt(next), batchField.baseOffset);
      const latest = Math.max(...records.map(({ timestamp }) => timestamp));
      const last = next + records.length - 1;
      lines.push(
        `baseOffset: ${next} lastOffset: ${last} count: ${records.length} baseSequence: ${next} lastSequence: ${last} producerId: ${index} producerEpoch: 3 transactional: ${index % 2 === 1} CreateTime: ${latest} compresscodec: ${compression} isvalid: true`,
      );
      for (const { key, value, headers, timestamp } of records) {
        const sizes = `keySize: ${key?.length ?? -1} valueSize: ${value?.length ?? -1} sequence: ${next}`;
        const contents = `${key === null ? '' : ` key: ${key}`}${value === null ? '' : ` payload: ${value}`}`;
        lines.push(`| offset: ${next} CreateTime: ${timestamp} ${sizes} headerKeys: [${headers.map((header) => header.key).join(',')}]${contents}`);
        next++;
      }
      return Buffer.from(batch);
    });
    const folder = await mkdtemp(join(tmpdir(), 'sluice-segment-'));
    try {
      const file = join(folder, '00000000000000000000.log');
      await writeFile(file, Buffer.concat(batches));
      const printed = await java('org.apache.kafka.tools.DumpLogSegments', ['--files', file, '--deep-iteration', '--print-data-log']);
      const found = printed.split('\n').filter((line) => /^(\||baseOffset)/.test(line));
      lines = lines.map((line) => line.trimEnd());
      expect(found.map(shortened)).toEqual(lines);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/** A line of DumpLogSegments without what only the file can know. */
function shortened(line: string): string {
  return line
    .replace(/ partitionLeaderEpoch: -1 isTransactional: (\w+) isControl: false deleteHorizonMs: \S+ position: \d+/, ' transactional: $1')
    .replace(/ size: \d+ magic: 2 compresscodec: (\w+) crc: \d+/, ' compresscodec: $1')
    .trimEnd();
}
