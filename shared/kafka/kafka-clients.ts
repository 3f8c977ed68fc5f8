import type { Logger } from '../connect/logger.ts';
import { connectionSettingsOf, producerOptionsOf, readCommittedOf, readerOptionsOf } from './client-config.ts';
import { KafkaClusterAdmin } from './cluster-admin.ts';
import { KafkaCluster } from './kafka-cluster.ts';
import { KafkaPartitionReader } from './partition-reader.ts';
import type { ClusterAdmin, KafkaClientConfig, KafkaClients, PartitionReader, PartitionReaderOptions, RecordProducer, RecordProducerOptions } from './ports.ts';
import { KafkaRecordProducer } from './record-producer.ts';
import type { SaslSettings } from './security/sasl-options.ts';

/**
 * Kafka clients over kafkajs's connections. Clients with the same connection keys share metadata and the connections
 * for short requests; readers and producers have connections of their own to the leaders. Nothing connects before it
 * is needed, and a dead connection (a broker that restarted, a process that was frozen) is made anew.
 *
 * Client keys in `config` and in the overrides of one client (`max.poll.records`, `compression.type`, ...) apply
 * where the options say nothing; a `client.id` among the overrides is the user's, and goes before that of the options.
 * @throws ConfigException, from each of its functions, for a bad value of a key
 */
export function createKafkaClients(config: KafkaClientConfig, logger: Logger): KafkaClients {
  const clusters = new Map<string, KafkaCluster>();
  const logins = new Map<string, SaslSettings>();
  const open = new Set<PartitionReader | RecordProducer>();

  const clusterFor = (merged: KafkaClientConfig): KafkaCluster => {
    const identity = connectionIdentity(merged);
    let cluster = clusters.get(identity);
    if (!cluster) {
      const settings = connectionSettingsOf(merged);
      cluster = new KafkaCluster({ ...settings, sasl: sharedLogin(merged, settings.sasl) }, logger);
      clusters.set(identity, cluster);
    }
    return cluster;
  };

  // Clients differ in their names and limits, not in who they are: a token is asked for once.
  const sharedLogin = (merged: KafkaClientConfig, sasl: SaslSettings | null): SaslSettings | null => {
    if (sasl === null) return null;
    const identity = identityOf(merged, /^(sasl\.|bootstrap\.servers$)/);
    const login = logins.get(identity) ?? sasl;
    logins.set(identity, login);
    return login;
  };

  return {
    reader(options: PartitionReaderOptions = {}, overrides: KafkaClientConfig = {}): PartitionReader {
      const merged = named({ ...config, ...overrides }, overrides['client.id'] ?? options.clientId);
      const all = { ...readerOptionsOf(merged), ...options, clientId: merged['client.id'] };
      return tracked(open, new KafkaPartitionReader(clusterFor(merged), all, logger));
    },
    producer(options: RecordProducerOptions = {}, overrides: KafkaClientConfig = {}): RecordProducer {
      const merged = named({ ...config, ...overrides }, overrides['client.id'] ?? options.clientId);
      const all = { ...producerOptionsOf(merged), ...options, clientId: merged['client.id'] };
      return tracked(open, new KafkaRecordProducer(clusterFor(merged), all, logger));
    },
    admin(overrides: KafkaClientConfig = {}): ClusterAdmin {
      const merged = { ...config, ...overrides };
      return new KafkaClusterAdmin(clusterFor(merged), readCommittedOf(merged));
    },
    async close(): Promise<void> {
      await Promise.all([...open].map((client) => client.close()));
      open.clear();
      for (const cluster of clusters.values()) cluster.close();
      clusters.clear();
    },
  };
}

// What makes two connections different.
function connectionIdentity(config: KafkaClientConfig): string {
  return identityOf(config, /^(sasl\.|ssl\.|bootstrap\.servers$|security\.protocol$|client\.id$|request\.timeout\.ms$|socket\.connection\.|sluice\.retry\.)/);
}

function identityOf(config: KafkaClientConfig, relevant: RegExp): string {
  const entries = Object.entries(config).filter(([key]) => relevant.test(key));
  return JSON.stringify(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

function named(config: KafkaClientConfig, clientId: string | undefined): KafkaClientConfig {
  return clientId === undefined ? config : { ...config, 'client.id': clientId };
}

// A client that is closed by its owner is forgotten.
function tracked<Client extends PartitionReader | RecordProducer>(open: Set<PartitionReader | RecordProducer>, client: Client): Client {
  open.add(client);
  const close = client.close.bind(client);
  client.close = () => {
    open.delete(client);
    return close();
  };
  return client;
}
