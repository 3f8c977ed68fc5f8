import type { MiddlewareObj } from '@middy/core';
import type { Clock } from '../../shared/connect/clock.ts';
import type { FlushableMetrics } from '../../shared/observability/invocation-metrics.ts';

/**
 * Measures what an invocation costs, and writes its metrics when it ends, well or not. One that is killed (timeout, out of
 * memory) is not counted here; Lambda's own metrics have it.
 * @param connectorOf whom the cost is for, when it is for one
 */
export function measureInvocation<Event, Result>(
  { clock, metrics }: { clock: Clock; metrics: FlushableMetrics },
  name: string,
  connectorOf: (event: Event) => string | undefined = () => undefined,
): MiddlewareObj<Event, Result> {
  // From the start of the process until the function was loaded: Lambda charges it with the first invocation.
  let initMs = process.uptime() * 1000;
  const gigabytes = Number(process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? 0) / 1024;
  let startedAt = 0;
  const measure = ({ event }: { event: Event }) => {
    const connector = connectorOf(event);
    const dimensions = { function: name, ...(connector === undefined ? {} : { connector }) };
    if (initMs > 0) metrics.add('cold-starts', 1, dimensions);
    metrics.add('invocations', 1, dimensions);
    metrics.add('gb-seconds', (gigabytes * Math.ceil(clock.now() - startedAt + initMs)) / 1000, dimensions);
    initMs = 0;
    metrics.flush();
  };
  return {
    before: () => {
      startedAt = clock.now();
    },
    after: measure,
    onError: measure,
  };
}
