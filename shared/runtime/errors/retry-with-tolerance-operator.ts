import type { Clock } from '../../connect/clock.ts';
import { isPending, type PendingException } from '../../connect/converter.ts';
import { ConnectException, isRetriable } from '../../connect/errors.ts';
import type { Measure } from '../measures.ts';
import type { Metrics } from '../ports.ts';
import type { ErrorReporter, ProcessingContext } from './processing-context.ts';

const initialDelayMs = 300;

/** The run ended while an operation was being tried again: the record is neither done nor failed, the next run has it again. */
export class InterruptedException extends Error {
  override readonly name = 'InterruptedException';
}

const interrupted = () => new InterruptedException('The run ended while an operation was being tried again');

/** One record may need several things, one after the other; a converter that never has enough must be seen. */
const maxPending = 32;

/** Runs an operation to its end, through all that it waits for. Rejects with what it, or that, failed with. */
export async function completed<T>(pending: PendingException | null, operation: () => T, signal: AbortSignal): Promise<T> {
  let next = pending;
  for (let count = 0; count < maxPending; count++) {
    await next?.ready(signal);
    try {
      return operation();
    } catch (error) {
      if (!isPending(error)) throw error;
      next = error;
    }
  }
  throw new ConnectException(`A converter asks for the same again and again: ${next?.message}`);
}

/** The `errors.*` keys of a connector. */
export interface ErrorPolicy {
  readonly retryTimeoutMs: number;
  readonly retryDelayMaxMs: number;
  readonly tolerance: 'none' | 'all';
}

/**
 * The one place that decides what becomes of a failed operation on a record (KIP-298): retry while it is retriable and
 * there is time, then report, then tolerate or fail the task. Operations themselves run outside, in the batch loops;
 * only failures come here, so that the good path costs nothing.
 */
export class RetryWithToleranceOperator {
  readonly #policy: ErrorPolicy;
  readonly #reporters: readonly ErrorReporter[];
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #dimensions: { connector: string; task: number };
  readonly #random: () => number;

  constructor(options: {
    policy: ErrorPolicy;
    reporters: readonly ErrorReporter[];
    clock: Clock;
    metrics: Metrics;
    dimensions: { connector: string; task: number };
    random?: () => number;
  }) {
    this.#policy = options.policy;
    this.#reporters = options.reporters;
    this.#clock = options.clock;
    this.#metrics = options.metrics;
    this.#dimensions = options.dimensions;
    this.#random = options.random ?? Math.random;
  }

  /**
   * Called after `operation` failed once with `context.error`, or could not go on (PendingException). Returns what the
   * operation gave at a later try, or `undefined` when the record is to be skipped. Throws ConnectException (`Tolerance
   * exceeded in error handler`, the error as its cause) when it may not be skipped, and InterruptedException when the run
   * ends meanwhile. `where` tells the stage that the operation is in, which may be another at a later try.
   */
  async recover<T>(
    context: ProcessingContext,
    operation: () => T,
    signal: AbortSignal,
    where: () => Pick<ProcessingContext, 'stage' | 'className'> = () => context,
  ): Promise<T | undefined> {
    const failedWith = (error: unknown): ProcessingContext => {
      const { stage, className } = where();
      return { ...context, stage, className, error };
    };
    let failure = context;
    if (isPending(context.error)) {
      try {
        return await completed(context.error, operation, signal);
      } catch (error) {
        if (signal.aborted) throw interrupted();
        failure = failedWith(error);
      }
    }
    const startedAt = this.#clock.now();
    const deadline = this.#policy.retryTimeoutMs < 0 ? Number.POSITIVE_INFINITY : startedAt + this.#policy.retryTimeoutMs;
    for (let attempt = 1; isRetriable(failure.error); attempt++) {
      this.#count('total-record-failures');
      const delay = this.#backoff(attempt, deadline);
      if (delay === null) break;
      await this.#clock.sleep(delay, signal);
      if (signal.aborted) throw interrupted();
      this.#count('total-retries');
      try {
        return await completed(null, operation, signal);
      } catch (error) {
        if (signal.aborted) throw interrupted();
        failure = failedWith(error);
      }
    }
    if (!isRetriable(failure.error)) this.#count('total-record-failures');
    await this.executeFailed(failure);
    return undefined;
  }

  /** Reports a failed record and tolerates it, or throws ConnectException. */
  async executeFailed(context: ProcessingContext): Promise<void> {
    this.#count('total-record-errors');
    this.#metrics.add('last-error-timestamp', this.#clock.now(), this.#dimensions);
    for (const reporter of this.#reporters) await reporter.report(context);
    if (this.#policy.tolerance === 'none') {
      // The record that fails the task is in the queue as well: the task, and its producer, end with it.
      for (const reporter of this.#reporters) await reporter.flush?.();
      throw new ConnectException('Tolerance exceeded in error handler', { cause: context.error });
    }
    this.#count('total-records-skipped');
  }

  /** Kafka's backoff: 300 ms, doubled with each try; beyond the maximum a random time below it. Null when the time is over. */
  #backoff(attempt: number, deadline: number): number | null {
    const left = deadline - this.#clock.now();
    if (left <= 0) return null;
    const doubled = initialDelayMs * 2 ** Math.min(attempt - 1, 40);
    const max = this.#policy.retryDelayMaxMs;
    const delay = doubled > max ? Math.floor(this.#random() * max) : doubled;
    return Math.min(delay, left);
  }

  #count(measure: Measure): void {
    this.#metrics.add(measure, 1, this.#dimensions);
  }
}
