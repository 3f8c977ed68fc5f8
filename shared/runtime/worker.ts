import { ConnectException, isRetriable, javaClassOf, traceOf } from '../connect/errors.ts';
import type { ConnectorSpec, FailureReport, ReleaseOutcome, TaskItem } from '../storage/ports.ts';
import { FencedException } from '../storage/ports.ts';
import { circuitAfter } from './circuit-breaker.ts';
import { runConnector } from './connector-run.ts';
import { runReplay } from './dead-letters/replay/replay-run.ts';
import { isProducerFenced } from './exactly-once/producer-fenced.ts';
import type { RuntimePorts } from './ports.ts';
import { postponed } from './postponed.ts';
import type { Reconfiguration } from './reconfiguration.ts';
import type { ResolvedSecrets } from './resolved-secrets.ts';
import { automaticRestart, restartNotice } from './restart-policy.ts';
import { RunControl, type StopReason } from './run-control.ts';
import { nextDue } from './schedule.ts';
import { isStorageTrouble, tellStorageErrors } from './storage-exception.ts';
import { createWorkerTask, type FreshTask } from './task-factory.ts';
import type { RunOutcome, RunRequest } from './task-run.ts';
import type { WorkerTask, WorkerTaskResult } from './worker-task.ts';

/** What an execution environment tells of one invocation. */
export interface Invocation {
  /** Unique for each invocation; the owner of the lease. */
  readonly id: string;
  /** When the loop must end so that there is time to commit and release, in milliseconds since the epoch. */
  readonly deadlineAt: number;
  /** When the environment will surely have stopped this invocation; the lease ends then. Later than `deadlineAt`. */
  readonly expiresAt: number;
  /** Aborted when the process is asked to end. */
  readonly shutdown: AbortSignal;
}

/** Runs that follow each other without the controller; beyond it the next look goes on. */
const maxChain = 1_000;
/** If the continuation that a run asked for does not arrive, a look starts it after this time. */
const continuationGraceMs = 5_000;
/** A run that came to nothing, for the table did not answer, is followed by another after this time. */
const retryMs = 5_000;
/** How long a run tries to release its lease while the table does not answer. */
const releaseMs = 60_000;
/** How long a run goes on at least, however soon its secrets are over: runs that only start would get nowhere. */
const leastRunMs = 5_000;
/** How often a run looks whether its user wants something else. */
const marksIntervalMs = 1_000;

/** Warm instances that an environment keeps; each holds connections and buffers. The one that was used longest ago goes first. */
const maxInstances = 8;

interface Instance {
  readonly task: WorkerTask;
  readonly secrets: ResolvedSecrets;
  readonly reconfiguration: Reconfiguration;
  readonly generation: number;
  readonly restarts: number;
  /** When its secrets must be read again; null: not before its config changes. */
  readonly staleAt: number | null;
  /** The epoch of the run that used it last: another run in between makes it stale. */
  epoch: number;
}

/**
 * What an execution environment does: one run after the other, each acquire, prepare, loop, commit, release
 * (DESIGN: life of a task run). Task instances stay warm between runs.
 */
export class Worker {
  readonly #ports: RuntimePorts;
  readonly #instances = new Map<string, Instance>();

  constructor(ports: RuntimePorts) {
    this.#ports = { ...ports, storage: { ...ports.storage, runs: tellStorageErrors(ports.storage.runs) } };
  }

  /** Does what a request asks for. Rejects only for what is not the task's fault (storage unreachable, …): then the lease expires and the controller repairs. */
  async run(request: RunRequest, invocation: Invocation): Promise<RunOutcome> {
    if (request.kind === 'connector') return this.#runConnector(request, invocation);
    if (request.kind === 'replay') return runReplay(this.#ports, request, invocation);
    const { storage, workerId } = this.#ports;
    const acquired = await storage.runs.acquire({
      connector: request.connector,
      task: request.task,
      generation: request.generation,
      owner: invocation.id,
      workerId,
      expiresAt: invocation.expiresAt,
    });
    if (acquired === null) return { outcome: 'skipped', records: 0 };
    const { clock, metrics } = this.#ports;
    const startedAt = clock.now();
    try {
      return await this.#runTask(request, invocation, acquired.task, acquired.spec);
    } finally {
      metrics.add('task-runs', 1, { connector: request.connector });
      metrics.add('task-run-time-ms', clock.now() - startedAt, { connector: request.connector });
    }
  }

  /** Stops every warm instance. */
  async close(): Promise<void> {
    for (const key of [...this.#instances.keys()]) await this.#drop(key);
  }

  /** Plans, and goes on as the run of the first task: nothing need be started for a connector with one. */
  async #runConnector(request: RunRequest & { kind: 'connector' }, invocation: Invocation): Promise<RunOutcome> {
    const { invoker, logger } = this.#ports;
    const { start, ...outcome } = await runConnector(this.#ports, request, invocation);
    const [first, ...others] = start.map(({ connector, task, generation }) => ({ kind: 'task', connector, task, generation }) as const);
    if (first === undefined) return outcome;
    await Promise.all(
      others.map((other) =>
        invoker.invoke(other).catch((error: unknown) => {
          logger.warn('A task could not be started; the controller will', { connector: other.connector, task: other.task, error: String(error) });
        }),
      ),
    );
    return this.run(first, invocation);
  }

  async #runTask(request: RunRequest & { kind: 'task' }, invocation: Invocation, item: TaskItem, { config, topicResets }: ConnectorSpec): Promise<RunOutcome> {
    const { clock, storage, logger } = this.#ports;
    const control = new RunControl({
      clock,
      topicResets,
      deadlineAt: invocation.deadlineAt,
      shutdown: invocation.shutdown,
      task: item,
      intervalMs: marksIntervalMs,
      marks: () => storage.runs.marks(item.connector, item.task),
    });
    const key = `${item.connector}-${item.task}`;
    try {
      const instance = await this.#instance(key, item, config).catch((error: unknown) => this.#notNow(item, config, error));
      if (instance === null) return { outcome: 'idle', records: 0 };
      // The next run reads the secrets again and goes on.
      if (instance.staleAt !== null) control.endBy(Math.max(instance.staleAt, clock.now() + leastRunMs));
      const result = await instance.task.run(control, item).finally(() => instance.reconfiguration.settled());
      instance.epoch = item.epoch;
      if (result.outage !== undefined) instance.secrets.hideIn(result.outage);
      if (!result.reusable || control.reason === 'restarted' || control.reason === 'replaced' || control.reason === 'shutdown') await this.#drop(key);
      return await this.#release(request, item, config, control.reason, result);
    } catch (error) {
      this.#instances.get(key)?.secrets.hideIn(error);
      await this.#drop(key);
      if (error instanceof FencedException || control.reason === 'fenced') {
        logger.warn('The task was taken over; this run ends without storing anything', { connector: item.connector, task: item.task, epoch: item.epoch });
        return { outcome: 'fenced', records: 0 };
      }
      if (isProducerFenced(error)) return await this.#yield(item, error);
      if (isStorageTrouble(error)) return await this.#giveUp(invocation, item, error);
      return await this.#fail(invocation, item, config, error);
    } finally {
      control.end();
    }
  }

  async #instance(key: string, item: TaskItem, config: Readonly<Record<string, string>>): Promise<Instance> {
    const warm = this.#instances.get(key);
    if (warm !== undefined && warm.generation === item.generation && warm.restarts === item.restarts && warm.epoch === item.epoch - 1 && !this.#isStale(warm)) {
      this.#instances.delete(key);
      this.#instances.set(key, warm);
      return warm;
    }
    if (warm !== undefined) await this.#drop(key);
    const instance = { ...(await this.#create(item, config)), generation: item.generation, restarts: item.restarts, epoch: item.epoch };
    const [oldest] = this.#instances.keys();
    if (oldest !== undefined && this.#instances.size >= maxInstances) await this.#drop(oldest);
    this.#instances.set(key, instance);
    return instance;
  }

  /** What cannot be made now but may be later (a service of secrets that does not answer) is no failure of the task. */
  async #notNow(item: TaskItem, config: Readonly<Record<string, string>>, error: unknown): Promise<null> {
    if (!isRetriable(error)) throw error;
    await this.#wait(item, config, error);
    return null;
  }

  /** Ends a run whose external system is out of order: the next one tries again when its circuit says. Throws ConnectException when it has waited long enough. */
  async #wait(item: TaskItem, config: Readonly<Record<string, string>>, error: unknown): Promise<void> {
    const { storage, clock, logger } = this.#ports;
    const now = clock.now();
    const circuit = circuitAfter(config, item.circuit, error, now);
    if (circuit === null) {
      const since = item.circuit === null ? '' : ` since ${new Date(item.circuit.since).toISOString()}`;
      throw new ConnectException(`The external system has been out of order${since}; see the cause, and sluice.circuit.timeout.ms`, { cause: error });
    }
    logger.warn(`Task ${item.connector}-${item.task} waits: its external system is out of order`, {
      connector: item.connector,
      task: item.task,
      attempts: circuit.attempts,
      nextTryAt: new Date(circuit.nextTryAt).toISOString(),
      error: circuit.error,
    });
    await storage.runs.release(item, { dueAt: circuit.nextTryAt, circuit, trouble: postponed(error, now) });
  }

  #isStale({ staleAt }: Instance): boolean {
    return staleAt !== null && this.#ports.clock.now() >= staleAt;
  }

  async #create(item: TaskItem, config: Readonly<Record<string, string>>): Promise<FreshTask> {
    const { metrics } = this.#ports;
    const dimensions = { connector: item.connector, task: item.task };
    metrics.add('task-startup-attempts-total', 1, dimensions);
    try {
      return await createWorkerTask(this.#ports, item, config);
    } catch (error) {
      metrics.add('task-startup-failure-total', 1, dimensions);
      throw error;
    }
  }

  async #drop(key: string): Promise<void> {
    const instance = this.#instances.get(key);
    this.#instances.delete(key);
    try {
      await instance?.task.stop();
    } catch (error) {
      this.#ports.logger.warn('A task did not stop cleanly', { task: key, error: String(error) });
    }
  }

  async #release(
    request: RunRequest & { kind: 'task' },
    item: TaskItem,
    config: Readonly<Record<string, string>>,
    reason: StopReason | null,
    result: WorkerTaskResult,
  ): Promise<RunOutcome> {
    const { storage, invoker, logger } = this.#ports;
    const stopped = reason !== null && reason !== 'deadline';
    if (result.outage !== undefined && !stopped) {
      await this.#wait(item, config, result.outage);
      return { outcome: result.outcome, records: result.records };
    }
    const chain = (request.chain ?? 0) + 1;
    const goesOn = result.outcome === 'more' && (reason === 'deadline' || reason === null) && result.delayMs === 0 && chain < maxChain;
    const outcome = await this.#releaseOutcome(item, config, reason, result, goesOn);
    // One that was told to stop may not have tried yet.
    await storage.runs.release(item, stopped ? outcome : { ...outcome, circuit: null });
    if (goesOn) {
      await invoker.invoke({ ...request, chain }).catch((error: unknown) => {
        logger.warn('The next run could not be started; the controller will', { connector: item.connector, task: item.task, error: String(error) });
      });
    }
    return { outcome: stopped ? 'stopped' : result.outcome, records: result.records };
  }

  async #releaseOutcome(
    item: TaskItem,
    config: Readonly<Record<string, string>>,
    reason: StopReason | null,
    result: WorkerTaskResult,
    goesOn: boolean,
  ): Promise<ReleaseOutcome> {
    const now = this.#ports.clock.now();
    if (reason === 'paused' || reason === 'stopped' || reason === 'replaced') return { dueAt: null, wake: true };
    if (reason === 'restarted') return { dueAt: now, wake: true };
    if (goesOn) return { dueAt: now + continuationGraceMs };
    if (result.outcome === 'more' || result.delayMs > 0) return { dueAt: now + result.delayMs };
    if (item.type === 'sink') return { dueAt: now };
    const schedule = config['sluice.schedule'] ?? null;
    // A schedule beside events is for those that got lost.
    if (config['sluice.trigger'] === 'event' && !schedule) return { dueAt: null };
    return { dueAt: await nextDue(schedule, now) };
  }

  /** Another producer has taken over, whose run did not live to take the lease, or has lost it since: the next run begins from what is committed. */
  async #yield(item: TaskItem, error: unknown): Promise<RunOutcome> {
    const { storage, clock, logger } = this.#ports;
    logger.warn(
      'The producer was fenced; this run ends without storing anything. When it happens again and again, something else uses the same group.id and name',
      {
        connector: item.connector,
        task: item.task,
        error: String(error),
      },
    );
    await storage.runs.release(item, { dueAt: clock.now() + retryMs }).catch((fenced: unknown) => {
      if (!(fenced instanceof FencedException)) throw fenced;
    });
    return { outcome: 'fenced', records: 0 };
  }

  /** The table is in trouble: what was not stored will be done again. */
  async #giveUp(invocation: Invocation, item: TaskItem, error: Error): Promise<RunOutcome> {
    const { clock, logger } = this.#ports;
    logger.error('The run ends because the table cannot be written; the next one goes on from what is stored', {
      connector: item.connector,
      task: item.task,
      error: error.message,
    });
    const now = clock.now();
    return (await this.#releaseAtLast(invocation, item, { dueAt: now + retryMs, trouble: postponed(error, now) })) ?? { outcome: 'stopped', records: 0 };
  }

  /**
   * Releases the lease, tried again for a while: a table that is away for some seconds must not keep a task until its lease ends. Rejects when
   * it could not, and the platform tells the controller that the run is over. Returns the outcome of a run that was fenced, else null.
   */
  async #releaseAtLast({ deadlineAt }: Invocation, item: TaskItem, outcome: ReleaseOutcome): Promise<RunOutcome | null> {
    const { storage, clock } = this.#ports;
    const until = Math.min(clock.now() + releaseMs, deadlineAt);
    for (;;) {
      try {
        await storage.runs.release(item, outcome);
        return null;
      } catch (error) {
        if (error instanceof FencedException) return { outcome: 'fenced', records: 0 };
        if (clock.now() >= until) throw error;
        await clock.sleep(1_000);
      }
    }
  }

  async #fail(invocation: Invocation, item: TaskItem, config: Readonly<Record<string, string>>, error: unknown): Promise<RunOutcome> {
    const { clock, logger, metrics } = this.#ports;
    const { connector, task, generation, epoch } = item;
    const restart = automaticRestart(config, item.failedRuns, clock.now());
    const failure: FailureReport = {
      connector,
      task,
      generation,
      run: invocation.id,
      epoch,
      kind: 'task-failed',
      error: `${javaClassOf(error)}: ${error instanceof Error ? error.message : String(error)}`,
      trace: traceOf(error),
      at: clock.now(),
      action: `${restart === null ? '' : restartNotice(restart)}Read the trace, mend what it names, then POST /connectors/${encodeURIComponent(connector)}/tasks/${task}/restart`,
    };
    logger.error(`Task ${connector}-${task} failed`, { connector, task, error: failure.error });
    metrics.add('TaskFailures', 1, { connector, task });
    const outcome = { dueAt: null, failure, restartAt: restart?.at ?? null, circuit: null };
    return (await this.#releaseAtLast(invocation, item, outcome)) ?? { outcome: 'failed', records: 0 };
  }
}
