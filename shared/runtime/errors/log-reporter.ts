import { javaClassOf } from '../../connect/errors.ts';
import type { Logger } from '../../connect/logger.ts';
import type { Metrics } from '../ports.ts';
import type { ErrorReporter, ProcessingContext } from './processing-context.ts';

/** Writes failed records to the log: `errors.log.enable`; their coordinates only with `errors.log.include.messages`, contents never. */
export class LogReporter implements ErrorReporter {
  readonly #logger: Logger;
  readonly #connector: string;
  readonly #task: number;
  readonly #includeMessages: boolean;
  readonly #metrics: Metrics;

  constructor(options: { logger: Logger; connector: string; task: number; includeMessages: boolean; metrics: Metrics }) {
    this.#logger = options.logger;
    this.#connector = options.connector;
    this.#task = options.task;
    this.#includeMessages = options.includeMessages;
    this.#metrics = options.metrics;
  }

  report({ stage, className, error, consumed, source }: ProcessingContext): void {
    const record = !this.#includeMessages
      ? {}
      : consumed !== null
        ? { topic: consumed.topic, partition: consumed.partition, offset: consumed.record.offset.toString(), timestamp: consumed.record.timestamp }
        : { source };
    this.#logger.error(`Error encountered in task ${this.#connector}-${this.#task}. Executing stage '${stage}' with class '${className}'`, {
      stage,
      class: className,
      exception: javaClassOf(error),
      message: error instanceof Error ? error.message : String(error),
      ...record,
    });
    this.#metrics.add('total-errors-logged', 1, { connector: this.#connector, task: this.#task });
  }
}
