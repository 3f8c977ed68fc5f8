import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import type { RunOutcome, RunRequest } from '../../shared/runtime/task-run.ts';
import { Worker } from '../../shared/runtime/worker.ts';
import { measureInvocation } from '../middleware/measure-invocation.ts';
import { createEnvironment } from '../wiring.ts';

/** Kept back from the time of an invocation, so that the last flush, commit and release finish before Lambda stops it. */
const shutdownReserveMs = 10_000;
/** How much later than the invocation's end its lease ends: clocks differ a little. */
const leaseMarginMs = 10_000;

const environment = createEnvironment(process.env);
const worker = new Worker(environment);
const shutdown = new AbortController();

// Lambda sends SIGTERM before it ends an environment: a run under way commits and releases, so that another may go on at once.
process.once('SIGTERM', () => shutdown.abort());

export const handler = middy<RunRequest, RunOutcome, Error, Context>({ timeoutEarlyInMillis: 0 })
  .use(measureInvocation(environment, 'task', ({ connector }: RunRequest) => connector))
  .handler((request, context) => {
    const now = environment.clock.now();
    const remaining = context.getRemainingTimeInMillis();
    return worker.run(request, {
      id: context.awsRequestId,
      deadlineAt: now + Math.max(remaining - shutdownReserveMs, remaining / 2),
      expiresAt: now + remaining + leaseMarginMs,
      shutdown: shutdown.signal,
    });
  });
