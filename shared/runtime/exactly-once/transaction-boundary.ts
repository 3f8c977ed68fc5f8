import type { Clock } from '../../connect/clock.ts';
import { sourceConnectorConfig } from '../../connect/config/framework/source-connector-config.ts';
import { WorkerTransactionContext } from './worker-transaction-context.ts';

/** When the transactions of a task end (`transaction.boundary`, KIP-618). */
export interface TransactionBoundary {
  /** Of the task, where it says itself when they end. */
  readonly context: WorkerTransactionContext | null;
  /** How long one may be open before its producer is fenced; undefined: as Kafka has it. */
  readonly timeoutMs: number | undefined;
  /** Whether what is open at the end of a run may be committed, whatever the task says. */
  readonly commitsAtEnd: boolean;
  /** A run begins. */
  begin(): void;
  /** What to do after a batch, or after a poll that gave none. */
  afterBatch(): 'commit' | 'abort' | null;
}

const defaultTimeoutMs = 60_000;
/** Brokers take no longer one (`transaction.max.timeout.ms`), unless they are told to. */
const longestTimeoutMs = 900_000;

/** Reads it. `flushIntervalMs`: the worker's `offset.flush.interval.ms`. */
export function transactionBoundary(config: Readonly<Record<string, string>>, flushIntervalMs: number, clock: Clock): TransactionBoundary {
  const parsed = sourceConnectorConfig.parse(config);
  switch (parsed['transaction.boundary'].toLowerCase()) {
    case 'interval':
      return new IntervalBoundary(parsed['transaction.boundary.interval.ms'] ?? flushIntervalMs, clock);
    case 'connector': {
      const context = new WorkerTransactionContext();
      return { context, timeoutMs: undefined, commitsAtEnd: false, begin() {}, afterBatch: () => context.takeBatch() };
    }
    default:
      return { context: null, timeoutMs: undefined, commitsAtEnd: true, begin() {}, afterBatch: () => 'commit' };
  }
}

class IntervalBoundary implements TransactionBoundary {
  readonly context = null;
  readonly commitsAtEnd = true;
  readonly timeoutMs: number;
  readonly #intervalMs: number;
  readonly #clock: Clock;
  #lastCommitAt: number;

  constructor(intervalMs: number, clock: Clock) {
    this.#intervalMs = intervalMs;
    // As long as Kafka's, it would be over when the interval is.
    this.timeoutMs = Math.min(longestTimeoutMs, intervalMs + defaultTimeoutMs);
    this.#clock = clock;
    this.#lastCommitAt = clock.now();
  }

  begin(): void {
    this.#lastCommitAt = this.#clock.now();
  }

  afterBatch(): 'commit' | null {
    const now = this.#clock.now();
    if (now < this.#lastCommitAt + this.#intervalMs) return null;
    this.#lastCommitAt = now;
    return 'commit';
  }
}
