import { appendFile, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../bench/measure.ts';
import { provideArtifacts } from '../../infra/local/artifacts.ts';
import { freePorts } from '../../infra/local/ports.ts';
import { startDynamodb } from '../../infra/local/services/dynamodb.ts';
import { findJava } from '../../infra/local/services/java.ts';
import { startKafka } from '../../infra/local/services/kafka.ts';
import { removeFolder, type ServiceProcess } from '../../infra/local/services/service-process.ts';
import { type LocalSluice, startLocalSluice } from './local-sluice.ts';

const text = 'org.apache.kafka.connect.storage.StringConverter';
const converters = { 'key.converter': text, 'value.converter': text, 'header.converter': text };

/** Everything real, and each part may be taken away: a source and a sink run while that happens. */
describe('while a source and a sink run', () => {
  let folder: string;
  let java: string;
  let jars: { kafka: string; dynamodb: string };
  let ports: { kafka: number; kafkaController: number; dynamodb: number };
  let kafka: ServiceProcess;
  let dynamodb: ServiceProcess;
  let sluice: LocalSluice;
  let written = 0;
  let writing = true;
  let writer: Promise<void>;

  const brokerOptions = () => ({ java, jars: jars.kafka, dataDir: join(folder, 'kafka'), logFile: join(folder, 'kafka.log'), ports });
  const tableOptions = () => ({ java, jars: jars.dynamodb, dataDir: join(folder, 'dynamodb'), logFile: join(folder, 'dynamodb.log'), port: ports.dynamodb });
  const input = () => join(folder, 'input.txt');
  const output = () => join(folder, 'output.txt');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-outages-'));
    java = await findJava();
    jars = { kafka: await provideArtifacts('kafka', () => {}), dynamodb: await provideArtifacts('dynamodb', () => {}) };
    ports = await freePorts(['kafka', 'kafkaController', 'dynamodb'] as const);
    [kafka, dynamodb] = await Promise.all([startKafka(brokerOptions()), startDynamodb(tableOptions())]);
    sluice = await startLocalSluice(`127.0.0.1:${ports.kafka}`, `http://127.0.0.1:${ports.dynamodb}`);
    await writeFile(input(), '');
    await sluice.request('PUT', '/connectors/outage-source/config', { 'connector.class': 'FileStreamSource', file: input(), topic: 'outage', ...converters });
    await sluice.request('PUT', '/connectors/outage-sink/config', { 'connector.class': 'FileStreamSink', file: output(), topics: 'outage', ...converters });
    writer = (async () => {
      while (writing) {
        const lines = Array.from({ length: 20 }, () => String(written++));
        await appendFile(input(), `${lines.join('\n')}\n`);
        await sleep(50);
      }
    })();
    await arrived(100);
  }, 120_000);
  afterAll(async () => {
    writing = false;
    await writer;
    await sluice?.stop();
    await Promise.all([kafka?.stop(), dynamodb?.stop()]);
    await removeFolder(folder);
  }, 60_000);

  const lines = async () => (await readFile(output(), 'utf8').catch(() => '')).split('\n').slice(0, -1).map(Number);
  const arrived = (number: number) => until(`line ${number}`, async () => (await lines()).includes(number), 90_000);
  /** Lines that are written from now on arrive. */
  const flowsOn = () => arrived(written + 20);

  test.each<[string, () => Promise<void>]>([
    [
      'the controller is killed',
      async () => {
        await until('a controller to kill', async () => sluice.signal('controller', 'SIGKILL').length > 0, 10_000);
      },
    ],
    [
      'task processes are stopped for a while and go on',
      async () => {
        await until('a task to stop', async () => sluice.signal('task', 'SIGSTOP').length > 0, 10_000);
        await sleep(5_000);
        sluice.signal('task', 'SIGCONT');
      },
    ],
    [
      'the broker dies and comes back',
      async () => {
        process.kill(kafka.pid, 'SIGKILL');
        await kafka.exited;
        await sleep(2_000);
        kafka = await startKafka(brokerOptions());
      },
    ],
    [
      'the table goes away and comes back',
      async () => {
        await dynamodb.stop();
        await sleep(3_000);
        dynamodb = await startDynamodb(tableOptions());
      },
    ],
  ])('%s: records flow on', { timeout: 150_000 }, async (_, outage) => {
    await outage();
    await flowsOn();
  });

  test('nothing was lost, nothing skipped another, and both connectors run', { timeout: 120_000 }, async () => {
    writing = false;
    await writer;
    await arrived(written - 1);
    let next = 0;
    for (const line of await lines()) {
      // At least once: a line may come again, but none before those that precede it.
      if (line > next) expect.fail(`after line ${next - 1} comes line ${line}`);
      if (line === next) next++;
    }
    expect(next).toBe(written);
    for (const name of ['outage-source', 'outage-sink']) {
      const status = (await sluice.request('GET', `/connectors/${name}/status`)) as { connector: { state: string }; tasks: { state: string }[] };
      expect([status.connector.state, ...status.tasks.map(({ state }) => state)]).toEqual(['RUNNING', 'RUNNING']);
    }
  });
});
