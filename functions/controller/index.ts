import middy from '@middy/core';
import type { Context, DynamoDBStreamEvent, SQSEvent } from 'aws-lambda';
import { Controller, type LookResult } from '../../shared/controller/controller.ts';
import { flushMetrics } from '../middleware/flush-metrics.ts';
import { createEnvironment } from '../wiring.ts';
import { crashedRunOf } from './crashed-run.ts';

/** The schedule's tick. */
interface Tick {
  readonly kind: 'tick';
}

/** How often the heartbeat is written, however often the controller looks. */
const heartbeatIntervalMs = 30_000;

const environment = createEnvironment(process.env);
const controller = new Controller(environment);
let lastHeartbeatAt = 0;

export const handler = middy<Tick | DynamoDBStreamEvent | SQSEvent, LookResult, Error, Context>({ timeoutEarlyInMillis: 0 })
  .use(flushMetrics(environment))
  .handler(async (event) => {
    if ('Records' in event) for (const record of event.Records) if ('body' in record) await controller.crashed(crashedRunOf(record.body));
    const now = environment.clock.now();
    if (now - lastHeartbeatAt >= heartbeatIntervalMs) {
      lastHeartbeatAt = now;
      await controller.heartbeat();
    }
    return controller.look();
  });
