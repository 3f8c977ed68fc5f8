import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Schema, type SourceConnectorDefinition, type SourceRecord } from '../../../shared/connect/index.ts';
import {
  spoolDirCsvSource,
  spoolDirJsonSource,
  spoolDirLineDelimitedSource,
  spoolDirSchemaLessJsonSource,
} from '../../../shared/connectors/spooldir/source.ts';
import { MemoryOffsets, VirtualClock } from '../../kit/contexts.ts';
import { SourceRun, sourceConnectorContract } from '../../kit/source-connector.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-spool-'));
  for (const name of ['in', 'finished', 'error']) await mkdir(join(folder, name));
});
afterEach(() => rm(folder, { recursive: true }));

const drop = (name: string, content: string | Buffer) => writeFile(join(folder, 'in', name), content);
const list = (name: string) => readdir(join(folder, name)).then((names) => names.sort());
const config = (more: Record<string, string> = {}) => ({
  topic: 't',
  'input.path': join(folder, 'in'),
  'finished.path': join(folder, 'finished'),
  'error.path': join(folder, 'error'),
  'input.file.pattern': '.*\\.(csv|json|txt|gz)',
  ...more,
});
const generated = (more: Record<string, string> = {}) => config({ 'schema.generation.enabled': 'true', 'csv.first.row.as.header': 'true', ...more });
const start = (definition: SourceConnectorDefinition, settings: Record<string, string>, options?: Parameters<typeof SourceRun.start>[2]) =>
  SourceRun.start(definition, settings, options);
const values = (records: readonly SourceRecord[]) => records.map(({ value }) => value);
const offsets = (records: readonly SourceRecord[]) =>
  records.map(({ sourcePartition, sourceOffset }) => [sourcePartition['fileName'], sourceOffset?.['offset']]);

describe('the contract of a source, CSV', () => {
  sourceConnectorContract({
    definition: spoolDirCsvSource,
    records: 9,
    async setUp() {
      for (const name of ['in', 'finished', 'error']) for (const each of await list(name)) await rm(join(folder, name, each));
      await drop('a.csv', 'id,text\n1,a\n2,"b\nc"\n3,d\n4,e\n5,f\n');
      await drop('b.csv', 'id,text\n6,g\n7,h\n8,i\n9,j');
      return generated({ 'batch.size': '2', 'schema.generation.key.fields': 'id' });
    },
  });
});

describe.each([
  ['JSON', spoolDirJsonSource],
  ['JSON as text', spoolDirSchemaLessJsonSource],
  ['lines', spoolDirLineDelimitedSource],
])('the contract of a source, %s', (_, definition) => {
  sourceConnectorContract({
    definition,
    records: 5,
    async setUp() {
      for (const name of ['in', 'finished', 'error']) for (const each of await list(name)) await rm(join(folder, name, each));
      await drop('a.json', '{"id":"1"}\n{"id":"2"}\n{"id":"3"}\n');
      await drop('b.json', '{"id":"4"}\n{"id":"5"}');
      return definition === spoolDirJsonSource ? config({ 'schema.generation.enabled': 'true', 'batch.size': '2' }) : config({ 'batch.size': '2' });
    },
  });
});

describe('when a file is put away', () => {
  test('not before its last record is acknowledged and its offset stored', async () => {
    await drop('a.csv', 'id\n1\n2\n3\n');
    const run = await start(spoolDirCsvSource, generated());
    expect(await run.drain()).toHaveLength(3);
    expect(await list('in')).toEqual(['a.csv', 'a.csv.PROCESSING']);
    await run.commit(2);
    expect(await list('in')).toEqual(['a.csv', 'a.csv.PROCESSING']);
    await run.commit();
    expect(await list('in')).toEqual([]);
    expect(await list('finished')).toEqual(['a.csv']);
  });

  test('records of the next file may come first', async () => {
    await drop('a.csv', 'id\n1\n2\n');
    await drop('b.csv', 'id\n3\n4\n');
    const run = await start(spoolDirCsvSource, generated());
    expect(offsets(await run.drain())).toEqual([
      ['a.csv', 1],
      ['a.csv', 2],
      ['b.csv', 1],
      ['b.csv', 2],
    ]);
    await run.commit(3);
    expect(await list('finished')).toEqual(['a.csv']);
    await run.commit();
    expect(await list('finished')).toEqual(['a.csv', 'b.csv']);
  });

  test('a file whose records were all stored before a crash is only moved', async () => {
    await drop('a.csv', 'id\n1\n2\n');
    const stored = new MemoryOffsets();
    const crashed = await start(spoolDirCsvSource, generated(), { offsets: stored });
    const records = await crashed.drain();
    stored.set(records[1]?.sourcePartition ?? {}, records[1]?.sourceOffset ?? null);
    expect(await list('in')).toEqual(['a.csv', 'a.csv.PROCESSING']);
    const run = await start(spoolDirCsvSource, generated(), { offsets: stored });
    expect(await run.drain()).toEqual([]);
    expect(await list('finished')).toEqual(['a.csv']);
    expect(await list('in')).toEqual([]);
  });

  test('another file of the same name is read from its beginning', async () => {
    const stored = new MemoryOffsets();
    for (const text of ['id\n1\n2\n', 'id\n3\n4\n5\n']) {
      await drop('same.csv', text);
      const run = await start(spoolDirCsvSource, generated(), { offsets: stored });
      expect(await run.drain()).toHaveLength(text === 'id\n1\n2\n' ? 2 : 3);
      await run.commit();
      await run.task.stop();
    }
  });

  test('an offset that names no file, as a user sets it, counts for the file', async () => {
    await drop('a.csv', 'id\n1\n2\n3\n');
    const stored = new MemoryOffsets();
    stored.set({ fileName: 'a.csv' }, { offset: 2 });
    expect(values(await (await start(spoolDirCsvSource, generated(), { offsets: stored })).drain())).toEqual([{ id: '3' }]);
  });

  test.each([
    ['DELETE', [], []],
    ['NONE', ['a.csv'], []],
    ['MOVE', [], ['a.csv']],
    ['MOVEBYDATE', [], ['2024-03-05']],
  ])('%s', async (policy, left, finished) => {
    await drop('a.csv', 'id\n1\n');
    await utimes(join(folder, 'in', 'a.csv'), new Date(2024, 2, 5, 12), new Date(2024, 2, 5, 12));
    const run = await start(spoolDirCsvSource, generated({ 'cleanup.policy': policy }));
    expect(await run.drain()).toHaveLength(1);
    await run.commit();
    expect(await run.drain()).toEqual([]);
    expect(await list('in')).toEqual(left);
    expect(await list('finished')).toEqual(finished);
  });

  test('folders within the input folder are kept in the finished one and removed when empty', async () => {
    await mkdir(join(folder, 'in', 'x', 'y'), { recursive: true });
    await drop('x/y/a.csv', 'id\n1\n');
    const run = await start(spoolDirCsvSource, generated({ 'input.path.walk.recursively': 'true' }));
    const [record] = await run.drain();
    expect(record?.headers.find(({ key }) => key === 'file.relative.path')?.value).toBe('x/y');
    await run.commit();
    expect(await list('in')).toEqual([]);
    expect(await list('finished/x/y')).toEqual(['a.csv']);
  });

  test('a file without records is put away at once', async () => {
    await drop('a.csv', 'id\n');
    await drop('b.csv', '');
    const run = await start(spoolDirCsvSource, generated());
    expect(await run.drain()).toEqual([]);
    expect(await list('finished')).toEqual(['a.csv', 'b.csv']);
  });
});

describe('which files are read', () => {
  test('those whose whole name matches, old enough, in order, unless another reads them', async () => {
    for (const name of ['b.csv', 'a.csv', 'c.csv.tmp', 'young.csv', 'theirs.csv']) await drop(name, `id\n${name}\n`);
    await drop('theirs.csv.PROCESSING', '');
    const now = Date.now();
    for (const name of ['a.csv', 'b.csv', 'theirs.csv']) await utimes(join(folder, 'in', name), now / 1000 - 100, now / 1000 - 100);
    await utimes(join(folder, 'in', 'young.csv'), now / 1000, now / 1000);
    const settings = generated({ 'file.minimum.age.ms': '50000', 'files.sort.attributes': 'NameDesc' });
    const run = await start(spoolDirCsvSource, settings, { clock: new VirtualClock(now) });
    expect(values(await run.drain())).toEqual([{ id: 'b.csv' }, { id: 'a.csv' }]);
  });

  test('several tasks share them, each file to one', async () => {
    for (let i = 0; i < 20; i++) await drop(`file-${i}.csv`, `id\n${i}\n`);
    const seen: unknown[] = [];
    for (let task = 0; task < 3; task++) seen.push(...values(await (await start(spoolDirCsvSource, generated(), { task, maxTasks: 3 })).drain()));
    expect(seen).toHaveLength(20);
    expect(new Set(seen.map((each) => (each as { id: string }).id)).size).toBe(20);
  });

  test('a folder that is not there fails the task and is named', async () => {
    await expect(start(spoolDirCsvSource, generated({ 'error.path': '/no/such' }))).rejects.toThrow("Directory for 'error.path' '/no/such' does not exist");
  });
});

describe('a file that cannot be read to its end', () => {
  const schema = JSON.stringify({ type: 'STRUCT', name: 'V', fieldSchemas: { id: { type: 'INT32' } } });
  const typed = (more: Record<string, string>) => config({ 'key.schema': schema, 'value.schema': schema, ...more });

  test('gives what is before the error, then goes to error.path and fails the task', async () => {
    await drop('a.csv', '1\n2\nthree\n4\n');
    const run = await start(spoolDirCsvSource, typed({}));
    expect(values(await run.drain())).toEqual([{ id: 1 }, { id: 2 }]);
    expect(await list('error')).toEqual([]);
    await expect(run.commit()).rejects.toThrow(/Exception thrown while parsing data for 'id'. linenumber=3/);
    expect(await list('error')).toEqual(['a.csv']);
    expect(await list('in')).toEqual([]);
  });

  test('is passed over with halt.on.error=false', async () => {
    await drop('a.csv', 'one\n');
    await drop('b.csv', '1\n');
    const run = await start(spoolDirCsvSource, typed({ 'halt.on.error': 'false' }));
    expect(values(await run.drain())).toEqual([{ id: 1 }]);
    expect(await list('error')).toEqual(['a.csv']);
  });

  test.each([
    ['too few fields', 'a,b\n1\n', /has 1 fields, 2 were expected/],
    ['a quote without end', 'a,b\n1,"2\n3,4\n', /Unterminated quoted field/],
    ['a column named twice', 'a,a\n1,2\n', /names a column twice/],
  ])('%s', async (_, text, message) => {
    await drop('a.csv', text);
    const run = await start(spoolDirCsvSource, generated());
    await expect(run.drain()).rejects.toThrow(message);
  });
});

describe('what records look like', () => {
  test('CSV with a schema: types, dates in a zone, nulls, key, headers', async () => {
    const fieldSchemas = {
      id: { type: 'INT64', isOptional: false },
      price: { type: 'BYTES', name: 'org.apache.kafka.connect.data.Decimal', version: 1, parameters: { scale: '2' }, isOptional: true },
      at: { type: 'INT64', name: 'org.apache.kafka.connect.data.Timestamp', version: 1 },
      ok: { type: 'BOOLEAN', isOptional: true },
    };
    const settings = config({
      'key.schema': JSON.stringify({ type: 'STRUCT', name: 'K', fieldSchemas: { id: fieldSchemas.id } }),
      'value.schema': JSON.stringify({ type: 'STRUCT', name: 'V', fieldSchemas }),
      'csv.null.field.indicator': 'EMPTY_SEPARATORS',
      'csv.separator.char': '59',
      'csv.skip.lines': '1',
      'parser.timestamp.timezone': 'America/New_York',
      'timestamp.mode': 'FIELD',
      'timestamp.field': 'at',
    });
    const text = '# made by hand\n9007199254740993;1.5;2024-07-01 12:00:00;true\n2;;2024-01-01T12:00:00;\n';
    await drop('a.csv', text);
    const [first, second] = await (await start(spoolDirCsvSource, settings)).drain();
    expect(first?.key).toEqual({ id: 9007199254740993n });
    expect(first?.value).toMatchObject({ id: 9007199254740993n, price: { unscaled: 150n, scale: 2 }, at: new Date('2024-07-01T16:00:00Z'), ok: true });
    expect(second?.value).toEqual({ id: 2n, price: null, at: new Date('2024-01-01T17:00:00Z'), ok: null });
    expect(second?.timestamp).toBe(Date.parse('2024-01-01T17:00:00Z'));
    expect(second?.headers.map(({ key, value }) => [key, value])).toEqual([
      ['file.name', 'a.csv'],
      ['file.name.without.extension', 'a'],
      ['file.path', join(folder, 'in', 'a.csv')],
      ['file.parent.dir.name', 'in'],
      ['file.length', BigInt(text.length)],
      ['file.offset', 2n],
      ['file.last.modified', expect.any(Date)],
    ]);
    expect(first?.valueSchema).toBe(second?.valueSchema);
  });

  test('CSV with generated schemas: optional strings, under the names of the config', async () => {
    await drop('a.csv', 'id,name\n1,x\n');
    const [record] = await (await start(spoolDirCsvSource, generated({ 'schema.generation.key.fields': 'id' }))).drain();
    expect(record?.valueSchema?.name).toBe('com.github.jcustenborder.kafka.connect.model.Value');
    expect(record?.valueSchema?.fields.map(({ name, schema }) => [name, schema])).toEqual([
      ['id', Schema.OPTIONAL_STRING_SCHEMA],
      ['name', Schema.OPTIONAL_STRING_SCHEMA],
    ]);
    expect(record?.key).toEqual({ id: '1' });
  });

  test('JSON objects with a schema, numbers beyond 2^53 exactly, across chunks of any size', async () => {
    const schema = {
      type: 'STRUCT',
      fieldSchemas: {
        id: { type: 'INT64' },
        tags: { type: 'ARRAY', valueSchema: { type: 'STRING' }, isOptional: true },
        nested: { type: 'STRUCT', isOptional: true, fieldSchemas: { x: { type: 'FLOAT64' } } },
      },
    };
    const settings = { 'key.schema': JSON.stringify({ type: 'STRUCT', fieldSchemas: {} }), 'value.schema': JSON.stringify(schema) };
    await drop('a.json', ' {"id": 9007199254740993, "tags": ["ä\\"}", "b"]}{"id":2,"nested":{"x":1.5}, "other": [1]}\n\n{"id":3}');
    for (const size of ['1', '7', '131072']) {
      const run = await start(spoolDirJsonSource, config({ ...settings, 'file.buffer.size.bytes': size }));
      expect(values(await run.drain())).toEqual([
        { id: 9007199254740993n, tags: ['ä"}', 'b'], nested: null },
        { id: 2n, tags: null, nested: { x: 1.5 } },
        { id: 3n, tags: null, nested: null },
      ]);
    }
  });

  test('JSON as text keeps digits and loses blanks; broken JSON is an error', async () => {
    await drop('a.json', '{ "a" : 1.10, "b": "x y" }\n[1, 2]\n"text" 12345678901234567890\n{"a": }');
    const run = await start(spoolDirSchemaLessJsonSource, config());
    expect(values(await run.drain())).toEqual(['{"a":1.10,"b":"x y"}', '[1,2]', '"text"', '12345678901234567890']);
    await expect(run.commit()).rejects.toThrow(/Value 4 of .* is not JSON/);
  });

  test('lines with any end, unpacked from gzip, in another character set', async () => {
    await drop('a.txt.gz', gzipSync(Buffer.from('eins\r\nzw\xf6lf\rdrei\n\nende', 'latin1')));
    for (const size of ['1', '131072']) {
      const run = await start(spoolDirLineDelimitedSource, config({ 'file.charset': 'ISO-8859-1', 'file.buffer.size.bytes': size }));
      expect(values(await run.drain())).toEqual(['eins', 'zwölf', 'drei', '', 'ende']);
    }
  });
});

test('the demo file comes whole', async () => {
  const text = await readFile(new URL('../../../examples/weather/seattle-weather.csv', import.meta.url), 'utf8');
  await drop('weather.csv', text);
  const run = await start(spoolDirCsvSource, generated());
  const records = await run.drain();
  expect(records).toHaveLength(text.trim().split('\n').length - 1);
  expect(records[0]?.value).toEqual({ date: '2012-01-01', precipitation: '0.0', temp_max: '12.8', temp_min: '5.0', wind: '4.7', weather: 'drizzle' });
  await run.commit();
  expect(await list('finished')).toEqual(['weather.csv']);
});
