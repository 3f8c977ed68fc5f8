import middy from '@middy/core';
import type { Context, DynamoDBStreamEvent, SQSEvent } from 'aws-lambda';
import { Census } from '../../shared/controller/census.ts';
import { Controller, type LookResult } from '../../shared/controller/controller.ts';
import { measureInvocation } from '../middleware/measure-invocation.ts';
import { createEnvironment } from '../wiring.ts';
import { crashedRunOf } from './crashed-run.ts';
import { type Wake, wokenBy } from './wake.ts';

/** The schedule's tick. */
interface Tick {
  readonly kind: 'tick';
}

/** How often the heartbeat is written, however often the controller looks. */
const heartbeatIntervalMs = 30_000;

const environment = createEnvironment(process.env);
const controller = new Controller(environment);
const census = new Census(environment);
let lastHeartbeatAt = 0;
let lastCensusAt = 0;

export const handler = middy<Tick | Wake | readonly Wake[] | DynamoDBStreamEvent | SQSEvent, LookResult, Error, Context>({ timeoutEarlyInMillis: 0 })
  .use(measureInvocation(environment, 'controller'))
  .handler(async (event) => {
    if ('Records' in event) for (const record of event.Records) if ('body' in record) await controller.crashed(crashedRunOf(record.body));
    for (const connector of wokenBy(event)) await controller.wake(connector);
    const now = environment.clock.now();
    if (now - lastHeartbeatAt >= heartbeatIntervalMs) {
      lastHeartbeatAt = now;
      await controller.heartbeat();
    }
    const result = await controller.look();
    // Only the schedule's ticks count: there is one controller for each of them, however many the table's stream calls.
    if ('kind' in event && event.kind === 'tick' && now - lastCensusAt >= environment.metrics.intervalMs * 0.9) {
      lastCensusAt = now;
      await census.take();
    }
    return result;
  });
