import type { ParseArgsOptionsConfig } from 'node:util';

/** What a command is given. */
export interface CommandCall {
  readonly positionals: readonly string[];
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
  readonly env: NodeJS.ProcessEnv;
  /** Writes a line to standard output. */
  readonly print: (line: string) => void;
}

/** A command of `npm run sluice -- NAME`: one file in `commands/`, one line in `main.ts`. */
export interface Command {
  readonly summary: string;
  /** What follows the name, and each flag with what it does. */
  readonly usage: string;
  readonly options: ParseArgsOptionsConfig;
  /** Resolves to the exit code. Rejects with CommandError for what the user can mend. */
  run(call: CommandCall): Promise<number>;
}

/** One sentence for the person at the terminal, without a stack trace. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 2) {
    super(message);
    this.exitCode = exitCode;
  }
}
