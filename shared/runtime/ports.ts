import type { Clock } from '../connect/clock.ts';
import type { Logger } from '../connect/logger.ts';
import type { Plugins } from '../connect/plugins.ts';
import type { KafkaClients } from '../kafka/ports.ts';
import type { FailureReport, Storage } from '../storage/ports.ts';
import type { DeadLetterServices } from './dead-letters/ports.ts';
import type { Dimensions, Measure } from './measures.ts';
import type { TaskInvoker } from './task-run.ts';

/** Numbers about what happens. To be told of batches, commits and failures, never of each record. */
export interface Metrics {
  add(measure: Measure, value: number, dimensions: Dimensions): void;
}

/** Where failures are told to people: an SQS queue or a Kafka topic. Resolves when the queue has it. */
export interface FailureQueue {
  send(report: FailureReport): Promise<void>;
}

/** Everything that the runtime and the controller reach the world through. */
export interface RuntimePorts {
  readonly storage: Storage;
  readonly kafka: KafkaClients;
  readonly plugins: Plugins;
  readonly invoker: TaskInvoker;
  readonly failures: FailureQueue;
  /** SQS and S3 for dead letters; absent where there is neither. */
  readonly deadLetters?: DeadLetterServices;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** The worker's properties: default converters, `offset.flush.interval.ms`, `config.providers`, … */
  readonly worker: Readonly<Record<string, string>>;
  /** Names this execution environment in statuses. */
  readonly workerId: string;
}
