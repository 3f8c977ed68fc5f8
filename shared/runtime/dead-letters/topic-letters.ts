import { ConnectException, javaClassOf } from '../../connect/errors.ts';
import type { ClusterAdmin, RecordProducer } from '../../kafka/ports.ts';
import type { DeadLetter } from './dead-letter.ts';
import type { DeadLetterTopicSettings } from './dead-letter-settings.ts';
import type { LargeLetters } from './large-letters.ts';
import { letterRecord } from './letter-record.ts';

/** One place that dead letters go to. */
export interface LetterBox {
  /** Resolves when the letter is safe there. Rejects with ConnectException. */
  deliver(letter: DeadLetter): Promise<void>;
}

/** What Kafka's admin client wraps the broker's error in. */
class ExecutionException extends Error {
  readonly javaClass = 'java.util.concurrent.ExecutionException';
}

/** How many bytes of a record stay that is too large for the topic. */
const bytesWhenTooLarge = 65_536;

/** The dead letter topic of a connector (KIP-298). */
export class TopicLetters implements LetterBox {
  readonly #settings: DeadLetterTopicSettings;
  readonly #producer: RecordProducer;
  readonly #large: LargeLetters;

  private constructor(settings: DeadLetterTopicSettings, producer: RecordProducer, large: LargeLetters) {
    this.#settings = settings;
    this.#producer = producer;
    this.#large = large;
  }

  /** Creates the topic with one partition if it is missing. Throws ConnectException when it cannot be had. */
  static async setup(options: {
    settings: DeadLetterTopicSettings;
    producer: RecordProducer;
    admin: ClusterAdmin;
    large: LargeLetters;
  }): Promise<TopicLetters> {
    const { topic, replicationFactor } = options.settings;
    try {
      const existing = await options.admin.partitionCounts([topic]);
      if (!existing.has(topic)) await options.admin.createTopic({ topic, partitions: 1, replicationFactor });
    } catch (error) {
      const cause = new ExecutionException(`${javaClassOf(error)}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      throw new ConnectException(`Could not initialize dead letter queue with topic=${topic}`, { cause });
    }
    return new TopicLetters(options.settings, options.producer, options.large);
  }

  async deliver(letter: DeadLetter): Promise<void> {
    let failed = await this.#send(letter);
    if (failed !== undefined && isTooLarge(failed)) failed = await this.#send(await this.#large.reduce(letter, bytesWhenTooLarge));
    if (failed !== undefined) throw new ConnectException(`Could not produce message to dead letter queue. topic=${this.#settings.topic}`, { cause: failed });
  }

  async #send(letter: DeadLetter): Promise<Error | undefined> {
    const { errors } = await this.#producer.send([letterRecord(letter, this.#settings)]);
    return errors.get(0);
  }
}

/** True for what a broker or producer says of a record that it will never take because of its size. */
function isTooLarge(error: unknown): boolean {
  return javaClassOf(error) === 'org.apache.kafka.common.errors.RecordTooLargeException';
}
