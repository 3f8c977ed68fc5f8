import type { Clock } from '../../connect/clock.ts';
import { ConfigException, ConnectException, RetriableException } from '../../connect/errors.ts';
import type { Logger } from '../../connect/logger.ts';
import { partitionKey } from '../../connect/topic-partition.ts';
import type { ClusterAdmin, KafkaClients } from '../../kafka/ports.ts';
import type { TransactionalProducers } from '../../storage/ports.ts';
import { clientOverrides } from '../client-overrides.ts';
import { StoredOffsets } from './stored-offsets.ts';

/** What clients of a source connector are made of; secrets in the configs need be resolved only for what is no connection's. */
export interface ConnectorClients {
  readonly kafka: KafkaClients;
  readonly connector: string;
  readonly worker: Readonly<Record<string, string>>;
  readonly config: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A topic and the servers of its cluster. */
export type OffsetsTopicPlace = NonNullable<TransactionalProducers['offsetsTopic']>;

const defaultTopic = 'connect-offsets';
/** How long the end of the topic is waited for: it cannot be read past a transaction that is open, which another task may have left there. */
const readTimeoutMs = 30_000;
const pollMs = 250;

/** Where offsets of an exactly-once source are: the connector's own topic, or the worker's. */
export function offsetsTopicOf({ worker, config }: Pick<ConnectorClients, 'worker' | 'config'>): OffsetsTopicPlace {
  const topic = config['offsets.storage.topic']?.trim() || worker['offset.storage.topic']?.trim() || defaultTopic;
  const servers = clientOverrides('producer', worker, config)['bootstrap.servers'] ?? worker['bootstrap.servers'] ?? '';
  return { topic, servers };
}

export function samePlace(one: OffsetsTopicPlace | null, other: OffsetsTopicPlace): boolean {
  return one !== null && one.topic === other.topic && one.servers === other.servers;
}

/** The topic of source offsets, as Kafka Connect keeps one (`KafkaOffsetBackingStore`). */
export class OffsetsTopic {
  readonly topic: string;
  readonly #clients: ConnectorClients;

  constructor(clients: ConnectorClients, topic: string) {
    this.#clients = clients;
    this.topic = topic;
  }

  /** Creates it, compacted, where it is missing. Throws ConfigException when it is there and not compacted, ConnectException when it cannot be had. */
  async ensure(): Promise<void> {
    const { worker, config, logger } = this.#clients;
    const admin = this.#admin();
    const [found] = (await admin.describeTopics([this.topic])).values();
    if (found === undefined) {
      const partitions = numberOf(worker, 'offset.storage.partitions', 25);
      const replicationFactor = numberOf(worker, 'offset.storage.replication.factor', -1);
      try {
        const created = await admin.createTopic({ topic: this.topic, partitions, replicationFactor, configs: { 'cleanup.policy': 'compact' } });
        if (created) logger.info(`Created the offsets topic '${this.topic}'`, { partitions });
      } catch (cause) {
        throw new ConnectException(`Error while attempting to create/find topic '${this.topic}'`, { cause });
      }
      return;
    }
    const policy = found.configs.get('cleanup.policy');
    if (policy === undefined || policy === null || policy === 'compact') return;
    const key = config['offsets.storage.topic'] ? 'offsets.storage.topic' : 'offset.storage.topic';
    throw new ConfigException(
      `Topic '${this.topic}' supplied via the '${key}' property is required to have 'cleanup.policy=compact' to guarantee consistency and durability of source connector offsets, but found the topic currently has 'cleanup.policy=${policy}'. Continuing would likely result in eventually losing source connector offsets and problems restarting this Connect cluster in the future. Change the '${key}' property to use a topic with 'cleanup.policy=compact'.`,
    );
  }

  /**
   * What transactions have committed of this connector's offsets up to the end of now. Nothing when there is no such
   * topic. Throws RetriableException when the end cannot be reached in time.
   */
  async read(): Promise<StoredOffsets> {
    const { kafka, connector, worker, config, clock } = this.#clients;
    const stored = new StoredOffsets(connector);
    const admin = this.#admin();
    const count = (await admin.partitionCounts([this.topic])).get(this.topic) ?? 0;
    const partitions = Array.from({ length: count }, (_, partition) => ({ topic: this.topic, partition }));
    // The high watermarks: what is behind an open transaction may be ours as well.
    const [ends, beginnings] = await Promise.all([admin.endOffsets(partitions), admin.beginningOffsets(partitions)]);
    const left = new Map([...ends].filter(([key, end]) => end > (beginnings.get(key) ?? 0n)));
    if (left.size === 0) return stored;
    const overrides = { ...clientOverrides('consumer', worker, config), 'isolation.level': 'read_committed' };
    const reader = kafka.reader(
      { clientId: `connector-consumer-${connector}`, isolationLevel: 'read_committed', offsetReset: 'earliest', maxPollRecords: 10_000 },
      overrides,
    );
    try {
      reader.assign(
        partitions.flatMap((each) => {
          const key = partitionKey(each.topic, each.partition);
          return left.has(key) ? [{ ...each, offset: beginnings.get(key) ?? null }] : [];
        }),
      );
      const deadline = clock.now() + readTimeoutMs;
      while (left.size > 0) {
        for (const { topic, partition, records, nextOffset } of await reader.poll(pollMs)) {
          for (const record of records) stored.read(record);
          const key = partitionKey(topic, partition);
          if (nextOffset >= (left.get(key) ?? 0n)) left.delete(key);
        }
        if (left.size > 0 && clock.now() > deadline)
          throw new RetriableException(
            `The end of the offsets topic '${this.topic}' was not reached within ${readTimeoutMs} ms: a transaction may be open in ${[...left.keys()].join(', ')}`,
          );
      }
    } finally {
      await reader.close();
    }
    return stored;
  }

  /** With the high watermarks as ends, whatever the user's isolation level. */
  #admin(): ClusterAdmin {
    const { kafka, worker, config } = this.#clients;
    return kafka.admin({ ...clientOverrides('admin', worker, config), 'isolation.level': 'read_uncommitted' });
  }
}

function numberOf(worker: Readonly<Record<string, string>>, name: string, fallback: number): number {
  const value = worker[name];
  if (value === undefined) return fallback;
  if (!/^-?\d+$/.test(value.trim())) throw ConfigException.forValue(name, value, 'Not a number of type INT');
  return Number(value);
}
