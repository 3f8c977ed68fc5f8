/** What CloudFormation asks of a custom resource. */
export interface ResourceEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: Readonly<Record<string, unknown>>;
}

export interface ResourceResult {
  readonly status: 'SUCCESS' | 'FAILED';
  readonly physicalResourceId: string;
  /** Why it failed; people read it in the stack's events. */
  readonly reason?: string;
}

/** CloudFormation refuses an answer of more than 4096 bytes; the rest of the answer is much less than half of that. */
const longestReason = 2_500;

/** Tells CloudFormation how a request ended. Rejects when it cannot be reached: then the stack waits for an hour, so it is tried again first. */
export async function respond(event: ResourceEvent, { status, physicalResourceId, reason }: ResourceResult): Promise<void> {
  const { StackId, RequestId, LogicalResourceId } = event;
  const body = JSON.stringify({
    Status: status,
    Reason: reason === undefined ? undefined : shortened(reason),
    PhysicalResourceId: physicalResourceId,
    StackId,
    RequestId,
    LogicalResourceId,
  });
  for (let attempt = 1; ; attempt++) {
    try {
      // The address is signed for a request without a content type.
      const answer = await fetch(event.ResponseURL, { method: 'PUT', body: Buffer.from(body), headers: { 'content-type': '' } });
      if (answer.ok) return;
      throw new Error(`CloudFormation answered ${answer.status}`);
    } catch (error) {
      if (attempt === 5) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** attempt));
    }
  }
}

/** Beginning and end of a text: the message of a trace is at its beginning, the deepest cause at its end. */
function shortened(text: string): string {
  if (text.length <= longestReason) return text;
  const half = (longestReason - 5) >> 1;
  return `${text.slice(0, half)} ... ${text.slice(-half)}`;
}
