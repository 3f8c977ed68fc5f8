import { sinkConnectorConfig } from '../connect/config/framework/sink-connector-config.ts';
import { sourceConnectorConfig } from '../connect/config/framework/source-connector-config.ts';
import { type TopicCreationSettings, topicCreationGroups } from '../connect/config/framework/topic-creation-config.ts';
import { sluiceConfig } from '../connect/config/sluice-config.ts';
import { ConfigException } from '../connect/errors.ts';
import { type DeadLetterSettings, deadLetterSettings } from './dead-letters/dead-letter-settings.ts';
import type { ErrorPolicy } from './errors/retry-with-tolerance-operator.ts';
import { isDelivered } from './is-delivered.ts';

/** What a run needs to know of the framework's own keys, from the connector's config and the worker's properties. */
export interface TaskSettings {
  /** `sluice.trigger=continuous`: a run never ends for want of records. */
  readonly continuous: boolean;
  readonly idleLingerMs: number;
  readonly offsetFlushIntervalMs: number;
  readonly offsetFlushTimeoutMs: number;
  readonly retryBackoffMs: number;
  /** How long Kafka may be out of reach before a run ends and leaves it to the next. */
  readonly unreachableTimeoutMs: number;
  /** When a run leaves off trying, and whether it may. */
  readonly circuit: { readonly openAfterMs: number; readonly timeoutMs: number };
  readonly policy: ErrorPolicy;
  readonly errorsLog: boolean;
  readonly errorsLogIncludeMessages: boolean;
  readonly deadLetters: DeadLetterSettings;
  /** Kafka Connect gives sinks a reporter only with a dead letter queue or error log (KIP-610). */
  readonly errantRecordReporter: boolean;
  readonly topicCreationGroups: readonly TopicCreationSettings[];
  readonly topicTracking: boolean;
}

/** Reads them. Throws ConfigException naming the key. */
export function taskSettings(kind: 'source' | 'sink', config: Readonly<Record<string, string>>, worker: Readonly<Record<string, string>>): TaskSettings {
  const ours = sluiceConfig.parse(config);
  const sink = kind === 'sink' ? sinkConnectorConfig.parse(config) : null;
  const common = sink ?? sourceConnectorConfig.parse(config);
  const deadLetters = deadLetterSettings(kind, config);
  return {
    continuous: ours['sluice.trigger'] === 'continuous',
    // What was delivered is all there is: nothing more comes to this run.
    idleLingerMs: isDelivered({ type: kind, config }, worker) ? 0 : ours['sluice.idle.linger.ms'],
    offsetFlushIntervalMs: workerMs(worker, 'offset.flush.interval.ms', 60_000),
    offsetFlushTimeoutMs: workerMs(worker, 'offset.flush.timeout.ms', 5_000),
    retryBackoffMs: 1_000,
    unreachableTimeoutMs: 30_000,
    circuit: { openAfterMs: ours['sluice.circuit.open.after.ms'], timeoutMs: ours['sluice.circuit.timeout.ms'] },
    policy: {
      retryTimeoutMs: common['errors.retry.timeout'],
      retryDelayMaxMs: common['errors.retry.delay.max.ms'],
      tolerance: common['errors.tolerance'] === 'all' ? 'all' : 'none',
    },
    errorsLog: common['errors.log.enable'],
    errorsLogIncludeMessages: common['errors.log.include.messages'],
    deadLetters,
    errantRecordReporter: kind === 'sink' && (deadLetters.topic !== null || deadLetters.queueUrl !== null || common['errors.log.enable']),
    topicCreationGroups: kind === 'source' && worker['topic.creation.enable'] !== 'false' ? topicCreationGroups(config) : [],
    topicTracking: worker['topic.tracking.enable'] !== 'false',
  };
}

/** What planning needs to know. */
export function connectorSettings(kind: 'source' | 'sink', config: Readonly<Record<string, string>>): { maxTasks: number; enforceMaxTasks: boolean } {
  const parsed = kind === 'sink' ? sinkConnectorConfig.parse(config) : sourceConnectorConfig.parse(config);
  return { maxTasks: parsed['tasks.max'], enforceMaxTasks: parsed['tasks.max.enforce'] };
}

function workerMs(worker: Readonly<Record<string, string>>, name: string, fallback: number): number {
  const value = worker[name];
  if (value === undefined) return fallback;
  if (!/^\d+$/.test(value.trim())) throw ConfigException.forValue(name, value, 'Not a number of type LONG');
  return Number(value);
}
