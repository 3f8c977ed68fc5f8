import type { ConfigKeyInfo } from '../connect/config/config-key-info.ts';
import type { SourceOffset, SourcePartition } from '../connect/data/record.ts';

/** The REST API's answers, with their properties in the order in which Kafka Connect writes them. */

export interface ServerInfo {
  readonly version: string;
  readonly commit: string;
  readonly kafka_cluster_id: string;
}

export interface WorkerStatus {
  readonly status: 'healthy' | 'starting' | 'unhealthy';
  readonly message: string;
}

export interface ConnectorTaskId {
  readonly connector: string;
  readonly task: number;
}

export interface ConnectorInfo {
  readonly name: string;
  readonly config: Readonly<Record<string, string>>;
  readonly tasks: readonly ConnectorTaskId[];
  readonly type: 'source' | 'sink' | 'unknown';
}

export interface TaskInfo {
  readonly id: ConnectorTaskId;
  readonly config: Readonly<Record<string, string>>;
}

export type State = 'UNASSIGNED' | 'RUNNING' | 'PAUSED' | 'FAILED' | 'RESTARTING' | 'STOPPED';

export interface ConnectorState {
  readonly state: State;
  readonly worker_id: string;
  readonly version: string | null;
  readonly trace?: string;
}

export interface TaskState extends ConnectorState {
  readonly id: number;
}

export interface ConnectorStateInfo {
  readonly name: string;
  readonly connector: ConnectorState;
  readonly tasks: readonly TaskState[];
  readonly type: 'source' | 'sink' | 'unknown';
}

/** Not of Kafka Connect: how a connector, or a task, is. Times are ISO 8601 in UTC. */
export type Health = 'running' | 'waiting' | 'degraded' | 'failed' | 'paused' | 'stopped' | 'unassigned';

export interface LastErrorInfo {
  readonly kind: string;
  readonly message: string;
  /** First line of the trace. */
  readonly trace: string | null;
  readonly at: string;
  /** Null: the connector itself. */
  readonly task: number | null;
}

export interface AutomaticRestartInfo {
  readonly at: string;
  readonly attempt: number;
  readonly max_attempts: number;
}

/** An external system is out of order, and its task waits for it. */
export interface WaitingInfo {
  readonly since: string;
  /** How often it was tried since then. */
  readonly attempts: number;
  /** Of the last try. */
  readonly error: string;
  readonly next_try: string;
}

export interface Lag {
  readonly records: number;
  /** Age of the oldest unread record, at most a fifth too much. */
  readonly seconds: number;
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly offset: bigint;
    readonly end_offset: bigint;
    readonly records: number;
  }[];
}

export interface TaskHealth {
  readonly id: number;
  readonly health: Health;
  readonly reason: string;
  readonly run_under_way: boolean;
  readonly last_successful_run: string | null;
  readonly last_error: LastErrorInfo | null;
  /** Null: as soon as there is work, or not at all; `reason` tells. */
  readonly next_run: string | null;
  /** Runs in a row that were lost or crashed, and that failed. */
  readonly lost_runs: number;
  readonly failed_runs: number;
  readonly automatic_restart: AutomaticRestartInfo | null;
  readonly waiting: WaitingInfo | null;
  /** Of a sink: how many it has. */
  readonly partitions: number | null;
  readonly lag: Pick<Lag, 'records'> | null;
}

export interface ConnectorHealth {
  readonly name: string;
  readonly type: 'source' | 'sink';
  readonly health: Health;
  readonly reason: string;
  /** Why there are no tasks; null when there are. */
  readonly no_tasks: string | null;
  readonly last_successful_run: string | null;
  readonly last_error: LastErrorInfo | null;
  readonly lag: Lag | null;
  readonly lag_error: string | null;
  readonly automatic_restart: AutomaticRestartInfo | null;
  readonly tasks: readonly TaskHealth[];
}

export interface ConnectorOffset {
  readonly partition: SourcePartition;
  readonly offset: SourceOffset | null;
}

export interface ConnectorOffsets {
  readonly offsets: readonly ConnectorOffset[];
}

/** Not of Kafka Connect: an offset that a connector resumes from, or would. */
export interface StoredOffset extends ConnectorOffset {
  /** The kind of connector that resumes from it. */
  readonly type: 'source' | 'sink';
  /** `table`, or a consumer group. */
  readonly kept_in: string;
}

export interface StoredOffsets {
  readonly offsets: readonly StoredOffset[];
  /** Why the consumer group could not be asked. */
  readonly group_error: string | null;
}

export interface Message {
  readonly message: string;
}

export interface PluginListing {
  readonly class: string;
  readonly type: string;
  readonly version: string;
}

export interface LoggerLevel {
  readonly level: string;
  readonly last_modified: number | null;
}

export interface ConfigValueInfo {
  readonly name: string;
  readonly value: string | null;
  readonly recommended_values: readonly (string | null)[];
  readonly errors: readonly string[];
  readonly visible: boolean;
}

export interface ConfigInfo {
  readonly definition: ConfigKeyInfo | null;
  readonly value: ConfigValueInfo | null;
}

/** The answer of a validation. */
export interface ConfigInfos {
  readonly name: string;
  readonly error_count: number;
  readonly groups: readonly string[];
  readonly configs: readonly ConfigInfo[];
}
