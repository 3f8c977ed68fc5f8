import { parsePartitionKey, partitionKey, type TopicPartition } from '../connect/topic-partition.ts';
import { coordinatorType, type KafkaCluster } from './kafka-cluster.ts';
import { brokerError, errorCode } from './kafka-errors.ts';
import { listOffsets, listOffsetsAt } from './list-offsets.ts';
import type { ClusterAdmin, ClusterDescription, NewTopic, TopicDescription } from './ports.ts';

interface PartitionError {
  readonly partition: number;
  readonly errorCode: number;
}

/** The protocol's number for a topic among the things that have configs. */
const topicResource = 2;

/** Administration over the cluster's shared connections. Calls may run at the same time. */
export class KafkaClusterAdmin implements ClusterAdmin {
  readonly #cluster: KafkaCluster;
  readonly #readCommitted: boolean;

  /** `readCommitted`: end offsets are last stable offsets (`isolation.level`). */
  constructor(cluster: KafkaCluster, readCommitted: boolean) {
    this.#cluster = cluster;
    this.#readCommitted = readCommitted;
  }

  clusterId(): Promise<string> {
    return this.#cluster.clusterId();
  }

  async describeCluster(): Promise<ClusterDescription> {
    const { clusterId, controllerId, brokers } = await this.#cluster.retry('describe the cluster', () => this.#cluster.metadata([]));
    return {
      clusterId: clusterId ?? '',
      controller: controllerId,
      brokers: brokers.map(({ nodeId, host, port }) => ({ id: nodeId, host, port })).sort((a, b) => a.id - b.id),
    };
  }

  async describeTopics(topics: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>> {
    const { topicMetadata } = await this.#cluster.retry('describe topics', () => this.#cluster.metadata(topics));
    const there = topicMetadata.filter(({ topic, topicErrorCode: code }) => {
      if (code === errorCode.unknownTopicOrPartition || code === errorCode.invalidTopic) return false;
      if (code !== errorCode.none && code !== errorCode.leaderNotAvailable) throw brokerError(code, `Topic "${topic}"`);
      return true;
    });
    const configs = await this.#topicConfigs(there.map(({ topic }) => topic));
    return new Map(
      there.map(({ topic, isInternal, partitionMetadata }) => {
        const partitions = partitionMetadata.map(({ partitionId, leader, replicas, isr }) => ({ partition: partitionId, leader, replicas, isr }));
        partitions.sort((a, b) => a.partition - b.partition);
        return [topic, { internal: isInternal, partitions, configs: configs.get(topic) ?? new Map() }];
      }),
    );
  }

  async #topicConfigs(topics: readonly string[]): Promise<ReadonlyMap<string, ReadonlyMap<string, string | null>>> {
    if (topics.length === 0) return new Map();
    // No names: kafkajs asks for all of them.
    const resources = topics.map((name) => ({ type: topicResource, name, configNames: [] }));
    const answer = await this.#cluster.retry('read the configs of topics', async () =>
      (await this.#cluster.any()).request<{
        resources: {
          errorCode: number;
          errorMessage: string | null;
          resourceName: string;
          configEntries: { configName: string; configValue: string | null }[];
        }[];
      }>('DescribeConfigs', { resources, includeSynonyms: false }, false),
    );
    return new Map(
      answer.resources.map(({ errorCode: code, errorMessage, resourceName, configEntries }) => {
        if (code !== errorCode.none) throw brokerError(code, `Could not read the configs of topic "${resourceName}"`, errorMessage);
        return [resourceName, new Map(configEntries.map(({ configName, configValue }) => [configName, configValue]))];
      }),
    );
  }

  async partitionCounts(topics?: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const found = await this.#cluster.retry('ask for topics', () => this.#cluster.refresh(topics));
    const counts = new Map<string, number>();
    for (const { topic, error, leaders } of found) {
      if (error === errorCode.none || error === errorCode.leaderNotAvailable) counts.set(topic, leaders.length);
      else if (topics && error !== errorCode.unknownTopicOrPartition && error !== errorCode.invalidTopic) throw brokerError(error, `Topic "${topic}"`);
    }
    return counts;
  }

  async createTopic({ topic, partitions, replicationFactor, configs }: NewTopic): Promise<boolean> {
    const what = `create topic "${topic}"`;
    return this.#cluster.retry(what, async () => {
      const connection = await this.#cluster.controller();
      const answer = await connection.request<{ topicErrors: { errorCode: number; errorMessage?: string | null }[] }>(
        'CreateTopics',
        {
          topics: [
            {
              topic,
              numPartitions: partitions,
              replicationFactor,
              replicaAssignment: [],
              configEntries: Object.entries(configs ?? {}).map(([name, value]) => ({ name, value })),
            },
          ],
          validateOnly: false,
          timeout: this.#cluster.settings.requestTimeoutMs,
        },
        false,
      );
      const result = answer.topicErrors[0];
      if (!result || result.errorCode === errorCode.none) return true;
      if (result.errorCode === errorCode.topicAlreadyExists) return false;
      throw brokerError(result.errorCode, `Could not ${what}`, result.errorMessage);
    });
  }

  endOffsets(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, bigint>> {
    return listOffsets(this.#cluster, partitions, listOffsetsAt.latest, this.#readCommitted);
  }

  beginningOffsets(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, bigint>> {
    return listOffsets(this.#cluster, partitions, listOffsetsAt.earliest, this.#readCommitted);
  }

  /** Partitions without a record at or after that time have the end offset, from where such a record would be read. */
  async offsetsForTime(partitions: readonly TopicPartition[], timestamp: number): Promise<ReadonlyMap<string, bigint>> {
    const found = await listOffsets(this.#cluster, partitions, timestamp, this.#readCommitted);
    const behind = partitions.filter(({ topic, partition }) => found.get(partitionKey(topic, partition)) === -1n);
    if (behind.length > 0) for (const [key, offset] of await this.endOffsets(behind)) found.set(key, offset);
    return found;
  }

  async groupOffsets(group: string): Promise<ReadonlyMap<string, bigint>> {
    const what = `read the offsets of group "${group}"`;
    return this.#cluster.withCoordinator(coordinatorType.group, group, what, async (connection) => {
      const answer = await connection.request<{
        errorCode: number;
        responses: { topic: string; partitions: (PartitionError & { offset: string })[] }[];
      }>('OffsetFetch', { groupId: group, topics: [] }, false);
      if (answer.errorCode === errorCode.groupIdNotFound) return new Map();
      if (answer.errorCode !== errorCode.none) throw brokerError(answer.errorCode, `Could not ${what}`);
      const offsets = new Map<string, bigint>();
      for (const { topic, partitions } of answer.responses) {
        for (const { partition, offset, errorCode: code } of partitions) {
          if (code !== errorCode.none) throw brokerError(code, `Could not ${what}`);
          if (offset !== '-1') offsets.set(partitionKey(topic, partition), BigInt(offset));
        }
      }
      return offsets;
    });
  }

  async commitGroupOffsets(group: string, offsets: ReadonlyMap<string, bigint>): Promise<void> {
    if (offsets.size === 0) return;
    const byTopic = new Map<string, { partition: number; offset: string; metadata: string }[]>();
    for (const [key, offset] of offsets) {
      const { topic, partition } = parsePartitionKey(key);
      const entry = { partition, offset: offset.toString(), metadata: '' };
      const entries = byTopic.get(topic);
      if (entries) entries.push(entry);
      else byTopic.set(topic, [entry]);
    }
    const topics = [...byTopic].map(([topic, partitions]) => ({ topic, partitions }));
    const what = `commit offsets of group "${group}"`;
    await this.#cluster.withCoordinator(coordinatorType.group, group, what, async (connection) => {
      const answer = await connection.request<{ responses: { topic: string; partitions: PartitionError[] }[] }>(
        'OffsetCommit',
        { groupId: group, groupGenerationId: -1, memberId: '', topics },
        false,
      );
      for (const { topic, partitions } of answer.responses) {
        for (const { partition, errorCode: code } of partitions) {
          if (code !== errorCode.none) throw brokerError(code, `Could not ${what} at ${partitionKey(topic, partition)}`);
        }
      }
    });
  }

  async deleteGroup(group: string): Promise<void> {
    const what = `delete group "${group}"`;
    await this.#cluster.withCoordinator(coordinatorType.group, group, what, async (connection) => {
      const answer = await connection.request<{ results: { errorCode: number }[] }>('DeleteGroups', [group], false);
      const code = answer.results[0]?.errorCode ?? errorCode.none;
      if (code !== errorCode.none && code !== errorCode.groupIdNotFound) throw brokerError(code, `Could not ${what}`);
    });
  }

  async deleteTopics(topics: readonly string[]): Promise<void> {
    if (topics.length === 0) return;
    await this.#cluster.retry(`delete topics ${topics.join(', ')}`, async () => {
      const connection = await this.#cluster.controller();
      const answer = await connection.request<{ topicErrors: { topic: string; errorCode: number }[] }>(
        'DeleteTopics',
        { topics, timeout: this.#cluster.settings.requestTimeoutMs },
        false,
      );
      for (const { topic, errorCode: code } of answer.topicErrors) {
        if (code !== errorCode.none && code !== errorCode.unknownTopicOrPartition) throw brokerError(code, `Could not delete topic "${topic}"`);
      }
    });
  }

  async deleteRecords(before: ReadonlyMap<string, bigint>): Promise<ReadonlyMap<string, bigint>> {
    const begins = new Map<string, bigint>();
    let left = [...before].map(([key, offset]) => ({ ...parsePartitionKey(key), key, offset }));
    await this.#cluster.retry('delete records', async () => {
      await this.#cluster.refresh([...new Set(left.map(({ topic }) => topic))]);
      const byLeader = Map.groupBy(left, ({ topic, partition, key }) => {
        const leader = this.#cluster.leader(topic, partition);
        if (leader !== undefined) return leader;
        const exists = this.#cluster.topic(topic)?.leaders[partition] !== undefined;
        throw brokerError(exists ? errorCode.leaderNotAvailable : errorCode.unknownTopicOrPartition, `Could not delete records of ${key}`);
      });
      for (const [leader, group] of byLeader) {
        const topics = [...Map.groupBy(group, ({ topic }) => topic)].map(([topic, parts]) => ({
          topic,
          partitions: parts.map(({ partition, offset }) => ({ partition, offset: offset.toString() })),
        }));
        const connection = await this.#cluster.node(leader);
        const answer = await connection.request<{ topics: { topic: string; partitions: (PartitionError & { lowWatermark: string })[] }[] }>(
          'DeleteRecords',
          { topics, timeout: this.#cluster.settings.requestTimeoutMs },
          false,
        );
        for (const { topic, partitions } of answer.topics) {
          for (const { partition, lowWatermark, errorCode: code } of partitions) {
            const key = partitionKey(topic, partition);
            if (code !== errorCode.none) throw brokerError(code, `Could not delete records of ${key}`);
            begins.set(key, BigInt(lowWatermark));
          }
        }
        left = left.filter(({ key }) => !begins.has(key));
      }
    });
    return begins;
  }

  // The connections belong to the cluster, which other clients use too.
  async close(): Promise<void> {}
}
