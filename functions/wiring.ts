import { Logger as PowertoolsLogger } from '@aws-lambda-powertools/logger';
import { Metrics as PowertoolsMetrics } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import type { Clock } from '../shared/connect/clock.ts';
import { ConfigException, RetriableException } from '../shared/connect/errors.ts';
import type { Logger } from '../shared/connect/logger.ts';
import type { Plugins } from '../shared/connect/plugins.ts';
import { createKafkaClients } from '../shared/kafka/kafka-clients.ts';
import type { KafkaClients } from '../shared/kafka/ports.ts';
import { type FlushableMetrics, invocationMetrics, type MetricsLevel } from '../shared/observability/invocation-metrics.ts';
import { structuredLogger } from '../shared/observability/structured-logger.ts';
import { plugins } from '../shared/plugins.ts';
import { resolveConnection } from '../shared/runtime/config-transformer.ts';
import type { RuntimePorts } from '../shared/runtime/ports.ts';
import { systemClock } from '../shared/runtime/system-clock.ts';
import type { RunRequest, TaskInvoker } from '../shared/runtime/task-run.ts';
import { createDynamoDbStorage } from '../shared/storage/dynamodb/dynamodb-storage.ts';
import { ServerClock } from '../shared/storage/dynamodb/server-clock.ts';
import type { Storage } from '../shared/storage/ports.ts';
import { answersSoon } from './aws-timeouts.ts';
import { deadLetterServices } from './dead-letter-services.ts';
import { failureQueueOf } from './failure-queues.ts';
import { lazily } from './lazily.ts';

/** Everything that handlers need, made once in an execution environment. */
export interface Environment extends RuntimePorts {
  readonly storage: Storage;
  readonly kafka: KafkaClients;
  readonly plugins: Plugins;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: FlushableMetrics;
}

/** For whoever works on its own: a busy table is asked again for a while, and one that does not answer is an error well within the time that a run keeps for its end. */
const patient: DynamoDBClientConfig = {
  maxAttempts: 5,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
};
/** For whoever somebody waits for: clients of the REST API give up after ten seconds, and a table that does not answer is told before. */
export const hurried: DynamoDBClientConfig = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 2_500, throwOnRequestTimeout: true },
};

const nothing = () => {};
/** The client copies each request and answer for a logger's `info`, that of its own silent one too: a tenth of what a read costs. This one has none. */
const silent = { trace: nothing, debug: nothing, warn: nothing, error: nothing } as NonNullable<DynamoDBClientConfig['logger']>;

/** Reads the environment variables that the deployment sets (`infra/topology.ts`) and makes the clients. Throws ConfigException naming the variable that is missing or wrong. */
export function createEnvironment(env: Readonly<Record<string, string | undefined>>, { table = patient }: { table?: DynamoDBClientConfig } = {}): Environment {
  const worker = workerProperties(env);
  const logger = structuredLogger(new PowertoolsLogger({ serviceName: 'sluice', logLevel: logLevel(env['SLUICE_LOG_LEVEL']) }));
  const clock = systemClock;
  const region = env['AWS_REGION'] ?? 'us-east-1';
  const client = new DynamoDBClient({ region, logger: silent, ...table });
  const serverClock = new ServerClock(clock);
  serverClock.listenTo(client);
  const storage = createDynamoDbStorage({ client, tableName: required(env, 'SLUICE_TABLE'), clock, serverClock });
  const kafka = createKafkaClients(worker, logger, (connection) => resolveConnection(worker, plugins, connection));
  return {
    storage,
    kafka,
    plugins,
    worker,
    clock,
    logger,
    metrics: metricsOf(env, clock, logger),
    invoker: lambdaInvoker(env['SLUICE_TASK_FUNCTION'], region),
    failures: failureQueueOf(worker, { url: env['SLUICE_FAILURE_QUEUE_URL'], region }, kafka, logger),
    deadLetters: deadLetterServices(env, region),
    workerId: env['SLUICE_WORKER_ID'] ?? workerIdOf(env),
  };
}

function required(env: Readonly<Record<string, string | undefined>>, name: string): string {
  const value = env[name];
  if (value === undefined || value === '') throw new ConfigException(`The environment variable ${name} is missing; the deployment sets it`);
  return value;
}

function workerProperties(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  let properties: unknown;
  try {
    properties = JSON.parse(required(env, 'SLUICE_WORKER'));
  } catch (cause) {
    if (cause instanceof ConfigException) throw cause;
    throw new ConfigException('The environment variable SLUICE_WORKER must hold the worker properties as a JSON object of texts', { cause });
  }
  const worker = properties as Record<string, string>;
  if (!worker['bootstrap.servers']) throw new ConfigException('Missing required configuration "bootstrap.servers" which has no default value.');
  if (worker['bootstrap.servers'].includes('${'))
    throw new ConfigException(
      'bootstrap.servers of the worker must name the brokers: it cannot be a reference to a config provider, as what connections need besides can',
    );
  return worker;
}

function logLevel(level: string | undefined): 'TRACE' | 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' {
  const upper = (level ?? 'INFO').toUpperCase();
  return upper === 'TRACE' || upper === 'DEBUG' || upper === 'WARN' || upper === 'ERROR' ? upper : 'INFO';
}

function metricsOf(env: Readonly<Record<string, string | undefined>>, clock: Clock, logger: Logger): FlushableMetrics {
  // It warns of a dimension that is in two sets, which is what a metric of a task and of its connector is.
  const quiet = { ...logger, warn: logger.debug };
  const line = new PowertoolsMetrics({ namespace: env['POWERTOOLS_METRICS_NAMESPACE'] || 'Sluice', logger: quiet });
  // A line has the dimensions of what it is about, and no other: Powertools would add `service` to all.
  line.clearDefaultDimensions();
  const interval = env['SLUICE_METRICS_INTERVAL_MS'] ?? '60000';
  if (!/^[1-9]\d*$/.test(interval)) throw new ConfigException('The environment variable SLUICE_METRICS_INTERVAL_MS must be a number of milliseconds');
  return invocationMetrics({ line, clock, level: metricsLevel(env['SLUICE_METRICS'] ?? 'standard'), intervalMs: Number(interval) });
}

function metricsLevel(level: string): MetricsLevel {
  if (level === 'standard' || level === 'detailed' || level === 'off') return level;
  throw new ConfigException('The environment variable SLUICE_METRICS must be standard, detailed or off');
}

/** The log stream names an execution environment on Lambda; characters that have a meaning in it are left out. */
function workerIdOf(env: Readonly<Record<string, string | undefined>>): string {
  return `${env['AWS_LAMBDA_FUNCTION_NAME'] ?? 'sluice'}:${(env['AWS_LAMBDA_LOG_STREAM_NAME'] ?? 'local').replace(/^.*\]/, '')}`;
}

function lambdaInvoker(functionName: string | undefined, region: string): TaskInvoker {
  const starting = lazily(async () => {
    const { InvokeCommand, LambdaClient } = await import('@aws-sdk/client-lambda');
    const client = new LambdaClient({ region, maxAttempts: 3, requestHandler: answersSoon });
    return (request: RunRequest) => client.send(new InvokeCommand({ FunctionName: functionName, InvocationType: 'Event', Payload: JSON.stringify(request) }));
  });
  return {
    async invoke(request) {
      if (functionName === undefined) throw new ConfigException('The environment variable SLUICE_TASK_FUNCTION is missing; the deployment sets it');
      const start = await starting();
      try {
        await start(request);
      } catch (cause) {
        throw new RetriableException(`The run of ${request.connector} could not be started: ${(cause as Error).message}`, { cause });
      }
    },
  };
}
