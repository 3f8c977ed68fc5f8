import type { SourceOffset, SourcePartition } from '../connect/data/record.ts';
import { ConnectException, RetriableException } from '../connect/errors.ts';
import type { TopicPartition } from '../connect/topic-partition.ts';
import type { Replay, ReplayStore } from './replay-port.ts';

export type { LetterPlaces, Replay, ReplayCounts, ReplayState, ReplayStore } from './replay-port.ts';

/**
 * What is kept, and the few ways in which it may change. One DynamoDB table stands behind it (`dynamodb/`).
 * Every method is one atomic step unless it says otherwise; reads are strongly consistent unless they say otherwise.
 */

/** Target states, as in Kafka Connect. */
export type TargetState = 'STARTED' | 'PAUSED' | 'STOPPED';
export type ConnectorType = 'source' | 'sink';

/** A connector as its user asked for it. */
export interface ConnectorSpec {
  readonly name: string;
  readonly type: ConnectorType;
  /** As sent: references to secrets, never their values. */
  readonly config: Readonly<Record<string, string>>;
  readonly targetState: TargetState;
  /** Grows with every change that needs new tasks, also over delete and create: it begins with the time of creation. */
  readonly generation: number;
  /** The generation that tasks were made for; less than `generation`: the connector waits to be planned. */
  readonly plannedGeneration: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Sinks, once planned: partitions of each topic that were divided among the tasks. */
  readonly assignedTopics: Readonly<Record<string, number>> | null;
  /** When a look should deal with this connector itself; null: never. Sinks that run keep it in the past, so that each look compares partitions. */
  readonly dueAt: number | null;
  /** Grows with every change by a user: tells a change that came in between. */
  readonly revision: number;
  /** How often in a row its task configs could not be made. */
  readonly failedPlans: number;
  /** How often its active topics were reset: runs under way note them anew then. */
  readonly topicResets: number;
  /** What last kept its task configs from being made. */
  readonly lastError: LastError | null;
}

/** The last thing that went wrong, for people; it stays when that is over. */
export interface LastError {
  /** `postponed`: it could not be done now and is tried again; nothing has failed. */
  readonly kind: FailureReport['kind'] | 'postponed';
  /** Class and message. */
  readonly error: string;
  /** First line of the trace. */
  readonly trace: string | null;
  readonly at: number;
}

/** State of a connector itself; that of its tasks is in the tasks. */
export interface ConnectorStatus {
  readonly state: 'RUNNING' | 'FAILED' | 'UNASSIGNED';
  readonly trace: string | null;
  readonly workerId: string;
}

/** The right to run a task, held by one run. */
export interface Lease {
  readonly owner: string;
  readonly epoch: number;
  /** Milliseconds since the epoch, by the clock of the table. */
  readonly expiresAt: number;
}

/** An external system is out of order: its task waits without running. */
export interface OpenCircuit {
  /** When it was first met out of order, in milliseconds since the epoch. */
  readonly since: number;
  /** How often it was tried since then, in vain. */
  readonly attempts: number;
  readonly nextTryAt: number;
  /** Of the last try. */
  readonly error: string;
}

/** A task of a connector: its work, who does it now, how far it is. */
export interface TaskItem {
  readonly connector: string;
  readonly task: number;
  readonly type: ConnectorType;
  readonly generation: number;
  /** Grows when a user restarts the task; warm instances of an older one are thrown away. */
  readonly restarts: number;
  readonly config: Readonly<Record<string, string>>;
  /** Sinks: partitions of this task. */
  readonly partitions: readonly TopicPartition[];
  /** Sinks: next offsets to be read, by partition key. */
  readonly offsets: ReadonlyMap<string, bigint>;
  readonly state: 'RUNNING' | 'FAILED' | 'RESTARTING';
  readonly trace: string | null;
  readonly workerId: string;
  /** How many runs acquired this task; fences writes. */
  readonly epoch: number;
  readonly lease: Lease | null;
  /** When a look should deal with it; null: never (failed, paused). A FAILED task that is due is restarted. */
  readonly dueAt: number | null;
  /** Runs in a row that were lost or crashed. */
  readonly lostRuns: number;
  /** Runs in a row that ended with a failure, automatic restarts between them. */
  readonly failedRuns: number;
  /** A failure that the controller has not yet routed to the failure queue. */
  readonly failure: FailureReport | null;
  /** When the last run ended that was neither failed nor lost. */
  readonly lastSuccessAt: number | null;
  readonly lastError: LastError | null;
  /** Why it waits; null when it does not. The next run is a try: what it stores, or its end without trouble, closes the circuit. */
  readonly circuit: OpenCircuit | null;
  /** A user restarted it, or an event woke it, since its last run: it runs whether there is work or not, so that a failure shows. */
  readonly woken?: boolean;
}

/** What the failure queue is told. */
export interface FailureReport {
  readonly connector: string;
  readonly task: number | null;
  readonly generation: number;
  readonly run: string | null;
  readonly epoch: number | null;
  readonly kind: 'task-failed' | 'connector-failed' | 'run-lost' | 'run-crashed';
  readonly error: string;
  readonly trace: string | null;
  readonly at: number;
  /** For the person who reads it. */
  readonly action: string;
}

/** A connector with all that its status tells, read at once. */
export interface ConnectorSnapshot {
  readonly spec: ConnectorSpec;
  readonly status: ConnectorStatus | null;
  readonly tasks: readonly TaskItem[];
  readonly topics: readonly string[];
}

/** A connector by what its info and status tell: `config` has `connector.class` at least. */
export interface ConnectorSummary {
  readonly spec: Pick<ConnectorSpec, 'name' | 'type' | 'config' | 'targetState' | 'generation' | 'plannedGeneration'>;
  readonly status: ConnectorStatus | null;
  readonly tasks: readonly Pick<TaskItem, 'task' | 'generation' | 'state' | 'trace' | 'workerId' | 'lease'>[];
}

/** A connector by how many tasks it has in which states, and where its sinks are. */
export interface CountedConnector {
  readonly spec: Pick<ConnectorSpec, 'name' | 'type' | 'targetState' | 'generation'>;
  readonly tasks: readonly Pick<TaskItem, 'task' | 'generation' | 'state' | 'lease' | 'circuit' | 'partitions' | 'offsets'>[];
}

/** Goes round all connectors, some at a time. */
export interface ConnectorRounds {
  /**
   * The next ones: as many as stand in a megabyte of the table, by one request, eventually consistent. `last`: the round is over, and the next
   * call begins another. When it rejects, the next call tries again. What somebody has damaged is left out.
   */
  next(): Promise<{ readonly connectors: readonly CountedConnector[]; readonly last: boolean }>;
}

/** Changes to a spec. `generation` moves on when `newGeneration` is set. */
export interface SpecChange {
  readonly config?: Readonly<Record<string, string>>;
  readonly type?: ConnectorType;
  readonly targetState?: TargetState;
  readonly newGeneration?: boolean;
}

/** Kafka Connect's config and status topics. */
export interface ConnectorStore {
  /** Names in order. */
  list(): Promise<readonly string[]>;
  get(name: string): Promise<ConnectorSpec | null>;
  snapshot(name: string): Promise<ConnectorSnapshot | null>;
  /**
   * All connectors, each as it was at a moment after the call; one that comes or goes meanwhile is there or is not. `configs`: with their whole
   * configs. `unreadable`: what somebody has damaged, with the reason.
   */
  summaries(options: { configs: boolean }): Promise<{ readonly connectors: readonly ConnectorSummary[]; readonly unreadable: readonly string[] }>;
  /** False when the name is taken. The new spec is due at once. */
  create(spec: { name: string; type: ConnectorType; config: Readonly<Record<string, string>>; targetState: TargetState }): Promise<ConnectorSpec | null>;
  /** Applies a change if nobody changed the spec since `expected` was read; null when somebody did or it is gone. The spec is due at once. */
  update(expected: ConnectorSpec, change: SpecChange): Promise<ConnectorSpec | null>;
  /** Removes spec, status, tasks and active topics. Source offsets and sink offsets stay, as in Kafka Connect. False when it was not there. */
  delete(name: string): Promise<boolean>;
  /** Makes a failed or idle task due again with fresh instances; false when there is no such task. A run under way stops and hands over. A failure that waits to be routed still does. */
  restartTask(name: string, task: number): Promise<boolean>;
  /** Asks the connector for its task configs again, and clears its failure; tasks go on unless their configs changed. False when it is not there. */
  restartConnector(name: string): Promise<boolean>;
  addActiveTopics(name: string, topics: readonly string[]): Promise<void>;
  resetActiveTopics(name: string): Promise<void>;
}

/** A task as planning makes it. */
export interface PlannedTask {
  readonly config: Readonly<Record<string, string>>;
  readonly partitions: readonly TopicPartition[];
}

/** What the controller does to the table. */
export interface ControlStore {
  /** Specs, tasks and replays that are due at `now`, from the sparse index; eventually consistent. `unreadable`: what stands there and is none of these, with the reason. */
  due(now: number): Promise<{ specs: readonly ConnectorSpec[]; tasks: readonly TaskItem[]; replays: readonly Replay[]; unreadable: readonly string[] }>;
  /**
   * Claims a due item so that the next looks leave it alone until `dueAt`; false when it changed meanwhile.
   * A task is taken off the schedule (null) only while its connector is not STARTED and no failure of it waits to be routed; else false.
   */
  deferTask(task: TaskItem, dueAt: number | null): Promise<boolean>;
  /** `trouble`: what keeps it from being planned now. */
  deferSpec(spec: ConnectorSpec, dueAt: number | null, trouble?: LastError): Promise<boolean>;
  /** Something happened that a task waits for: it is due at once, or as soon as the run under way ends, or as its circuit says. False when there is no such task, or it is FAILED. */
  wakeTask(connector: string, task: number): Promise<boolean>;
  /**
   * Replaces the tasks of a connector by those of `spec.generation` and marks it planned. Sink offsets move with their
   * partitions. No lease may be held. May take several steps; done again from the start it comes to the same end.
   * Returns the tasks, or null when the spec has moved on, or when an old task is still held or has a failure that waits
   * to be routed: then the spec is due again soon.
   */
  plan(
    spec: ConnectorSpec,
    tasks: readonly PlannedTask[],
    options: { assignedTopics: Readonly<Record<string, number>> | null; specDueAt: number | null; taskDueAt: number | null; workerId: string },
  ): Promise<readonly TaskItem[] | null>;
  /**
   * Records that planning failed: connector state FAILED, off the schedule until its user acts, or until `restartAt`. Nothing when the spec
   * has moved on. Who calls it tells the failure queue.
   */
  failConnector(spec: ConnectorSpec, failure: FailureReport, workerId: string, restartAt: number | null): Promise<void>;
  /** Makes a FAILED task, whose automatic restart is due, run again with fresh instances; false when it changed meanwhile. */
  restartFailed(task: TaskItem): Promise<boolean>;
  /** Frees the lease of a run that is known to be over (`run-lost`: because the lease has ended by the table's clock); false when it was not its owner any more, or has not ended. `failure` is routed at the next look. */
  loseRun(task: TaskItem, dueAt: number, failure: FailureReport): Promise<boolean>;
  /** Failures that wait to be routed, of due tasks and connectors; `clearFailure` once they were. */
  clearFailure(task: TaskItem): Promise<void>;
  /** Begins a new generation because partitions or task configs changed; false when the spec moved on. */
  replan(spec: ConnectorSpec): Promise<boolean>;
  task(connector: string, task: number): Promise<TaskItem | null>;
  /** Begins to go round all connectors. */
  rounds(): ConnectorRounds;
  heartbeat(info: { at: number; clusterId: string | null }): Promise<void>;
}

/** How a run ends. */
export interface ReleaseOutcome {
  /** Null: not to be looked at until something changes; with `wake` it is due at once when it changed already. */
  readonly dueAt: number | null;
  readonly failure?: FailureReport;
  /** With a failure: when the task is restarted by itself; null or absent: not before its user does. */
  readonly restartAt?: number | null;
  /** The run came to nothing, though the task has not failed: it is no success, and people can read why. */
  readonly trouble?: LastError;
  /** The run ended because it was told to: the controller should look at once. */
  readonly wake?: boolean;
  /** The external system was out of order; null: it is in order; absent: nothing is known. */
  readonly circuit?: OpenCircuit | null;
}

/** What a run does to the table. Every write is conditional on the epoch: a run that lost its lease gets FencedException. */
export interface RunStore {
  /** Takes the lease of a task until `expiresAt` (by the caller's clock; what counts is how long that is); null when it is held, or the task is gone, failed, of another generation or not wanted to run, or has a failure that waits to be routed. */
  acquire(request: {
    connector: string;
    task: number;
    generation: number;
    owner: string;
    workerId: string;
    expiresAt: number;
  }): Promise<{ spec: ConnectorSpec; task: TaskItem } | null>;
  /** The spec's and the task's current marks, for the run to see that it should stop; null when gone. Cheap. */
  marks(
    connector: string,
    task: number,
  ): Promise<{ generation: number; targetState: TargetState; restarts: number; epoch: number; topicResets: number } | null>;
  commitSinkOffsets(task: TaskItem, offsets: ReadonlyMap<string, bigint>): Promise<void>;
  commitSourceOffsets(task: TaskItem, offsets: readonly { partition: SourcePartition; offset: SourceOffset | null }[]): Promise<void>;
  release(task: TaskItem, outcome: ReleaseOutcome): Promise<void>;
}

/** Offsets as connectors and users see them. */
export interface OffsetStore {
  sourceOffset(connector: string, partition: SourcePartition): Promise<SourceOffset | null>;
  sourceOffsets(connector: string): Promise<readonly { partition: SourcePartition; offset: SourceOffset }[]>;
  /** All committed sink offsets of a connector, whatever its tasks. */
  sinkOffsets(connector: string): Promise<ReadonlyMap<string, bigint>>;
  /**
   * Sets or removes (null) offsets of a connector that has no tasks. `stopped`: its spec, which must be the same and STOPPED still at that
   * moment, so that no task has begun with the old ones. False when it is not (of more than 99 source offsets some may be changed by then).
   */
  alterSourceOffsets(
    connector: string,
    offsets: readonly { partition: SourcePartition; offset: SourceOffset | null }[],
    stopped?: ConnectorSpec,
  ): Promise<boolean>;
  alterSinkOffsets(connector: string, offsets: ReadonlyMap<string, bigint | null>, stopped?: ConnectorSpec): Promise<boolean>;
  /** Removes all of them; the same holds. */
  purge(connector: string, stopped?: ConnectorSpec): Promise<boolean>;
}

/** What is known of the transactional producers of an exactly-once source (KIP-618's task count record). */
export interface TransactionalProducers {
  /** Producers of the tasks 0 … `count` - 1 may be alive, and are fenced before tasks of another generation begin. */
  readonly count: number;
  /** The topic that holds the offsets, and the servers of its cluster; null: those in this table hold, as for any other source. */
  readonly offsetsTopic: { readonly topic: string; readonly servers: string } | null;
  readonly version: number;
}

/** The transactional producers of sources. What is known stays when a connector is deleted, as its offsets do. */
export interface ProducerStore {
  /** Null: no task of this connector was ever exactly-once. */
  get(connector: string): Promise<TransactionalProducers | null>;
  /** Null when somebody changed it since `expected` was read. */
  change(
    connector: string,
    expected: TransactionalProducers | null,
    change: Pick<TransactionalProducers, 'count' | 'offsetsTopic'>,
  ): Promise<TransactionalProducers | null>;
}

/** Facts about the whole cluster. */
export interface ClusterStore {
  info(): Promise<{ clusterId: string | null; heartbeatAt: number | null }>;
  logLevels(): Promise<Readonly<Record<string, { level: string; lastModified: number }>>>;
  setLogLevel(logger: string, level: string, at: number): Promise<void>;
}

export interface Storage {
  readonly connectors: ConnectorStore;
  readonly control: ControlStore;
  readonly runs: RunStore;
  readonly offsets: OffsetStore;
  readonly producers: ProducerStore;
  readonly replays: ReplayStore;
  readonly cluster: ClusterStore;
}

/** What stands in the table is no spec or task: somebody has changed it by hand. The message names the item and the attribute. */
export class DamagedItemException extends ConnectException {
  override readonly name = 'DamagedItemException';
}

/** The table is busy or cannot be reached: what was asked for may go well later. */
export class UnavailableStorageException extends RetriableException {
  override readonly name = 'UnavailableStorageException';
}

/** More than the table can hold in one place; the message says what, and what to do. */
export class ItemTooLargeException extends ConnectException {
  override readonly name = 'ItemTooLargeException';
}

/** A write was refused because the run has lost its lease, or the task was replaced. The run must stop at once. */
export class FencedException extends Error {
  override readonly name = 'FencedException';
}
