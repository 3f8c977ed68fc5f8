import type { QueueKind } from '../connector-letters.ts';
import type { LetterFilter } from '../letter-filter.ts';

/** What a replay was asked for, as it is stored. */
export interface ReplayRequest {
  readonly queue: QueueKind;
  /** Only these letters; null: all that match. */
  readonly ids: readonly string[] | null;
  readonly filter: LetterFilter;
  /** Also those that were replayed before. */
  readonly again: boolean;
}
