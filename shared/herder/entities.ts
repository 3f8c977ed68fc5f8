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

export interface ConnectorOffset {
  readonly partition: SourcePartition;
  readonly offset: SourceOffset | null;
}

export interface ConnectorOffsets {
  readonly offsets: readonly ConnectorOffset[];
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
