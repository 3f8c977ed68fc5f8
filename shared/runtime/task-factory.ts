import type { HeaderConverterDefinition } from '../connect/converter.ts';
import type { TaskItem } from '../storage/ports.ts';
import { clientOverrides, withPrefix } from './client-overrides.ts';
import { ConfigTransformer, resolveWorker } from './config-transformer.ts';
import { deadLetterReporter } from './dead-letters/dead-letter-reporter.ts';
import { LogReporter } from './errors/log-reporter.ts';
import type { ErrorReporter } from './errors/processing-context.ts';
import { RetryWithToleranceOperator } from './errors/retry-with-tolerance-operator.ts';
import { createExactlyOnceTask, requireHandover } from './exactly-once/create-exactly-once-task.ts';
import { usesExactlyOnce } from './exactly-once/source-support.ts';
import { sinkGroup } from './partition-assignor.ts';
import type { RuntimePorts } from './ports.ts';
import { Reconfiguration } from './reconfiguration.ts';
import { ResolvedSecrets } from './resolved-secrets.ts';
import { type TaskSettings, taskSettings } from './task-settings.ts';
import { TopicCreation } from './topic-creation.ts';
import { type ChainPlugins, TransformationChain } from './transformation-chain.ts';
import { WorkerSinkTask } from './worker-sink-task.ts';
import { WorkerSourceTask } from './worker-source-task.ts';
import type { TaskParts, WorkerTask } from './worker-task.ts';

const defaultHeaderConverter = 'org.apache.kafka.connect.storage.SimpleHeaderConverter';

/** A task with the secrets that it was made with, and when they must be read again, in milliseconds since the epoch; null: never. */
export interface FreshTask {
  readonly task: WorkerTask;
  readonly secrets: ResolvedSecrets;
  readonly staleAt: number | null;
  /** What the task has asked of its connector. */
  readonly reconfiguration: Reconfiguration;
}

/** What a task is made differently for: dead letters that go through its pipeline again. */
export interface TaskChanges {
  /** Is told of each failed record as well. */
  readonly reporter: ErrorReporter;
  settings(settings: TaskSettings): TaskSettings;
  parts(parts: TaskParts): TaskParts;
}

/**
 * Makes a task with everything it needs: secrets resolved, converters, transformations, clients. Throws ConfigException
 * or what a plugin throws: the task is FAILED then. What was made before a failure is closed.
 */
export async function createWorkerTask(
  given: RuntimePorts,
  item: TaskItem,
  connectorConfig: Readonly<Record<string, string>>,
  changes?: TaskChanges,
): Promise<FreshTask> {
  const { plugins, kafka, clock, metrics, storage } = given;
  const secrets = new ResolvedSecrets();
  const logger = secrets.logger(given.logger);
  const { connector, task } = item;
  const closers: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (const each of closers.splice(0).reverse()) await each();
  };
  try {
    const transformer = new ConfigTransformer(given.worker, plugins, 'connector', secrets);
    closers.push(() => transformer.close());
    const readAt = clock.now();
    const [ofWorker, ofConnector, ofTask] = await Promise.all([
      resolveWorker(given.worker, plugins, secrets),
      transformer.transform(connectorConfig),
      transformer.transform(item.config),
    ]);
    const { config: worker } = ofWorker;
    const { config } = ofConnector;
    const ports = { ...given, worker, logger };
    const ttls = [ofWorker, ofConnector, ofTask].flatMap(({ ttlMs }) => (ttlMs === null ? [] : [ttlMs]));
    const reloads = config['config.action.reload'] !== 'none' && ttls.length > 0;
    const reconfiguration = new Reconfiguration(ports, connector);
    const fresh = (task: WorkerTask): FreshTask => ({ task, secrets, reconfiguration, staleAt: reloads ? readAt + Math.min(...ttls) : null });
    const definition = plugins.connector(config['connector.class'] ?? '');
    const asked = taskSettings(definition.kind, config, worker);
    const settings = changes?.settings(asked) ?? asked;
    const key = converterOf(ports, config, 'key');
    const value = converterOf(ports, config, 'value');
    const header = headerConverterOf(ports, config);
    closers.push(
      () => key.converter.close?.(),
      () => value.converter.close?.(),
      () => header.converter.close?.(),
    );
    const chain = new TransformationChain(config, plugins.find.bind(plugins) as ChainPlugins);
    closers.push(() => chain.close());
    const dimensions = { connector, task };
    const deadLetters = await deadLetterReporter(ports, settings.deadLetters, config, item, closers, secrets);
    const reporters: ErrorReporter[] = changes === undefined ? [] : [changes.reporter];
    if (settings.errorsLog) reporters.push(new LogReporter({ logger, connector, task, includeMessages: settings.errorsLogIncludeMessages, metrics }));
    if (deadLetters !== null) reporters.push(deadLetters);
    const made: TaskParts = {
      definition,
      taskConfig: ofTask.config,
      settings,
      keyConverter: key.converter,
      valueConverter: value.converter,
      headerConverter: header.converter,
      classes: { keyConverter: key.className, valueConverter: value.className, headerConverter: header.className },
      chain,
      operator: new RetryWithToleranceOperator({ policy: settings.policy, reporters, clock, metrics, dimensions }),
      deadLetters,
      storage,
      clock,
      logger,
      metrics,
      // It is the consumer's group: who may read it may be another than the worker.
      mirrorOffsets: (offsets) => mirror(ports, sinkGroup(connector, config), clientOverrides('consumer', worker, config), offsets),
      close,
    };
    const parts = changes?.parts(made) ?? made;
    if (definition.kind === 'sink') {
      const isolation: Record<string, string> = definition.isExactlyOnce?.(config) === true ? { 'isolation.level': 'read_committed' } : {};
      const overrides = { ...isolation, ...clientOverrides('consumer', worker, config) };
      return fresh(new WorkerSinkTask(parts, item, kafka.reader({ clientId: `connector-consumer-${connector}-${task}` }, overrides)));
    }
    const topics = new TopicCreation({ admin: kafka.admin(clientOverrides('admin', worker, config)), groups: settings.topicCreationGroups, logger });
    const source = { parts, item, topics, reconfigure: () => reconfiguration.request() };
    const clients = { kafka, connector, worker, config, clock, logger };
    const exactlyOnce = usesExactlyOnce(worker, config);
    await requireHandover(clients, storage, exactlyOnce);
    if (exactlyOnce) return fresh(await createExactlyOnceTask(clients, source));
    const producer = kafka.producer({ clientId: `connector-producer-${connector}-${task}` }, clientOverrides('producer', worker, config));
    return fresh(new WorkerSourceTask({ ...source, producer }));
  } catch (error) {
    await close();
    throw secrets.hideIn(error);
  }
}

/** What converters are made of. */
export type ConverterPorts = Pick<RuntimePorts, 'plugins' | 'worker' | 'clock' | 'logger'>;

/** The converter of keys or values that a connector names, or else its worker. Throws what the plugin throws. */
export function converterOf({ plugins, worker, clock, logger }: ConverterPorts, config: Readonly<Record<string, string>>, side: 'key' | 'value') {
  const name = `${side}.converter`;
  // Keys of a converter belong to where the converter is named: the connector's, or else the worker's.
  const owner = config[name] !== undefined ? config : worker;
  const definition = plugins.converter(owner[name] ?? '');
  const converter = definition.create({ ...withPrefix(owner, `${name}.`), 'converter.type': side }, side === 'key', { clock, logger });
  return { converter, className: definition.className };
}

/** The same for headers. */
export function headerConverterOf({ plugins, worker }: ConverterPorts, config: Readonly<Record<string, string>>) {
  const owner = config['header.converter'] !== undefined ? config : worker;
  const definition: HeaderConverterDefinition = plugins.headerConverter(owner['header.converter'] ?? defaultHeaderConverter);
  return { converter: definition.create({ ...withPrefix(owner, 'header.converter.'), 'converter.type': 'header' }), className: definition.className };
}

/** Lag tools look at the consumer group; it is a copy, so that a failure is only worth a warning. */
async function mirror(
  { kafka, logger }: RuntimePorts,
  group: string,
  overrides: Readonly<Record<string, string>>,
  offsets: ReadonlyMap<string, bigint>,
): Promise<void> {
  try {
    await kafka.admin(overrides).commitGroupOffsets(group, offsets);
  } catch (error) {
    logger.warn('The consumer group could not be brought up to date; stored offsets are not affected', { group, error: String(error) });
  }
}
