import { ConnectException, javaClassOf, traceOf } from '../../connect/errors.ts';
import type { ClusterAdmin, ProducerRecord, RecordProducer } from '../../kafka/ports.ts';
import type { Metrics } from '../ports.ts';
import type { ErrorReporter, ProcessingContext } from './processing-context.ts';

/** The `errors.deadletterqueue.*` keys. */
export interface DeadLetterQueueSettings {
  readonly topic: string;
  readonly replicationFactor: number;
  readonly contextHeaders: boolean;
}

/** What Kafka's admin client wraps the broker's error in. */
class ExecutionException extends Error {
  readonly javaClass = 'java.util.concurrent.ExecutionException';
}

/**
 * Produces failed records to the dead letter topic: original bytes and headers, then `__connect.errors.*` headers when
 * they are enabled (KIP-298). `flush` must be awaited before offsets are committed past the record.
 */
export class DeadLetterQueueReporter implements ErrorReporter {
  readonly #settings: DeadLetterQueueSettings;
  readonly #producer: RecordProducer;
  readonly #connector: string;
  readonly #task: number;
  readonly #metrics: Metrics;
  readonly #sent: Promise<void>[] = [];

  private constructor(options: { settings: DeadLetterQueueSettings; producer: RecordProducer; connector: string; task: number; metrics: Metrics }) {
    this.#settings = options.settings;
    this.#producer = options.producer;
    this.#connector = options.connector;
    this.#task = options.task;
    this.#metrics = options.metrics;
  }

  /** Creates the topic with one partition if it is missing. Throws ConnectException when it cannot be had. */
  static async setup(options: {
    settings: DeadLetterQueueSettings;
    producer: RecordProducer;
    admin: ClusterAdmin;
    connector: string;
    task: number;
    metrics: Metrics;
  }): Promise<DeadLetterQueueReporter> {
    const { topic, replicationFactor } = options.settings;
    try {
      const existing = await options.admin.partitionCounts([topic]);
      if (!existing.has(topic)) await options.admin.createTopic({ topic, partitions: 1, replicationFactor });
    } catch (error) {
      const cause = new ExecutionException(`${javaClassOf(error)}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      throw new ConnectException(`Could not initialize dead letter queue with topic=${topic}`, { cause });
    }
    return new DeadLetterQueueReporter(options);
  }

  report(context: ProcessingContext): void {
    const { consumed } = context;
    if (consumed === null) return;
    const headers: { key: string; value: Uint8Array | null }[] = [...consumed.record.headers];
    if (this.#settings.contextHeaders) {
      for (const [key, value] of this.#contextHeaders(context)) headers.push({ key: `__connect.errors.${key}`, value: Buffer.from(value) });
    }
    const record: ProducerRecord = {
      topic: this.#settings.topic,
      partition: null,
      key: consumed.record.key,
      value: consumed.record.value,
      headers,
      timestamp: consumed.record.timestamp < 0 ? null : consumed.record.timestamp,
    };
    const dimensions = { connector: this.#connector, task: this.#task };
    this.#metrics.add('deadletterqueue-produce-requests', 1, dimensions);
    this.#metrics.add('DeadLetters', 1, dimensions);
    this.#sent.push(
      this.#producer.send([record]).then(({ errors }) => {
        const cause = errors.get(0);
        if (cause === undefined) return;
        this.#metrics.add('deadletterqueue-produce-failures', 1, dimensions);
        throw new ConnectException(`Could not produce message to dead letter queue. topic=${this.#settings.topic}`, { cause });
      }),
    );
    // The rejection is told by flush; until then it must not count as unhandled.
    this.#sent.at(-1)?.catch(() => {});
  }

  /** Resolves when all reported records are safe. Throws ConnectException when one is not: then nothing may be committed. */
  async flush(): Promise<void> {
    if (this.#sent.length > 0) await Promise.all(this.#sent.splice(0));
  }

  *#contextHeaders({ stage, className, error, consumed }: ProcessingContext): Iterable<[key: string, value: string]> {
    yield ['topic', consumed?.topic ?? ''];
    yield ['partition', String(consumed?.partition)];
    yield ['offset', String(consumed?.record.offset)];
    yield ['connector.name', this.#connector];
    yield ['task.id', String(this.#task)];
    yield ['stage', stage];
    yield ['class.name', className];
    yield ['exception.class.name', javaClassOf(error)];
    yield ['exception.message', error instanceof Error ? error.message : String(error)];
    yield ['exception.stacktrace', traceOf(error)];
  }
}
