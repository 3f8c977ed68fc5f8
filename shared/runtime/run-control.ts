import type { Clock } from '../connect/clock.ts';
import type { TargetState, TaskItem } from '../storage/ports.ts';

/** Why a run ends before its work does. */
export type StopReason = 'deadline' | 'shutdown' | 'paused' | 'stopped' | 'replaced' | 'restarted' | 'fenced';

/** The current marks of a task, as storage tells them. */
export type Marks = {
  readonly topicResets: number;
  readonly generation: number;
  readonly targetState: TargetState;
  readonly restarts: number;
  readonly epoch: number;
};

/**
 * Tells a run when to stop: near its deadline, when the process is asked to end, or when the task's marks in the table
 * say that its user wants something else. `signal` is aborted at that moment and `reason` tells why.
 */
export class RunControl {
  readonly #abort = new AbortController();
  readonly #clock: Clock;
  #reason: StopReason | null = null;
  #deadlineAt: number;
  #topicResets: number;

  constructor(options: {
    clock: Clock;
    topicResets: number;
    deadlineAt: number;
    shutdown: AbortSignal;
    task: TaskItem;
    intervalMs: number;
    marks: () => Promise<Marks | null>;
  }) {
    this.#clock = options.clock;
    this.#deadlineAt = options.deadlineAt;
    this.#topicResets = options.topicResets;
    const onShutdown = () => this.stop('shutdown');
    if (options.shutdown.aborted) onShutdown();
    else options.shutdown.addEventListener('abort', onShutdown, { once: true });
    this.#abort.signal.addEventListener('abort', () => options.shutdown.removeEventListener('abort', onShutdown), { once: true });
    void this.#watch(options);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get reason(): StopReason | null {
    return this.#reason;
  }

  /** How often the user has reset the connector's active topics, as far as this run knows. */
  get topicResets(): number {
    return this.#topicResets;
  }

  /** Stops the run; the first reason stays. */
  stop(reason: StopReason): void {
    if (this.#abort.signal.aborted) return;
    this.#reason = reason;
    this.#abort.abort();
  }

  /** Brings the deadline forward. */
  endBy(at: number): void {
    this.#deadlineAt = Math.min(this.#deadlineAt, at);
  }

  /** Ends the watch when the run is over by itself. */
  end(): void {
    this.#abort.abort();
  }

  async #watch({ task, intervalMs, marks }: { task: TaskItem; intervalMs: number; marks: () => Promise<Marks | null> }): Promise<void> {
    while (!this.signal.aborted) {
      const left = this.#deadlineAt - this.#clock.now();
      if (left <= 0) return this.stop('deadline');
      await this.#clock.sleep(Math.min(intervalMs, left), this.signal);
      if (this.signal.aborted) return;
      if (this.#clock.now() >= this.#deadlineAt) return this.stop('deadline');
      try {
        const current = await marks();
        if (current !== null) this.#topicResets = current.topicResets;
        const reason = reasonToStop(task, current);
        if (reason !== null) this.stop(reason);
      } catch {
        // A look that fails (throttled, unreachable) says nothing: commits are fenced by themselves, and the deadline holds.
      }
    }
  }
}

function reasonToStop(task: TaskItem, marks: Marks | null): StopReason | null {
  if (marks === null) return 'stopped';
  if (marks.generation !== task.generation) return 'replaced';
  if (marks.epoch !== task.epoch) return 'fenced';
  if (marks.targetState === 'PAUSED') return 'paused';
  if (marks.targetState === 'STOPPED') return 'stopped';
  return marks.restarts === task.restarts ? null : 'restarted';
}
