/** An answer of the REST API that is an error: `{"error_code": status, "message": message}`. */
export class ConnectRestException extends Error {
  override readonly name = 'ConnectRestException';
  readonly status: number;

  constructor(status: number, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.status = status;
  }
}

/** 400: the request is wrong; the message tells what would be right. */
export class BadRequestException extends ConnectRestException {
  constructor(message: string, options?: { cause?: unknown }) {
    super(400, message, options);
  }
}
