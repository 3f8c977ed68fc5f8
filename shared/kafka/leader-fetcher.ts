import type { BrokerConnection } from './broker-connection.ts';
import { decodeFetchResponse, encodeFetchRequest, type FetchedPartition, fetchVersion } from './fetch-protocol.ts';
import { loadCodecs } from './fetched-batches.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { brokerError, errorCode } from './kafka-errors.ts';
import type { PartitionFetchState } from './partition-fetch-state.ts';

/** What is the same in all fetches of a reader. */
export interface FetchSettings {
  readonly minBytes: number;
  readonly partitionMaxBytes: number;
  readonly readCommitted: boolean;
}

/** What a leader answered; its records are views into one buffer of `bytes`. */
export interface LeaderAnswer {
  readonly bytes: number;
  readonly partitions: readonly FetchedPartition[];
}

/** The way of one reader to the leader of some of its partitions: a connection of its own, and one fetch under way at a time. */
export class LeaderFetcher {
  /** True while a fetch is under way. */
  busy = false;
  readonly #cluster: KafkaCluster;
  readonly #nodeId: number;
  readonly #settings: FetchSettings;
  #connection: BrokerConnection | undefined;
  #closed = false;

  constructor(cluster: KafkaCluster, nodeId: number, settings: FetchSettings) {
    this.#cluster = cluster;
    this.#nodeId = nodeId;
    this.#settings = settings;
  }

  /**
   * Fetches what follows `fetchOffset` of each partition, at most about `maxBytes` together, within `maxWaitMs`.
   * The codecs of what comes are loaded. Rejects with ConnectionLostException, or BrokerException for the whole fetch.
   */
  async fetch(states: readonly PartitionFetchState[], maxBytes: number, maxWaitMs: number): Promise<LeaderAnswer> {
    const connection = this.#connection?.usable ? this.#connection : await this.#connect();
    const request = encodeFetchRequest({
      ...this.#settings,
      maxWaitMs,
      maxBytes,
      partitions: states.map((state) => ({ topic: state.topic, partition: state.partition, offset: state.fetchOffset as bigint })),
    });
    const payload = await connection.exchange('Fetch', fetchVersion, [request], maxWaitMs);
    const { throttleMs, error, partitions } = decodeFetchResponse(payload);
    connection.throttle(throttleMs);
    if (error !== errorCode.none) throw brokerError(error, `A fetch from Kafka broker ${connection.address}`);
    for (const { records } of partitions) if (records && records.length > 0) await loadCodecs(records);
    return { bytes: payload.length, partitions };
  }

  close(): void {
    this.#closed = true;
    this.#connection?.close();
  }

  async #connect(): Promise<BrokerConnection> {
    this.#connection?.close();
    const connection = await this.#cluster.dedicated(this.#nodeId);
    this.#connection = connection;
    if (this.#closed) connection.close();
    return connection;
  }
}
