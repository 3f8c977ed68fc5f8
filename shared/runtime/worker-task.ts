import type { Clock } from '../connect/clock.ts';
import type { ConnectorDefinition } from '../connect/connector.ts';
import type { Converter, HeaderConverter } from '../connect/converter.ts';
import type { Logger } from '../connect/logger.ts';
import type { Storage, TaskItem } from '../storage/ports.ts';
import type { DeadLetterQueueReporter } from './errors/dead-letter-queue-reporter.ts';
import type { RetryWithToleranceOperator } from './errors/retry-with-tolerance-operator.ts';
import type { Metrics } from './ports.ts';
import type { RunControl } from './run-control.ts';
import type { TaskSettings } from './task-settings.ts';
import type { TransformationChain } from './transformation-chain.ts';

/** How a run of a task ended by itself. */
export interface WorkerTaskResult {
  /** `idle`: nothing left to do now. `more`: it was stopped with work left, or may have. */
  readonly outcome: 'idle' | 'more';
  readonly records: number;
  /** How long the next run should wait. */
  readonly delayMs: number;
  /** Whether the next run may go on with this instance: its position is what is stored. */
  readonly reusable: boolean;
  /** The external system is out of order: what the task said. The next run waits for it. */
  readonly outage?: unknown;
}

/** A task with everything it needs, kept while its environment is warm. */
export interface WorkerTask {
  /** One run. Throws what makes the task FAILED; FencedException when the lease is lost. */
  run(control: RunControl, item: TaskItem): Promise<WorkerTaskResult>;
  /** Releases everything. The instance cannot be used again. */
  stop(): Promise<void>;
}

/** What source and sink tasks are made of. */
export interface TaskParts {
  readonly definition: ConnectorDefinition;
  /** The task's config, secrets resolved. */
  readonly taskConfig: Readonly<Record<string, string>>;
  readonly settings: TaskSettings;
  readonly keyConverter: Converter;
  readonly valueConverter: Converter;
  readonly headerConverter: HeaderConverter;
  /** Java class names, for error contexts. */
  readonly classes: { readonly keyConverter: string; readonly valueConverter: string; readonly headerConverter: string };
  readonly chain: TransformationChain;
  readonly operator: RetryWithToleranceOperator;
  /** Null without a dead letter queue. */
  readonly deadLetters: DeadLetterQueueReporter | null;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Keeps the consumer group `connect-<name>` in step for lag tools; never throws. */
  mirrorOffsets(offsets: ReadonlyMap<string, bigint>): Promise<void>;
  /** Closes converters, transformations and clients. */
  close(): Promise<void>;
}
