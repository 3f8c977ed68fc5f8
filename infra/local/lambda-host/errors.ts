/** An error of the Invoke API, as the SDK knows it. */
export class InvokeError extends Error {
  readonly status: number;
  readonly type: string;
  readonly details: Record<string, string>;
  constructor(status: number, type: string, message: string, details: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.type = type;
    this.details = details;
  }
}
