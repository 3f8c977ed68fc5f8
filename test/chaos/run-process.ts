import { createEnvironment } from '../../functions/wiring.ts';
import type { RunRequest } from '../../shared/runtime/task-run.ts';
import { Worker } from '../../shared/runtime/worker.ts';

/**
 * One run in a process of its own, as Lambda's environments have it, with a lease that ends soon:
 * `node run-process.ts REQUEST RUN_MS LEASE_MS`. Prints the outcome as JSON.
 */
const [request, runMs, leaseMs] = process.argv.slice(2);
const environment = createEnvironment(process.env);
const now = environment.clock.now();
const outcome = await new Worker(environment).run(JSON.parse(request ?? '') as RunRequest, {
  id: `run-of-${process.pid}`,
  deadlineAt: now + Number(runMs),
  expiresAt: now + Number(leaseMs),
  shutdown: new AbortController().signal,
});
process.stdout.write(`OUTCOME ${JSON.stringify(outcome)}\n`, () => process.exit(0));
