import { appendFile, chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises';
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
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import { fullDisks } from './full-disks.ts';
import { type LocalSluice, startLocalSluice } from './local-sluice.ts';
import { chosenRounds } from './rounds.ts';

const text = 'org.apache.kafka.connect.storage.StringConverter';
const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const converters = { 'key.converter': text, 'value.converter': text, 'header.converter': text };
const postgres = await findPostgres();
const disks = await fullDisks();

interface Health {
  readonly health: string;
  readonly tasks: readonly { readonly waiting: { readonly attempts: number; readonly error: string } | null }[];
}
interface Status {
  readonly connector: { readonly state: string };
  readonly tasks: readonly { readonly state: string; readonly trace?: string }[];
}

/** At least once: a line may come again, but none before those that precede it. Lines in the order in which they came first. */
function firstTimes(lines: readonly number[]): number[] {
  return [...new Set(lines)];
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
  /** How long after the end of an outage what was written then had arrived, in seconds. */
  const recoveries: string[] = [];
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
        'connection.attempts': '1',
        'sluice.circuit.backoff.ms': '1000',
        'sluice.circuit.backoff.max.ms': '2000',
        // Not one record is bad: whatever goes there is an outage that was taken for an error.
        'errors.tolerance': 'all',
        'errors.deadletterqueue.topic.name': 'outage-dead',
        'errors.deadletterqueue.topic.replication.factor': '1',
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
  }, 300_000);
  afterAll(async () => {
    writing = false;
    await writer;
    await sluice?.stop();
    await Promise.all([kafka?.stop(), dynamodb?.stop(), database?.service.stop()]);
    await removeFolder(folder);
    console.log(`Seconds from the end of an outage to the arrival of what was written after it:\n${recoveries.join('\n')}`);
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

  const health = async (name: string) => (await sluice.request('GET', `/connectors/${name}/health`)) as Health;
  const waits = (name: string, error: RegExp) =>
    until(`${name} to wait for its target`, async () => error.test((await health(name)).tasks[0]?.waiting?.error ?? ''), 90_000);

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
    async 'the table of connectors does not answer for a while'() {
      process.kill(dynamodb.pid, 'SIGSTOP');
      await sleep(12_000);
      process.kill(dynamodb.pid, 'SIGCONT');
    },
    ...(postgres === null
      ? {}
      : {
          async 'the target database is away until its sink waits for it'() {
            const { service } = database as { service: ServiceProcess };
            process.kill(service.pid, 'SIGKILL');
            await service.exited;
            await waits('outage-rows', /ECONNREFUSED/);
            database = await startPostgres(databaseOptions());
          },
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
    const endedAt = performance.now();
    // Lines that are written from now on arrive.
    await arrived(written + 20);
    recoveries.push(`${((performance.now() - endedAt) / 1_000).toFixed(1)}  ${name}`);
  });

  test.each(disks)(
    '$what that is full keeps its sink waiting, and nobody else; it goes on by itself when there is room',
    { timeout: 120_000 },
    async (disk) => {
      const { path, makeRoom, remove } = await disk.fill(join(folder, 'full'));
      try {
        await create('outage-full', {
          'connector.class': 'FileStreamSink',
          file: path,
          topics: 'outage',
          'sluice.circuit.backoff.ms': '1000',
          'sluice.circuit.backoff.max.ms': '2000',
        });
        await waits('outage-full', /no space left on device/);
        await until('it to be tried again', async () => ((await health('outage-full')).tasks[0]?.waiting?.attempts ?? 0) > 2, 60_000);
        expect(((await sluice.request('GET', '/connectors/outage-full/status')) as Status).tasks).toMatchObject([{ state: 'RUNNING' }]);
        const last = written + 20;
        await arrived(last);
        await makeRoom();
        await until(`line ${last}`, async () => (await linesOf(path)).includes(last), 60_000);
        // What did not fit was cut somewhere, and came again whole.
        expect(firstTimes(await linesOf(path)).slice(0, last + 1)).toEqual(Array.from({ length: last + 1 }, (_, line) => line));
      } finally {
        await sluice.request('DELETE', '/connectors/outage-full?offsets=purge');
        await remove();
      }
    },
  );

  test('nothing was lost, nothing skipped another, and all connectors run', { timeout: 120_000 }, async () => {
    writing = false;
    await writer;
    await arrived(written - 1);
    expect(firstTimes(await linesOf(output()))).toEqual(Array.from({ length: written }, (_, line) => line));
    if (database !== null) {
      expect(await rows('SELECT count(*) AS n FROM lines')).toBe(written);
      const clients = createKafkaClients({ 'bootstrap.servers': `127.0.0.1:${ports.kafka}` }, quiet);
      expect((await clients.admin().endOffsets([{ topic: 'outage-dead', partition: 0 }])).get('outage-dead-0')).toBe(0n);
      await clients.close();
    }
    for (const name of ['outage-source', 'outage-sink', ...(database === null ? [] : ['outage-rows'])]) {
      const status = (await sluice.request('GET', `/connectors/${name}/status`)) as Status;
      expect([name, status.connector.state, ...status.tasks.map(({ state }) => state)]).toEqual([name, 'RUNNING', 'RUNNING']);
    }
  });
});
