import { type ChildProcess, spawn } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../bench/measure.ts';
import { createEnvironment, type Environment } from '../../functions/wiring.ts';
import type { RunOutcome, RunRequest } from '../../shared/runtime/task-run.ts';
import { createTable } from '../../shared/storage/dynamodb/create-table.ts';
import { dynamodbEndpoint, kafkaBrokers } from '../integration/servers.ts';

const run = Date.now();
const topic = `frozen-${run}`;
const text = 'org.apache.kafka.connect.storage.StringConverter';
const variables = {
  AWS_ENDPOINT_URL_DYNAMODB: dynamodbEndpoint(),
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  SLUICE_TABLE: topic,
  SLUICE_WORKER: JSON.stringify({ 'bootstrap.servers': kafkaBrokers(), 'key.converter': text, 'value.converter': text, 'offset.flush.interval.ms': '200' }),
  SLUICE_METRICS: 'off',
};
const saved = { ...process.env };
const processes: ChildProcess[] = [];
let folder: string;
let environment: Environment;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-frozen-'));
  Object.assign(process.env, variables);
  await createTable(new DynamoDBClient({ region: 'us-east-1' }), topic);
  environment = createEnvironment(variables);
  await environment.kafka.admin().createTopic({ topic, partitions: 1, replicationFactor: 1 });
});

afterAll(async () => {
  for (const child of processes) child.kill('SIGKILL');
  await environment?.kafka.close();
  process.env = saved;
  await rm(folder, { recursive: true, force: true });
});

function startRun(request: RunRequest, runMs: number, leaseMs: number): { child: ChildProcess; outcome: Promise<RunOutcome> } {
  const child = spawn(process.execPath, [fileURLToPath(new URL('run-process.ts', import.meta.url)), JSON.stringify(request), String(runMs), String(leaseMs)], {
    env: { ...saved, ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  processes.push(child);
  let printed = '';
  child.stdout?.on('data', (chunk) => {
    printed += chunk;
  });
  const outcome = new Promise<RunOutcome>((resolve, reject) => {
    child.on('exit', (code) => {
      const line = /^OUTCOME (.*)$/m.exec(printed)?.[1];
      if (line === undefined) reject(new Error(`The run ended with exit code ${code}: ${printed}`));
      else resolve(JSON.parse(line));
    });
  });
  return { child, outcome };
}

test('a run that is frozen until long after its lease was taken stores nothing when it is thawed, and its successor loses nothing', {
  timeout: 120_000,
}, async () => {
  const file = join(folder, 'out.txt');
  const config = { name: 'frozen', 'connector.class': 'FileStreamSink', topics: topic, file, 'tasks.max': '1' };
  const spec = await environment.storage.connectors.create({ name: 'frozen', type: 'sink', config, targetState: 'STARTED' });
  const generation = spec?.generation ?? 0;
  const producer = environment.kafka.producer();
  let produced = 0;
  const produce = async (count: number) => {
    const values = Array.from({ length: count }, () => String(produced++));
    await producer.send(values.map((value) => ({ topic, partition: 0, key: null, value: Buffer.from(value), headers: [], timestamp: null })));
  };
  const lines = async () => (await readFile(file, 'utf8').catch(() => '')).split('\n').slice(0, -1).map(Number);
  const committed = async () => (await environment.storage.offsets.sinkOffsets('frozen')).get(`${topic}-0`) ?? 0n;
  const has = (line: number) => until(`line ${line}`, async () => (await lines()).includes(line), 30_000);

  await produce(100);
  const frozen = startRun({ kind: 'connector', connector: 'frozen', generation }, 30_000, 4_000);
  await has(99);
  // More is on its way to it when it freezes.
  await produce(100);
  frozen.child.kill('SIGSTOP');
  await produce(100);
  const lease = (await environment.storage.control.task('frozen', 0))?.lease;
  expect(lease?.owner).toBe(`run-of-${frozen.child.pid}`);
  await until('the lease to end', async () => Date.now() > (lease?.expiresAt ?? 0), 10_000);

  const successor = startRun({ kind: 'task', connector: 'frozen', task: 0, generation }, 30_000, 40_000);
  await has(299);
  await until('the offsets of the successor', async () => (await committed()) === 300n, 30_000);
  frozen.child.kill('SIGCONT');
  await produce(100);
  expect((await frozen.outcome).outcome).toBe('fenced');
  expect((await successor.outcome).outcome).toBe('idle');
  expect(await committed()).toBeGreaterThanOrEqual(300n);
  await startRun({ kind: 'task', connector: 'frozen', task: 0, generation }, 30_000, 40_000).outcome;
  expect(await committed()).toBe(400n);
  await producer.close();

  let next = 0;
  for (const line of await lines()) {
    if (line > next) expect.fail(`after line ${next - 1} comes line ${line}`);
    if (line === next) next++;
  }
  expect(next).toBe(400);
});

test('a source that is frozen until long after its lease was taken stores nothing when it is thawed, and no line is lost', { timeout: 120_000 }, async () => {
  const lines = `${topic}-lines`;
  await environment.kafka.admin().createTopic({ topic: lines, partitions: 1, replicationFactor: 1 });
  const file = join(folder, 'in.txt');
  const config = { name: 'frozen-source', 'connector.class': 'FileStreamSource', file, topic: lines, 'tasks.max': '1', 'sluice.idle.linger.ms': '8000' };
  const spec = await environment.storage.connectors.create({ name: 'frozen-source', type: 'source', config, targetState: 'STARTED' });
  const generation = spec?.generation ?? 0;
  let written = 0;
  const write = (count: number) => appendFile(file, Array.from({ length: count }, () => `${written++}\n`).join(''));
  const end = async () => (await environment.kafka.admin().endOffsets([{ topic: lines, partition: 0 }])).get(`${lines}-0`) ?? 0n;
  const position = async () => Number((await environment.storage.offsets.sourceOffsets('frozen-source'))[0]?.offset['position'] ?? 0);
  const size = async () => (await stat(file)).size;

  await write(100);
  const frozen = startRun({ kind: 'connector', connector: 'frozen-source', generation }, 60_000, 4_000);
  await until('the first lines', async () => (await end()) >= 100n, 30_000);
  await write(50);
  frozen.child.kill('SIGSTOP');
  await write(50);
  const lease = (await environment.storage.control.task('frozen-source', 0))?.lease;
  expect(lease?.owner).toBe(`run-of-${frozen.child.pid}`);
  await until('the lease to end', async () => Date.now() > (lease?.expiresAt ?? 0), 10_000);

  const successor = startRun({ kind: 'task', connector: 'frozen-source', task: 0, generation }, 60_000, 70_000);
  await until('the offset of the successor', async () => (await position()) === (await size()), 30_000);
  const stored = await position();
  frozen.child.kill('SIGCONT');
  expect((await frozen.outcome).outcome).toBe('fenced');
  expect(await position()).toBe(stored);
  await write(50);
  expect((await successor.outcome).outcome).toBe('idle');
  expect(await position()).toBe(await size());

  const reader = environment.kafka.reader();
  reader.assign([{ topic: lines, partition: 0, offset: 0n }]);
  let next = 0;
  for (let at = 0n, last = await end(); at < last; ) {
    for (const { records, nextOffset } of await reader.poll(1_000)) {
      for (const { value } of records) {
        // At least once: lines may come again, but none that skips another.
        const line = Number(value);
        if (line > next) expect.fail(`after line ${next - 1} comes line ${line}`);
        if (line === next) next++;
      }
      at = nextOffset;
    }
  }
  await reader.close();
  expect(next).toBe(written);
});
