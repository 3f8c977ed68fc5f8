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
    const where = this.#includeMessages ? placeOf(consumed, source) : '';
    this.#logger.error(`Error encountered in task ${this.#connector}-${this.#task}. Executing stage '${stage}' with class '${className}'${where}.`, {
      stage,
      class: className,
      exception: javaClassOf(error),
      message: error instanceof Error ? error.message : String(error),
      ...record,
    });
    this.#metrics.add('total-errors-logged', 1, { connector: this.#connector, task: this.#task });
  }
}

/** The part of Kafka Connect's sentence about the record: of a source, too, only where it is from. */
function placeOf(consumed: ProcessingContext['consumed'], source: ProcessingContext['source']): string {
  if (consumed !== null) {
    const { topic, partition, record } = consumed;
    const time = record.timestampType === 'NoTimestampType' ? '' : `, timestamp=${record.timestamp}, timestampType=${record.timestampType}`;
    return `, where consumed record is {topic='${topic}', partition=${partition}, offset=${record.offset}${time}}`;
  }
  if (source === null) return '';
  const [from, at] = [source.partition, source.offset].map((each) => JSON.stringify(each, (_, value) => (typeof value === 'bigint' ? String(value) : value)));
  return `, where source record is = SourceRecord{sourcePartition=${from}, sourceOffset=${at}} ConnectRecord{topic='${source.topic}'}`;
}
