import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../bench/measure.ts';
import { sluice } from '../../infra/cli/main.ts';
import { type LocalSluice, startLocalSluice } from '../chaos/local-sluice.ts';
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
