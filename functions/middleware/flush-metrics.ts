import type { Clock } from '../../shared/connect/clock.ts';
import type { FlushableMetrics } from '../../shared/observability/emf-metrics.ts';

/** Writes the metrics of an invocation when it ends, well or not. */
export function flushMetrics({ clock, metrics }: { clock: Clock; metrics: FlushableMetrics }) {
  const flush = () => metrics.flush(clock.now());
  return { after: flush, onError: flush };
}
