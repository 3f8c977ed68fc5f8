import { execFile } from 'node:child_process';
import { mkdtemp, readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createEnvironment } from '../functions/wiring.ts';
import { bundleDeployment } from '../infra/bundle.ts';
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

const program = fileURLToPath(new URL('cold-start/first-fetch.cjs', import.meta.url));
/** What the task function's file may be, in megabytes, and how long it may take to its first fetch, in milliseconds. */
const goals = { size: 1.5, firstFetch: 250 };

/** Sizes of the functions' files, and how fast a fresh process has them: imported, and for a task at its first Fetch request. */
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
    for (const [name, file] of Object.entries(bundles) as [AnyFunctionName, string][]) {
      figure(await size(name, file));
      figure(await coldImport(name, file, env, rounds));
    }
    figure(await firstFetch(bundles.task, await plannedSink(env, folder), env, rounds));
    return [];
  } finally {
    await Promise.all(services.map((service) => service.stop()));
    await removeFolder(folder);
  }
};

async function size(name: AnyFunctionName, file: string): Promise<Figure> {
  const { size: bytes } = await stat(file);
  const apart = await filesBelow(join(dirname(file), 'node_modules'));
  const what = `the file of ${name}; drivers beside it ${(apart / 1e6).toFixed(2)} MB`;
  return { case: 'size', what, unit: 'MB', values: [bytes / 1e6], ...(name === 'task' ? { goal: goals.size } : {}) };
}

async function filesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(entries.filter((entry) => entry.isFile()).map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size));
  return sizes.reduce((sum, each) => sum + each, 0);
}

async function coldImport(name: AnyFunctionName, file: string, env: Record<string, string>, rounds: number): Promise<Figure> {
  const values: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const { stdout } = await promisify(execFile)(process.execPath, [program, file], { env });
    // The first start reads the file into the page cache.
    if (round > 0) values.push((JSON.parse(stdout) as { importMs: number }).importMs);
  }
  return { case: 'import', what: `import of ${name}`, unit: 'ms', values };
}

/** From the start of the process: Node itself, the import, the lease, the config, metadata, and the request. */
async function firstFetch(file: string, request: RunRequest, env: Record<string, string>, rounds: number): Promise<Figure> {
  const values: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const startedAt = performance.timeOrigin + performance.now();
    const { stdout } = await promisify(execFile)(process.execPath, [program, file, JSON.stringify(request)], { env });
    const { at } = JSON.parse(stdout.split('\n')[0] as string) as { at: number };
    if (round > 0) values.push(at - startedAt);
  }
  return { case: 'first-fetch', what: 'start of a process of task to its first fetch', unit: 'ms', values, goal: goals.firstFetch };
}

/** A sink with a task, as the controller leaves it before a run. */
async function plannedSink(env: Record<string, string>, folder: string): Promise<RunRequest> {
  Object.assign(process.env, { AWS_ENDPOINT_URL_DYNAMODB: env['AWS_ENDPOINT_URL_DYNAMODB'], AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });
  await createTable(new DynamoDBClient({ region: 'us-east-1' }), 'cold-start');
  const environment = createEnvironment(env);
  const { storage, kafka, clock } = environment;
  await kafka.admin().createTopic({ topic: 'lines', partitions: 1, replicationFactor: 1 });
  const config = { name: 'lines', 'connector.class': 'FileStreamSink', topics: 'lines', file: join(folder, 'out.txt'), 'sluice.idle.linger.ms': '0' };
  const spec = await storage.connectors.create({ name: 'lines', type: 'sink', config, targetState: 'STARTED' });
  const generation = spec?.generation ?? 0;
  const now = clock.now();
  const invocation = { id: 'plan', deadlineAt: now + 30_000, expiresAt: now + 60_000, shutdown: new AbortController().signal };
  const { outcome } = await runConnector(environment, { kind: 'connector', connector: 'lines', generation }, invocation);
  if (outcome !== 'planned') throw new Error(`The sink was not planned: ${outcome}`);
  await kafka.close();
  return { kind: 'task', connector: 'lines', task: 0, generation };
}
