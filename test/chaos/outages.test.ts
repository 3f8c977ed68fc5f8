import { appendFile, chmod, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../bench/measure.ts';
import { provideArtifacts } from '../../infra/local/artifacts.ts';
import { freePorts } from '../../infra/local/ports.ts';
import { startDynamodb } from '../../infra/local/services/dynamodb.ts';
import { findJava } from '../../infra/local/services/java.ts';
import { startKafka } from '../../infra/local/services/kafka.ts';
import { findPostgres, startPostgres } from '../../infra/local/services/postgres.ts';
import { removeFolder, type ServiceProcess } from '../../infra/local/services/service-process.ts';
import { type LocalSluice, startLocalSluice } from './local-sluice.ts';
import { chosenRounds } from './rounds.ts';

const text = 'org.apache.kafka.connect.storage.StringConverter';
const converters = { 'key.converter': text, 'value.converter': text, 'header.converter': text };
const postgres = await findPostgres();

interface Status {
  readonly connector: { readonly state: string };
  readonly tasks: readonly { readonly state: string; readonly trace?: string }[];
}

/**
 * Everything real, and each part may be taken away: a source, a file sink and (where PostgreSQL is installed) a sink into a table run
 * while that happens.
 */
describe('while a source and sinks run', () => {
  let folder: string;
  let java: string;
  let jars: { kafka: string; dynamodb: string };
  let ports: { kafka: number; kafkaController: number; dynamodb: number; postgres: number };
  let kafka: ServiceProcess;
  let dynamodb: ServiceProcess;
  let database: { service: ServiceProcess; url: string } | null = null;
  let sluice: LocalSluice;
  let written = 0;
  let writing = true;
  let writer: Promise<void>;

  const brokerOptions = () => ({ java, jars: jars.kafka, dataDir: join(folder, 'kafka'), logFile: join(folder, 'kafka.log'), ports });
  const tableOptions = () => ({ java, jars: jars.dynamodb, dataDir: join(folder, 'dynamodb'), logFile: join(folder, 'dynamodb.log'), port: ports.dynamodb });
  const databaseOptions = () => ({
    bin: postgres as string,
    dataDir: join(folder, 'postgres'),
    logFile: join(folder, 'postgres.log'),
    port: ports.postgres,
    survivesKill: true,
  });
  const input = () => join(folder, 'input.txt');
  const output = () => join(folder, 'output.txt');
  const create = (name: string, config: Readonly<Record<string, string>>) => sluice.request('PUT', `/connectors/${name}/config`, { ...config, ...converters });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-outages-'));
    await chmod(folder, 0o755);
    java = await findJava();
    jars = { kafka: await provideArtifacts('kafka', () => {}), dynamodb: await provideArtifacts('dynamodb', () => {}) };
    ports = await freePorts(['kafka', 'kafkaController', 'dynamodb', 'postgres'] as const);
    [kafka, dynamodb, database] = await Promise.all([
      startKafka(brokerOptions()),
      startDynamodb(tableOptions()),
      postgres === null ? null : startPostgres(databaseOptions()),
    ]);
    sluice = await startLocalSluice(`127.0.0.1:${ports.kafka}`, `http://127.0.0.1:${ports.dynamodb}`);
    await writeFile(input(), '');
    await create('outage-source', { 'connector.class': 'FileStreamSource', file: input(), topic: 'outage' });
    await create('outage-sink', { 'connector.class': 'FileStreamSink', file: output(), topics: 'outage' });
    if (database !== null) {
      await create('outage-rows', {
        'connector.class': 'io.confluent.connect.jdbc.JdbcSinkConnector',
        'connection.url': `jdbc:postgresql://127.0.0.1:${ports.postgres}/postgres`,
        'connection.user': 'sluice',
        topics: 'outage',
        'table.name.format': 'lines',
        'insert.mode': 'upsert',
        'pk.mode': 'record_value',
        'pk.fields': 'line',
        'auto.create': 'true',
        transforms: 'row',
        'transforms.row.type': 'org.apache.kafka.connect.transforms.HoistField$Value',
        'transforms.row.field': 'line',
      });
    }
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
    await Promise.all([kafka?.stop(), dynamodb?.stop(), database?.service.stop()]);
    await removeFolder(folder);
  }, 60_000);

  const linesOf = async (path: string) => (await readFile(path, 'utf8').catch(() => '')).split('\n').slice(0, -1).map(Number);
  const rows = async (sql: string): Promise<number> => {
    const client = new pg.Client({ connectionString: database?.url });
    try {
      await client.connect();
      return Number((await client.query(sql)).rows[0].n);
    } finally {
      await client.end();
    }
  };
  const arrived = async (number: number) => {
    await until(`line ${number} in the file`, async () => (await linesOf(output())).includes(number), 90_000);
    if (database === null) return;
    const there = `SELECT count(*) AS n FROM lines WHERE line = '${number}'`;
    await until(`line ${number} in the table`, async () => (await rows(there).catch(() => 0)) === 1, 90_000);
  };

  const outages: Record<string, () => Promise<void>> = {
    async 'task processes are killed'() {
      await until('a task to kill', async () => sluice.signal('task', 'SIGKILL').length > 0, 10_000);
    },
    async 'the controller is killed'() {
      await until('a controller to kill', async () => sluice.signal('controller', 'SIGKILL').length > 0, 10_000);
    },
    async 'task processes are stopped for a while and go on'() {
      await until('a task to stop', async () => sluice.signal('task', 'SIGSTOP').length > 0, 10_000);
      await sleep(5_000);
      sluice.signal('task', 'SIGCONT');
    },
    async 'the broker dies and comes back'() {
      process.kill(kafka.pid, 'SIGKILL');
      await kafka.exited;
      await sleep(2_000);
      kafka = await startKafka(brokerOptions());
    },
    async 'the table of connectors goes away and comes back'() {
      await dynamodb.stop();
      await sleep(3_000);
      dynamodb = await startDynamodb(tableOptions());
    },
    ...(postgres === null
      ? {}
      : {
          async 'the target database dies and comes back'() {
            const { service } = database as { service: ServiceProcess };
            process.kill(service.pid, 'SIGKILL');
            await service.exited;
            await sleep(2_000);
            database = await startPostgres(databaseOptions());
          },
        }),
  };

  test.each(chosenRounds(Object.keys(outages)))('%s: records flow on', { timeout: 240_000 }, async (name) => {
    await outages[name]?.();
    // Lines that are written from now on arrive.
    await arrived(written + 20);
  });

  test('a disk that is full fails its sink alone, and the sink goes on by itself when there is room', { timeout: 120_000 }, async () => {
    const path = join(folder, 'full.txt');
    await symlink('/dev/full', path);
    await create('outage-full', {
      'connector.class': 'FileStreamSink',
      file: path,
      topics: 'outage',
      'sluice.restart.max.attempts': '100',
      'sluice.restart.backoff.ms': '2000',
      'sluice.restart.backoff.max.ms': '2000',
    });
    await until(
      'the sink to tell of the full disk',
      async () => /no space left on device/.test(((await sluice.request('GET', '/connectors/outage-full/status')) as Status).tasks[0]?.trace ?? ''),
      60_000,
    );
    await arrived(written + 20);
    const room = join(folder, 'room.txt');
    await writeFile(room, '');
    await symlink(room, `${path}.new`);
    await rename(`${path}.new`, path);
    await until('the first line', async () => (await linesOf(room)).includes(0), 60_000);
    await sluice.request('DELETE', '/connectors/outage-full');
    await rm(path);
  });

  test('nothing was lost, nothing skipped another, and all connectors run', { timeout: 120_000 }, async () => {
    writing = false;
    await writer;
    await arrived(written - 1);
    let next = 0;
    for (const line of await linesOf(output())) {
      // At least once: a line may come again, but none before those that precede it.
      if (line > next) expect.fail(`after line ${next - 1} comes line ${line}`);
      if (line === next) next++;
    }
    expect(next).toBe(written);
    if (database !== null) expect(await rows('SELECT count(*) AS n FROM lines')).toBe(written);
    for (const name of ['outage-source', 'outage-sink', ...(database === null ? [] : ['outage-rows'])]) {
      const status = (await sluice.request('GET', `/connectors/${name}/status`)) as Status;
      expect([name, status.connector.state, ...status.tasks.map(({ state }) => state)]).toEqual([name, 'RUNNING', 'RUNNING']);
    }
  });
});
