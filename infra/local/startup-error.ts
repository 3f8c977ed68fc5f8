/** Something that the person at the keyboard can put right: told in one sentence, without a stack. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
  /** 1: it could not start; 2: the command line was wrong. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
