import type { Clock } from './clock.ts';
import type { ConfigDef, ConfigOf, ConfigShape, ConfigValue } from './config/config-def.ts';
import type { SourceOffset, SourcePartition } from './data/record.ts';
import type { Logger } from './logger.ts';
import type { SinkTask, SinkTaskContext } from './sink-task.ts';
import type { SourceTask, SourceTaskContext } from './source-task.ts';
import type { TopicPartition } from './topic-partition.ts';
import type { PluginInfo } from './transformation.ts';

/** The config of one task, as texts. */
export type TaskConfig = Readonly<Record<string, string>>;

/** What a connector sees of the framework while it makes task configs. */
export interface ConnectorContext<C> {
  readonly name: string;
  /** The parsed config, secrets resolved. */
  readonly config: C;
  /** The config as texts, secrets resolved. */
  readonly rawConfig: Readonly<Record<string, string>>;
  /** `tasks.max`. */
  readonly maxTasks: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** What `validate` may look at and add to. */
export interface ConnectorValidation<C> {
  readonly rawConfig: Readonly<Record<string, string>>;
  /** The parsed config, or null when a key cannot be parsed. */
  readonly config: C | null;
  /** The answers so far; add to `errorMessages`. */
  value(name: string): ConfigValue;
}

interface ConnectorParts<S extends ConfigShape> extends Omit<PluginInfo, 'config'> {
  readonly config: ConfigDef<S>;
  /** Checks that need several keys at once, or the external system. */
  validate?(validation: ConnectorValidation<ConfigOf<ConfigDef<S>>>): Promise<void> | void;
  /** Divides the work: one config for each task, `maxTasks` at most. May ask the external system. */
  taskConfigs(context: ConnectorContext<ConfigOf<ConfigDef<S>>>): Promise<readonly TaskConfig[]> | readonly TaskConfig[];
  /** How often `taskConfigs` is asked again while the connector runs, in milliseconds; tasks are replaced when the answer changed. Left out: never. */
  monitorIntervalMs?(config: ConfigOf<ConfigDef<S>>): number;
  /** What it guarantees, for people: shown in documentation. */
  readonly guarantees?: string;
  /** The same in a few words: `at-least-once; exactly-once when …`. Told by the REST API. */
  readonly delivery?: string;
  /** Java class name of its tasks, for `task.class`. Left out: the connector's with `Task` for `Connector`. */
  readonly taskClass?: string;
}

/** The Java class name of a connector's tasks, as `GET /connectors/{c}/tasks` tells it. */
export function taskClassOf({ className, taskClass }: { readonly className: string; readonly taskClass?: string }): string {
  return taskClass ?? className.replace(/Connector$/, 'Task');
}

/** The declaration of a source connector. The worker knows nothing else about it. */
export interface SourceConnectorDefinition extends PluginInfo {
  readonly kind: 'source';
  validate?(validation: ConnectorValidation<Readonly<Record<string, unknown>>>): Promise<void> | void;
  taskConfigs(context: ConnectorContext<Readonly<Record<string, unknown>>>): Promise<readonly TaskConfig[]> | readonly TaskConfig[];
  monitorIntervalMs?(config: Readonly<Record<string, unknown>>): number;
  readonly guarantees?: string;
  readonly delivery?: string;
  readonly taskClass?: string;
  /** Makes a task; its raw config is in the context. Throws ConfigException. */
  createTask(context: SourceTaskContext): Promise<SourceTask> | SourceTask;
  /** KIP-618: whether the connector can give exactly-once with this config. Left out: unknown. */
  exactlyOnceSupport?(config: Readonly<Record<string, string>>): 'SUPPORTED' | 'UNSUPPORTED';
  canDefineTransactionBoundaries?(config: Readonly<Record<string, string>>): 'SUPPORTED' | 'UNSUPPORTED';
  /** KIP-875: checks offsets that a user wants to set; throws to refuse. True: it keeps no offsets of its own elsewhere. */
  alterOffsets?(config: Readonly<Record<string, string>>, offsets: readonly { partition: SourcePartition; offset: SourceOffset | null }[]): boolean;
}

/** The declaration of a sink connector. */
export interface SinkConnectorDefinition extends PluginInfo {
  readonly kind: 'sink';
  validate?(validation: ConnectorValidation<Readonly<Record<string, unknown>>>): Promise<void> | void;
  taskConfigs(context: ConnectorContext<Readonly<Record<string, unknown>>>): Promise<readonly TaskConfig[]> | readonly TaskConfig[];
  monitorIntervalMs?(config: Readonly<Record<string, unknown>>): number;
  readonly guarantees?: string;
  readonly delivery?: string;
  readonly taskClass?: string;
  createTask(context: SinkTaskContext): Promise<SinkTask> | SinkTask;
  /** Whether it is exactly-once with this config: then it reads only what is committed, unless its consumer is told otherwise. */
  isExactlyOnce?(config: Readonly<Record<string, string>>): boolean;
  alterOffsets?(config: Readonly<Record<string, string>>, offsets: readonly { partition: TopicPartition; offset: bigint | null }[]): boolean;
}

export type ConnectorDefinition = SourceConnectorDefinition | SinkConnectorDefinition;

/** Declares a source connector. `taskConfig` is the definition that task configs are parsed with, where they have keys of their own. */
export function defineSourceConnector<const S extends ConfigShape, const T extends ConfigShape = S>(
  parts: ConnectorParts<S> & {
    readonly taskConfig?: ConfigDef<T>;
    createTask(config: ConfigOf<ConfigDef<T>>, context: SourceTaskContext): Promise<SourceTask> | SourceTask;
    exactlyOnceSupport?(config: Readonly<Record<string, string>>): 'SUPPORTED' | 'UNSUPPORTED';
    canDefineTransactionBoundaries?(config: Readonly<Record<string, string>>): 'SUPPORTED' | 'UNSUPPORTED';
    alterOffsets?: SourceConnectorDefinition['alterOffsets'];
  },
): SourceConnectorDefinition {
  const taskConfig = (parts.taskConfig ?? parts.config) as ConfigDef<T>;
  return { ...parts, kind: 'source', createTask: (context) => parts.createTask(taskConfig.parse(context.config), context) } as SourceConnectorDefinition;
}

/** Declares a sink connector. */
export function defineSinkConnector<const S extends ConfigShape, const T extends ConfigShape = S>(
  parts: ConnectorParts<S> & {
    readonly taskConfig?: ConfigDef<T>;
    createTask(config: ConfigOf<ConfigDef<T>>, context: SinkTaskContext): Promise<SinkTask> | SinkTask;
    isExactlyOnce?: SinkConnectorDefinition['isExactlyOnce'];
    alterOffsets?: SinkConnectorDefinition['alterOffsets'];
  },
): SinkConnectorDefinition {
  const taskConfig = (parts.taskConfig ?? parts.config) as ConfigDef<T>;
  return { ...parts, kind: 'sink', createTask: (context) => parts.createTask(taskConfig.parse(context.config), context) } as SinkConnectorDefinition;
}

/** `taskConfigs` of connectors whose tasks are all alike: the connector's own config, once for each task. */
export function replicate(context: Pick<ConnectorContext<unknown>, 'rawConfig' | 'maxTasks'>, tasks: number = context.maxTasks): TaskConfig[] {
  return Array.from({ length: tasks }, () => context.rawConfig);
}

/** Where a produced record landed. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly timestamp: number | null;
}
