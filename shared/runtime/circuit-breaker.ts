import type { Clock } from '../connect/clock.ts';
import { sluiceConfig } from '../connect/config/sluice-config.ts';
import { isUnavailable } from '../connect/errors.ts';
import type { OpenCircuit } from '../storage/ports.ts';

/** The external system of a task is out of order; the run ends. `cause` is what the task said. */
export class OutageException extends Error {
  override readonly name = 'OutageException';
}

/**
 * Tells, within a run, a system that is out of order from one that asks to be tried again soon. What opens the circuit
 * ends the run: the task waits without costing anything, and `circuitAfter` says for how long.
 */
export class CircuitBreaker {
  readonly #clock: Clock;
  readonly #openAfterMs: number;
  readonly #enabled: boolean;
  #probing = false;
  #failingSince: number | null = null;

  constructor(clock: Clock, { openAfterMs, timeoutMs }: { openAfterMs: number; timeoutMs: number }) {
    this.#clock = clock;
    this.#openAfterMs = openAfterMs;
    this.#enabled = timeoutMs !== 0;
  }

  /** Whether the system was out of order when this run began, and has not shown yet that it is back. */
  get probing(): boolean {
    return this.#probing;
  }

  /** A run begins, of a task with this circuit. */
  begin(circuit: OpenCircuit | null): void {
    this.#probing = circuit !== null;
    this.#failingSince = null;
  }

  /**
   * The task asks to be tried again; `inVain`: that was tried often enough. False: there is no waiting for its system, and it fails.
   * Throws OutageException when trying is of no use now.
   */
  mayTryAgain(error: unknown, inVain = false): boolean {
    if (!this.#enabled) return !isUnavailable(error);
    const now = this.#clock.now();
    this.#failingSince ??= now;
    if (inVain || isUnavailable(error) || this.#probing || now - this.#failingSince >= this.#openAfterMs) throw outage(error);
    return true;
  }

  /** What a run ends with that was tried in vain: the task waits, or fails with `failure` where it may not. */
  gaveUp(error: unknown, failure: Error): Error {
    return this.#enabled ? outage(error) : failure;
  }

  succeeded(): void {
    this.#probing = false;
    this.#failingSince = null;
  }
}

function outage(error: unknown): OutageException {
  return new OutageException('The external system is out of order', { cause: error });
}

/**
 * How a task with this circuit waits after one more try in vain: `sluice.circuit.backoff.ms`, twice as long each time, up to
 * `sluice.circuit.backoff.max.ms`. Null when it has waited long enough (`sluice.circuit.timeout.ms`), or its keys are wrong: then the error fails it.
 */
export function circuitAfter(config: Readonly<Record<string, string>>, before: OpenCircuit | null, error: unknown, now: number): OpenCircuit | null {
  const settings = parse(config);
  if (settings === null) return null;
  const since = before?.since ?? now;
  const timeoutMs = settings['sluice.circuit.timeout.ms'];
  if (timeoutMs >= 0 && now - since >= timeoutMs) return null;
  const attempts = (before?.attempts ?? 0) + 1;
  const backoff = Math.min(settings['sluice.circuit.backoff.ms'] * 2 ** Math.min(attempts - 1, 40), settings['sluice.circuit.backoff.max.ms']);
  return { since, attempts, nextTryAt: now + backoff, error: error instanceof Error ? error.message : String(error) };
}

function parse(config: Readonly<Record<string, string>>) {
  try {
    return sluiceConfig.parse(config);
  } catch {
    return null;
  }
}
