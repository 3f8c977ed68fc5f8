import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { ConfigException } from '../../shared/connect/errors.ts';
import { Delivery } from '../../shared/runtime/delivery.ts';
import { measureInvocation } from '../middleware/measure-invocation.ts';
import { createEnvironment } from '../wiring.ts';
import { deliveredRecords, type KafkaEvent } from './kafka-event.ts';

/** Kept back for the last flush, commit and release. */
const reserveMs = 10_000;
/** How much later than the invocation's end its lease ends. */
const leaseMarginMs = 10_000;

const connector = process.env['SLUICE_CONNECTOR'] ?? '';
if (connector === '') throw new ConfigException('The environment variable SLUICE_CONNECTOR is missing; the deployment sets it');
const environment = createEnvironment(process.env);
const delivery = new Delivery(environment, connector);
const shutdown = new AbortController();
process.once('SIGTERM', () => shutdown.abort());

/** Records of one event-triggered sink, as an event source mapping delivers them. An error makes it deliver them again. */
export const handler = middy<KafkaEvent, { records: number }, Error, Context>({ timeoutEarlyInMillis: 0 })
  .use(measureInvocation(environment, 'sink-events', () => connector))
  .handler(async (event, context) => {
    const now = environment.clock.now();
    const remaining = context.getRemainingTimeInMillis();
    const invocation = {
      id: context.awsRequestId,
      deadlineAt: now + Math.max(remaining - reserveMs, remaining / 2),
      expiresAt: now + remaining + leaseMarginMs,
      shutdown: shutdown.signal,
    };
    return { records: await delivery.deliver(deliveredRecords(event), invocation) };
  });
