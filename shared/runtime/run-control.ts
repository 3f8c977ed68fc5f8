import type { Clock } from '../connect/clock.ts';
import type { TargetState, TaskItem } from '../storage/ports.ts';

/** Why a run ends before its work does. */
export type StopReason = 'deadline' | 'shutdown' | 'paused' | 'stopped' | 'replaced' | 'restarted' | 'fenced';

/** The current marks of a task, as storage tells them. */
export type Marks = { readonly generation: number; readonly targetState: TargetState; readonly restarts: number; readonly epoch: number };

/**
 * Tells a run when to stop: near its deadline, when the process is asked to end, or when the task's marks in the table
 * say that its user wants something else. `signal` is aborted at that moment and `reason` tells why.
 */
export class RunControl {
  readonly #abort = new AbortController();
  readonly #clock: Clock;
  #reason: StopReason | null = null;
  #deadlineAt: number;

  constructor(options: { clock: Clock; deadlineAt: number; shutdown: AbortSignal; task: TaskItem; intervalMs: number; marks: () => Promise<Marks | null> }) {
    this.#clock = options.clock;
    this.#deadlineAt = options.deadlineAt;
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
        const reason = reasonToStop(task, await marks());
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
