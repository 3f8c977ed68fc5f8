import { ConfigException } from '../../connect/errors.ts';
import type { ClusterAdmin, PartitionReader } from '../../kafka/ports.ts';
import type { ConnectorSpec } from '../../storage/ports.ts';
import { clientOverrides } from '../client-overrides.ts';
import { ConfigTransformer, resolveWorker } from '../config-transformer.ts';
import type { RuntimePorts } from '../ports.ts';
import { ResolvedSecrets } from '../resolved-secrets.ts';
import type { DeadLetter } from './dead-letter.ts';
import { servicesOf } from './dead-letter-reporter.ts';
import { type DeadLetterSettings, deadLetterSettings } from './dead-letter-settings.ts';
import { redeem } from './large-letters.ts';
import type { LetterQueue } from './ports.ts';

export type QueueKind = 'topic' | 'sqs';

/** What the letters of a connector are reached through. */
export type LetterPorts = Pick<RuntimePorts, 'kafka' | 'plugins' | 'worker' | 'deadLetters'>;

/** The dead letter queues of a connector, with its secrets resolved and the clients that it uses itself. */
export class ConnectorLetters {
  readonly connector: string;
  readonly settings: DeadLetterSettings;
  readonly secrets: ResolvedSecrets;
  readonly #ports: LetterPorts;
  readonly #config: Readonly<Record<string, string>>;
  readonly #worker: Readonly<Record<string, string>>;

  private constructor(
    ports: LetterPorts,
    spec: ConnectorSpec,
    config: Readonly<Record<string, string>>,
    worker: LetterPorts['worker'],
    secrets: ResolvedSecrets,
  ) {
    this.connector = spec.name;
    this.settings = deadLetterSettings(spec.type, config);
    this.secrets = secrets;
    this.#ports = ports;
    this.#config = config;
    this.#worker = worker;
  }

  /** Rejects with ConfigException, or what a config provider says. */
  static async open(ports: LetterPorts, spec: ConnectorSpec): Promise<ConnectorLetters> {
    const secrets = new ResolvedSecrets();
    const transformer = new ConfigTransformer(ports.worker, ports.plugins, 'connector', secrets);
    try {
      const [{ config: worker }, { config }] = await Promise.all([resolveWorker(ports.worker, ports.plugins, secrets), transformer.transform(spec.config)]);
      return new ConnectorLetters(ports, spec, config, worker, secrets);
    } catch (error) {
      throw secrets.hideIn(error);
    } finally {
      await transformer.close();
    }
  }

  /** The queue that is meant: the one asked for, or else the topic, or else the SQS queue. Throws ConfigException when there is none. */
  kind(asked: QueueKind | null): QueueKind {
    const { topic, queueUrl } = this.settings;
    if (asked === 'topic' && topic === null) throw new ConfigException(`Connector ${this.connector} has no dead letter topic`);
    if (asked === 'sqs' && queueUrl === null) throw new ConfigException(`Connector ${this.connector} has no dead letter queue in SQS`);
    if (topic === null && queueUrl === null)
      throw new ConfigException(
        `Connector ${this.connector} has no dead letter queue: a sink names one in errors.deadletterqueue.topic.name, a source in sluice.errors.deadletterqueue.topic.name, both in sluice.errors.deadletterqueue.sqs.queue.url`,
      );
    return asked ?? (topic !== null ? 'topic' : 'sqs');
  }

  get topic(): string {
    if (this.settings.topic === null) throw new ConfigException(`Connector ${this.connector} has no dead letter topic`);
    return this.settings.topic.topic;
  }

  admin(): ClusterAdmin {
    return this.#ports.kafka.admin(clientOverrides('admin', this.#worker, this.#config));
  }

  reader(maxPollRecords: number): PartitionReader {
    const options = { clientId: `connector-dlq-consumer-${this.connector}`, maxPollRecords };
    return this.#ports.kafka.reader(options, clientOverrides('consumer', this.#worker, this.#config));
  }

  queue(): LetterQueue {
    const { queueUrl } = this.settings;
    if (queueUrl === null) throw new ConfigException(`Connector ${this.connector} has no dead letter queue in SQS`);
    return servicesOf(this.#ports).queue(queueUrl);
  }

  /** The whole of a letter that is in S3. Rejects when it is gone. */
  whole(letter: DeadLetter): Promise<DeadLetter> {
    return redeem(letter, (bucket) => servicesOf(this.#ports).bucket(bucket));
  }

  /** The one topic that a sink reads, for letters without context. Null where it cannot be told. */
  get onlyTopic(): string | null {
    const topics = (this.#config['topics'] ?? '').split(',').flatMap((each) => (each.trim() === '' ? [] : [each.trim()]));
    return topics.length === 1 ? (topics[0] as string) : null;
  }
}
