import type { Clock } from '../connect/clock.ts';
import type { RawConfig } from '../connect/config/config-def.ts';
import { javaTrim } from '../connect/config/parse-type.ts';
import { isConnectException, NotFoundException } from '../connect/errors.ts';
import type { Logger } from '../connect/logger.ts';
import type { Plugins } from '../connect/plugins.ts';
import type { KafkaClients } from '../kafka/ports.ts';
import type { DeadLetterServices } from '../runtime/dead-letters/ports.ts';
import { tasksOf } from '../runtime/task-state.ts';
import { wakeConnector } from '../runtime/wake-connector.ts';
import type { ConnectorSnapshot, ConnectorSpec, ConnectorSummary, SpecChange, Storage, TargetState } from '../storage/ports.ts';
import { type ConfigNotes, InvalidConfigException } from './config-notes.ts';
import { BadRequestException, ConnectRestException } from './connect-rest-exception.ts';
import { connectorHealth } from './connector-health.ts';
import type { OffsetChange } from './connector-offsets.ts';
import { ConnectorPlugins } from './connector-plugins.ts';
import { connectorInfo, connectorStateInfo } from './connector-state.ts';
import { ConnectorValidator } from './connector-validator.ts';
import { DeadLetters } from './dead-letters.ts';
import type {
  ConnectorHealth,
  ConnectorInfo,
  ConnectorOffsets,
  ConnectorStateInfo,
  Message,
  ServerInfo,
  StoredOffsets,
  TaskInfo,
  TaskState,
  WorkerStatus,
} from './entities.ts';
import { healthFacts, heartbeatTimeoutMs } from './health-facts.ts';
import { Loggers } from './loggers.ts';
import { OffsetModification } from './offset-modification.ts';
import type { ResetTarget } from './reset-target.ts';
import { keptOffsets, storedOffsets } from './stored-offsets.ts';
import { type UnknownKey, unknownKeys } from './unknown-keys.ts';

/** The release of Kafka Connect whose API this is: clients read from it what they may ask for. */
export const kafkaConnectVersion = '4.3.1';

const staleConfiguration = 'Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)';
const concurrentChangeRetries = 5;
/** Bytes: names are in keys of the table, which have 1,024. */
const longestName = 1_000;
const stopGraceMs = 5_000;
const stopIntervalMs = 200;

export interface HerderOptions {
  readonly storage: Storage;
  readonly kafka: KafkaClients;
  readonly plugins: Plugins;
  /** The worker's properties. */
  readonly worker: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** SQS and S3 for dead letters; absent where there is neither. */
  readonly deadLetters?: DeadLetterServices;
  readonly logger: Logger;
  readonly workerId: string;
}

/** A config that was taken, with what is worth telling of it. */
interface Taken {
  readonly info: ConnectorInfo;
  readonly notes: ConfigNotes;
}

interface ValidConfig {
  readonly config: Record<string, string>;
  readonly type: ConnectorSpec['type'];
  readonly unknown: readonly UnknownKey[];
}

/** What the REST API means: connectors are created, changed, stopped and looked at here. Errors are ConnectRestException, NotFoundException, AlreadyExistsException with Kafka Connect's texts. */
export class Herder {
  readonly #options: HerderOptions;
  readonly #validator: ConnectorValidator;
  readonly #offsets: OffsetModification;
  readonly loggers: Loggers;
  readonly deadLetters: DeadLetters;
  readonly plugins: ConnectorPlugins;
  #clusterId: string | null = null;

  constructor(options: HerderOptions) {
    this.#options = options;
    this.#validator = new ConnectorValidator(options);
    this.#offsets = new OffsetModification(options);
    this.deadLetters = new DeadLetters(options);
    this.plugins = new ConnectorPlugins(options, this.#validator);
    this.loggers = new Loggers({ store: options.storage.cluster, clock: options.clock });
  }

  async serverInfo(): Promise<ServerInfo> {
    return { version: kafkaConnectVersion, commit: 'sluice', kafka_cluster_id: await this.clusterId() };
  }

  /** The Kafka cluster's id, asked for once. */
  async clusterId(): Promise<string> {
    this.#clusterId ??= (await this.#options.storage.cluster.info()).clusterId;
    if (this.#clusterId === null) {
      const admin = this.#options.kafka.admin();
      try {
        this.#clusterId = await admin.clusterId();
      } finally {
        await admin.close();
      }
    }
    return this.#clusterId;
  }

  /** KIP-1017: whether requests can be served and connectors are looked after. */
  async health(): Promise<WorkerStatus> {
    const { heartbeatAt } = await this.#options.storage.cluster.info();
    if (heartbeatAt === null) return { status: 'starting', message: 'Worker is still starting up. The controller has not looked yet.' };
    const silent = this.#options.clock.now() - heartbeatAt;
    if (silent > heartbeatTimeoutMs)
      return {
        status: 'unhealthy',
        message: `Worker was unable to handle this request and may be unable to handle other requests. The controller has not looked for ${Math.round(silent / 1000)} s: check its schedule and its log.`,
      };
    return { status: 'healthy', message: 'Worker has completed startup and is ready to handle requests.' };
  }

  connectors(): Promise<readonly string[]> {
    return this.#options.storage.connectors.list();
  }

  /** Connectors with their info or status; one that vanishes meanwhile is left out. Unknown expansions are ignored. */
  async expandedConnectors(expansions: readonly string[]): Promise<Record<string, { status?: ConnectorStateInfo; info?: ConnectorInfo }>> {
    const wanted = expansions.filter((each) => each === 'status' || each === 'info');
    if (wanted.length === 0) return Object.fromEntries((await this.connectors()).map((name) => [name, {}]));
    const { connectors, unreadable } = await this.#options.storage.connectors.summaries({ configs: wanted.includes('info') });
    // What somebody has damaged must not keep people from seeing the others.
    for (const why of unreadable) this.#options.logger.error(why, {});
    const entry = (summary: ConnectorSummary) =>
      Object.fromEntries(wanted.map((each) => [each, each === 'status' ? this.#stateInfo(summary) : connectorInfo(summary)]));
    return Object.fromEntries(connectors.map((summary) => [summary.spec.name, entry(summary)]));
  }

  async connectorInfo(name: string): Promise<ConnectorInfo> {
    return connectorInfo(await this.#snapshot(name, `Connector ${name} not found`));
  }

  async connectorConfig(name: string): Promise<Readonly<Record<string, string>>> {
    return (await this.#spec(name, `Connector ${name} not found`)).config;
  }

  async connectorStatus(name: string): Promise<ConnectorStateInfo> {
    return this.#stateInfo(await this.#snapshot(name, `No status found for connector ${name}`));
  }

  /** Beside the states: how a connector is, in words, with its lag and what went wrong last. */
  async connectorHealth(name: string): Promise<ConnectorHealth> {
    const snapshot = await this.#snapshot(name, `No status found for connector ${name}`);
    return connectorHealth(snapshot, await healthFacts(snapshot, this.#options));
  }

  async taskConfigs(name: string): Promise<TaskInfo[]> {
    const snapshot = await this.#snapshot(name, `Connector ${name} not found`);
    return tasksOf(snapshot).map(({ task, config }) => ({ id: { connector: name, task }, config }));
  }

  async taskStatus(name: string, task: number): Promise<TaskState> {
    const snapshot = await this.#options.storage.connectors.snapshot(name);
    const state = snapshot && this.#stateInfo(snapshot).tasks.find(({ id }) => id === task);
    if (!state) throw new NotFoundException(`No status found for task ${name}-${task}`);
    return state;
  }

  /** Creates a connector. Its name is trimmed as Kafka Connect does. */
  async createConnector(request: { name: string | null; config: RawConfig; targetState: TargetState }): Promise<Taken> {
    const name = javaTrim(request.name ?? '');
    const taken = await this.#create({ name, ...(await this.#validConfig(withName(name, request.config))), targetState: request.targetState });
    if (taken === null) throw new ConnectRestException(409, `Connector ${name} already exists`);
    return taken;
  }

  /** Null when the name is taken. */
  async #create({ unknown, ...wanted }: ValidConfig & { readonly name: string; readonly targetState: TargetState }): Promise<Taken | null> {
    const { name, config, type } = wanted;
    // Read before: its first run may be faster than this.
    const resumesFrom = await keptOffsets(name, type, this.#options);
    const created = await this.#options.storage.connectors.create(wanted);
    return created && { info: { name, config, tasks: [], type }, notes: { unknownKeys: unknown, resumesFrom } };
  }

  /** Creates a connector or gives it another config; the same config again changes nothing. */
  async putConnectorConfig(name: string, given: RawConfig): Promise<Taken & { readonly created: boolean }> {
    const valid = await this.#validConfig(withName(name, given));
    const { config, type } = valid;
    const { connectors } = this.#options.storage;
    for (let attempt = 0; attempt < concurrentChangeRetries; attempt++) {
      const snapshot = await connectors.snapshot(name);
      if (snapshot === null) {
        const taken = await this.#create({ name, ...valid, targetState: 'STARTED' });
        if (taken !== null) return { created: true, ...taken };
        continue;
      }
      const tasks = connectorInfo(snapshot).tasks;
      if (await this.#store(snapshot.spec, config, type))
        return { created: false, info: { name, config, tasks, type }, notes: { unknownKeys: valid.unknown, resumesFrom: [] } };
    }
    throw new ConnectRestException(409, staleConfiguration);
  }

  /** KIP-477: sets some keys, and removes those that are null. */
  async patchConnectorConfig(name: string, patch: RawConfig): Promise<Taken> {
    for (let attempt = 0; attempt < concurrentChangeRetries; attempt++) {
      const snapshot = await this.#snapshot(name, `Connector ${name} not found`);
      const patched: Record<string, string> = { ...snapshot.spec.config };
      for (const [key, value] of Object.entries(patch)) {
        if (value === null) delete patched[key];
        else patched[key] = value;
      }
      const { config, type, unknown } = await this.#validConfig(patched).catch(asCause);
      const tasks = connectorInfo(snapshot).tasks;
      if (await this.#store(snapshot.spec, config, type)) return { info: { name, config, tasks, type }, notes: { unknownKeys: unknown, resumesFrom: [] } };
    }
    throw new ConnectRestException(409, staleConfiguration);
  }

  /**
   * Deletes a connector; its offsets stay, as in Kafka Connect, so that another one of this name goes on where it ended. `purge`: it is
   * stopped and its offsets are removed before. What dies in between leaves a stopped connector, and the same call goes on.
   */
  async deleteConnector(name: string, { offsets = 'keep' }: { readonly offsets?: 'keep' | 'purge' } = {}): Promise<void> {
    if (offsets === 'purge') {
      const { spec } = await this.#snapshot(name, `Connector ${name} not found`);
      if (spec.targetState !== 'STOPPED') await this.stopConnector(name);
      await this.#offsets.reset(name, { deleting: true });
    }
    if (!(await this.#options.storage.connectors.delete(name))) throw new NotFoundException(`Connector ${name} not found`);
  }

  /** A connector that was just stopped has no tasks once it is paused: they are waited for to go first. */
  async pauseConnector(name: string): Promise<void> {
    for (let waited = 0; waited < stopGraceMs; waited += stopIntervalMs) {
      const snapshot = await this.#options.storage.connectors.snapshot(name);
      if (snapshot?.spec.targetState !== 'STOPPED' || snapshot.tasks.length === 0) break;
      await this.#options.clock.sleep(stopIntervalMs);
    }
    await this.#changeState(name, 'PAUSED', () => false);
  }

  /** A connector that has no tasks, because it was stopped, is planned anew. */
  async resumeConnector(name: string): Promise<void> {
    await this.#changeState(
      name,
      'STARTED',
      ({ spec, tasks }) => spec.targetState === 'STOPPED' || (tasks.length === 0 && spec.plannedGeneration >= spec.generation),
    );
  }

  async stopConnector(name: string): Promise<void> {
    await this.#changeState(name, 'STOPPED', () => true);
  }

  /** Restarts the connector itself: it is asked for its task configs again. */
  async restartConnector(name: string): Promise<void> {
    if (!(await this.#options.storage.connectors.restartConnector(name))) throw new NotFoundException(`Unknown connector: ${name}`);
  }

  /** KIP-745: restarts the connector and its tasks, or those of them that failed. Tells the state with what is about to be restarted. */
  async restartConnectorAndTasks(name: string, { includeTasks, onlyFailed }: { includeTasks: boolean; onlyFailed: boolean }): Promise<ConnectorStateInfo> {
    const { connectors } = this.#options.storage;
    const state = this.#stateInfo(await this.#snapshot(name, `Unknown connector: ${name}`));
    const restarts = (each: { state: string }) => !onlyFailed || each.state === 'FAILED';
    const connector = restarts(state.connector);
    const tasks = includeTasks ? state.tasks.filter(restarts) : [];
    if (connector) await connectors.restartConnector(name);
    for (const { id } of tasks) await connectors.restartTask(name, id);
    return {
      ...state,
      connector: { ...state.connector, state: connector ? 'RESTARTING' : state.connector.state },
      tasks: state.tasks.map((task) => (tasks.includes(task) ? { ...task, state: 'RESTARTING' } : task)),
    };
  }

  async restartTask(name: string, task: number): Promise<void> {
    const snapshot = await this.#snapshot(name, `Unknown connector: ${name}`);
    const known = tasksOf(snapshot).some((each) => each.task === task);
    if (!known || !(await this.#options.storage.connectors.restartTask(name, task))) throw new NotFoundException(`Unknown task: ${name}-${task}`);
  }

  /** Runs the tasks of a connector now, as an event would: `sluice.trigger=event`. Returns how many. */
  async wakeConnector(name: string): Promise<{ tasks: number }> {
    const woken = await wakeConnector(this.#options.storage, name, this.#options.worker);
    if (woken === null) throw new NotFoundException(`Unknown connector: ${name}`);
    return { tasks: woken };
  }

  async activeTopics(name: string): Promise<Record<string, { topics: readonly string[] }>> {
    this.#requireTopicTracking();
    const snapshot = await this.#options.storage.connectors.snapshot(name);
    return { [name]: { topics: snapshot?.topics ?? [] } };
  }

  async resetActiveTopics(name: string): Promise<void> {
    this.#requireTopicTracking();
    if (!this.#enabled('topic.tracking.allow.reset')) throw new ConnectRestException(403, 'Topic tracking reset is disabled.');
    await this.#options.storage.connectors.resetActiveTopics(name);
  }

  /** Offsets as they are stored, whether the connector runs or not. */
  async connectorOffsets(name: string): Promise<ConnectorOffsets> {
    const { type } = await this.#spec(name, `Connector ${name} not found`);
    return { offsets: await keptOffsets(name, type, this.#options) };
  }

  /** What a connector of this name resumes from, or would if it were created. */
  storedOffsets(name: string): Promise<StoredOffsets> {
    return storedOffsets(name, this.#options);
  }

  /** KIP-875: sets or removes some offsets of a stopped connector. */
  alterConnectorOffsets(name: string, changes: readonly OffsetChange[] | null): Promise<Message> {
    return this.#offsets.alter(name, changes);
  }

  /** KIP-875: removes all offsets of a stopped connector. */
  resetConnectorOffsets(name: string): Promise<Message> {
    return this.#offsets.reset(name);
  }

  /** Sets the offsets of a stopped sink to a time. */
  resetConnectorOffsetsTo(name: string, target: ResetTarget): Promise<Message & ConnectorOffsets> {
    return this.#offsets.resetTo(name, target);
  }

  async #validConfig(config: RawConfig): Promise<ValidConfig> {
    const infos = await this.#validator.validate(config);
    if (infos.error_count > 0) throw new InvalidConfigException(config, infos);
    // Of a key of the connector's own the real one takes it for a value, and then has a connector that cannot be read by all.
    const missing = Object.entries(config).find(([, value]) => value === null);
    if (missing !== undefined)
      throw new BadRequestException(`Null value can not be supplied as the configuration value: leave '${missing[0]}' out, or give it a text`);
    const type = this.#options.plugins.connector(config['connector.class'] as string).kind;
    return { config: config as Record<string, string>, type, unknown: unknownKeys(config, infos) };
  }

  /** False when somebody else changed the spec meanwhile. */
  async #store(spec: ConnectorSpec, config: Readonly<Record<string, string>>, type: ConnectorSpec['type']): Promise<boolean> {
    if (spec.type === type && sameConfig(spec.config, config)) return true;
    return (await this.#options.storage.connectors.update(spec, { config, type, newGeneration: true })) !== null;
  }

  async #changeState(name: string, targetState: TargetState, newGeneration: (snapshot: ConnectorSnapshot) => boolean): Promise<void> {
    for (let attempt = 0; attempt < concurrentChangeRetries; attempt++) {
      const snapshot = await this.#snapshot(name, `Unknown connector ${name}`);
      if (snapshot.spec.targetState === targetState) return;
      const change: SpecChange = { targetState, newGeneration: newGeneration(snapshot) };
      if ((await this.#options.storage.connectors.update(snapshot.spec, change)) !== null) return;
    }
    throw new ConnectRestException(409, staleConfiguration);
  }

  #stateInfo(snapshot: ConnectorSummary): ConnectorStateInfo {
    const { clock, plugins, workerId } = this.#options;
    return connectorStateInfo(snapshot, { now: clock.now(), plugins, workerId });
  }

  async #spec(name: string, notFound: string): Promise<ConnectorSpec> {
    const spec = await this.#options.storage.connectors.get(name);
    if (spec === null) throw new NotFoundException(notFound);
    return spec;
  }

  async #snapshot(name: string, notFound: string): Promise<ConnectorSnapshot> {
    const snapshot = await this.#options.storage.connectors.snapshot(name);
    if (snapshot === null) throw new NotFoundException(notFound);
    return snapshot;
  }

  #enabled(property: string): boolean {
    return (this.#options.worker[property] ?? 'true').trim().toLowerCase() === 'true';
  }

  #requireTopicTracking(): void {
    if (!this.#enabled('topic.tracking.enable')) throw new ConnectRestException(403, 'Topic tracking is disabled.');
  }
}

/** Kafka Connect tells what goes wrong in a PATCH, but for invalid values, as the text of the error's cause: with its class. */
function asCause(error: unknown): never {
  if (error instanceof BadRequestException && isConnectException(error.cause))
    throw new BadRequestException(`${error.cause.javaClass}: ${error.message}`, { cause: error.cause });
  throw error;
}

/** The config with its name in it. Throws BadRequestException when it has another one, or the name is too long. */
function withName(name: string, config: RawConfig): RawConfig {
  if (Buffer.byteLength(name) > longestName)
    throw new BadRequestException(`The name of a connector may have at most ${longestName} bytes, not ${Buffer.byteLength(name)}`);
  const included = config['name'] ?? null;
  if (included === null) return { ...config, name };
  if (included !== name) throw new BadRequestException(`Connector name configuration (${included}) doesn't match connector name in the URL (${name})`);
  return config;
}

function sameConfig(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
