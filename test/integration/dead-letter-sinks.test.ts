import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  ConnectException,
  configDef,
  DataException,
  defineSinkConnector,
  replicate,
  type SinkOffsets,
  type SinkRecord,
  SinkTask,
  type SinkTaskContext,
  UnavailableException,
} from '../../shared/connect/index.ts';
import { Plugins } from '../../shared/connect/plugins.ts';
import { converters, headerConverters } from '../../shared/converters/index.ts';
import { Herder } from '../../shared/herder/herder.ts';
import type { Replay } from '../../shared/storage/ports.ts';
import { DeadLetterWorld, texts } from './dead-letter-world.ts';

/** What the sink does, by the test. */
const target = {
  rows: [] as string[],
  refuses: (_value: string): boolean => false,
  fails: null as Error | null,
  /** Commits that are held back. */
  holds: 0,
};

class ReportingTask extends SinkTask {
  readonly #context: SinkTaskContext;
  constructor(context: SinkTaskContext) {
    super();
    this.#context = context;
  }
  override async put(records: readonly SinkRecord[]): Promise<void> {
    if (target.fails !== null && records.length > 0) throw target.fails;
    for (const record of records) {
      const { originalTopic, originalKafkaPartition, kafkaOffset } = record;
      const row = `${String(record.value)}@${originalTopic.replace(/-\d+$/, '')}-${originalKafkaPartition}-${kafkaOffset}`;
      if (target.refuses(String(record.value))) {
        await this.#context.errantRecordReporter?.report(record, new DataException(`no place for ${String(record.value)}`, { cause: new TypeError('inner') }));
      } else target.rows.push(row);
    }
  }
  override async preCommit(offsets: SinkOffsets): Promise<SinkOffsets> {
    if (target.holds > 0) {
      target.holds--;
      return new Map();
    }
    return super.preCommit(offsets);
  }
}

const run = Date.now();
let world: DeadLetterWorld;
let herder: Herder;
beforeAll(async () => {
  const sink = defineSinkConnector({
    version: '1',
    overview: '',
    className: 'x.ReportingSinkConnector',
    config: configDef({}),
    taskConfigs: (context) => replicate(context),
    createTask: (_config, context) => new ReportingTask(context),
  });
  world = await DeadLetterWorld.start(`letter-sinks-${run}`, new Plugins([...converters, ...headerConverters, sink]));
  herder = new Herder(world.environment);
});
afterAll(() => world?.stop());
beforeEach(() => {
  Object.assign(target, { rows: [], refuses: () => false, fails: null, holds: 0 });
});

async function sink(name: string, values: readonly string[], more: Record<string, string> = {}) {
  const topic = await world.topic(`${name}-${run}`, 2);
  await world.produce(topic, values, 1);
  return world.create(name, 'sink', {
    'connector.class': 'x.ReportingSinkConnector',
    topics: topic,
    'sluice.idle.linger.ms': '0',
    'errors.tolerance': 'all',
    'errors.deadletterqueue.topic.name': `${name}-dlq-${run}`,
    'errors.deadletterqueue.topic.replication.factor': '1',
    'errors.deadletterqueue.context.headers.enable': 'true',
    ...more,
  });
}

/** One run of a replay, and what is stored of it then. */
async function replay(name: string): Promise<Replay> {
  const query = { queue: null, filter: {} };
  const begun = (await herder.deadLetters.replay(name, query, { ids: null, again: false, dryRun: false })) as { id: string };
  return again(name, begun.id);
}
async function again(name: string, id: string): Promise<Replay> {
  await world.run({ kind: 'replay', connector: name, replay: id });
  return (await world.environment.storage.replays.get(name, id)) as Replay;
}

describe('records that a sink reports', () => {
  test('are dead letters of TASK_PUT with their causes, and go to the sink again as if they were read again', async () => {
    target.refuses = (value) => value.startsWith('bad');
    await sink('reports', ['a', 'bad 1', 'b', 'bad 2']);
    expect(target.rows).toEqual(['a@reports-1-0', 'b@reports-1-2']);
    const [letter, ...others] = await world.records(`reports-dlq-${run}`);
    expect(others).toHaveLength(1);
    expect(texts(letter as never)).toMatchObject({
      '__connect.errors.stage': 'TASK_PUT',
      '__connect.errors.class.name': 'org.apache.kafka.connect.sink.SinkTask',
      '__connect.errors.exception.class.name': 'org.apache.kafka.connect.errors.DataException',
      '__connect.errors.exception.message': 'no place for bad 1',
      '__connect.errors.exception.stacktrace': expect.stringMatching(
        /^org\.apache\.kafka\.connect\.errors\.DataException: no place for bad 1\n[\s\S]*\nCaused by: java\.lang\.ClassCastException: inner\n/,
      ),
    });
    target.refuses = (value) => value === 'bad 2';
    target.rows = [];
    expect(await replay('reports')).toMatchObject({ state: 'COMPLETED', counts: { replayed: 2, failedAgain: 1 } });
    expect(target.rows).toEqual(['bad 1@reports-1-1']);
    target.refuses = () => false;
    expect(await replay('reports')).toMatchObject({ state: 'COMPLETED', counts: { replayed: 1, failedAgain: 0, alreadyReplayed: 2 } });
    expect(target.rows).toEqual(['bad 1@reports-1-1', 'bad 2@reports-1-3']);
  });

  test('without tolerance are in the queue before the task fails', async () => {
    target.refuses = () => true;
    expect(await sink('strict', ['x'], { 'errors.tolerance': 'none' })).toMatchObject({ outcome: 'failed' });
    expect((await world.records(`strict-dlq-${run}`)).map(({ value }) => value?.toString())).toEqual(['x']);
    target.refuses = () => false;
    expect(await replay('strict')).toMatchObject({ state: 'COMPLETED', counts: { replayed: 1 } });
    expect(target.rows).toEqual(['x@strict-1-0']);
  });
});

describe('a replay', () => {
  test('waits for a target that is out of order, and goes on where it was', async () => {
    target.refuses = () => true;
    await sink('outage', ['x', 'y']);
    target.refuses = () => false;
    target.fails = new UnavailableException('the database is down');
    const waiting = await replay('outage');
    expect(waiting).toMatchObject({ state: 'RUNNING', lease: null, counts: { replayed: 0 }, error: expect.stringContaining('the database is down') });
    expect(waiting.dueAt).toBeGreaterThan(waiting.updatedAt);
    target.fails = null;
    expect(await again('outage', waiting.id)).toMatchObject({ state: 'COMPLETED', error: null, counts: { replayed: 2 } });
    expect(target.rows).toEqual(['x@outage-1-0', 'y@outage-1-1']);
    expect(await world.records(`outage-dlq-${run}`)).toHaveLength(2);
  });

  test('fails with the trace of what the sink cannot do, and another one has the same letters', async () => {
    target.refuses = () => true;
    await sink('broken', ['x']);
    target.refuses = () => false;
    target.fails = new ConnectException('no such table');
    expect(await replay('broken')).toMatchObject({
      state: 'FAILED',
      lease: null,
      dueAt: null,
      trace: expect.stringContaining('Caused by: org.apache.kafka.connect.errors.ConnectException: no such table'),
    });
    target.fails = null;
    expect(await replay('broken')).toMatchObject({ state: 'COMPLETED', counts: { replayed: 1, alreadyReplayed: 0 } });
  });

  test('counts letters as done only when the sink lets their offsets be committed', async () => {
    target.refuses = () => true;
    await sink('holds', ['x']);
    target.refuses = () => false;
    target.holds = 3;
    expect(await replay('holds')).toMatchObject({ state: 'COMPLETED', counts: { replayed: 1 } });
    expect([target.rows, target.holds]).toEqual([['x@holds-1-0'], 0]);
  });
});
