import type { Logger } from '../connect/logger.ts';
import { connectionSettingsOf, producerOptionsOf, readCommittedOf, readerOptionsOf } from './client-config.ts';
import { KafkaClusterAdmin } from './cluster-admin.ts';
import { KafkaCluster } from './kafka-cluster.ts';
import { KafkaPartitionReader } from './partition-reader.ts';
import type { ClusterAdmin, KafkaClientConfig, KafkaClients, PartitionReader, PartitionReaderOptions, RecordProducer, RecordProducerOptions } from './ports.ts';
import { KafkaRecordProducer } from './record-producer.ts';
import { ConnectionSecurity, isSecurityKey, type ResolveConfig } from './security/connection-security.ts';

/**
 * Kafka clients over kafkajs's connections. Clients with the same connection keys share metadata and the connections
 * for short requests; readers and producers have connections of their own to the leaders. Nothing connects before it
 * is needed, and a dead connection (a broker that restarted, a process that was frozen) is made anew.
 *
 * Client keys in `config` and in the overrides of one client (`max.poll.records`, `compression.type`, ...) apply
 * where the options say nothing; a `client.id` among the overrides is the user's, and goes before that of the options.
 * Where `ssl.*` and `sasl.*` keys refer to config providers, `resolve` looks them up when a connection needs them.
 * @throws ConfigException, from each of its functions, for a bad value of a key
 */
export function createKafkaClients(config: KafkaClientConfig, logger: Logger, resolve?: ResolveConfig): KafkaClients {
  const clusters = new Map<string, KafkaCluster>();
  const securities = new Map<string, ConnectionSecurity>();
  const open = new Set<PartitionReader | RecordProducer>();

  const clusterFor = (merged: KafkaClientConfig): KafkaCluster => {
    const identity = connectionIdentity(merged);
    let cluster = clusters.get(identity);
    if (!cluster) {
      const settings = connectionSettingsOf(merged);
      cluster = new KafkaCluster({ ...settings, security: securityFor(merged, settings.brokers) }, logger);
      clusters.set(identity, cluster);
    }
    return cluster;
  };

  // Clients differ in their names and limits, not in who they are: secrets and tokens are asked for once.
  const securityFor = (merged: KafkaClientConfig, servers: readonly string[]): ConnectionSecurity => {
    const identity = identityOf(merged, (key) => isSecurityKey(key) || key === 'bootstrap.servers');
    const security = securities.get(identity) ?? new ConnectionSecurity(merged, servers, resolve);
    securities.set(identity, security);
    return security;
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
const connectionKeys = /^(bootstrap\.servers|client\.id|request\.timeout\.ms|socket\.connection\.setup\.timeout\.ms|sluice\.retry\.timeout\.ms)$/;

function connectionIdentity(config: KafkaClientConfig): string {
  return identityOf(config, (key) => isSecurityKey(key) || connectionKeys.test(key));
}

function identityOf(config: KafkaClientConfig, relevant: (key: string) => boolean): string {
  const entries = Object.entries(config).filter(([key]) => relevant(key));
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
