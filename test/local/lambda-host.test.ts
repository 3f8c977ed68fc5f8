import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LambdaHost, startLambdaHost } from '../../infra/local/lambda-host/index.ts';
import { freePorts } from '../../infra/local/ports.ts';
import { type SqsService, startSqs } from '../../infra/local/services/sqs.ts';
import type { FunctionName, FunctionSpec } from '../../infra/topology.ts';

const handler = `
let calls = 0;
exports.handler = async (event, context) => {
  calls++;
  if (event.fail) throw new TypeError('told to fail');
  if (event.exit) process.exit(7);
  if (event.kill) process.kill(process.pid, 'SIGKILL');
  if (event.sleep) await new Promise((resolve) => setTimeout(resolve, event.sleep));
  if (event.rawPath === '/slow') await new Promise((resolve) => setTimeout(resolve, 500));
  if (event.rawPath) {
    return { statusCode: 201, headers: { 'x-path': event.rawPath, 'content-type': 'text/plain' }, body: JSON.stringify({ method: event.requestContext.http.method, query: event.rawQueryString, body: event.body ?? null, base64: event.isBase64Encoded }) };
  }
  if (event.Records) return { batchItemFailures: [] };
  return { pid: process.pid, calls, requestId: context.awsRequestId, remaining: context.getRemainingTimeInMillis(), name: context.functionName, memory: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE, extra: process.env.EXTRA };
};`;

const spec = (name: FunctionName, changes: Partial<FunctionSpec> = {}): FunctionSpec => ({
  name,
  description: '',
  memoryMb: 256,
  timeoutSeconds: 5,
  reservedConcurrency: null,
  asyncRetries: 0,
  onFailure: null,
  access: [],
  ...changes,
});

describe('the Lambda host', () => {
  let folder: string;
  let sqs: SqsService;
  let host: LambdaHost;
  let lambda: LambdaClient;
  let queues: SQSClient;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-host-'));
    const bundle = join(folder, 'index.cjs');
    await writeFile(bundle, handler);
    const ports = await freePorts(['sqs', 'http'] as const);
    sqs = await startSqs({ port: ports.sqs, dataDir: join(folder, 'sqs'), region: 'us-east-1' });
    host = await startLambdaHost({
      functions: [
        spec('rest-api'),
        spec('controller', { reservedConcurrency: 1, timeoutSeconds: 1 }),
        spec('task', { asyncRetries: 1, onFailure: 'failures' }),
      ],
      bundles: { 'rest-api': bundle, controller: bundle, task: bundle },
      env: { 'rest-api': {}, controller: {}, task: { EXTRA: 'yes' } },
      triggers: [{ kind: 'http', target: 'rest-api' }],
      queues: sqs.queues,
      sqsEndpoint: sqs.endpoint,
      dynamodbEndpoint: null,
      tableName: 'none',
      httpPort: ports.http,
      logDir: join(folder, 'logs'),
      consoleLogs: false,
      retryScale: 0.001,
    });
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    lambda = new LambdaClient({ endpoint: host.invokeUrl, region: 'us-east-1', credentials, maxAttempts: 1 });
    queues = new SQSClient({ endpoint: sqs.endpoint, region: 'us-east-1', credentials });
  });
  afterAll(async () => {
    await host?.stop(1_000);
    await sqs?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const invoke = async (name: string, payload: object) => {
    const { FunctionError, Payload, StatusCode } = await lambda.send(new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(payload) }));
    return { error: FunctionError, status: StatusCode, answer: JSON.parse(Buffer.from(Payload ?? []).toString()) };
  };
  const received = async () => {
    for (let i = 0; i < 20; i++) {
      const { Messages = [] } = await queues.send(new ReceiveMessageCommand({ QueueUrl: sqs.queues.failures.url, WaitTimeSeconds: 1 }));
      if (Messages[0]?.Body !== undefined) return JSON.parse(Messages[0].Body);
    }
    throw new Error('no message came');
  };

  test('answers the SDK, with Lambda’s context and environment, and reuses a warm environment', async () => {
    const first = await invoke('task', {});
    const second = await invoke('arn:aws:lambda:us-east-1:000000000000:function:task', {});
    expect(first.answer).toMatchObject({ calls: 1, name: 'task', memory: '256', extra: 'yes' });
    expect(first.answer.remaining).toBeGreaterThan(1_000);
    expect(second.answer).toMatchObject({ pid: first.answer.pid, calls: 2 });
    expect(second.answer.requestId).not.toBe(first.answer.requestId);
  });

  test('gives each invocation that overlaps an environment of its own', async () => {
    const [one, two] = await Promise.all([invoke('task', { sleep: 300 }), invoke('task', { sleep: 300 })]);
    expect(one.answer.pid).not.toBe(two.answer.pid);
  });

  test('an exception is the function’s error, with its type and message, and the environment goes on', async () => {
    const { error, status, answer } = await invoke('rest-api', { fail: true });
    expect([error, status]).toEqual(['Unhandled', 200]);
    expect(answer).toMatchObject({ errorType: 'TypeError', errorMessage: 'told to fail' });
    expect((await invoke('rest-api', {})).answer.calls).toBe(2);
  });

  test('a process that ends or is killed fails its invocation, and the next one gets a new process', async () => {
    expect((await invoke('rest-api', { exit: true })).answer).toMatchObject({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringMatching(/exit status 7/),
    });
    expect((await invoke('rest-api', { kill: true })).answer).toMatchObject({ errorMessage: expect.stringMatching(/signal: killed/) });
    expect((await invoke('rest-api', {})).answer.calls).toBe(1);
  });

  test('kills at the timeout', async () => {
    const { error, answer } = await invoke('controller', { sleep: 60_000 });
    expect(error).toBe('Unhandled');
    expect(answer.errorMessage).toMatch(/Task timed out after 1\.00 seconds/);
  });

  test('refuses what is over the concurrency limit, queues asynchronous events instead', async () => {
    const all = await Promise.allSettled(Array.from({ length: 6 }, () => invoke('controller', { sleep: 600 })));
    const refused = all.filter((each) => each.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every(({ reason }) => reason.name === 'TooManyRequestsException')).toBe(true);
    const accepted = await lambda.send(new InvokeCommand({ FunctionName: 'controller', InvocationType: 'Event', Payload: '{}' }));
    expect(accepted.StatusCode).toBe(202);
  });

  test('says what it does not know and what it cannot read', async () => {
    await expect(invoke('nobody', {})).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(lambda.send(new InvokeCommand({ FunctionName: 'task', Payload: '{nope' }))).rejects.toMatchObject({ name: 'InvalidRequestContentException' });
    await expect(lambda.send(new InvokeCommand({ FunctionName: 'task', Payload: JSON.stringify('x'.repeat(7_000_000)) }))).rejects.toMatchObject({
      name: 'RequestTooLargeException',
    });
  });

  test('an asynchronous event that fails is tried again and then told to its destination', async () => {
    await lambda.send(new InvokeCommand({ FunctionName: 'task', InvocationType: 'Event', Payload: JSON.stringify({ fail: true, mark: 1 }) }));
    expect(await received()).toMatchObject({
      version: '1.0',
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 2 },
      requestPayload: { fail: true, mark: 1 },
      responseContext: { functionError: 'Unhandled' },
      responsePayload: { errorType: 'TypeError' },
    });
  });

  test('turns HTTP into events and answers back, with path and query as they were sent', async () => {
    const answer = await fetch(`${host.httpUrl}/connectors/a%2Fb%20%C3%BC?x=1&x=2`, { method: 'POST', body: '{"ü":1}' });
    expect([answer.status, answer.headers.get('x-path')]).toEqual([201, '/connectors/a%2Fb%20%C3%BC']);
    expect(await answer.json()).toEqual({ method: 'POST', query: 'x=1&x=2', body: '{"ü":1}', base64: false });
    const binary = await fetch(host.httpUrl, { method: 'PUT', body: Buffer.from([0xff, 0xfe]) });
    expect(await binary.json()).toMatchObject({ body: '//4=', base64: true });
  });

  test('lets more clients than it has environments for wait their turn', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => fetch(`${host.httpUrl}/slow`)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  });

  test('keeps a log of each function as Lambda prints it', async () => {
    const log = await readFile(join(folder, 'logs', 'task.log'), 'utf8');
    expect(log).toMatch(/START RequestId: [0-9a-f-]+ Version: \$LATEST/);
    expect(log).toMatch(/REPORT RequestId: [0-9a-f-]+\tDuration: [\d.]+ ms/);
  });
});
