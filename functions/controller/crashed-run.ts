import type { CrashedRun } from '../../shared/controller/controller.ts';
import type { RunRequest } from '../../shared/runtime/task-run.ts';

/** Lambda's record of a failed asynchronous invocation, as an on-failure destination gets it. */
interface DestinationRecord {
  readonly requestContext: { readonly requestId: string; readonly condition: string };
  readonly requestPayload: RunRequest;
  readonly responsePayload?: { readonly errorType?: string; readonly errorMessage?: string; readonly trace?: readonly string[] | null } | null;
}

/** Reads such a record from the body of a queue message. */
export function crashedRunOf(body: string): CrashedRun {
  const { requestContext, requestPayload, responsePayload } = JSON.parse(body) as DestinationRecord;
  return {
    request: requestPayload,
    run: requestContext.requestId,
    error: responsePayload?.errorMessage ?? responsePayload?.errorType ?? requestContext.condition,
    trace: responsePayload?.trace?.join('\n') ?? null,
  };
}
