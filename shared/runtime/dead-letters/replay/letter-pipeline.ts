import type { DeadLetter } from '../dead-letter.ts';

/** A letter that was chosen; `id` for messages. */
export interface ChosenLetter {
  readonly id: string;
  readonly letter: DeadLetter;
}

/** What became of letters that went through a pipeline. */
export interface PipelineResult {
  /** False: some of them may not be safe; they must go through again. `why` tells the reason, `delayMs` when to try again. */
  readonly safe: boolean;
  readonly why: string | null;
  readonly delayMs: number;
  /** How many are in the dead letter queue again, which has them safely. */
  readonly failedAgain: number;
}

/** A connector's way from letters to where its records go. */
export interface LetterPipeline {
  /** Throws what makes a task FAILED. */
  put(letters: readonly ChosenLetter[], signal: AbortSignal): Promise<PipelineResult>;
  close(): Promise<void>;
}

/** A letter that can never go through a pipeline: the reason. Null when it can. */
export function unreplayable(letter: DeadLetter, kind: 'source' | 'sink'): string | null {
  if (letter.cutFrom !== null) return `it was cut from ${letter.cutFrom} bytes`;
  if (letter.origin === null) return 'it does not tell where the record was from (errors.deadletterqueue.context.headers.enable)';
  if (letter.origin.kind !== kind) return `it is of a ${letter.origin.kind}`;
  return null;
}
