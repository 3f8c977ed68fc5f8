import { restSettings } from '../../functions/rest-api/rest-settings.ts';
import { type DataDir, openDataDir } from './data-dir.ts';
import { demoPasswordVariable, runDemo } from './demo/demo.ts';
import { brokersOf, type Flags, parseFlags, urlOf, usage } from './flags.ts';
import { type Listeners, readListeners } from './listeners.ts';
import { freePorts, isFree } from './ports.ts';
import { RestApi } from './rest.ts';
import { credentialsOf } from './rest-extensions.ts';
import { readSpecFiles, SpecWatcher, specPaths } from './spec-watcher.ts';
import { StartupError } from './startup-error.ts';
import type { System } from './system.ts';
import { readWorkerProperties, type WorkerProperties } from './worker-file.ts';
import { worthTelling } from './worker-keys.ts';

/** A terminal's Ctrl-C arrives several times: from the terminal, from npm, from the bootstrap. Only a later one is a second one. */
const sameSignalMs = 1000;
const stopWithinMs = 9800;

const progress = (line: string) => console.error(line);
const stopping = new AbortController();
let system: System | null = null;
let dataDir: DataDir | null = null;
let stopRequestedAt = 0;
let ending = false;

for (const event of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect']) process.on(event, onSignal);
// Whoever reads the output may be gone before everything is stopped.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
process.on('uncaughtException', (error) => {
  console.error(error);
  stopping.abort();
  void end(1);
});

main().catch(async (error) => {
  const stopped = stopping.signal.aborted;
  if (!stopped) console.error(error instanceof StartupError ? error.message : error);
  stopping.abort();
  await end(stopped ? 0 : error instanceof StartupError ? error.exitCode : 1);
});

async function main(): Promise<void> {
  const flags = parseFlags(process.argv.slice(2));
  if (flags.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const { env } = process;
  const worker = await readWorkerProperties(flags.workerFile);
  const paths = await specPaths(flags.specs);
  const specFiles = await readSpecFiles(paths);
  const listeners = readListeners(worker, { ignoreMain: flags.port !== null });
  const security = await credentialsOf(worker, env);
  checkRestSettings(worker);
  const [httpPort, adminPort] = await portsOf(flags, listeners);
  dataDir = await openDataDir(flags.dataDir);
  stopping.signal.throwIfAborted();
  for (const text of listeners.narrowed) progress(`${text} is on 127.0.0.1 only`);
  if (flags.workerFile) worthTelling(worker).forEach(progress);

  const demoPassword = env.DATABASE_URL ? decodeURIComponent(URL.parse(env.DATABASE_URL)?.password ?? '') : '';
  // Loaded late: a mistake in the command line is told at once.
  const { startSystem } = await import('./system.ts');
  system = await startSystem({
    dataDir,
    httpPort,
    adminPort,
    security,
    worker: flags.workerFile ? worker : { ...worker, ...demoConfigProvider },
    kafka: flags.kafka ?? worker['bootstrap.servers'] ?? (env.KAFKA_BROKERS ? brokersOf(env.KAFKA_BROKERS, 'KAFKA_BROKERS') : null),
    dynamodb: dynamodbOf(flags, env),
    functionEnv: { [demoPasswordVariable]: demoPassword },
    env,
    signal: stopping.signal,
    progress,
  });
  void system.broken.then((reason) => {
    if (stopping.signal.aborted) return;
    console.error(`${reason}. Sluice stops.`);
    stopping.abort();
    void end(1);
  });

  const rest = new RestApi(system.url, () => security?.credentials.authorization());
  await rest.untilReady(30_000, stopping.signal);
  console.log(`Sluice is ready on ${system.url}`);
  for (const file of specFiles) {
    await rest.apply(file);
    progress(`Applied ${file.name} of ${file.path}`);
  }
  if (flags.specs.length > 0) void new SpecWatcher({ paths, applied: specFiles, rest, progress }).run(stopping.signal);
  if (!flags.demo) return;
  console.log(await runDemo({ rest, dataDir: flags.dataDir, databaseUrl: env.DATABASE_URL || null, signal: stopping.signal, progress }));
}

/** Lets the demo's PostgreSQL connector refer to its password. */
const demoConfigProvider = {
  'config.providers': 'env',
  'config.providers.env.class': 'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
  'config.providers.env.param.allowlist.pattern': `^${demoPasswordVariable}$`,
};

/** @throws StartupError */
function checkRestSettings(worker: WorkerProperties): void {
  try {
    restSettings(worker);
  } catch (error) {
    throw new StartupError(`${(error as Error).message}.`, 1, { cause: error });
  }
}

/** Of the REST API, and of `/admin` where it has its own. */
async function portsOf(flags: Flags, listeners: Listeners): Promise<readonly [number, number | null]> {
  const free = await freePorts(['http', 'admin'] as const);
  const port = await usable(flags.port ?? listeners.port ?? 8083, free.http, 'choose another port with --port');
  if (listeners.adminPort === null) return [port, null];
  return [port, await usable(listeners.adminPort, free.admin, 'choose another in admin.listeners')];
}

async function usable(port: number, free: number, remedy: string): Promise<number> {
  if (port === 0) return free;
  if (!(await isFree(port))) throw new StartupError(`Port ${port} is in use: stop what listens there, or ${remedy}.`);
  return port;
}

function dynamodbOf(flags: Flags, env: NodeJS.ProcessEnv): { endpoint: string } | 'aws' | null {
  if (flags.dynamodb) return { endpoint: flags.dynamodb };
  for (const name of ['AWS_ENDPOINT_URL_DYNAMODB', 'DYNAMODB_ENDPOINT']) {
    const value = env[name];
    if (value) return { endpoint: urlOf(value, name) };
  }
  const credentials = env.AWS_ACCESS_KEY_ID || env.AWS_PROFILE || env.AWS_WEB_IDENTITY_TOKEN_FILE || env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
  return env.AWS_REGION && credentials ? 'aws' : null;
}

function onSignal(): void {
  const now = performance.now();
  if (stopRequestedAt > 0) {
    if (now - stopRequestedAt > sameSignalMs) void kill();
    return;
  }
  stopRequestedAt = now;
  progress('Stopping');
  stopping.abort();
  // Before the system is up, its start notices the signal and cleans up on its way out.
  if (system) void end(0);
  setTimeout(() => void kill(), stopWithinMs).unref();
}

async function end(exitCode: number): Promise<void> {
  if (ending) return;
  ending = true;
  try {
    await system?.stop();
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
  await dataDir?.release();
  process.exit(process.exitCode ?? exitCode);
}

async function kill(): Promise<void> {
  setTimeout(() => process.exit(1), 1000).unref();
  await system?.kill();
  await dataDir?.release();
  process.exit(1);
}
