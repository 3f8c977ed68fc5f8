import { expect, test } from 'vitest';
import { partitionKey, type SinkConnectorDefinition, type SinkOffsets, SinkRecord, type SinkTask } from '../../shared/connect/index.ts';
import { connectorContext, sinkContext, type TestSinkContext } from './contexts.ts';

/** A task under test, driven as the worker drives it. It has partition 0 of the topic. */
export class SinkRun {
  readonly task: SinkTask;
  readonly context: TestSinkContext;
  readonly #next = new Map<string, bigint>();

  private constructor(task: SinkTask, context: TestSinkContext) {
    this.task = task;
    this.context = context;
  }

  /** Makes, starts and opens a task. `reports: false`: there is no errant record reporter. */
  static async start(
    definition: SinkConnectorDefinition,
    config: Readonly<Record<string, string>>,
    options: Parameters<typeof sinkContext>[1] = {},
  ): Promise<SinkRun> {
    const [taskConfig = config] = await definition.taskConfigs(connectorContext(definition.config.parse(config), config, 1));
    const context = sinkContext(taskConfig, options);
    const run = new SinkRun(await definition.createTask(context), context);
    await run.task.start();
    await run.task.open(context.assignment());
    return run;
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    await this.task.put(records);
    for (const { originalTopic, originalKafkaPartition, kafkaOffset } of records)
      this.#next.set(partitionKey(originalTopic, originalKafkaPartition), kafkaOffset + 1n);
  }

  /** What the task lets be committed. Throws what it raised. */
  async commit(): Promise<SinkOffsets> {
    const offsets = await this.task.preCommit(this.#next);
    const [raised] = this.context.raised;
    if (raised !== undefined) throw raised;
    return offsets;
  }

  async stop(): Promise<void> {
    await this.task.close(this.context.assignment());
    await this.task.stop();
  }
}

/** Records of partition 0 of a topic with offsets from 0, out of a value (and key) each. */
export function sinkRecords(
  parts: readonly Partial<Pick<SinkRecord, 'key' | 'keySchema' | 'value' | 'valueSchema' | 'timestamp' | 'headers'>>[],
  topic = 'topic',
): SinkRecord[] {
  return parts.map(
    ({ key = null, keySchema = null, value = null, valueSchema = null, timestamp = 0, headers }, at) =>
      new SinkRecord(topic, 0, keySchema, key, valueSchema, value, BigInt(at), timestamp, 'CreateTime', headers),
  );
}

export interface SinkContract {
  readonly definition: SinkConnectorDefinition;
  /** Empties the external system and returns the config of a connector for it. Called anew for each test. */
  setUp(): Promise<Readonly<Record<string, string>>> | Readonly<Record<string, string>>;
  /** Records to be put; three at least. */
  readonly records: readonly SinkRecord[];
  /** What the external system holds, in the order of the records. */
  readBack(): Promise<readonly unknown[]> | readonly unknown[];
  /** What it should hold for one record. */
  expected(record: SinkRecord): unknown;
  /** Whether a record that comes again leaves one copy. Left out: there may be more. */
  readonly idempotent?: boolean;
}

/** Tests that every sink connector should pass. Call it within a `describe`. */
export function sinkConnectorContract({ definition, setUp, records, readBack, expected, idempotent = false }: SinkContract): void {
  const required = Object.entries(definition.config.keys).filter(([, key]) => key.required);
  const everything = records.map(expected);

  test.each(required.map(([name]) => name))('refuses a config without %s, in the words of Kafka', async (name) => {
    const config: Record<string, string> = { ...(await setUp()) };
    delete config[name];
    expect(() => definition.config.parse(config)).toThrow(`Missing required configuration "${name}" which has no default value.`);
  });

  test('what was put is there when offsets may be committed, no further than what was put', async () => {
    const run = await SinkRun.start(definition, await setUp());
    await run.put(records);
    const offsets = await run.commit();
    expect(await readBack()).toEqual(everything);
    for (const [partition, offset] of offsets) {
      expect(partition).toBe('topic-0');
      expect(offset).toBeLessThanOrEqual(BigInt(records.length));
    }
    await run.stop();
  });

  test('nothing to put is no error, before records and after', async () => {
    const run = await SinkRun.start(definition, await setUp());
    await run.put([]);
    await run.commit();
    await run.put(records);
    await run.put([]);
    await run.commit();
    expect(await readBack()).toEqual(everything);
    await run.stop();
  });

  test('records that come again after a crash lose nothing', async () => {
    const config = await setUp();
    const crashed = await SinkRun.start(definition, config);
    await crashed.put(records.slice(0, 2));
    await crashed.commit();
    await crashed.stop();
    const run = await SinkRun.start(definition, config);
    await run.put(records.slice(1));
    await run.commit();
    const found = await readBack();
    if (idempotent) expect(found).toEqual(everything);
    else expect(found).toEqual(expect.arrayContaining(everything));
    await run.stop();
  });

  test('goes on where it was when a frozen run is thawed', async () => {
    const run = await SinkRun.start(definition, await setUp());
    await run.put(records.slice(0, 1));
    await run.commit();
    run.context.end();
    run.context.clock.advance(600_000);
    run.context.begin();
    await run.put(records.slice(1));
    await run.commit();
    expect(await readBack()).toEqual(everything);
    await run.stop();
  });
}
