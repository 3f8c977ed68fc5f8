import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { AnyFunctionName, FunctionSpec, QueueName, Trigger } from '../../topology.ts';
import { AsyncQueue } from './async-queue.ts';
import { EnvironmentPool } from './environment-pool.ts';
import { FunctionLog } from './function-log.ts';
import { createHttpFront, type Pages } from './http-front.ts';
import { createLambdaApi } from './lambda-api.ts';
import { startQueueTrigger } from './triggers/queue.ts';
import { startSchedule } from './triggers/schedule.ts';
import { startTableStream } from './triggers/table-stream.ts';

export interface LambdaHostOptions {
  readonly functions: readonly FunctionSpec<AnyFunctionName>[];
  /** Path of each function's CommonJS bundle; it exports `handler`. */
  readonly bundles: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly triggers: readonly Trigger[];
  readonly queues: Readonly<Record<QueueName, { readonly url: string }>>;
  readonly sqsEndpoint: string;
  /** Null: AWS's own DynamoDB; its stream is not followed, the schedule finds changes. */
  readonly dynamodbEndpoint: string | null;
  readonly tableName: string;
  readonly httpPort: number;
  /** A second HTTP port, whose requests say that they came by it: the listener of `admin.listeners`. */
  readonly adminPort?: number | null;
  readonly logDir: string;
  readonly consoleLogs: boolean;
  /** Told each line of the functions' logs. */
  readonly onLogLine?: (line: string) => void;
  /** What the HTTP port serves besides the function. */
  readonly pages?: Pages;
  readonly allowsHost?: (host: string | undefined) => boolean;
  /** Most environments that work at once. */
  readonly accountConcurrency?: number;
  /** Freeze environments between invocations, as Lambda does. */
  readonly freeze?: boolean;
  /** Environments that had nothing to do for so long are ended. */
  readonly idleMs?: number;
  /** Makes the pauses before asynchronous retries shorter. */
  readonly retryScale?: number;
}

export interface LambdaHost {
  /** Where the Invoke API is; for `AWS_ENDPOINT_URL_LAMBDA`. */
  readonly invokeUrl: string;
  readonly httpUrl: string;
  /** Busy environments are asked to finish (SIGTERM) and killed after the time; asynchronous events that wait are dropped: the controller's next look repairs. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Lambda on one machine: environments as processes, the Invoke API for unmodified SDK clients, asynchronous invocations
 * with retries and destinations, and the triggers of a topology. Rejects when the HTTP port is taken.
 */
export async function startLambdaHost(options: LambdaHostOptions): Promise<LambdaHost> {
  const { functions, bundles, triggers, queues, sqsEndpoint, httpPort, logDir, consoleLogs } = options;
  mkdirSync(logDir, { recursive: true });
  const echo = (name: string) => (consoleLogs ? (line: string) => console.error(`[${name}] ${line}`) : null);
  const tell = (name: string) => {
    const print = echo(name);
    return (line: string) => {
      options.onLogLine?.(line);
      print?.(line);
    };
  };
  const logs = new Map(functions.map(({ name }) => [name, new FunctionLog(join(logDir, `${name}.log`), tell(name))]));
  const hostLog = new FunctionLog(join(logDir, 'lambda-host.log'), echo('lambda-host'));
  const onError = (error: unknown) => hostLog.line(`${new Date().toISOString()} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);

  let pool!: EnvironmentPool;
  let queue!: AsyncQueue;
  const api = createLambdaApi(
    () => pool,
    () => queue,
  );
  const http = triggers.find((each) => each.kind === 'http');
  const target = http?.target ?? 'rest-api';
  const allowing = options.allowsHost ? { allowsHost: options.allowsHost } : {};
  const front = createHttpFront(target, () => pool, { pages: options.pages ?? {}, ...allowing });
  const adminFront = createHttpFront(target, () => pool, { stageVariables: { listener: 'admin' }, ...allowing });
  const [apiPort] = await Promise.all([listen(api, 0), listen(front, httpPort), options.adminPort ? listen(adminFront, options.adminPort) : 0]);
  const invokeUrl = `http://127.0.0.1:${apiPort}`;
  const env = Object.fromEntries(
    functions.map(({ name }) => [name, { AWS_ENDPOINT_URL_LAMBDA: invokeUrl, NODE_COMPILE_CACHE: join(logDir, '..', 'compile-cache'), ...options.env[name] }]),
  );
  const pidFile = join(logDir, '..', 'environments.pids');
  writeFileSync(pidFile, '');
  pool = new EnvironmentPool({
    functions,
    bundles,
    env,
    logs,
    runtimeApi: `127.0.0.1:${apiPort}`,
    accountConcurrency: options.accountConcurrency ?? 40,
    freeze: options.freeze ?? true,
    idleMs: options.idleMs ?? 300_000,
    pidFile,
  });
  const undertaker = spawnUndertaker(pidFile);
  const sqs = new SQSClient({ endpoint: sqsEndpoint, region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } });
  const queueUrls = Object.fromEntries(Object.entries(queues).map(([name, { url }]) => [name, url])) as Record<QueueName, string>;
  queue = new AsyncQueue({ pool, sqs, queueUrls, retryScale: options.retryScale ?? 1, onError });

  const started: { stop(): void }[] = [];
  for (const trigger of triggers) {
    const { target } = trigger;
    if (trigger.kind === 'schedule') started.push(startSchedule({ target, everySeconds: trigger.everySecondsLocal, input: trigger.input, pool, onError }));
    else if (trigger.kind === 'queue')
      started.push(
        startQueueTrigger({ target, queueUrl: queueUrls[trigger.queue], queueName: trigger.queue, batchSize: trigger.batchSize, sqs, pool, onError }),
      );
    else if (trigger.kind === 'table-stream' && options.dynamodbEndpoint !== null)
      started.push(
        await startTableStream({
          target,
          tableName: options.tableName,
          endpoint: options.dynamodbEndpoint,
          attribute: trigger.attribute,
          batchSize: trigger.batchSize,
          pool,
          onError,
        }),
      );
  }

  return {
    invokeUrl,
    httpUrl: `http://127.0.0.1:${(front.address() as AddressInfo).port}`,
    async stop(graceMs) {
      for (const trigger of started) trigger.stop();
      queue.stop();
      const closed = Promise.all([close(front), close(adminFront)]);
      await pool.stop(graceMs);
      await Promise.all([closed, close(api)]);
      undertaker.kill('SIGKILL');
      sqs.destroy();
      for (const log of [...logs.values(), hostLog]) log.flush();
    },
  };
}

/**
 * Frozen processes cannot notice that the host was killed. This one waits for the end of its input, which only comes
 * when the host is gone, and ends them.
 */
function spawnUndertaker(pidFile: string) {
  const child = spawn('sh', ['-c', 'cat >/dev/null; for pid in $(cat "$0"); do kill -9 "$pid" 2>/dev/null; done', pidFile], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.on('error', () => {});
  child.unref();
  return child;
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1' }, () => resolve((server.address() as AddressInfo).port));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
