import { partitionKey, type TopicPartition } from '../connect/topic-partition.ts';
import { failConnector } from '../runtime/connector-run.ts';
import { isDelivered } from '../runtime/is-delivered.ts';
import { subscriptionOf } from '../runtime/partition-assignor.ts';
import type { RuntimePorts } from '../runtime/ports.ts';
import type { RunRequest } from '../runtime/task-run.ts';
import { wakeConnector } from '../runtime/wake-connector.ts';
import { type ConnectorSpec, DamagedItemException, type FailureReport, type Replay, type TaskItem } from '../storage/ports.ts';

/** A run that was asked for is not asked for again within this time. */
const invokeGraceMs = 10_000;
/** A connector run (making task configs) that was asked for is asked for again after this time. */
const planGraceMs = 60_000;
const crashBackoffMs = [0, 1_000, 5_000, 15_000, 60_000, 300_000];
/** Work that is under way at once within a look. */
const parallelism = 32;

/** What a look did, for its log line. */
export interface LookResult {
  readonly connectors: number;
  readonly invoked: number;
  readonly lost: number;
  readonly routed: number;
}

/** A run that ended without releasing its lease, as the platform told it. */
export interface CrashedRun {
  readonly request: RunRequest;
  /** The invocation, which is the owner of the lease. */
  readonly run: string;
  readonly error: string;
  readonly trace: string | null;
}

/**
 * Plays the herder's and the leader's part without being there all the time: each look reads what is due, starts what
 * has work, repairs what was lost and routes failures. Everything it does may be done twice, or be cut off anywhere:
 * the next look goes on from what is stored.
 */
export class Controller {
  readonly #ports: RuntimePorts;

  constructor(ports: RuntimePorts) {
    this.#ports = ports;
  }

  /** One look at everything that is due. One connector's trouble never keeps another from being looked at. */
  async look(): Promise<LookResult> {
    const { storage, clock, metrics, logger } = this.#ports;
    const now = clock.now();
    const { specs, tasks, replays, unreadable } = await storage.control.due(now);
    for (const why of unreadable) logger.error(why, {});
    const failed = tasks.filter(({ failure }) => failure !== null);
    const lost = tasks.filter(({ lease, failure }) => failure === null && lease !== null && lease.expiresAt <= now);
    const restartable = tasks.filter(({ lease, failure, state }) => failure === null && lease === null && state === 'FAILED');
    const ready = tasks.filter(({ lease, failure, state }) => failure === null && lease === null && state !== 'FAILED');
    // Beside the rest: a failure queue that does not answer keeps nobody's task waiting.
    const repairs = Promise.all([
      this.#each(failed, (task) => this.#route(task)),
      this.#each(lost, (task) => this.#loseRun(task)),
      this.#each(restartable, (task) => this.#restart(task)),
    ]);
    const planned = specs.filter(isSteady);
    await this.#each(
      specs.filter((spec) => !isSteady(spec)),
      (spec) => this.#reconcile(spec, now),
    );
    const moved = await this.#replanMoved(planned);
    const runnable = await this.#withWork(ready.filter(({ connector }) => !moved.has(connector)));
    const invoked = (await this.#dispatch(runnable, now)) + (await this.#each(replays, (replay) => this.#replay(replay, now)));
    const [routed, repaired] = await repairs;
    metrics.add('ControllerLooks', 1, {});
    metrics.add('look-time-ms', clock.now() - now, {});
    return { connectors: specs.length, invoked, lost: repaired, routed };
  }

  /**
   * An event from outside that a connector waits for (`sluice.trigger=event`): its tasks run now, or again when the runs under way end.
   * Returns how many. A connector that is not there, or not wanted to run, needs nothing: it looks for itself when it is resumed.
   */
  async wake(connector: string): Promise<number> {
    const { storage, logger } = this.#ports;
    const woken = await wakeConnector(storage, connector, this.#ports.worker);
    if (woken === null) logger.warn('An event came for a connector that is not there', { connector });
    return woken ?? 0;
  }

  /** Notes that the controller lives, and which cluster it serves. */
  async heartbeat(): Promise<void> {
    const { storage, kafka, clock, logger } = this.#ports;
    const clusterId = await kafka
      .admin()
      .clusterId()
      .catch((error: unknown) => {
        logger.warn('Kafka cannot be reached', { error: String(error) });
        return null;
      });
    await storage.control.heartbeat({ at: clock.now(), clusterId });
  }

  /** Frees the leases of runs that the platform says are dead, so that they need not expire first. */
  async crashed(run: CrashedRun): Promise<void> {
    try {
      await this.#freeCrashed(run);
    } catch (error) {
      if (!(error instanceof DamagedItemException)) throw error;
      this.#ports.logger.error(error.message, { connector: run.request.connector });
    }
  }

  async #freeCrashed(run: CrashedRun): Promise<void> {
    const { storage, logger } = this.#ports;
    const { request } = run;
    if (request.kind === 'replay') return void (await storage.replays.free(request.connector, request.replay, run.run));
    if (request.kind === 'connector') {
      const snapshot = await storage.connectors.snapshot(request.connector);
      if (snapshot === null || snapshot.spec.generation !== request.generation) return;
      const { spec, tasks } = snapshot;
      if (spec.plannedGeneration < spec.generation)
        await failConnector(this.#ports, spec, run.run, new Error(`The run that makes task configs ended: ${run.error}`));
      // It goes on as the run of the first task.
      for (const { task } of tasks.filter(({ lease }) => lease?.owner === run.run)) await this.crashed({ ...run, request: { ...request, kind: 'task', task } });
      return;
    }
    const task = await storage.control.task(request.connector, request.task);
    if (task?.lease?.owner !== run.run) return;
    logger.error(`The run of task ${request.connector}-${request.task} crashed`, { connector: request.connector, task: request.task, error: run.error });
    await this.#free(task, 'run-crashed', run.error, run.trace);
  }

  async #loseRun(task: TaskItem): Promise<boolean> {
    const { logger } = this.#ports;
    const { connector, task: number, lease } = task;
    const freed = await this.#free(task, 'run-lost', 'The run ended without releasing its lease, and nobody told of a crash', null);
    if (freed) logger.error(`The run of task ${connector}-${number} was lost: its lease expired`, { connector, task: number, run: lease?.owner });
    return freed;
  }

  async #free(task: TaskItem, kind: 'run-lost' | 'run-crashed', error: string, trace: string | null): Promise<boolean> {
    const { storage, clock, metrics } = this.#ports;
    const now = clock.now();
    const backoff = crashBackoffMs[Math.min(task.lostRuns, crashBackoffMs.length - 1)] as number;
    const failure: FailureReport = {
      connector: task.connector,
      task: task.task,
      generation: task.generation,
      run: task.lease?.owner ?? null,
      epoch: task.epoch,
      kind,
      error,
      trace,
      at: now,
      action: `Nothing was lost: the task goes on from its stored offsets${backoff > 0 ? ` in ${backoff / 1000} s` : ''}. If it happens again, look into the log of the task function`,
    };
    const freed = await storage.control.loseRun(task, now + backoff, failure);
    if (freed) metrics.add('LostRuns', 1, { connector: task.connector, task: task.task });
    return freed;
  }

  /** A FAILED task is due only when it is to be restarted by itself (`sluice.restart.max.attempts`); the next look, at once, starts it. */
  async #restart(task: TaskItem): Promise<boolean> {
    const { storage, logger } = this.#ports;
    if (!(await storage.control.restartFailed(task))) return false;
    logger.info(`Task ${task.connector}-${task.task} is restarted by itself`, { connector: task.connector, task: task.task, failures: task.failedRuns });
    return true;
  }

  /** Tells people of a failure, then clears the mark: a message may come twice, never not at all. */
  async #route(task: TaskItem): Promise<boolean> {
    if (task.failure === null) return false;
    await this.#ports.failures.send(task.failure);
    await this.#ports.storage.control.clearFailure(task);
    return true;
  }

  /** Brings a connector's tasks to what its spec says. */
  async #reconcile(due: ConnectorSpec, now: number): Promise<boolean> {
    const { storage, invoker, workerId } = this.#ports;
    const snapshot = await storage.connectors.snapshot(due.name);
    if (snapshot === null) return false;
    const { spec, tasks } = snapshot;
    if (spec.plannedGeneration >= spec.generation) return this.#settle(spec, tasks, now);
    // It stays due: the end of the last run, and the routing of the last failure, wake the controller.
    if (tasks.some(({ lease, failure }) => lease !== null || failure !== null)) return false;
    if (spec.targetState === 'STOPPED') {
      return (await storage.control.plan(spec, [], { assignedTopics: null, specDueAt: null, taskDueAt: null, workerId })) !== null;
    }
    // A paused connector is not asked for task configs until it is resumed, as in Kafka Connect: it keeps its tasks, or has none if it never ran.
    if (spec.targetState === 'PAUSED') return storage.control.deferSpec(spec, null);
    if (!(await storage.control.deferSpec(spec, now + planGraceMs))) return false;
    await invoker.invoke({ kind: 'connector', connector: spec.name, generation: spec.generation, revision: spec.revision });
    return true;
  }

  /** A planned connector whose target state changed, or whose task configs are to be asked for again. */
  async #settle(spec: ConnectorSpec, tasks: readonly TaskItem[], now: number): Promise<boolean> {
    const { storage, invoker } = this.#ports;
    if (spec.targetState !== 'STARTED') {
      await this.#each(
        // One that FAILED and waits for its automatic restart keeps its due time: else it would be forgotten.
        tasks.filter(({ lease, dueAt, failure, state }) => lease === null && dueAt !== null && failure === null && state !== 'FAILED'),
        (task) => storage.control.deferTask(task, null),
      );
      return storage.control.deferSpec(spec, null);
    }
    const waiting = tasks.filter((task) => task.lease === null && task.dueAt === null && task.state !== 'FAILED' && !isDelivered(task, this.#ports.worker));
    // The tasks first: who dies in between, or cannot reach one of them, leaves the spec due, and the next look goes on.
    const dispatched = await this.#dispatch(waiting, now);
    if (dispatched < waiting.length) return dispatched > 0;
    if (spec.type === 'sink') {
      await storage.control.deferSpec(spec, 0);
      return dispatched > 0;
    }
    // The connector of a source is asked whether its task configs are still right. In the same look: tasks that wait for events rest, and a later look would find them so again.
    if (!(await storage.control.deferSpec(spec, now + planGraceMs))) return false;
    await invoker.invoke({ kind: 'connector', connector: spec.name, generation: spec.generation, revision: spec.revision });
    return true;
  }

  /** Sinks whose topics have other partitions than were divided begin a new generation. Returns their names. */
  async #replanMoved(specs: readonly ConnectorSpec[]): Promise<ReadonlySet<string>> {
    const { storage, kafka, logger } = this.#ports;
    const moved = new Set<string>();
    const running = specs.flatMap((spec) => {
      try {
        return [{ spec, subscription: subscriptionOf(spec.config) }];
      } catch (error) {
        // Somebody has changed it by hand: its planning tells what is wrong, not this look.
        logger.error(`The topics of connector ${spec.name} cannot be told`, { connector: spec.name, error: String(error) });
        return [];
      }
    });
    if (running.length === 0) return moved;
    const names = running.some(({ subscription }) => subscription.topics === null)
      ? undefined
      : [...new Set(running.flatMap(({ subscription }) => subscription.topics ?? []))];
    try {
      const counts = await kafka.admin().partitionCounts(names);
      await this.#each(running, async ({ spec, subscription }) => {
        if (sameCounts(subscription.select(counts), spec.assignedTopics ?? {})) return false;
        moved.add(spec.name);
        return storage.control.replan(spec);
      });
    } catch (error) {
      logger.warn('Partitions cannot be compared now', { error: String(error) });
    }
    return moved;
  }

  /** Of the tasks that are ready, those with work: sources are, when they are due; sinks when Kafka has more than they have read, or somebody wants them to run. */
  async #withWork(tasks: readonly TaskItem[]): Promise<readonly TaskItem[]> {
    const { kafka, logger } = this.#ports;
    const sinks = tasks.filter((task) => task.type === 'sink' && !isDelivered(task, this.#ports.worker));
    const sources = tasks.filter(({ type }) => type === 'source');
    if (sinks.length === 0) return sources;
    const partitions = new Map<string, TopicPartition>();
    const unread = new Map<string, TopicPartition>();
    for (const { partitions: assigned, offsets } of sinks) {
      for (const each of assigned) {
        const key = partitionKey(each.topic, each.partition);
        partitions.set(key, each);
        if (!offsets.has(key)) unread.set(key, each);
      }
    }
    try {
      const admin = kafka.admin();
      const [ends, beginnings] = await Promise.all([
        admin.endOffsets([...partitions.values()]),
        unread.size > 0 ? admin.beginningOffsets([...unread.values()]) : new Map<string, bigint>(),
      ]);
      const hasLag = ({ partitions: assigned, offsets }: TaskItem) =>
        assigned.some(({ topic, partition }) => {
          const key = partitionKey(topic, partition);
          const end = ends.get(key);
          return end !== undefined && end > (offsets.get(key) ?? beginnings.get(key) ?? 0n);
        });
      return [...sources, ...sinks.filter((task) => task.woken || hasLag(task))];
    } catch (error) {
      logger.warn('Lag of sinks cannot be told now', { error: String(error) });
      return sources;
    }
  }

  /** A replay that is due has no run, or one whose lease has expired: whoever takes it over goes on from its position. */
  async #replay(replay: Replay, now: number): Promise<boolean> {
    const { storage, invoker } = this.#ports;
    if (!(await storage.replays.defer(replay, now + invokeGraceMs))) return false;
    await invoker.invoke({ kind: 'replay', connector: replay.connector, replay: replay.id });
    return true;
  }

  async #dispatch(tasks: readonly TaskItem[], now: number): Promise<number> {
    const { storage, invoker } = this.#ports;
    return this.#each(tasks, async (task) => {
      if (!(await storage.control.deferTask(task, now + invokeGraceMs))) return false;
      await invoker.invoke({ kind: 'task', connector: task.connector, task: task.task, generation: task.generation });
      return true;
    });
  }

  /** Does `action` for each, some at a time; counts the trues. An error is logged and stays with its item. */
  async #each<T>(items: readonly T[], action: (item: T) => Promise<boolean>): Promise<number> {
    let count = 0;
    let next = 0;
    const lane = async () => {
      while (next < items.length) {
        const item = items[next++] as T;
        try {
          if (await action(item)) count++;
        } catch (error) {
          this.#ports.logger.error('A look could not deal with an item; the next look will try again', { error: String(error) });
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(parallelism, items.length) }, lane));
    return count;
  }
}

/** A sink that runs as planned is always due, since the epoch, so that each look compares its partitions; any other due time means that something changed. */
function isSteady(spec: ConnectorSpec): boolean {
  return spec.type === 'sink' && spec.dueAt === 0 && spec.plannedGeneration === spec.generation && spec.targetState === 'STARTED';
}

function sameCounts(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
