import type { Context } from 'aws-lambda';
import { handler } from '../../functions/controller/index.ts';

/** The controller's function in a process of its own: a tick for each line that comes in; a line with its milliseconds goes out. */
process.stdin.setEncoding('utf8');
for await (const line of process.stdin) {
  if ((line as string).trim() === '') continue;
  const startedAt = performance.now();
  const result = await handler({ kind: 'tick' }, {} as Context);
  // The function writes metrics and log lines too.
  process.stderr.write(`${JSON.stringify({ milliseconds: performance.now() - startedAt, ...(result as object) })}\n`);
}
