import { expect, test } from 'vitest';
import type { SourceConnectorDefinition, SourceRecord, SourceTask } from '../../shared/connect/index.ts';
import { connectorContext, MemoryOffsets, sourceContext, type TestSourceContext, VirtualClock } from './contexts.ts';

/** A task under test, driven as the worker drives it. */
export class SourceRun {
  readonly task: SourceTask;
  readonly context: TestSourceContext;
  readonly offsets: MemoryOffsets;
  /** Records that were polled and are not committed yet. */
  #submitted: SourceRecord[] = [];

  private constructor(task: SourceTask, context: TestSourceContext, offsets: MemoryOffsets) {
    this.task = task;
    this.context = context;
    this.offsets = offsets;
  }

  /** Makes and starts a task. */
  static async start(
    definition: SourceConnectorDefinition,
    config: Readonly<Record<string, string>>,
    {
      offsets = new MemoryOffsets(),
      clock = new VirtualClock(),
      task = 0,
      maxTasks = 1,
    }: { offsets?: MemoryOffsets; clock?: VirtualClock; task?: number; maxTasks?: number } = {},
  ): Promise<SourceRun> {
    const configs = await definition.taskConfigs(connectorContext(definition.config.parse(config), config, maxTasks));
    const context = sourceContext(configs[task] ?? config, { offsets, clock, task });
    const run = new SourceRun(await definition.createTask(context), context, offsets);
    await run.task.start();
    return run;
  }

  /** One poll; its records wait for `commit`. */
  async poll(): Promise<readonly SourceRecord[]> {
    const records = (await this.task.poll()) ?? [];
    this.#submitted.push(...records);
    return records;
  }

  /** Polls until so many polls in a row gave nothing, or so many records came. */
  async drain({ most = Number.POSITIVE_INFINITY, empty = 2 } = {}): Promise<SourceRecord[]> {
    const all: SourceRecord[] = [];
    for (let idle = 0; idle < empty && all.length < most; ) {
      const records = await this.poll();
      idle = records.length === 0 ? idle + 1 : 0;
      all.push(...records);
    }
    return all;
  }

  /** The first `count` records that were polled are in Kafka (all, if left out): acknowledges them, stores offsets, tells the task. Throws what the task raised. */
  async commit(count = this.#submitted.length): Promise<void> {
    for (const record of this.#submitted.splice(0, count)) {
      this.task.commitRecord?.(record, { topic: record.topic, partition: 0, offset: 0n, timestamp: record.timestamp });
      if (record.sourceOffset !== null) this.offsets.set(record.sourcePartition, record.sourceOffset);
    }
    await this.task.commit();
    const [raised] = this.context.raised;
    if (raised !== undefined) throw raised;
  }
}

export interface SourceContract {
  readonly definition: SourceConnectorDefinition;
  /** Puts the source into its first state and returns the config of a connector for it. Called anew for each test. */
  setUp(): Promise<Readonly<Record<string, string>>> | Readonly<Record<string, string>>;
  /** How many records `setUp` provides; for an endless source, how many to look at. */
  readonly records: number;
  /** Whether more come after them by themselves. */
  readonly endless?: boolean;
  /** What tells records apart. Left out: key and value. */
  identity?(record: SourceRecord): unknown;
}

/** Tests that every source connector should pass. Call it within a `describe`. */
export function sourceConnectorContract({ definition, setUp, records: count, endless = false, identity = keyAndValue }: SourceContract): void {
  const required = Object.entries(definition.config.keys).filter(([, key]) => key.required);

  test.each(required.map(([name]) => name))('refuses a config without %s, in the words of Kafka', async (name) => {
    const config: Record<string, string> = { ...(await setUp()) };
    delete config[name];
    expect(() => definition.config.parse(config)).toThrow(`Missing required configuration "${name}" which has no default value.`);
    expect(definition.config.validateAll(config).find((each) => each.name === name)?.errorMessages).not.toEqual([]);
  });

  test('accepts its config, and makes no more tasks than it may', async () => {
    const config = await setUp();
    expect(definition.config.validateAll(config).flatMap(({ errorMessages }) => errorMessages)).toEqual([]);
    for (const maxTasks of [1, 3]) {
      const configs = await definition.taskConfigs(connectorContext(definition.config.parse(config), config, maxTasks));
      expect(configs.length).toBeGreaterThan(0);
      expect(configs.length).toBeLessThanOrEqual(maxTasks);
    }
  });

  test('gives every record once, each with a partition and an offset that can be stored', async () => {
    const run = await SourceRun.start(definition, await setUp());
    const records = await take(run, count);
    expect(records).toHaveLength(count);
    for (const { topic, sourcePartition, sourceOffset } of records) {
      expect(topic).not.toBe('');
      expect(Object.keys(sourcePartition)).not.toEqual([]);
      expect(sourceOffset).not.toBeNull();
      expect(isPlain(sourcePartition) && isPlain(sourceOffset)).toBe(true);
    }
    await run.commit();
    if (!endless) expect(await run.drain()).toEqual([]);
    await run.task.stop();
  });

  test('goes on without a gap and without a repeat after each offset that can be stored', async () => {
    const whole = await SourceRun.start(definition, await setUp());
    const expected = (await take(whole, count)).map(identity);
    expect(expected).toHaveLength(count);
    await whole.task.stop();
    for (const done of positions(count)) {
      const config = await setUp();
      const offsets = new MemoryOffsets();
      const before = await SourceRun.start(definition, config, { offsets });
      const first = (await take(before, count)).slice(0, done).map(identity);
      await before.commit(done);
      // It dies here: nothing is told to the task.
      const after = await SourceRun.start(definition, config, { offsets });
      const rest = (await take(after, count - done)).map(identity);
      expect([...first, ...rest], `after ${done} records`).toEqual(expected);
      await after.task.stop();
    }
  });

  test('goes on where it was when a frozen run is thawed', async () => {
    const run = await SourceRun.start(definition, await setUp());
    const first = await run.poll();
    run.context.end();
    await run.commit();
    run.context.clock.advance(600_000);
    run.context.begin();
    const rest = await take(run, count - first.length);
    expect(first.length + rest.length).toBe(count);
    await run.task.stop();
  });

  test('a poll comes back when the run has ended, and stop may follow at once', async () => {
    const run = await SourceRun.start(definition, await setUp());
    if (!endless) {
      await take(run, count);
      await run.commit();
    }
    run.context.end();
    await run.poll();
    await run.task.stop();
  });
}

async function take(run: SourceRun, count: number): Promise<SourceRecord[]> {
  const records = count === 0 ? [] : await run.drain({ most: count, empty: 3 });
  return records;
}

/** All positions of a short sequence, some of a long one. */
function positions(count: number): number[] {
  return Array.from({ length: count + 1 }, (_, at) => at).filter((at) => count <= 20 || at < 3 || at > count - 3 || at % Math.ceil(count / 10) === 0);
}

function keyAndValue({ key, value }: SourceRecord): unknown {
  return [key, value];
}

/** JSON, and bigint: what an offset may be made of. */
function isPlain(value: unknown): boolean {
  if (value === null || ['string', 'number', 'boolean', 'bigint'].includes(typeof value)) return true;
  if (Array.isArray(value)) return value.every(isPlain);
  return typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype && Object.values(value as object).every(isPlain);
}
