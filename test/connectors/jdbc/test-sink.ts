import {
  type ErrantRecordReporter,
  isRetriable,
  type Logger,
  Schema,
  SinkRecord,
  type SinkTask,
  type SinkTaskContext,
  struct,
} from '../../../shared/connect/index.ts';
import { jdbcSink } from '../../../shared/connectors/jdbc/sink.ts';

const logger: Logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

export interface TestSink {
  readonly task: SinkTask;
  /** What the reporter was given, by offset. */
  readonly reported: { offset: bigint; error: Error }[];
  /** What `context.timeout` was given. */
  readonly timeouts: number[];
  readonly raised: Error[];
  /** Puts and flushes. */
  write(...records: SinkRecord[]): Promise<void>;
  /** Lets time pass, as a process that is frozen does. */
  freeze(ms: number): void;
  endRun(): void;
}

/** A task as the worker would have it, on a clock whose sleeps take no time. */
export async function testSink(config: Record<string, string>, options: { reporter?: boolean } = {}): Promise<TestSink> {
  const reported: TestSink['reported'] = [];
  const timeouts: number[] = [];
  const raised: Error[] = [];
  const run = new AbortController();
  let frozenMs = 0;
  const errantRecordReporter: ErrantRecordReporter = {
    async report(record, error) {
      reported.push({ offset: record.kafkaOffset, error });
    },
  };
  const context: SinkTaskContext = {
    connector: 'jdbc',
    task: 0,
    config: { 'auto.create': 'true', ...config },
    clock: { now: () => performance.now() + frozenMs, sleep: (ms, signal) => passed(ms, signal), nextTurn: async () => {} },
    logger,
    signal: run.signal,
    assignment: () => [],
    offset() {},
    pause() {},
    resume() {},
    timeout: (ms) => timeouts.push(ms),
    requestCommit() {},
    errantRecordReporter: options.reporter ? errantRecordReporter : null,
    raiseError: (error) => raised.push(error),
  };
  const task = await jdbcSink.createTask(context);
  await task.start();
  return {
    task,
    reported,
    timeouts,
    raised,
    async write(...records) {
      await task.put(records);
      await task.flush(new Map());
    },
    freeze(ms) {
      frozenMs += ms;
    },
    endRun: () => run.abort(),
  };
}

/** Sleeps take a hundredth of their time: long enough for a server to answer, short enough for a test. */
function passed(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(resolve, ms / 100);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

export const customer = struct({ id: Schema.INT64_SCHEMA, name: Schema.OPTIONAL_STRING_SCHEMA });

let offsets = 0n;

/** A record of `topic` with the next offset. */
export function sinkRecord(parts: {
  topic?: string;
  keySchema?: Schema | null;
  key?: unknown;
  valueSchema?: Schema | null;
  value: unknown;
  partition?: number;
  offset?: bigint;
}): SinkRecord {
  const { topic = 'customers', keySchema = null, key = null, valueSchema = customer, value, partition = 0, offset = offsets++ } = parts;
  return new SinkRecord(topic, partition, keySchema, key, value === null ? null : valueSchema, value, offset, 1_750_000_000_000);
}

/** A customer keyed by its id, and the record that deletes it. */
export function keyed(id: number, name: string | null): SinkRecord {
  return sinkRecord({ keySchema: Schema.INT64_SCHEMA, key: BigInt(id), value: { id: BigInt(id), name } });
}
export function tombstone(id: number): SinkRecord {
  return sinkRecord({ keySchema: Schema.INT64_SCHEMA, key: BigInt(id), value: null });
}

/** The error of a call that must fail. */
export async function failureOf(call: unknown): Promise<Error & { retriable: boolean }> {
  try {
    await call;
  } catch (error) {
    return Object.assign(error as Error, { retriable: isRetriable(error) });
  }
  throw new Error('It was to fail and did not');
}
