import { execFile } from 'node:child_process';
import { mkdtemp, readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { build } from 'esbuild';
import { createEnvironment } from '../functions/wiring.ts';
import { bundleDeployment, drivers } from '../infra/bundle.ts';
import { provideArtifacts } from '../infra/local/artifacts.ts';
import { freePorts } from '../infra/local/ports.ts';
import { startDynamodb } from '../infra/local/services/dynamodb.ts';
import { findJava } from '../infra/local/services/java.ts';
import { startKafka } from '../infra/local/services/kafka.ts';
import { removeFolder, type ServiceProcess } from '../infra/local/services/service-process.ts';
import { sampleFileDefaults } from '../infra/local/worker-file.ts';
import type { AnyFunctionName } from '../infra/topology.ts';
import { runConnector } from '../shared/runtime/connector-run.ts';
import type { RunRequest } from '../shared/runtime/task-run.ts';
import { createTable } from '../shared/storage/dynamodb/create-table.ts';
import type { Benchmark, Figure } from './report.ts';

const program = fileURLToPath(new URL('cold-start/fresh-process.cjs', import.meta.url));
const taskSource = fileURLToPath(new URL('../functions/task/index.ts', import.meta.url));
/** What the task function's file may be, in megabytes, and how long it may take to its first fetch, in milliseconds. */
const goals = { size: 1.5, firstFetch: 250 };
/** Of the drivers those that runs on Lambda load. */
const loadedOnLambda = drivers.filter((name) => !name.includes('credential-provider'));

/**
 * Sizes of the functions' files, and how fast a fresh process has them: imported, and for a task at its first Fetch request and its first
 * record put. What it is compared with is the task function without this kind of bundle: one plain file with everything in it, and the sources.
 */
export const coldStartBenchmark: Benchmark = async ({ quick, log, figure }) => {
  const rounds = quick ? 5 : 15;
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const services: ServiceProcess[] = [];
  try {
    const bundles = await bundleDeployment({ outDir: join(folder, 'functions'), minify: true });
    const [java, kafkaJars, dynamodbJars] = [await findJava(), await provideArtifacts('kafka', log), await provideArtifacts('dynamodb', log)];
    const ports = await freePorts(['kafka', 'kafkaController', 'dynamodb'] as const);
    services.push(await startKafka({ java, jars: kafkaJars, dataDir: join(folder, 'kafka'), logFile: join(folder, 'kafka.log'), ports }));
    services.push(
      await startDynamodb({ java, jars: dynamodbJars, dataDir: join(folder, 'dynamodb'), logFile: join(folder, 'dynamodb.log'), port: ports.dynamodb }),
    );
    const env = {
      PATH: process.env['PATH'] ?? '',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${ports.dynamodb}`,
      SLUICE_TABLE: 'cold-start',
      SLUICE_WORKER: JSON.stringify({ ...sampleFileDefaults, 'bootstrap.servers': `127.0.0.1:${ports.kafka}` }),
      SLUICE_METRICS: 'off',
      SLUICE_LOG_LEVEL: 'ERROR',
      SLUICE_CONNECTOR: 'lines',
      SLUICE_API_SECRET: 'secret',
    };
    const plain = join(folder, 'plain', 'index.cjs');
    await build({ entryPoints: [taskSource], outfile: plain, bundle: true, platform: 'node', format: 'cjs', minify: true, external: ['pg-native'] });
    const variants = { task: bundles.task, 'task as one plain file': plain, 'task from its sources': taskSource };

    for (const [name, file] of Object.entries(bundles) as [AnyFunctionName, string][]) figure(await size(name, file, name === 'task' ? goals.size : undefined));
    figure(await size('task as one plain file', plain));
    const imports = await inTurn({ ...bundles, ...variants }, rounds, async (file) => (await freshProcess(env, [file])).importMs);
    for (const [name, values] of imports) figure({ case: 'import', what: `import of ${name}`, unit: 'ms', values });
    const beside = await driversOf(bundles.task);
    const loads = await inTurn(beside, rounds, async (driver) => (await freshProcess(env, [bundles.task, '--driver', driver])).driverMs);
    for (const [name, values] of loads) figure({ case: 'driver', what: `first use of ${name}`, unit: 'ms', values });

    const sink = await plannedSink(env, folder);
    const runs = await inTurn(variants, rounds, (file) => sink.run(file));
    await sink.close();
    for (const [name, values] of runs) {
      const goal = name === 'task' ? { goal: goals.firstFetch } : {};
      const what = `start of a process of ${name} to its first`;
      figure({ case: 'first-fetch', what: `${what} fetch`, unit: 'ms', values: values.map(({ fetchMs }) => fetchMs), ...goal });
      figure({ case: 'first-put', what: `${what} record put`, unit: 'ms', values: values.map(({ putMs }) => putMs) });
    }
    return [];
  } finally {
    await Promise.all(services.map((service) => service.stop()));
    await removeFolder(folder);
  }
};

async function size(name: string, file: string, goal?: number): Promise<Figure> {
  const { size: bytes } = await stat(file);
  const apart = await filesBelow(join(dirname(file), 'node_modules'));
  const what = `the file of ${name}; drivers beside it ${(apart / 1e6).toFixed(2)} MB`;
  return { case: 'size', what, unit: 'MB', values: [bytes / 1e6], ...(goal === undefined ? {} : { goal }) };
}

async function filesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(entries.filter((entry) => entry.isFile()).map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size));
  return sizes.reduce((sum, each) => sum + each, 0);
}

/** The drivers that are beside a function, by name. */
async function driversOf(file: string): Promise<Record<string, string>> {
  const paths = loadedOnLambda.map((name) => [name, join(dirname(file), 'node_modules', name, 'index.js')] as const);
  const there = await Promise.all(paths.map(([, path]) => stat(path).catch(() => null)));
  return Object.fromEntries(paths.filter((_, at) => there[at] !== null));
}

/** Measures each in turn, so that what disturbs the machine for a while disturbs all; the first turn, which reads files into the page cache, does not count. */
async function inTurn<T>(subjects: Readonly<Record<string, string>>, rounds: number, measure: (file: string) => Promise<T>): Promise<[string, T[]][]> {
  const results = Object.entries(subjects).map(([name, file]) => ({ name, file, values: [] as T[] }));
  for (let round = 0; round <= rounds; round++) {
    for (const { file, values } of results) {
      const value = await measure(file);
      if (round > 0) values.push(value);
    }
  }
  return results.map(({ name, values }) => [name, values]);
}

type Told = Record<'importMs' | 'driverMs' | 'firstFetchAt' | 'firstPutAt', number>;

async function freshProcess(env: Record<string, string>, parameters: string[]): Promise<Told> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...parameters], { env });
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  return Object.assign({}, ...lines.map((line) => JSON.parse(line) as Partial<Told>)) as Told;
}

interface PlannedSink {
  /** Runs the task once in a fresh process, with one record that waits for it. From the start of the process: Node itself, the import, the lease, the config, metadata. */
  run(file: string): Promise<{ fetchMs: number; putMs: number }>;
  close(): Promise<void>;
}

/** A sink with a task, as the controller leaves it before a run. */
async function plannedSink(env: Record<string, string>, folder: string): Promise<PlannedSink> {
  Object.assign(process.env, { AWS_ENDPOINT_URL_DYNAMODB: env['AWS_ENDPOINT_URL_DYNAMODB'], AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });
  await createTable(new DynamoDBClient({ region: 'us-east-1' }), 'cold-start');
  const environment = createEnvironment(env);
  const { storage, kafka, clock } = environment;
  await kafka.admin().createTopic({ topic: 'lines', partitions: 1, replicationFactor: 1 });
  const sinkFile = join(folder, 'out.txt');
  const string = 'org.apache.kafka.connect.storage.StringConverter';
  const converters = { 'key.converter': string, 'value.converter': string };
  const config = { name: 'lines', 'connector.class': 'FileStreamSink', topics: 'lines', file: sinkFile, 'sluice.idle.linger.ms': '0', ...converters };
  const spec = await storage.connectors.create({ name: 'lines', type: 'sink', config, targetState: 'STARTED' });
  const generation = spec?.generation ?? 0;
  const now = clock.now();
  const invocation = { id: 'plan', deadlineAt: now + 30_000, expiresAt: now + 60_000, shutdown: new AbortController().signal };
  const { outcome } = await runConnector(environment, { kind: 'connector', connector: 'lines', generation }, invocation);
  if (outcome !== 'planned') throw new Error(`The sink was not planned: ${outcome}`);
  const request: RunRequest = { kind: 'task', connector: 'lines', task: 0, generation };
  const producer = kafka.producer();
  return {
    async run(file) {
      const { acknowledged } = await producer.send([{ topic: 'lines', partition: 0, key: null, value: Buffer.from('one line'), headers: [], timestamp: null }]);
      if (acknowledged !== 1) throw new Error('The record for the sink was not written');
      const startedAt = performance.timeOrigin + performance.now();
      const { firstFetchAt, firstPutAt } = await freshProcess(env, [file, '--request', JSON.stringify(request), '--sink', sinkFile]);
      return { fetchMs: firstFetchAt - startedAt, putMs: firstPutAt - startedAt };
    },
    close: () => kafka.close(),
  };
}
