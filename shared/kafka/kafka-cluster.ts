import { ConnectException, isRetriable, RetriableException } from '../connect/errors.ts';
import type { Logger } from '../connect/logger.ts';
import { BrokerConnection, type ConnectionSettings } from './broker-connection.ts';
import { brokerError, ConnectionLostException, errorCode, isRetriableCode, mayPass } from './kafka-errors.ts';
import { type ApiVersions, apiKeys, createEncoder, negotiate, type ProtocolRequest, requests } from './kafkajs-internals.ts';

/** What is known of a topic. `leaders[p]` is the node that leads partition p, -1 when there is none now. */
export interface TopicMetadata {
  readonly topic: string;
  /** The protocol's error code; 0 when the topic is there. */
  readonly error: number;
  readonly leaders: readonly number[];
  readonly internal: boolean;
  /** When it was asked for, milliseconds. */
  readonly at: number;
}

/** What a broker answers to a Metadata request, as kafkajs decodes it. */
export interface MetadataAnswer {
  readonly brokers: readonly { nodeId: number; host: string; port: number }[];
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly topicMetadata: readonly {
    topicErrorCode: number;
    topic: string;
    isInternal: boolean;
    partitionMetadata: readonly { partitionErrorCode: number; partitionId: number; leader: number; replicas: number[]; isr: number[] }[];
  }[];
}

export const coordinatorType = { group: 0, transaction: 1 } as const;

/**
 * A cluster as one environment knows it: its brokers, its metadata, one shared connection to each broker for short
 * requests, and dedicated ones for those who fetch or produce. Its retries are bounded by `retryTimeoutMs`.
 */
export class KafkaCluster {
  readonly settings: ConnectionSettings;
  readonly #logger: Logger;
  readonly #versions = new Map<string, ApiVersions>();
  readonly #shared = new Map<string, BrokerConnection>();
  readonly #dedicated = new Set<BrokerConnection>();
  readonly #nodes = new Map<number, { host: string; port: number }>();
  readonly #topics = new Map<string, TopicMetadata>();
  readonly #coordinators = new Map<string, { host: string; port: number }>();
  #clusterId: string | undefined;
  #controller = -1;
  #bootstrap = 0;
  #closed = false;

  constructor(settings: ConnectionSettings, logger: Logger) {
    this.settings = settings;
    this.#logger = logger;
  }

  /** The last known metadata of a topic; undefined before the first `refresh` that named it. */
  topic(name: string): TopicMetadata | undefined {
    return this.#topics.get(name);
  }

  /** The node that leads a partition; undefined when that is not known, or there is none now. */
  leader(topic: string, partition: number): number | undefined {
    const node = this.#topics.get(topic)?.leaders[partition];
    return node === undefined || node < 0 ? undefined : node;
  }

  /** Asks for metadata of these topics, all of the cluster when undefined, once, of any broker that answers. */
  async refresh(topics: readonly string[] | undefined, createMissing = false): Promise<readonly TopicMetadata[]> {
    const { topicMetadata } = await this.metadata(topics, createMissing);
    const at = Date.now();
    return topicMetadata.map((found) => {
      const leaders: number[] = [];
      for (const { partitionId, leader } of found.partitionMetadata) leaders[partitionId] = leader;
      for (let partition = 0; partition < leaders.length; partition++) leaders[partition] ??= -1;
      const metadata = { topic: found.topic, error: found.topicErrorCode, leaders, internal: found.isInternal, at };
      this.#topics.set(found.topic, metadata);
      return metadata;
    });
  }

  /** Asks any broker once, and learns the brokers' addresses. */
  async metadata(topics: readonly string[] | undefined, createMissing = false): Promise<MetadataAnswer> {
    const connection = await this.any();
    const definition = requests.Metadata as (typeof requests)[string];
    const protocol = negotiate(connection.versions, apiKeys.Metadata as number, definition)({ topics: topics ?? [], allowAutoTopicCreation: createMissing });
    const answer = (await connection.send({
      ...(protocol as ProtocolRequest<MetadataAnswer>),
      request: {
        ...protocol.request,
        // kafkajs cannot say "no topics": an empty list means all to it.
        encode: async () => {
          const encoder = createEncoder();
          encoder.writeInt32(topics ? topics.length : -1);
          for (const topic of topics ?? []) encoder.writeString(topic);
          return encoder.writeBoolean(createMissing);
        },
      },
      response: { decode: protocol.response.decode as (payload: Buffer) => Promise<MetadataAnswer>, parse: async (decoded) => decoded },
    })) as MetadataAnswer;
    this.#clusterId = answer.clusterId ?? undefined;
    this.#controller = answer.controllerId;
    for (const { nodeId, host, port } of answer.brokers) this.#nodes.set(nodeId, { host, port });
    return answer;
  }

  /** The cluster's id. */
  async clusterId(): Promise<string> {
    if (!this.#clusterId) await this.retry('ask for the cluster id', () => this.refresh([]));
    return this.#clusterId ?? '';
  }

  /** A connection to any broker, for requests that every broker answers. */
  async any(): Promise<BrokerConnection> {
    for (const connection of this.#shared.values()) if (connection.usable) return connection.connect().then(() => connection);
    let last: unknown;
    const candidates = [...this.settings.brokers.slice(this.#bootstrap), ...this.settings.brokers.slice(0, this.#bootstrap)].map((address) => {
      const colon = address.lastIndexOf(':');
      return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
    });
    for (const { host, port } of [...candidates, ...this.#nodes.values()]) {
      try {
        return await this.#sharedTo(host, port);
      } catch (error) {
        if (!isRetriable(error)) throw error;
        this.#bootstrap = (this.#bootstrap + 1) % this.settings.brokers.length;
        last = error;
      }
    }
    throw last;
  }

  /** The shared connection to a node. */
  async node(nodeId: number): Promise<BrokerConnection> {
    const { host, port } = this.#address(nodeId);
    return this.#sharedTo(host, port);
  }

  /** The shared connection to the controller. */
  async controller(): Promise<BrokerConnection> {
    await this.refresh([]);
    return this.node(this.#controller);
  }

  /** A connection to a node for one owner, who closes it. */
  async dedicated(nodeId: number): Promise<BrokerConnection> {
    const { host, port } = this.#address(nodeId);
    const connection = this.#create(host, port);
    for (const other of this.#dedicated) if (!other.usable) this.#dedicated.delete(other);
    this.#dedicated.add(connection);
    await connection.connect();
    return connection;
  }

  /** The coordinator of a group or a transactional id. Forget it with `forgetCoordinator` when it says that it is not. */
  async coordinator(type: number, key: string): Promise<BrokerConnection> {
    const cached = this.#coordinators.get(`${type}/${key}`);
    if (cached) return this.#sharedTo(cached.host, cached.port);
    const broker = await this.any();
    const { errorCode: code, coordinator } = await broker.request<{ errorCode: number; coordinator: { host: string; port: number } }>(
      'GroupCoordinator',
      { groupId: key, coordinatorType: type },
      false,
    );
    if (code !== 0) throw brokerError(code, `The coordinator of "${key}"`);
    this.#coordinators.set(`${type}/${key}`, { host: coordinator.host, port: coordinator.port });
    return this.#sharedTo(coordinator.host, coordinator.port);
  }

  forgetCoordinator(type: number, key: string): void {
    this.#coordinators.delete(`${type}/${key}`);
  }

  /** Runs a request of a coordinator, and again while it is loading or has moved. */
  async withCoordinator<Answer>(type: number, key: string, what: string, request: (connection: BrokerConnection) => Promise<Answer>): Promise<Answer> {
    return this.retry(what, async () => {
      try {
        return await request(await this.coordinator(type, key));
      } catch (error) {
        const code = (error as { code?: unknown }).code;
        if (error instanceof ConnectionLostException || code === errorCode.notCoordinator || code === errorCode.coordinatorNotAvailable) {
          this.forgetCoordinator(type, key);
        }
        throw error;
      }
    });
  }

  /**
   * Runs `attempt` again after failures that may pass, for `retryTimeoutMs` at most after the first: that one may have
   * waited on a connection that had died long before.
   * @param what the beginning of a sentence's end: "could not <what>"
   */
  async retry<Answer>(what: string, attempt: () => Promise<Answer>): Promise<Answer> {
    let deadline: number | undefined;
    for (let delay = 25; ; delay = Math.min(delay * 2, 1000)) {
      try {
        return await attempt();
      } catch (error) {
        if (!mayPass(error) || this.#closed) throw error;
        deadline ??= Date.now() + this.settings.retryTimeoutMs;
        if (Date.now() + delay > deadline) throw this.gaveUp(what, error);
        await new Promise((resolve) => setTimeout(resolve, delay));
      }
    }
  }

  /** The error that ends bounded retries. */
  gaveUp(what: string, last: unknown): RetriableException {
    const reason = last instanceof Error ? last.message : String(last);
    return new RetriableException(
      `Could not ${what} within ${this.settings.retryTimeoutMs} ms; bootstrap.servers=${this.settings.brokers.join(',')}; the last error was: ${reason}`,
      { cause: last },
    );
  }

  /** The topic's metadata, waited for when it is being created. Throws BrokerException (unknown topic, no right to it). */
  async requireTopic(topic: string, createMissing: boolean): Promise<TopicMetadata> {
    return this.retry(`find topic "${topic}"`, async () => {
      const metadata = (await this.refresh([topic], createMissing)).find((found) => found.topic === topic);
      const code = metadata?.error ?? errorCode.unknownTopicOrPartition;
      if (code !== 0 || !metadata) throw brokerError(code, `Topic "${topic}"`);
      return metadata;
    });
  }

  close(): void {
    this.#closed = true;
    for (const connection of [...this.#shared.values(), ...this.#dedicated]) connection.close();
    this.#shared.clear();
    this.#dedicated.clear();
  }

  /** True for codes after which the metadata of a partition should be asked for again. */
  static staleMetadata(code: number): boolean {
    return (
      code === errorCode.notLeaderOrFollower ||
      code === errorCode.unknownTopicOrPartition ||
      code === errorCode.leaderNotAvailable ||
      code === errorCode.replicaNotAvailable ||
      code === errorCode.fencedLeaderEpoch ||
      code === errorCode.unknownLeaderEpoch ||
      code === errorCode.kafkaStorageError ||
      code === errorCode.offsetNotAvailable ||
      isRetriableCode(code)
    );
  }

  #address(nodeId: number): { host: string; port: number } {
    const node = this.#nodes.get(nodeId);
    if (!node) throw new ConnectionLostException(`Kafka broker ${nodeId} is not in the cluster's metadata now`);
    return node;
  }

  async #sharedTo(host: string, port: number): Promise<BrokerConnection> {
    const address = `${host}:${port}`;
    let connection = this.#shared.get(address);
    if (!connection?.usable) {
      connection?.close();
      connection = this.#create(host, port);
      this.#shared.set(address, connection);
    }
    await connection.connect();
    return connection;
  }

  #create(host: string, port: number): BrokerConnection {
    if (this.#closed) throw new ConnectException('The Kafka clients were closed');
    return new BrokerConnection(this.settings, host, port, this.#versions, this.#logger);
  }
}
