import type { SourceRecord } from '../../connect/data/record.ts';
import type { ConsumerRecord, ProducerRecord } from '../../kafka/ports.ts';

/** The stages of a record's way through a task, as Kafka Connect names them in dead letter headers and logs. */
export type Stage = 'TASK_POLL' | 'TASK_PUT' | 'TRANSFORMATION' | 'KEY_CONVERTER' | 'VALUE_CONVERTER' | 'HEADER_CONVERTER' | 'KAFKA_PRODUCE' | 'KAFKA_CONSUME';

/** What is known about a failed operation. */
export interface ProcessingContext {
  readonly stage: Stage;
  /** The Java class name of the plugin that was at work. */
  readonly className: string;
  readonly error: unknown;
  /** The record as it was consumed, for sinks. */
  readonly consumed: { readonly topic: string; readonly partition: number; readonly record: ConsumerRecord } | null;
  /** Where the source's record is from, for logs; and the record itself, with its bytes when it got so far, for dead letter queues. */
  readonly source: {
    readonly topic: string;
    readonly partition: unknown;
    readonly offset: unknown;
    readonly record?: SourceRecord;
    readonly produced?: ProducerRecord;
  } | null;
}

/** Told of each failed record, before tolerance is asked (KIP-298): the log, the dead letter queue. */
export interface ErrorReporter {
  report(context: ProcessingContext): Promise<void> | void;
  /** Resolves when what was reported is safe; rejects when it is not. */
  flush?(): Promise<void>;
}
