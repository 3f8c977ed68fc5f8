import { beforeEach, describe, expect, test } from 'vitest';
import { deliveredRecords, type KafkaEvent } from '../../functions/sink-events/kafka-event.ts';
import { ConnectException, configDef, defineSinkConnector, RetriableException, replicate, type SinkRecord, SinkTask } from '../../shared/connect/index.ts';
import { Plugins } from '../../shared/connect/plugins.ts';
import { Controller } from '../../shared/controller/controller.ts';
import { stringConverter, stringHeaderConverter } from '../../shared/converters/string-converter.ts';
import type { ClusterAdmin, KafkaClients } from '../../shared/kafka/ports.ts';
import { runConnector } from '../../shared/runtime/connector-run.ts';
import { Delivery } from '../../shared/runtime/delivery.ts';
import type { RuntimePorts } from '../../shared/runtime/ports.ts';
import { systemClock } from '../../shared/runtime/system-clock.ts';
import type { RunRequest } from '../../shared/runtime/task-run.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';

/** Payload as an event source mapping documents it: two partitions of one topic, bytes in base64, signed header bytes. */
const event = (records: KafkaEvent['records']): KafkaEvent => ({
  eventSource: 'aws:kafka',
  eventSourceArn: 'arn:aws:kafka:us-east-1:123456789012:cluster/vpc-2priv-2pub/751d2973-a626-431c-9d4e-d7975eb44dd7-2',
  bootstrapServers: 'b-2.demo-cluster-1.a1bcde.c1.kafka.us-east-1.amazonaws.com:9092',
  records,
});
const record = (partition: number, offset: number, value: string) => ({
  topic: 'orders',
  partition,
  offset,
  timestamp: 1_545_084_650_987,
  timestampType: 'CREATE_TIME' as const,
  key: Buffer.from('key').toString('base64'),
  value: Buffer.from(value).toString('base64'),
  headers: [{ headerKey: [104, 101, 97, 100, 101, 114, -61, -68] }, { headerKey: null }],
});

/** The machine's clock, set forward by the test. */
class ShiftedClock {
  shift = 0;
  now = () => systemClock.now() + this.shift;
  sleep = systemClock.sleep;
  nextTurn = systemClock.nextTurn;
}

const put: SinkRecord[] = [];
let fail: Error | null = null;

class RecordingTask extends SinkTask {
  override put(records: readonly SinkRecord[]): void {
    if (fail !== null && records.length > 0) throw fail;
    put.push(...records);
  }
}

const plugins = new Plugins([
  stringConverter,
  stringHeaderConverter,
  defineSinkConnector({
    className: 'x.RecordingSinkConnector',
    version: '1',
    overview: '',
    config: configDef({}),
    taskConfigs: (context) => replicate(context),
    createTask: async () => new RecordingTask(),
  }),
]);

describe('a sink that gets its records delivered', () => {
  let ports: RuntimePorts;
  let invoked: RunRequest[];
  let delivery: Delivery;
  let clock: ShiftedClock;
  const text = 'org.apache.kafka.connect.storage.StringConverter';
  const config = {
    'connector.class': 'x.RecordingSinkConnector',
    topics: 'orders',
    'tasks.max': '2',
    'sluice.trigger': 'event',
    'key.converter': text,
    'value.converter': text,
    'header.converter': text,
  };
  const invocation = (id: string) => ({ id, deadlineAt: clock.now() + 1_000, expiresAt: clock.now() + 20_000, shutdown: new AbortController().signal });
  const deliver = (records: KafkaEvent['records'], id = 'one') => delivery.deliver(deliveredRecords(event(records)), invocation(id));
  const offsets = async () => Object.fromEntries([...(await ports.storage.offsets.sinkOffsets('sink'))].map(([key, offset]) => [key, Number(offset)]));

  beforeEach(async () => {
    put.length = 0;
    fail = null;
    invoked = [];
    clock = new ShiftedClock();
    const admin: Partial<ClusterAdmin> = {
      partitionCounts: async () => new Map([['orders', 3]]),
      endOffsets: async (wanted) => new Map(wanted.map(({ topic, partition }) => [`${topic}-${partition}`, 99n])),
      beginningOffsets: async (wanted) => new Map(wanted.map(({ topic, partition }) => [`${topic}-${partition}`, 0n])),
      groupOffsets: async () => new Map(),
      commitGroupOffsets: async () => {},
      close: async () => {},
    };
    ports = {
      storage: createMemoryStorage(clock),
      kafka: { admin: () => admin } as unknown as KafkaClients,
      plugins,
      logger: { trace() {}, debug() {}, info() {}, warn() {}, error() {} },
      clock,
      worker: {},
      workerId: 'w',
      metrics: { add() {} },
      failures: { send: async () => {} },
      invoker: { invoke: async (request) => void invoked.push(request) },
    };
    const spec = await ports.storage.connectors.create({ name: 'sink', type: 'sink', config: { name: 'sink', ...config }, targetState: 'STARTED' });
    const planned = await runConnector(ports, { kind: 'connector', connector: 'sink', generation: spec?.generation ?? 0 }, invocation('plan'));
    expect(planned).toMatchObject({ outcome: 'planned', start: [] });
    delivery = new Delivery(ports, 'sink');
  });

  test('puts them, with keys, timestamps and headers as they are, and stores its offsets', async () => {
    expect(await deliver({ 'orders-0': [record(0, 15, 'a'), record(0, 16, 'b')], 'orders-1': [record(1, 7, 'c')] })).toBe(3);
    expect(put.map(({ kafkaPartition, kafkaOffset, key, value, timestamp }) => [kafkaPartition, Number(kafkaOffset), key, value, timestamp])).toEqual([
      [0, 15, 'key', 'a', 1_545_084_650_987],
      [0, 16, 'key', 'b', 1_545_084_650_987],
      [1, 7, 'key', 'c', 1_545_084_650_987],
    ]);
    expect(put[0]?.headers).toMatchObject([
      { key: 'headerKey', value: 'headerü' },
      { key: 'headerKey', value: null },
    ]);
    expect(await offsets()).toEqual({ 'orders-0': 17, 'orders-1': 8 });
  });

  test('leaves out what was stored when it is delivered again, in this environment or another', async () => {
    await deliver({ 'orders-0': [record(0, 15, 'a'), record(0, 16, 'b')] });
    await deliver({ 'orders-0': [record(0, 15, 'a'), record(0, 16, 'b'), record(0, 17, 'c')] }, 'two');
    delivery = new Delivery(ports, 'sink');
    await deliver({ 'orders-0': [record(0, 17, 'c'), record(0, 18, 'd')] }, 'three');
    expect(put.map(({ value }) => value)).toEqual(['a', 'b', 'c', 'd']);
    expect(await offsets()).toEqual({ 'orders-0': 19 });
  });

  test('is not started by the controller, whatever its lag', async () => {
    for (let look = 0; look < 3; look++) {
      await new Controller(ports).look();
      clock.shift += 60_000;
    }
    expect(invoked).toEqual([]);
  });

  test('has them delivered again when it failed, and takes them once it was restarted', async () => {
    fail = new ConnectException('the database is full');
    await expect(deliver({ 'orders-0': [record(0, 1, 'a')] })).rejects.toThrow(RetriableException);
    expect((await ports.storage.control.task('sink', 0))?.trace).toContain('the database is full');
    await expect(deliver({ 'orders-0': [record(0, 1, 'a')] }, 'two')).rejects.toThrow('its task 0 is FAILED; restart it');
    fail = null;
    await new Controller(ports).look();
    await ports.storage.connectors.restartTask('sink', 0);
    expect(await deliver({ 'orders-0': [record(0, 1, 'a')] }, 'three')).toBe(1);
    expect(await offsets()).toEqual({ 'orders-0': 2 });
  });

  test('does not lose them while it is paused, has another owner, or is made anew', async () => {
    const records = { 'orders-0': [record(0, 1, 'a')] };
    const spec = await ports.storage.connectors.get('sink');
    if (spec === null) throw new Error('no spec');
    const held = await ports.storage.runs.acquire({
      connector: 'sink',
      task: 0,
      generation: spec.generation,
      owner: 'other',
      workerId: 'w',
      expiresAt: clock.now() + 60_000,
    });
    await expect(deliver(records)).rejects.toThrow('another run has its task');
    if (held !== null) await ports.storage.runs.release(held.task, { dueAt: clock.now() });
    await ports.storage.connectors.update(spec, { targetState: 'PAUSED' });
    await expect(deliver(records)).rejects.toThrow('it is PAUSED');
    const paused = await ports.storage.connectors.get('sink');
    if (paused !== null) await ports.storage.connectors.update(paused, { targetState: 'STARTED', newGeneration: true });
    await expect(deliver(records)).rejects.toThrow('its tasks are being made');
    expect(put).toEqual([]);
  });
});
