import { javaClassOf, traceOf } from '../connect/errors.ts';
import type { LastError } from '../storage/ports.ts';

/** What keeps something from being done now, as people will read it; secrets in it are hidden before. */
export function postponed(error: unknown, now: number): LastError {
  return { kind: 'postponed', error: `${javaClassOf(error)}: ${error instanceof Error ? error.message : String(error)}`, trace: traceOf(error), at: now };
}
