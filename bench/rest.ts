import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { provideArtifacts } from '../infra/local/artifacts.ts';
import { freePorts } from '../infra/local/ports.ts';
import { startDynamodb } from '../infra/local/services/dynamodb.ts';
import { findJava } from '../infra/local/services/java.ts';
import type { ServiceProcess } from '../infra/local/services/service-process.ts';
import { createKafkaClients } from '../shared/kafka/kafka-clients.ts';
import { rest, until } from './measure.ts';
import { cpuSeconds, taskProcesses } from './process-cpu.ts';
import { quietLogger } from './quiet-logger.ts';
import { type Benchmark, type BenchmarkOptions, median, type Result } from './report.ts';
import { measureCalls, type Target } from './rest/calls.ts';
import { type Kind, nameOf, StoredConnectors, tasks } from './rest/stored-connectors.ts';
import { measureTicks, readsOf } from './rest/ticks.ts';
import { type Bench, type ConnectSystem, prepareBench } from './systems.ts';

const string = 'org.apache.kafka.connect.storage.StringConverter';
const stored = 1_000;

interface Sizes {
  /** Connectors in the table for the ticks that must not grow. */
  readonly many: number;
  readonly calls: number;
  readonly changes: number;
  readonly lists: number;
  readonly ticks: number;
  /** Of the peer: with four tasks each, and stopped ones besides. Its tasks are threads with a consumer each, in one process with 1 GB. */
  readonly running: number;
  readonly stopped: number;
}
const sizes: Readonly<Record<'quick' | 'full', Sizes>> = {
  quick: { many: 2_000, calls: 100, changes: 25, lists: 5, ticks: 10, running: 5, stopped: 195 },
  full: { many: 10_000, calls: 300, changes: 100, lists: 15, ticks: 30, running: 50, stopped: 950 },
};

/** The control plane with a thousand connectors stored: calls of the REST API beside Kafka Connect's, and ticks of the controller with what they read. */
export const restBenchmark: Benchmark = async (options) => {
  const size = sizes[options.quick ? 'quick' : 'full'];
  const { log } = options;
  const bench = await prepareBench(log);
  let dynamodb: ServiceProcess | null = null;
  try {
    const { port } = await freePorts(['port'] as const);
    const jars = await provideArtifacts('dynamodb', log);
    dynamodb = await startDynamodb({
      java: await findJava(),
      jars,
      dataDir: join(bench.folder, 'dynamodb'),
      logFile: join(bench.folder, 'dynamodb.log'),
      port,
    });
    await prepareTopics(bench);
    const endpoint = `http://127.0.0.1:${port}`;
    const ours = await measureOurs(bench, endpoint, size, options);
    await measureAllTicks(bench, endpoint, size, options);
    const theirs = await measureReference(bench, size, options);
    return [...ours, ...theirs];
  } finally {
    await dynamodb?.stop();
    await bench.stop();
  }
};

async function prepareTopics(bench: Bench): Promise<void> {
  const clients = createKafkaClients({ 'bootstrap.servers': bench.kafka }, quietLogger);
  try {
    const admin = clients.admin();
    await admin.createTopic({ topic: 'orders', partitions: 3 * tasks, replicationFactor: 1 });
    await admin.createTopic({ topic: 'changed', partitions: 1, replicationFactor: 1 });
  } finally {
    await clients.close();
  }
  await mkdir(join(bench.folder, 'files'));
  await writeFile(join(bench.folder, 'files', 'source.txt'), 'one line\n');
}

async function measureOurs(bench: Bench, endpoint: string, size: Sizes, { log, figure }: BenchmarkOptions): Promise<readonly Result[]> {
  const table = new StoredConnectors(endpoint, 'sluice');
  await table.add('scheduled', 0, stored / 2);
  await table.add('paused', 0, stored / 2);
  table.close();
  log(`${stored} connectors are stored`);
  const names = (['scheduled', 'paused'] as const).flatMap((kind) => Array.from({ length: stored / 2 }, (_, number) => nameOf(kind, number)));
  return bench.run(
    'sluice',
    async (connect) => {
      const cpu = () => cpuSeconds(taskProcesses(connect.pid, 'rest-api'));
      const changed = await createChanged(bench, connect);
      const results = await measureCalls({ system: 'sluice', url: connect.url, cpu, names, withTasks: names, changed }, size, { log, figure });
      for (const name of changed) await rest(connect.url, 'DELETE', `/connectors/${name}`);
      return results;
    },
    { flags: ['--dynamodb', endpoint] },
  );
}

async function measureReference(bench: Bench, size: Sizes, { log, figure }: BenchmarkOptions): Promise<readonly Result[]> {
  return bench.run('kafka-connect', async (connect) => {
    const names: string[] = [];
    const startedAt = performance.now();
    for (let number = 0; number < size.running + size.stopped; number++) {
      const name = `stored-${String(number).padStart(5, '0')}`;
      const config = {
        'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
        'tasks.max': `${tasks}`,
        topics: 'orders',
        file: join(bench.folder, 'files', `${name}.txt`),
        'value.converter': string,
      };
      await retried(() => rest(connect.url, 'POST', '/connectors', { name, config, initial_state: number < size.running ? 'RUNNING' : 'STOPPED' }));
      names.push(name);
    }
    const withTasks = names.slice(0, size.running);
    for (const name of withTasks) await until(`${name} to run`, () => runs(connect, name, tasks), 300_000);
    log(`Kafka Connect has ${names.length} connectors, ${withTasks.length} with ${tasks} tasks, after ${Math.round((performance.now() - startedAt) / 1000)} s`);
    const target: Target = {
      system: 'kafka-connect',
      url: connect.url,
      cpu: () => connect.cpu(),
      names,
      withTasks,
      changed: await createChanged(bench, connect),
    };
    return measureCalls(target, size, { log, figure });
  });
}

/** Four sources that run, for the calls that change something. */
async function createChanged(bench: Bench, connect: ConnectSystem): Promise<readonly string[]> {
  const names = Array.from({ length: 4 }, (_, number) => `changed-${number}`);
  for (const name of names) {
    const config = {
      'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
      file: join(bench.folder, 'files', 'source.txt'),
      topic: 'changed',
      'value.converter': string,
    };
    await retried(() => rest(connect.url, 'POST', '/connectors', { name, config }));
    await until(`${name} to run`, () => runs(connect, name, 1), 120_000);
  }
  return names;
}

async function runs(connect: ConnectSystem, name: string, count: number): Promise<boolean> {
  const { tasks: all } = (await rest(connect.url, 'GET', `/connectors/${name}/status`)) as { tasks: { state: string }[] };
  return all.length === count && all.every(({ state }) => state === 'RUNNING');
}

/** Kafka Connect refuses with 409 while it rebalances. */
async function retried(call: () => Promise<unknown>): Promise<void> {
  await until('Kafka Connect to take a connector', async () => {
    await call();
    return true;
  });
}

/** Ticks with nothing due: with 10 connectors, with a thousand, with very many; and with a thousand sinks that wait for records. */
async function measureAllTicks(bench: Bench, dynamodb: string, size: Sizes, { log, figure }: BenchmarkOptions): Promise<void> {
  const measure = async (tableName: string, count: number, what: string, fill: readonly (readonly [Kind, number, number])[], goal?: number) => {
    const table = new StoredConnectors(dynamodb, tableName);
    for (const [kind, from, to] of fill) await table.add(kind, from, to);
    table.close();
    const { milliseconds, requests, invoked } = await measureTicks({ dynamodb, tableName, kafka: bench.kafka, ticks: size.ticks });
    if (invoked > 0) throw new Error(`A tick with ${what} started ${invoked} runs`);
    const each = `tick-${what}-${count}`;
    figure({ case: each, what: 'time of a tick', unit: 'ms', values: milliseconds, ...(goal === undefined ? {} : { goal }) });
    figure({ case: each, what: 'reads of DynamoDB in a tick', unit: 'requests', values: requests.map(readsOf) });
    log(`${each}: ${median(milliseconds).toFixed(1)} ms, at most ${Math.max(...milliseconds).toFixed(1)}: ${JSON.stringify(requests[0])}`);
  };
  const resting = (from: number, to: number) => (['scheduled', 'paused'] as const).map((kind) => [kind, from / 2, to / 2] as const);
  await measure('few', 10, 'resting', resting(0, 10), 150);
  // Before the many: DynamoDB Local's writes get slower with all that were streamed.
  await measure('idle', stored, 'idle', [['idle', 0, stored]]);
  // The table of the REST API, whose sources were planned for tomorrow.
  await measure('sluice', stored, 'resting', [], 150);
  await measure('sluice', size.many, 'resting', resting(stored, size.many), 150);
  const table = new StoredConnectors(dynamodb, 'sluice');
  const { names, summaries } = await table.reads(size.lists);
  table.close();
  figure({ case: `read-${size.many}`, what: 'all names from the table', unit: 'ms', values: names });
  figure({ case: `read-${size.many}`, what: 'info and status of all from the table', unit: 'ms', values: summaries });
}
