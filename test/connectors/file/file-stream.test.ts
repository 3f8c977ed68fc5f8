import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Logger,
  Schema,
  SinkRecord,
  type SourceOffset,
  type SourceRecord,
  type SourceTask,
  type SourceTaskContext,
  struct,
} from '../../../shared/connect/index.ts';
import { fileStreamSink } from '../../../shared/connectors/file/sink.ts';
import { FileStreamSinkTask } from '../../../shared/connectors/file/sink-task.ts';
import { fileStreamSource } from '../../../shared/connectors/file/source.ts';

const logger: Logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-file-'));
  file = join(folder, 'lines.txt');
});
afterEach(() => rm(folder, { recursive: true }));

async function source(config: Record<string, string> = {}, offset: SourceOffset | null = null): Promise<SourceTask> {
  const context: SourceTaskContext = {
    connector: 'c',
    task: 0,
    config: { file, topic: 't', ...config },
    offsetStorageReader: { offset: async () => offset, offsets: async (all) => all.map(() => offset) },
    transactionContext: null,
    clock: { now: () => 5, sleep: async () => {}, nextTurn: async () => {} },
    logger,
    signal: new AbortController().signal,
    requestTaskReconfiguration() {},
    raiseError() {},
  };
  return fileStreamSource.createTask(context);
}

/** Polls until nothing comes. */
async function drain(task: SourceTask): Promise<SourceRecord[]> {
  const all: SourceRecord[] = [];
  for (let empty = 0; empty < 2; ) {
    const records = await task.poll();
    if (records === null || records.length === 0) empty++;
    else all.push(...records);
  }
  return all;
}
const lines = (records: readonly SourceRecord[]) => records.map(({ value, sourceOffset }) => [value, sourceOffset?.position]);

describe('FileStreamSource', () => {
  test('gives a record a line, with the position after it', async () => {
    await writeFile(file, 'one\ntwo\n\nfour\n');
    const task = await source();
    const records = await drain(task);
    expect(lines(records)).toEqual([
      ['one', 4],
      ['two', 8],
      ['', 9],
      ['four', 14],
    ]);
    expect(records[0]).toMatchObject({ topic: 't', key: null, keySchema: null, sourcePartition: { filename: file }, timestamp: 5 });
    expect(records[0]?.valueSchema).toBe(Schema.STRING_SCHEMA);
    await task.stop();
  });

  test('counts bytes where characters take more than one', async () => {
    await writeFile(file, 'Käse\n日本\nend\n');
    const task = await source();
    expect(lines(await drain(task))).toEqual([
      ['Käse', 6],
      ['日本', 13],
      ['end', 17],
    ]);
    await task.stop();
  });

  test('knows all three ends of a line, and waits for what follows a \\r', async () => {
    await writeFile(file, 'a\r\nb\rc\n\rd\r');
    const task = await source();
    expect(lines(await drain(task))).toEqual([
      ['a', 3],
      ['b', 5],
      ['c', 7],
      ['', 8],
    ]);
    await appendFile(file, '\ne\n');
    expect(lines(await drain(task))).toEqual([
      ['d', 11],
      ['e', 13],
    ]);
    await task.stop();
  });

  test('keeps a line without an end until its end comes', async () => {
    await writeFile(file, 'whole\nha');
    const task = await source();
    expect(lines(await drain(task))).toEqual([['whole', 6]]);
    await appendFile(file, 'lf\n');
    expect(lines(await drain(task))).toEqual([['half', 11]]);
    await task.stop();
  });

  test('goes on at the stored position', async () => {
    await writeFile(file, 'one\ntwo\nthree\n');
    const task = await source({}, { position: 4 });
    expect(lines(await drain(task))).toEqual([
      ['two', 8],
      ['three', 14],
    ]);
    await task.stop();
  });

  test('waits for a file that is not there yet', async () => {
    const task = await source();
    expect(await task.poll()).toBeNull();
    await writeFile(file, 'late\n');
    expect(lines(await drain(task))).toEqual([['late', 5]]);
    await task.stop();
  });

  test('gives no more than batch.size at once, and long files whole', async () => {
    const count = 50_000;
    await writeFile(file, Array.from({ length: count }, (_, i) => `line ${i} ${'x'.repeat(i % 60)}\n`).join(''));
    const task = await source({ 'batch.size': '700' });
    const first = await task.poll();
    expect(first).toHaveLength(700);
    const all = [...(first ?? []), ...(await drain(task))];
    expect(all).toHaveLength(count);
    expect(all.every(({ value }, i) => (value as string).startsWith(`line ${i} `))).toBe(true);
    expect(all.at(-1)?.sourceOffset).toEqual({ position: (await readFile(file)).length });
    await task.stop();
  });

  test.each([
    [{ name: 'x' }, { position: 1 }, /should contain the key 'filename'/],
    [{ filename: 'x' }, { other: 1 }, /contain the key 'position'/],
    [{ filename: 'x' }, { position: 'one' }, /is expected to be a Long value/],
    [{ filename: 'x' }, { position: '7' }, /is expected to be a Long value/],
    [{ filename: 'x' }, { position: 1.5 }, /is expected to be a Long value/],
    [{ filename: 'x' }, { position: null }, /is expected to be a Long value/],
    [{ filename: 'x' }, { position: -1 }, /non-negative/],
  ])('refuses the offset %j -> %j', (partition, offset, message) => {
    expect(() => fileStreamSource.alterOffsets?.({ file }, [{ partition, offset: offset as SourceOffset }])).toThrow(message);
  });
});

describe('FileStreamSink', () => {
  const record = (value: unknown, valueSchema: Schema | null = null) => new SinkRecord('t', 0, null, null, valueSchema, value, 0n, null);

  test('appends values as Java prints them', async () => {
    const task = new FileStreamSinkTask(file);
    await task.start();
    const schema = struct({ a: Schema.INT32_SCHEMA, b: Schema.OPTIONAL_STRING_SCHEMA });
    await task.put([record('text'), record(null), record(new Map([['k', 1]])), record({ a: 1, b: 'x' }, schema)]);
    await task.flush();
    await task.stop();
    expect(await readFile(file, 'utf8')).toBe('text\nnull\n{k=1}\nStruct{a=1,b=x}\n');
  });

  test('ends a line that was torn, and leaves a whole file alone', async () => {
    await writeFile(file, 'whole\nto');
    for (let i = 0; i < 2; i++) {
      const task = new FileStreamSinkTask(file);
      await task.start();
      await task.put([record(`again ${i}`)]);
      await task.stop();
    }
    expect(await readFile(file, 'utf8')).toBe('whole\nto\nagain 0\nagain 1\n');
  });

  test('a folder that is not there is an error that names the file', async () => {
    await expect(new FileStreamSinkTask(join(folder, 'no', 'file')).start()).rejects.toThrow(/Couldn't find or create file/);
  });

  test('has a task for each that was asked for', () => {
    const context = { rawConfig: { file }, maxTasks: 3 } as never;
    expect(fileStreamSink.taskConfigs(context)).toHaveLength(3);
  });
});
