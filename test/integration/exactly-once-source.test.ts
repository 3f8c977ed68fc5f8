import { randomUUID } from 'node:crypto';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../bench/measure.ts';
import {
  ConnectException,
  configDef,
  defineSourceConnector,
  replicate,
  Schema,
  SourceRecord,
  SourceTask,
  type SourceTaskContext,
  string,
} from '../../shared/connect/index.ts';
import { Plugins } from '../../shared/connect/plugins.ts';
import { fileStreamSource } from '../../shared/connectors/file/source.ts';
import { stringConverter, stringHeaderConverter } from '../../shared/converters/string-converter.ts';
import { Herder } from '../../shared/herder/herder.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import type { ConsumerRecord, KafkaClients } from '../../shared/kafka/ports.ts';
import { transactionalIdOf } from '../../shared/runtime/exactly-once/transactional-producers.ts';
import type { RuntimePorts } from '../../shared/runtime/ports.ts';
import { systemClock } from '../../shared/runtime/system-clock.ts';
import { Worker } from '../../shared/runtime/worker.ts';
import type { Storage } from '../../shared/storage/ports.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';
import { kafkaBrokers } from './servers.ts';

const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const text = 'org.apache.kafka.connect.storage.StringConverter';

/** What the task of `ScriptedSource` does in its polls, one after the other; nothing when it is through. */
let script: ((context: SourceTaskContext, records: (...values: string[]) => SourceRecord[]) => readonly SourceRecord[] | null)[] = [];
let position = 0;

class ScriptedTask extends SourceTask {
  readonly #context: SourceTaskContext;
  constructor(context: SourceTaskContext) {
    super();
    this.#context = context;
  }
  override async start(): Promise<void> {
    position = Number((await this.#context.offsetStorageReader.offset({ part: 'one' }))?.['at'] ?? 0);
  }
  override poll(): readonly SourceRecord[] | null {
    const { config } = this.#context;
    const records = (...values: string[]) =>
      values.map(
        (value) => new SourceRecord({ part: 'one' }, { at: ++position }, config['topic'] as string, null, null, null, Schema.STRING_SCHEMA, value, null),
      );
    return script.shift()?.(this.#context, records) ?? null;
  }
}

const scripted = defineSourceConnector({
  className: 'x.ScriptedSourceConnector',
  version: '1',
  overview: '',
  config: configDef({ topic: string({ importance: 'HIGH', doc: '' }) }),
  taskConfigs: (context) => replicate(context),
  createTask: async (_config, context) => new ScriptedTask(context),
  canDefineTransactionBoundaries: () => 'SUPPORTED',
});

describe('an exactly-once source', () => {
  let folder: string;
  let kafka: KafkaClients;
  let storage: Storage;
  let name: string;
  let topic: string;
  let offsetsTopic: string;
  let file: string;
  const workers: Worker[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-once-'));
    kafka = createKafkaClients({ 'bootstrap.servers': kafkaBrokers() }, quiet);
  });
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    await kafka?.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    const id = randomUUID().slice(0, 8);
    [name, topic, offsetsTopic, file] = [`once-${id}`, `once-${id}`, `offsets-${id}`, join(folder, id)];
    storage = createMemoryStorage(systemClock);
    script = [];
    await kafka.admin().createTopic({ topic, partitions: 1, replicationFactor: 1 });
  });

  const workerProperties = (extra: Record<string, string> = {}) => ({
    'bootstrap.servers': kafkaBrokers(),
    'key.converter': text,
    'value.converter': text,
    'header.converter': text,
    'offset.storage.topic': offsetsTopic,
    'offset.storage.partitions': '3',
    ...extra,
  });
  const portsOf = (extra: Record<string, string> = {}): RuntimePorts => ({
    storage,
    kafka,
    plugins: new Plugins([stringConverter, stringHeaderConverter, fileStreamSource, scripted]),
    invoker: { invoke: async () => {} },
    failures: { send: async () => {} },
    clock: systemClock,
    logger: quiet,
    metrics: { add() {} },
    worker: workerProperties(extra),
    workerId: 'w',
  });
  const environment = (extra: Record<string, string> = {}) => {
    const worker = new Worker(portsOf(extra));
    workers.push(worker);
    return worker;
  };
  const herder = () => new Herder({ ...portsOf(), workerId: 'w' });
  const invocation = (leaseMs = 60_000) => ({
    id: randomUUID(),
    deadlineAt: Date.now() + 20_000,
    expiresAt: Date.now() + leaseMs,
    shutdown: new AbortController().signal,
  });
  const fileSource = (more: Record<string, string> = {}) => ({
    'connector.class': 'FileStreamSource',
    file,
    topic,
    'exactly.once.support': 'required',
    'sluice.idle.linger.ms': '150',
    ...more,
  });
  const scriptedSource = (more: Record<string, string> = {}) => ({
    'connector.class': 'x.ScriptedSourceConnector',
    topic,
    'exactly.once.support': 'required',
    'sluice.idle.linger.ms': '50',
    ...more,
  });
  /** Plans the connector of now, and runs its first task. */
  const runConnector = async (worker: Worker) => {
    const spec = await storage.connectors.get(name);
    return worker.run({ kind: 'connector', connector: name, generation: spec?.generation ?? 0 }, invocation());
  };
  const runTask = async (worker: Worker, leaseMs?: number) => {
    const spec = await storage.connectors.get(name);
    return worker.run({ kind: 'task', connector: name, task: 0, generation: spec?.generation ?? 0 }, invocation(leaseMs));
  };
  const create = (config: Record<string, string>) => storage.connectors.create({ name, type: 'source', config: { name, ...config }, targetState: 'STARTED' });
  const stop = async () => {
    await herder().stopConnector(name);
    const spec = await storage.connectors.get(name);
    if (spec === null) throw new Error('no spec');
    await storage.control.plan(spec, [], { assignedTopics: null, specDueAt: null, taskDueAt: null, workerId: 'w' });
  };
  /** Everything, or what is committed by now; a commit that is under way is waited for, unless `upTo` says that nothing is. */
  const read = async (
    from: string,
    isolationLevel: 'read_committed' | 'read_uncommitted' = 'read_committed',
    upTo: 'read_committed' | 'read_uncommitted' = 'read_uncommitted',
  ): Promise<ConsumerRecord[]> => {
    const count = (await kafka.admin().partitionCounts([from])).get(from) ?? 0;
    const partitions = Array.from({ length: count }, (_, partition) => ({ topic: from, partition }));
    const ends = await kafka.admin({ 'isolation.level': upTo }).endOffsets(partitions);
    const reader = kafka.reader({ isolationLevel });
    reader.assign(partitions.map((each) => ({ ...each, offset: 0n })));
    const records: ConsumerRecord[] = [];
    const left = new Set([...ends].filter(([, end]) => end > 0n).map(([key]) => key));
    while (left.size > 0) {
      for (const batch of await reader.poll(500)) {
        records.push(...batch.records);
        const key = `${batch.topic}-${batch.partition}`;
        if (batch.nextOffset >= (ends.get(key) ?? 0n)) left.delete(key);
      }
    }
    await reader.close();
    return records;
  };
  const values = async (isolationLevel?: 'read_committed' | 'read_uncommitted') => (await read(topic, isolationLevel)).map(({ value }) => String(value));
  const offsetsInTopic = async () => (await read(offsetsTopic)).map(({ key, value }) => [String(key), value === null ? null : String(value)]);
  const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `line ${from + at}\n`).join('');
  const lineTexts = (from: number, to: number) => lines(from, to).trimEnd().split('\n');

  test('writes records and offsets together, in the format of Kafka Connect, and goes on from there without the table', async () => {
    await writeFile(file, lines(0, 5_000));
    await create(fileSource());
    const first = environment();
    expect(await runConnector(first)).toMatchObject({ outcome: 'idle', records: 5_000 });
    expect(await values()).toEqual(lineTexts(0, 5_000));
    const size = Buffer.byteLength(lines(0, 5_000));
    const stored = await offsetsInTopic();
    // A transaction for each poll of 2,000.
    expect(stored).toHaveLength(3);
    expect(stored.at(-1)).toEqual([`["${name}",{"filename":"${file}"}]`, `{"position":${size}}`]);
    expect(await storage.offsets.sourceOffsets(name)).toEqual([{ partition: { filename: file }, offset: { position: size } }]);
    const described = (await kafka.admin().describeTopics([offsetsTopic])).get(offsetsTopic);
    expect(described?.configs.get('cleanup.policy')).toBe('compact');
    expect(described?.partitions).toHaveLength(3);

    // The same environment, and another one whose table has been set back: the topic is what counts, and the table follows.
    await appendFile(file, lines(5_000, 5_010));
    expect(await runTask(first)).toMatchObject({ records: 10 });
    await storage.offsets.alterSourceOffsets(name, [{ partition: { filename: file }, offset: { position: 0 } }]);
    await appendFile(file, lines(5_010, 5_020));
    expect(await runTask(environment())).toMatchObject({ records: 10 });
    expect(await values()).toEqual(lineTexts(0, 5_020));
    await runTask(environment());
    expect(await storage.offsets.sourceOffset(name, { filename: file })).toEqual({ position: Buffer.byteLength(lines(0, 5_020)) });
  });

  test('that dies in a transaction leaves nothing of it to those who read what is committed, and is fenced by the next', async () => {
    await writeFile(file, lines(0, 3_000));
    await create(fileSource({ 'transaction.boundary': 'interval', 'transaction.boundary.interval.ms': '600000', 'sluice.trigger': 'continuous' }));
    const zombie = environment();
    // It goes on until its deadline, with its transaction open, as one that is frozen does; its lease ends before.
    const spec = await storage.connectors.get(name);
    const lost = zombie.run(
      { kind: 'connector', connector: name, generation: spec?.generation ?? 0 },
      { ...invocation(3_000), deadlineAt: Date.now() + 6_000 },
    );
    await until('its records', async () => (await values('read_uncommitted')).length === 3_000, 10_000);
    expect(await read(topic, 'read_committed', 'read_committed')).toEqual([]);
    const item = await storage.control.task(name, 0);
    await until('the end of its lease', async () => Date.now() > (item?.lease?.expiresAt ?? 0), 10_000);
    await herder().putConnectorConfig(name, fileSource());
    const failure = { connector: name, task: 0, generation: 1, run: null, epoch: 1, kind: 'run-lost', error: '', trace: null, at: 0, action: '' } as const;
    await storage.control.loseRun(item as never, Date.now(), failure);
    await storage.control.clearFailure((await storage.control.task(name, 0)) as never);
    expect(await runConnector(environment())).toMatchObject({ outcome: 'idle', records: 3_000 });
    expect(await lost).toMatchObject({ outcome: 'fenced' });
    expect(await values()).toEqual(lineTexts(0, 3_000));
    expect((await values('read_uncommitted')).length).toBe(6_000);
  });

  test('whose transactional id is taken over stores nothing, and its next run begins from what is committed', async () => {
    await writeFile(file, lines(0, 10));
    await create(fileSource());
    const worker = environment();
    await runConnector(worker);
    const other = kafka.producer({ transactionalId: transactionalIdOf(workerProperties(), name, 0) });
    await other.beginTransaction();
    await other.abortTransaction();
    await other.close();
    await appendFile(file, lines(10, 20));
    expect(await runTask(worker)).toMatchObject({ outcome: 'fenced' });
    expect(await storage.offsets.sourceOffset(name, { filename: file })).toEqual({ position: Buffer.byteLength(lines(0, 10)) });
    expect(await runTask(worker)).toMatchObject({ outcome: 'idle', records: 10 });
    expect(await values()).toEqual(lineTexts(0, 20));
  });

  test('ends its transaction with its run, whatever the interval is', async () => {
    await writeFile(file, lines(0, 2_500));
    await create(fileSource({ 'transaction.boundary': 'interval', 'transaction.boundary.interval.ms': '600000' }));
    expect(await runConnector(environment())).toMatchObject({ outcome: 'idle', records: 2_500 });
    expect(await values()).toEqual(lineTexts(0, 2_500));
    expect(await offsetsInTopic()).toHaveLength(1);
  });

  test('says itself where its transactions end', async () => {
    await create(scriptedSource({ 'transaction.boundary': 'connector' }));
    script = [
      (_context, records) => records('a', 'b'),
      ({ transactionContext }, records) => {
        const batch = records('c', 'dropped', 'd', 'open');
        transactionContext?.commitTransaction(batch[0]);
        transactionContext?.abortTransaction(batch[1]);
        transactionContext?.commitTransaction(batch[2]);
        return batch;
      },
      ({ transactionContext }, records) => {
        transactionContext?.commitTransaction();
        return records('e');
      },
      ({ transactionContext }, records) => {
        transactionContext?.abortTransaction();
        return records('gone');
      },
      ({ transactionContext }) => {
        transactionContext?.commitTransaction();
        return [];
      },
    ];
    const worker = environment();
    expect(await runConnector(worker)).toMatchObject({ outcome: 'idle', records: 8 });
    expect(await values()).toEqual(['a', 'b', 'c', 'd', 'open', 'e']);
    // The offsets of what was aborted are stored, so that it does not come again.
    expect((await offsetsInTopic()).map(([, offset]) => offset)).toEqual(['{"at":3}', '{"at":4}', '{"at":5}', '{"at":7}', '{"at":8}']);
    expect(await storage.offsets.sourceOffset(name, { part: 'one' })).toEqual({ at: 8 });
  });

  test('that does not end its transaction before its run is over has it aborted', async () => {
    await create(scriptedSource({ 'transaction.boundary': 'connector' }));
    script = [
      ({ transactionContext }, records) => {
        transactionContext?.commitTransaction();
        return records('kept');
      },
      (_context, records) => records('not kept'),
    ];
    const worker = environment();
    const spec = await storage.connectors.get(name);
    const request = { kind: 'connector', connector: name, generation: spec?.generation ?? 0 } as const;
    expect(await worker.run(request, { ...invocation(), deadlineAt: Date.now() + 1_500 })).toMatchObject({ outcome: 'more', records: 2 });
    expect(position).toBe(2);
    // It begins anew where its last transaction ended.
    script = [
      ({ transactionContext }, records) => {
        transactionContext?.commitTransaction();
        return records('again');
      },
    ];
    await runTask(worker);
    expect(await values()).toEqual(['kept', 'again']);
    expect((await offsetsInTopic()).map(([, offset]) => offset)).toEqual(['{"at":1}', '{"at":2}']);
  });

  test.each([
    [
      'both for a batch',
      ({ transactionContext }: SourceTaskContext, records: SourceRecord[]) => {
        transactionContext?.commitTransaction();
        transactionContext?.abortTransaction();
        return records;
      },
      'Connector requested both commit and abort of same transaction',
    ],
    [
      'both for a record',
      ({ transactionContext }: SourceTaskContext, records: SourceRecord[]) => {
        transactionContext?.commitTransaction(records[0]);
        transactionContext?.abortTransaction(records[0]);
        return records;
      },
      /Connector requested both commit and abort of same record against topic\/partition once-\w+\/null/,
    ],
  ])('that asks for %s fails', async (_what, poll, message) => {
    await create(scriptedSource({ 'transaction.boundary': 'connector' }));
    script = [(context, records) => poll(context, records('a'))];
    expect(await runConnector(environment())).toMatchObject({ outcome: 'failed' });
    expect((await storage.control.task(name, 0))?.trace).toMatch(message);
    expect(await values()).toEqual([]);
  });

  test('may not produce to its own offsets topic', async () => {
    await create(scriptedSource({ topic: offsetsTopic }));
    script = [(_context, records) => records('a')];
    expect(await runConnector(environment())).toMatchObject({ outcome: 'failed' });
    expect((await storage.control.task(name, 0))?.trace).toContain(
      'Source tasks may not produce to their own offsets topics when exactly-once support is enabled',
    );
  });

  test('takes the offsets along: from at least once, to a topic of its own, and back', async () => {
    await writeFile(file, lines(0, 10));
    await create(fileSource({ 'exactly.once.support': 'requested' }));
    const goesOn = async (config: Record<string, string>, from: number) => {
      await herder().putConnectorConfig(name, { name, ...config });
      await appendFile(file, lines(from, from + 10));
      expect(await runConnector(environment())).toMatchObject({ outcome: 'idle', records: 10 });
      return storage.producers.get(name);
    };
    expect(await runConnector(environment())).toMatchObject({ records: 10 });
    expect(await storage.producers.get(name)).toBeNull();
    expect(await goesOn(fileSource(), 10)).toMatchObject({ count: 1, offsetsTopic: { topic: offsetsTopic } });
    const own = `${offsetsTopic}-own`;
    expect(await goesOn(fileSource({ 'offsets.storage.topic': own }), 20)).toMatchObject({ offsetsTopic: { topic: own } });
    // What the table missed, because a run died, is in the topic.
    await storage.offsets.alterSourceOffsets(name, [{ partition: { filename: file }, offset: { position: 0 } }]);
    expect(await goesOn(fileSource({ 'exactly.once.support': 'requested' }), 30)).toMatchObject({ offsetsTopic: null });
    expect(await goesOn(fileSource(), 40)).toMatchObject({ offsetsTopic: { topic: offsetsTopic } });
    expect(await values()).toEqual(lineTexts(0, 50));
  });

  test('is planned anew where the worker makes all sources exactly-once', async () => {
    await writeFile(file, lines(0, 10));
    await create(fileSource({ 'exactly.once.support': 'requested' }));
    expect(await runConnector(environment())).toMatchObject({ records: 10 });
    await appendFile(file, lines(10, 20));
    const enabled = environment({ 'exactly.once.source.support': 'enabled' });
    const before = await storage.connectors.get(name);
    expect(await runTask(enabled)).toMatchObject({ records: 0 });
    expect((await storage.connectors.get(name))?.generation).toBeGreaterThan(before?.generation ?? 0);
    expect(await runConnector(enabled)).toMatchObject({ records: 10 });
    expect(await values()).toEqual(lineTexts(0, 20));
    expect(await offsetsInTopic()).toHaveLength(2);
  });

  test('goes on where Kafka Connect ended', async () => {
    await writeFile(file, lines(0, 20));
    await kafka.admin().createTopic({ topic: offsetsTopic, partitions: 3, replicationFactor: 1, configs: { 'cleanup.policy': 'compact' } });
    const producer = kafka.producer();
    const position = Buffer.byteLength(lines(0, 10));
    await producer.send([
      {
        topic: offsetsTopic,
        partition: null,
        key: Buffer.from(`["${name}",{"filename":"${file}"}]`),
        value: Buffer.from(`{"position":${position}}`),
        headers: [],
        timestamp: null,
      },
    ]);
    await producer.close();
    await create(fileSource());
    expect(await runConnector(environment())).toMatchObject({ records: 10 });
    expect(await values()).toEqual(lineTexts(10, 20));
  });

  test('has its offsets changed in the topic, and producers of before fenced', async () => {
    await writeFile(file, lines(0, 20));
    await create(fileSource());
    const worker = environment();
    await runConnector(worker);
    await stop();
    const api = herder();
    const change = { partition: { filename: file }, offset: { position: Buffer.byteLength(lines(0, 10)) } };
    expect(await api.alterConnectorOffsets(name, [change])).toEqual({ message: 'The offsets for this connector have been altered successfully' });
    expect((await offsetsInTopic()).at(-1)?.[1]).toBe(JSON.stringify(change.offset));
    expect(await api.connectorOffsets(name)).toEqual({ offsets: [change] });
    await api.resumeConnector(name);
    expect(await runConnector(worker)).toMatchObject({ records: 10 });
    await stop();
    expect(await api.resetConnectorOffsets(name)).toEqual({ message: 'The offsets for this connector have been reset successfully' });
    expect((await offsetsInTopic()).at(-1)?.[1]).toBeNull();
    expect(await api.connectorOffsets(name)).toEqual({ offsets: [] });
    await api.resumeConnector(name);
    expect(await runConnector(worker)).toMatchObject({ records: 20 });
    expect(await values()).toEqual([...lineTexts(0, 20), ...lineTexts(10, 20), ...lineTexts(0, 20)]);
  });

  test('refuses an offsets topic that forgets', async () => {
    await kafka.admin().createTopic({ topic: offsetsTopic, partitions: 1, replicationFactor: 1, configs: { 'cleanup.policy': 'delete' } });
    await create(fileSource());
    expect(await runConnector(environment())).toMatchObject({ outcome: 'failed' });
    const { status } = (await storage.connectors.snapshot(name)) ?? {};
    expect(status?.trace).toContain(`Topic '${offsetsTopic}' supplied via the 'offset.storage.topic' property is required to have 'cleanup.policy=compact'`);
  });

  test('fails, and drops what was sent, when a record of the transaction cannot be written', async () => {
    const small = `${topic}-small`;
    const letters = `${topic}-letters`;
    await kafka.admin().createTopic({ topic: small, partitions: 1, replicationFactor: 1, configs: { 'max.message.bytes': '2000' } });
    const deadLetters = { 'sluice.errors.deadletterqueue.topic.name': letters, 'sluice.errors.deadletterqueue.topic.replication.factor': '1' };
    await create(scriptedSource({ topic: small, 'errors.tolerance': 'all', ...deadLetters }));
    script = [(_context, records) => records('fits'), (_context, records) => records('fits too', 'x'.repeat(5_000))];
    expect(await runConnector(environment())).toMatchObject({ outcome: 'failed' });
    const { trace } = (await storage.control.task(name, 0)) ?? {};
    expect(trace).toContain(`${ConnectException.name}: Failed to flush offsets and/or records for task ${name}-0`);
    expect(trace).toContain('RecordTooLargeException');
    expect((await read(small)).map(({ value }) => String(value))).toEqual(['fits']);
    expect((await read(letters)).map(({ value }) => String(value))).toContain('x'.repeat(5_000));
  });
});
