import { topicCreationGroups } from '../connect/config/framework/topic-creation-config.ts';
import { taskClassOf } from '../connect/connector.ts';
import { ConnectException, isRetriable, javaClassOf, traceOf } from '../connect/errors.ts';
import { partitionKey, type TopicPartition } from '../connect/topic-partition.ts';
import type { ClusterAdmin } from '../kafka/ports.ts';
import type { ConnectorSpec, FailureReport, PlannedTask, TaskItem } from '../storage/ports.ts';
import { clientOverrides } from './client-overrides.ts';
import { ConfigTransformer, resolveWorker } from './config-transformer.ts';
import { prepareGeneration } from './exactly-once/handover.ts';
import { isDelivered } from './is-delivered.ts';
import { assignPartitions, sinkGroup, subscriptionOf } from './partition-assignor.ts';
import type { RuntimePorts } from './ports.ts';
import { postponed } from './postponed.ts';
import { ResolvedSecrets } from './resolved-secrets.ts';
import { automaticRestart, restartNotice } from './restart-policy.ts';
import type { RunOutcome, RunRequest } from './task-run.ts';
import { connectorSettings } from './task-settings.ts';
import type { Invocation } from './worker.ts';

/** A task that was just started is left alone by the controller for this time. */
const startGraceMs = 5_000;
/** When Kafka or a config provider cannot be reached, planning is tried again after this time. */
const retryMs = 5_000;

/** How a connector run ended, and the tasks that it planned and that are to be started now. */
export interface ConnectorRunResult extends RunOutcome {
  readonly start: readonly TaskItem[];
}

/**
 * One run of a connector itself (Kafka Connect's `WorkerConnector` and the herder's `reconfigureConnector`): asks the
 * connector for its task configs, divides partitions among sink tasks, and stores both as the plan of this generation.
 * A connector that fails here is FAILED, with its trace in the status.
 */
export async function runConnector(ports: RuntimePorts, request: RunRequest & { kind: 'connector' }, invocation: Invocation): Promise<ConnectorRunResult> {
  const { storage, clock, logger, worker, workerId } = ports;
  const spec = await storage.connectors.get(request.connector);
  const skipped = { outcome: 'skipped', records: 0, start: [] } as const;
  if (spec === null || spec.generation !== request.generation || spec.targetState === 'STOPPED') return skipped;
  // The request came twice. What may change for a sink, its partitions, each look of the controller compares.
  if (spec.type === 'sink' && spec.plannedGeneration >= spec.generation) return skipped;
  let plan: Awaited<ReturnType<typeof planTasks>>;
  try {
    plan = await planTasks(ports, spec, invocation);
  } catch (error) {
    if (isRetriable(error)) {
      logger.warn('Task configs cannot be made now; trying again', { connector: spec.name, error: String(error) });
      const now = clock.now();
      await storage.control.deferSpec(spec, now + retryMs, postponed(error, now));
      return { outcome: 'idle', records: 0, start: [] };
    }
    await failConnector(ports, spec, invocation.id, error);
    return { outcome: 'failed', records: 0, start: [] };
  }
  const { tasks, assignedTopics, monitorMs } = plan;
  if (spec.plannedGeneration >= spec.generation) return { ...(await monitor(ports, spec, tasks, monitorMs, request.revision)), start: [] };
  const now = clock.now();
  const started = spec.targetState === 'STARTED';
  const items = await storage.control.plan(spec, tasks, {
    assignedTopics,
    specDueAt: !started ? null : spec.type === 'sink' ? 0 : monitorMs === null ? null : now + monitorMs,
    taskDueAt: started ? now + startGraceMs : null,
    workerId,
  });
  if (items === null) return skipped;
  return { outcome: 'planned', records: 0, start: started && !isDelivered(spec, worker) ? items : [] };
}

/** A connector that runs was asked again for its task configs: another answer begins a new generation. */
async function monitor(
  { storage, clock }: RuntimePorts,
  spec: ConnectorSpec,
  tasks: readonly PlannedTask[],
  monitorMs: number | null,
  revision: number | undefined,
): Promise<RunOutcome> {
  const snapshot = await storage.connectors.snapshot(spec.name);
  const text = (configs: readonly { config: Readonly<Record<string, string>> }[]) => JSON.stringify(configs.map(({ config }) => Object.entries(config).sort()));
  if (snapshot !== null && snapshot.spec.generation === spec.generation) {
    // It was FAILED and is asked again by itself: from here on it goes on as one that its user restarted.
    if (snapshot.status?.state === 'FAILED') await storage.connectors.restartConnector(spec.name);
    else if (text(tasks) !== text([...snapshot.tasks].sort((a, b) => a.task - b.task))) await storage.control.replan(snapshot.spec);
    // A spec of another revision is due for what its user changed since this run was asked for: the controller sees to that first, and asks again.
    else if (snapshot.spec.revision === revision) await storage.control.deferSpec(snapshot.spec, monitorMs === null ? null : clock.now() + monitorMs);
  }
  return { outcome: 'planned', records: 0 };
}

async function planTasks(given: RuntimePorts, spec: ConnectorSpec, invocation: Invocation) {
  const { plugins, clock, worker } = given;
  const secrets = new ResolvedSecrets();
  const logger = secrets.logger(given.logger);
  const transformer = new ConfigTransformer(worker, plugins, 'connector', secrets);
  try {
    const { config } = await transformer.transform(spec.config);
    const ports = { ...given, logger, worker: (await resolveWorker(worker, plugins, secrets)).config };
    const definition = plugins.connector(config['connector.class'] ?? '');
    const settings = connectorSettings(definition.kind, config);
    // What tasks could not begin with fails the connector, which is asked first.
    if (definition.kind === 'source') topicCreationGroups(config);
    const parsed = definition.config.parse(config);
    const { maxTasks } = settings;
    const made = await definition.taskConfigs({ name: spec.name, config: parsed, rawConfig: config, maxTasks, clock, logger, signal: invocation.shutdown });
    if (made.length > maxTasks && settings.enforceMaxTasks) {
      throw new ConnectException(
        `The connector ${spec.name} has generated ${made.length} tasks, which is greater than ${maxTasks}, the maximum number of tasks it is configured to create. `,
      );
    }
    const configs = made.map((each) => transformer.reverse(spec.config, config, { ...each, 'task.class': taskClassOf(definition) }));
    if (spec.plannedGeneration < spec.generation) await prepareGeneration(ports.storage, { ...ports, connector: spec.name, config }, spec, configs.length);
    if (definition.kind === 'source')
      return {
        tasks: configs.map((each): PlannedTask => ({ config: each, partitions: [] })),
        assignedTopics: null,
        monitorMs: definition.monitorIntervalMs?.(parsed) ?? null,
      };
    return { ...(await assignSink(ports, spec, config, configs)), monitorMs: null };
  } catch (error) {
    throw secrets.hideIn(error);
  } finally {
    await transformer.close();
  }
}

async function assignSink(ports: RuntimePorts, spec: ConnectorSpec, config: Readonly<Record<string, string>>, configs: readonly Record<string, string>[]) {
  // As the consumer: its user may be the only one who sees the topics and the group.
  const admin = ports.kafka.admin(clientOverrides('consumer', ports.worker, config));
  const subscription = subscriptionOf(config);
  const assignedTopics = subscription.select(await admin.partitionCounts(subscription.topics ?? undefined));
  const assignment = assignPartitions(assignedTopics, configs.length);
  await adoptGroupOffsets(ports, admin, spec.name, sinkGroup(spec.name, config), assignment.flat());
  return { tasks: configs.map((each, task): PlannedTask => ({ config: each, partitions: assignment[task] ?? [] })), assignedTopics };
}

/**
 * Where this table knows no offset of a connector, the consumer group's hold: one that moves here from a Connect cluster goes on where it
 * was. Of one that is known here only some may be missing because they were removed: the group is but their mirror, which may be late.
 */
async function adoptGroupOffsets(
  { storage }: RuntimePorts,
  admin: ClusterAdmin,
  connector: string,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<void> {
  const known = await storage.offsets.sinkOffsets(connector);
  if (known.size > 0) return;
  const keys = partitions.map(({ topic, partition }) => partitionKey(topic, partition));
  const committed = await admin.groupOffsets(group);
  const adopted = new Map(keys.flatMap((key) => (committed.has(key) ? [[key, committed.get(key) as bigint] as const] : [])));
  if (adopted.size > 0) await storage.offsets.alterSinkOffsets(connector, adopted);
}

/** Marks a connector FAILED and tells the failure queue. */
export async function failConnector(ports: RuntimePorts, spec: ConnectorSpec, run: string | null, error: unknown): Promise<void> {
  const { storage, clock, logger, failures, metrics, workerId } = ports;
  const restart = automaticRestart(spec.config, spec.failedPlans, clock.now());
  const failure: FailureReport = {
    connector: spec.name,
    task: null,
    generation: spec.generation,
    run,
    epoch: null,
    kind: 'connector-failed',
    error: `${javaClassOf(error)}: ${error instanceof Error ? error.message : String(error)}`,
    trace: traceOf(error),
    at: clock.now(),
    action: `${restart === null ? '' : restartNotice(restart)}Read the trace, mend what it names, then PUT the config again or POST /connectors/${encodeURIComponent(spec.name)}/restart`,
  };
  logger.error(`Connector ${spec.name} failed`, { connector: spec.name, error: failure.error });
  metrics.add('TaskFailures', 1, { connector: spec.name });
  // Told first: a message twice is better than none.
  await failures.send(failure);
  await storage.control.failConnector(spec, failure, workerId, restart?.at ?? null);
}
