import { randomUUID } from 'node:crypto';
import type { EnvironmentPool } from '../environment-pool.ts';
import type { InvocationResult } from '../execution-environment.ts';

/** EventBridge's part: invokes a function every so often with a scheduled event. A beat is left out while the one before still runs. */
export function startSchedule(options: { target: string; everySeconds: number; input: object; pool: EnvironmentPool; onError: (error: unknown) => void }): {
  stop(): void;
} {
  const { target, everySeconds, input, pool, onError } = options;
  let running = false;
  const beat = async () => {
    if (running) return;
    running = true;
    try {
      const event = {
        version: '0',
        id: randomUUID(),
        source: 'aws.events',
        'detail-type': 'Scheduled Event',
        time: new Date().toISOString(),
        detail: {},
        ...input,
      };
      const { error, payload }: InvocationResult = await pool.invokeWhenPossible(target, JSON.stringify(event), randomUUID());
      if (error !== null) onError(new Error(`${target}: ${payload}`));
    } catch (error) {
      onError(error);
    } finally {
      running = false;
    }
  };
  const timer = setInterval(() => void beat(), everySeconds * 1000);
  void beat();
  return { stop: () => clearInterval(timer) };
}
