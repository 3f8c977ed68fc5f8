import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../bench/measure.ts';
import { sluice } from '../../infra/cli/main.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import { type LocalSluice, startLocalSluice } from '../chaos/local-sluice.ts';
import { collectingLogger } from '../kit/contexts.ts';
import { kafkaBrokers } from './servers.ts';

let local: LocalSluice;
const topic = `cli-${Date.now()}`;
const text = 'org.apache.kafka.connect.storage.StringConverter';

beforeAll(async () => {
  local = await startLocalSluice(kafkaBrokers());
}, 90_000);
afterAll(() => local?.stop());

async function run(...args: string[]) {
  const out: string[] = [];
  const complaints: string[] = [];
  const code = await sluice(
    args,
    { SLUICE_URL: local.url },
    (line) => out.push(line),
    (line) => complaints.push(line),
  );
  return { code, out: out.join('\n'), complaints: complaints.join('\n') };
}

const path = (name: string) => join(local.folder, name);
async function spec(name: string, config: Record<string, string>): Promise<string> {
  await writeFile(path(`${name}.json`), JSON.stringify({ name, config: { name, 'key.converter': text, 'value.converter': text, ...config } }));
  return path(`${name}.json`);
}

test('specs are applied, carry records, are left alone when they are so already, and are deleted', async () => {
  await writeFile(path('in.txt'), 'one\n');
  const source = await spec('cli source', { 'connector.class': 'FileStreamSource', file: path('in.txt'), topic });
  const sink = await spec('cli-sink', { 'connector.class': 'FileStreamSink', file: path('out.txt'), topics: topic });
  expect(await run('status')).toMatchObject({ code: 0, out: 'There are no connectors' });
  const applied = await run('apply', source, sink);
  expect(applied).toMatchObject({ code: 0, complaints: '' });
  expect(applied.out.split('\n')).toEqual(['cli source: created', 'cli-sink: created', 'cli source: RUNNING, 1 task', 'cli-sink: RUNNING, 1 task']);
  await appendFile(path('in.txt'), 'two\n');
  await until('both lines', async () => (await readFile(path('out.txt'), 'utf8').catch(() => '')) === 'one\ntwo\n');
  expect((await run('apply', source, sink)).out).toBe('cli source: unchanged\ncli-sink: unchanged');
  await spec('cli-sink', { 'connector.class': 'FileStreamSink', file: path('other.txt'), topics: topic });
  expect((await run('apply', sink)).out).toBe('cli-sink: updated\ncli-sink: RUNNING, 1 task');
  expect((await run('status')).out).toMatch(/CONNECTOR .*TASKS\ncli source +source +RUNNING +1 RUNNING\ncli-sink +sink +RUNNING +1 RUNNING/);
  expect(await run('status', 'cli-sink', 'nobody')).toMatchObject({ code: 1, out: expect.stringContaining('nobody: there is no such connector') });
  expect(await run('delete', 'cli source', 'cli-sink', 'nobody')).toMatchObject({
    code: 1,
    out: 'cli source: deleted\ncli-sink: deleted\nnobody: Connector nobody not found',
  });
}, 60_000);

test('a config that is refused, and a task that fails, are told, and the exit code says so', async () => {
  const wrong = await spec('cli-wrong', { 'connector.class': 'FileStreamSink', topics: topic, 'tasks.max': 'many' });
  const refused = await run('apply', wrong);
  expect(refused.out).toContain('cli-wrong: failed: tasks.max: Invalid value many for configuration tasks.max');
  expect([refused.code, refused.out]).toEqual([1, expect.stringMatching(/^cli-wrong: failed: .*tasks\.max/s)]);
  const failing = await spec('cli-failing', { 'connector.class': 'FileStreamSink', topics: topic, file: path('no/such/folder/out.txt') });
  const failed = await run('apply', failing);
  expect([failed.code, failed.out]).toEqual([1, expect.stringMatching(/^cli-failing: created\ncli-failing: FAILED\n.*no\/such\/folder/s)]);
  expect(await run('status')).toMatchObject({ code: 1, out: expect.stringContaining('1 FAILED') });
  expect(await run('health')).toMatchObject({ code: 0, out: expect.stringMatching(/^cli-failing: failed\. Its task has failed: .*no\/such\/folder/s) });
  expect((await run('health', 'cli-failing', '--fail-on', 'failed')).code).toBe(1);
  expect((await run('health', '--fail-on', 'late')).complaints).toContain('--fail-on must be failed or degraded');
  expect(await run('health', 'nobody')).toMatchObject({ code: 1, complaints: 'No status found for connector nobody' });
}, 60_000);

test('offsets are shown, set to a time, left by a delete, told by the create that goes on from them, and purged with their group', async () => {
  const own = `${topic}-offsets`;
  const sink = await spec('cli-back', { 'connector.class': 'FileStreamSink', file: path('back.txt'), topics: own, flie: 'x' });
  const kafka = createKafkaClients({ 'bootstrap.servers': kafkaBrokers() }, collectingLogger());
  const admin = kafka.admin();
  try {
    await admin.createTopic({ topic: own, partitions: 2, replicationFactor: 1 });
    const producer = kafka.producer();
    const base = Date.UTC(2026, 0, 1);
    const records = [0, 1, 2, 3].map((at) => ({
      topic: own,
      partition: 0,
      key: null,
      value: Buffer.from(`line ${at}`),
      headers: [],
      timestamp: base + at * 60_000,
    }));
    expect((await producer.send(records)).errors.size).toBe(0);
    const written = async () => (await readFile(path('back.txt'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
    const applied = await run('apply', sink);
    expect([applied.code, applied.out.split('\n')[1]]).toEqual([0, 'cli-back: warning: nothing reads the key flie; did you mean file?']);
    await until('all lines', async () => (await written()).length === 4);
    await until('the offset to be stored', async () => (await run('offsets', 'cli-back')).out.includes('{"kafka_offset":4}'));

    // Back to the third record: it and the fourth come again.
    const back = await run('offsets', 'cli-back', '--reset', '2026-01-01T00:01:30Z', '--restart');
    expect([back.code, back.out.split('\n').sort()]).toEqual([0, [`cli-back: ${own}-0 is set to 2`, `cli-back: ${own}-1 is set to 0`]]);
    await until('two lines again', async () => (await written()).length === 6);
    expect((await written()).slice(4)).toEqual(['line 2', 'line 3']);
    expect(await run('offsets', 'cli-back', '--reset', 'soon', '--restart')).toMatchObject({ code: 1, complaints: expect.stringContaining("'timestamp'") });
    await until('it to run again', async () => /RUNNING +1 RUNNING/.test((await run('status', 'cli-back')).out));
    await until('the group to follow', async () => (await admin.groupOffsets('connect-cli-back')).get(`${own}-0`) === 4n);

    expect((await run('delete', 'cli-back')).out).toBe('cli-back: deleted');
    expect((await run('offsets', 'cli-back')).out).toContain(`sink  {"kafka_partition":0,"kafka_topic":"${own}"}  {"kafka_offset":4}  table`);
    expect((await run('apply', sink)).out).toContain('cli-back: goes on from 2 offsets that a connector of this name has left');

    expect(await run('delete', 'cli-back', '--purge-offsets')).toMatchObject({ code: 0, out: 'cli-back: deleted, with its offsets' });
    expect((await run('offsets', 'cli-back')).out).toBe('cli-back: no offsets are stored');
    expect(await admin.groupOffsets('connect-cli-back')).toEqual(new Map());
    await until('all lines once more', async () => (await run('apply', sink)).code === 0 && (await written()).length === 10);
    // The same by one request, of a connector that runs.
    await local.request('DELETE', '/connectors/cli-back?offsets=purge');
    expect(await local.request('GET', '/connectors/cli-back/offsets/stored')).toEqual({ offsets: [], group_error: null });
    expect(await admin.groupOffsets('connect-cli-back')).toEqual(new Map());
    expect((await run('status', 'cli-back')).out).toContain('there is no such connector');
    expect(await local.request('GET', '/connectors/cli-back/topics')).toEqual({ 'cli-back': { topics: [] } });
  } finally {
    await kafka.close();
  }
}, 90_000);

test('nobody there, a wrong address and a wrong command are one sentence', async () => {
  expect(await run('status', '--url', 'http://127.0.0.1:1')).toMatchObject({
    code: 1,
    complaints: expect.stringContaining('Nothing answers at http://127.0.0.1:1'),
  });
  expect(await run('status', '--url', 'localhost')).toMatchObject({ code: 2, complaints: expect.stringContaining('--url must be') });
  expect(await run('aply')).toMatchObject({ code: 2, complaints: expect.stringContaining('did you mean apply?') });
  expect(await run('apply', '--help')).toMatchObject({ code: 0, out: expect.stringContaining('--no-wait') });
  expect((await run()).code).toBe(2);
});

test('dead letters are listed, shown, and replayed once the config is mended', async () => {
  const clients = createKafkaClients({ 'bootstrap.servers': kafkaBrokers() }, collectingLogger());
  const name = 'cli-dead';
  const dlq = `${topic}-dead`;
  const producer = clients.producer();
  const values = ['"good"', 'no \u001b[31mjson', 'nor this'];
  await clients.admin().createTopic({ topic: `${topic}-3`, partitions: 1, replicationFactor: 1 });
  await producer.send(values.map((value) => ({ topic: `${topic}-3`, partition: 0, key: null, value: Buffer.from(value), headers: [], timestamp: null })));
  await clients.close();
  const config = {
    'connector.class': 'FileStreamSink',
    topics: `${topic}-3`,
    file: path('dead.txt'),
    'errors.tolerance': 'all',
    'errors.deadletterqueue.topic.name': dlq,
    'errors.deadletterqueue.topic.replication.factor': '1',
    'errors.deadletterqueue.context.headers.enable': 'true',
  };
  const json = { 'value.converter': 'org.apache.kafka.connect.json.JsonConverter', 'value.converter.schemas.enable': 'false' };
  await run('apply', await spec(name, { ...config, ...json }));
  await until('the good line', async () => (await readFile(path('dead.txt'), 'utf8').catch(() => '')) === 'good\n');
  await until('both letters', async () => (await run('dlq', 'list', name)).out.split('\n').length === 2);
  const listed = await run('dlq', 'list', name, '--limit', '1');
  expect(listed.out).toMatch(new RegExp(`^0-0  \\S+  ${topic}-3-0@1  VALUE_CONVERTER  DataException: Converting .*\nThere are more: --cursor 0-1, or --all$`));
  expect((await run('dlq', 'list', name, '--stage', 'TRANSFORMATION')).out).toBe('cli-dead has no dead letters of this kind');
  const shown = await run('dlq', 'show', name, '0-0');
  // What could steer a terminal is not printed as it is.
  expect(shown.out).toContain(`  value      base64:${Buffer.from('no \u001b[31mjson').toString('base64')}\n`);
  expect(shown.out).toContain('Caused by: org.apache.kafka.common.errors.SerializationException');
  expect((await run('dlq', 'replay', name, '--dry-run')).out).toBe('2 letters would be replayed; 0 of those that match were replayed before');
  expect(await run('dlq', 'replay', name, '0-1')).toMatchObject({
    code: 1,
    out: expect.stringMatching(/: COMPLETED: 1 letter replayed, 1 of them failed again/),
  });
  await run('apply', await spec(name, config));
  expect(await run('dlq', 'replay', name)).toMatchObject({
    code: 0,
    out: expect.stringMatching(/: COMPLETED: 2 letters replayed, 1 had been replayed before$/),
  });
  expect((await readFile(path('dead.txt'), 'utf8')).split('\n').sort()).toEqual(['', 'good', 'no \u001b[31mjson', 'nor this']);
  expect((await run('dlq', 'replays', name)).out.split('\n')).toHaveLength(2);
  expect(await run('dlq', 'replay', 'nobody')).toMatchObject({ code: 1, complaints: 'Connector nobody not found' });
  expect(await run('dlq', 'bury', name)).toMatchObject({ code: 2 });
}, 90_000);
