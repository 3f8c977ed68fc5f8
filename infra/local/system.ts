import { join, resolve } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { CredentialsFile } from '../../functions/rest-api/credentials-file.ts';
import { createTable } from '../../shared/storage/dynamodb/create-table.ts';
import { bundleFunctions } from '../bundle.ts';
import { type AnyFunctionName, environment, type FunctionSpec, functions, triggers } from '../topology.ts';
import { allowsHost } from './host-names.ts';
import { type LambdaHost, startLambdaHost } from './lambda-host/index.ts';
import { readPluginPath } from './plugin-path.ts';
import { PrometheusMetrics } from './prometheus-metrics.ts';
import { type ServerOptions, type Servers, startServers } from './servers.ts';
import { StartupError } from './startup-error.ts';
import type { WorkerProperties } from './worker-file.ts';

export interface SystemOptions extends Omit<ServerOptions, 'region'> {
  readonly httpPort: number;
  /** Where `/admin` is served when it is not beside the rest. */
  readonly adminPort?: number | null;
  /** Basic authentication of the REST API. */
  readonly security?: { readonly path: string; readonly credentials: CredentialsFile } | null;
  readonly worker: WorkerProperties;
  /** Variables that the functions get besides those of the topology. */
  readonly functionEnv: Readonly<Record<string, string>>;
  readonly env: NodeJS.ProcessEnv;
  /** Runs these functions, which were bundled elsewhere, in place of the tree's. */
  readonly bundled?: { readonly functions: readonly FunctionSpec<AnyFunctionName>[]; readonly bundles: Readonly<Record<string, string>> };
}

/** Everything that runs. */
export interface System {
  readonly url: string;
  /** Lambda's API: `aws lambda invoke --endpoint-url …`. */
  readonly invokeUrl: string;
  /** Resolves with the reason when a server ends by itself. */
  readonly broken: Promise<string>;
  /** Lets runs commit and release, then ends the servers; within ten seconds. */
  stop(): Promise<void>;
  /** Ends everything now. */
  kill(): Promise<void>;
}

/** Unless SLUICE_TABLE names another, for several Sluices beside one DynamoDB. */
const defaultTable = 'sluice';
/** For the runs to commit and release, and then for the servers to close their files. */
const runsGraceMs = 5500;
const serversGraceMs = 3500;

/** Starts the topology on this machine. @throws StartupError, with nothing left running */
export async function startSystem(options: SystemOptions): Promise<System> {
  const { dataDir, env, httpPort, worker, progress, signal } = options;
  const tableName = env[environment.table] || defaultTable;
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1';
  const { modules, ignored } = readPluginPath(worker['plugin.path']);
  for (const entry of ignored) progress(`plugin.path: ${entry} has no plugins for Sluice and is ignored`);

  const starting = startServers({ ...options, region });
  const bundling: Promise<Readonly<Record<string, string>>> = options.bundled
    ? Promise.resolve(options.bundled.bundles)
    : bundleFunctions({ outDir: join(dataDir.path, 'functions'), minify: true, pluginModules: modules });
  bundling.catch(() => {});
  const servers = await starting;
  let host: LambdaHost | null = null;
  const stop = async (runsMs: number, serversMs: number) => {
    await host?.stop(runsMs);
    await servers.stop(serversMs);
  };
  try {
    const bundles = await bundling.catch((error) => {
      throw new StartupError(`The functions cannot be bundled: ${(error as Error).message}`, 1, { cause: error });
    });
    const functionEnv = functionEnvironment(options, servers, region, tableName);
    await prepareTable(functionEnv, tableName);
    signal.throwIfAborted();
    const metrics = new PrometheusMetrics();
    const specs = options.bundled?.functions ?? functions;
    host = await startLambdaHost({
      functions: specs,
      bundles,
      env: Object.fromEntries(specs.map(({ name }) => [name, name === 'rest-api' ? { ...functionEnv, ...credentialsEnv(options) } : functionEnv])),
      triggers,
      queues: servers.sqs.queues,
      sqsEndpoint: servers.sqs.endpoint,
      dynamodbEndpoint: servers.dynamodbEndpoint,
      tableName,
      httpPort,
      adminPort: options.adminPort ?? null,
      allowsHost: (name) => Boolean(options.security) || allowsHost(name, worker),
      logDir: join(dataDir.path, 'logs'),
      consoleLogs: env.SLUICE_CONSOLE_LOGS === 'true',
      onLogLine: (line) => metrics.read(line),
      pages: {
        '/metrics': {
          contentType: PrometheusMetrics.contentType,
          text: () => metrics.text(),
          isAllowed: (authorization) => options.security?.credentials.allows(authorization) ?? true,
        },
      },
    });
    return { url: host.httpUrl, invokeUrl: host.invokeUrl, broken: servers.broken, stop: () => stop(runsGraceMs, serversGraceMs), kill: () => stop(0, 0) };
  } catch (error) {
    await stop(0, serversGraceMs);
    throw error;
  }
}

function functionEnvironment(
  { env, httpPort, worker, functionEnv }: SystemOptions,
  servers: Servers,
  region: string,
  tableName: string,
): Record<string, string> {
  const endpoint = servers.dynamodbEndpoint;
  const aws = endpoint
    ? { AWS_ENDPOINT_URL_DYNAMODB: endpoint, AWS_ENDPOINT_URL_DYNAMODB_STREAMS: endpoint, AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' }
    : Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => /^AWS_/.test(entry[0]) && entry[1] !== undefined));
  return {
    ...functionEnv,
    ...aws,
    AWS_REGION: region,
    AWS_ENDPOINT_URL_SQS: servers.sqs.endpoint,
    // The emulator of SQS has S3, too: for dead letters that are too large for a queue.
    ...(endpoint ? { AWS_ENDPOINT_URL_S3: env.AWS_ENDPOINT_URL_S3 || servers.sqs.endpoint } : {}),
    [environment.table]: tableName,
    // Nothing delivers here: sinks that events trigger read by themselves.
    [environment.worker]: JSON.stringify({ 'sluice.event.sources': 'none', ...worker, 'bootstrap.servers': servers.brokers }),
    [environment.taskFunction]: 'task',
    [environment.controllerFunction]: 'controller',
    [environment.failureQueueUrl]: servers.sqs.queues.failures.url,
    [environment.workerId]: `127.0.0.1:${httpPort}`,
    // Nobody is charged for a metric here.
    [environment.metrics]: 'detailed',
    [environment.metricsInterval]: '5000',
  };
}

function credentialsEnv({ security }: SystemOptions): Record<string, string> {
  return security ? { [environment.credentialsFile]: resolve(security.path) } : {};
}

/** Makes the table where there is none. */
async function prepareTable({ AWS_ENDPOINT_URL_DYNAMODB: endpoint, AWS_REGION: region = '' }: Record<string, string>, tableName: string): Promise<void> {
  const client = new DynamoDBClient({ region, ...(endpoint ? { endpoint, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } } : {}) });
  try {
    await createTable(client, tableName);
  } catch (error) {
    throw new StartupError(`The table ${tableName} cannot be made in DynamoDB: ${(error as Error).message}`, 1, { cause: error });
  } finally {
    client.destroy();
  }
}
