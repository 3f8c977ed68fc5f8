import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { AnyFunctionName, FunctionSpec, QueueName } from '../../topology.ts';
import type { EnvironmentPool } from './environment-pool.ts';
import type { InvocationResult } from './execution-environment.ts';

/** Lambda waits this long before the first and the second retry, in milliseconds. */
const retryDelaysMs = [60_000, 120_000];

/** Asynchronous invocations: queued, retried as the function says, told to its on-failure destination when they fail for good. */
export class AsyncQueue {
  readonly #pool: EnvironmentPool;
  readonly #sqs: SQSClient;
  readonly #queueUrls: Readonly<Record<QueueName, string>>;
  readonly #retryScale: number;
  readonly #onError: (error: unknown) => void;
  #stopped = false;

  constructor(options: {
    pool: EnvironmentPool;
    sqs: SQSClient;
    queueUrls: Readonly<Record<QueueName, string>>;
    retryScale: number;
    onError: (error: unknown) => void;
  }) {
    this.#pool = options.pool;
    this.#sqs = options.sqs;
    this.#queueUrls = options.queueUrls;
    this.#retryScale = options.retryScale;
    this.#onError = options.onError;
  }

  /** Takes an event; returns its request id at once. Throws InvokeError for an unknown function. */
  push(name: string, payload: string): string {
    const spec = this.#pool.spec(name);
    const requestId = randomUUID();
    void this.#run(spec, payload, requestId).catch((error: unknown) => {
      if (!this.#stopped) this.#onError(error);
    });
    return requestId;
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(spec: FunctionSpec<AnyFunctionName>, payload: string, requestId: string): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const result = await this.#pool.invokeWhenPossible(spec.name, payload, requestId, { event: true });
      if (result.error === null || this.#stopped) return;
      if (attempt >= spec.asyncRetries) return this.#tellFailure(spec, payload, requestId, attempt + 1, result);
      await sleep((retryDelaysMs[attempt] as number) * this.#retryScale, undefined, { ref: false });
    }
  }

  async #tellFailure(
    spec: FunctionSpec<AnyFunctionName>,
    payload: string,
    requestId: string,
    approximateInvokeCount: number,
    result: InvocationResult,
  ): Promise<void> {
    if (spec.onFailure === null) return;
    const functionArn = `arn:aws:lambda:us-east-1:000000000000:function:${spec.name}:$LATEST`;
    const record = {
      version: '1.0',
      timestamp: new Date().toISOString(),
      requestContext: { requestId, functionArn, condition: 'RetriesExhausted', approximateInvokeCount },
      requestPayload: JSON.parse(payload),
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: result.error },
      responsePayload: JSON.parse(result.payload),
    };
    await this.#sqs.send(new SendMessageCommand({ QueueUrl: this.#queueUrls[spec.onFailure], MessageBody: JSON.stringify(record) }));
  }
}
