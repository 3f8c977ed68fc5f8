import type { Logger } from '../connect/logger.ts';
import { connectionSettingsOf, producerOptionsOf, readCommittedOf, readerOptionsOf } from './client-config.ts';
import { KafkaClusterAdmin } from './cluster-admin.ts';
import { KafkaCluster } from './kafka-cluster.ts';
import { KafkaPartitionReader } from './partition-reader.ts';
import type { ClusterAdmin, KafkaClientConfig, KafkaClients, PartitionReader, PartitionReaderOptions, RecordProducer, RecordProducerOptions } from './ports.ts';
import { KafkaRecordProducer } from './record-producer.ts';

/**
 * Kafka clients over kafkajs's connections. Clients with the same connection keys share metadata and the connections
 * for short requests; readers and producers have connections of their own to the leaders. Nothing connects before it
 * is needed, and a dead connection (a broker that restarted, a process that was frozen) is made anew.
 *
 * Client keys in `config` and in the overrides of one client (`max.poll.records`, `compression.type`, ...) apply
 * where the options say nothing.
 * @throws ConfigException, from each of its functions, for a bad value of a key
 */
export function createKafkaClients(config: KafkaClientConfig, logger: Logger): KafkaClients {
  const clusters = new Map<string, KafkaCluster>();
  const open = new Set<PartitionReader | RecordProducer>();

  const clusterFor = (merged: KafkaClientConfig, clientId: string | undefined): KafkaCluster => {
    const settings = connectionSettingsOf(clientId === undefined ? merged : { ...merged, 'client.id': clientId });
    const identity = connectionKeys
      .map((key) => merged[key] ?? '')
      .concat(settings.clientId)
      .join('\n');
    let cluster = clusters.get(identity);
    if (!cluster) {
      cluster = new KafkaCluster(settings, logger);
      clusters.set(identity, cluster);
    }
    return cluster;
  };

  return {
    reader(options: PartitionReaderOptions = {}, overrides: KafkaClientConfig = {}): PartitionReader {
      const merged = { ...config, ...overrides };
      const all = { ...readerOptionsOf(merged), ...options };
      return tracked(open, new KafkaPartitionReader(clusterFor(merged, options.clientId), all, logger));
    },
    producer(options: RecordProducerOptions = {}, overrides: KafkaClientConfig = {}): RecordProducer {
      const merged = { ...config, ...overrides };
      const all = { ...producerOptionsOf(merged), ...options };
      return tracked(open, new KafkaRecordProducer(clusterFor(merged, options.clientId), all, logger));
    },
    admin(overrides: KafkaClientConfig = {}): ClusterAdmin {
      const merged = { ...config, ...overrides };
      return new KafkaClusterAdmin(clusterFor(merged, undefined), readCommittedOf(merged));
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
const connectionKeys = [
  'bootstrap.servers',
  'security.protocol',
  'sasl.mechanism',
  'sasl.jaas.config',
  'ssl.truststore.certificates',
  'ssl.keystore.certificate.chain',
  'ssl.keystore.key',
  'ssl.key.password',
  'ssl.endpoint.identification.algorithm',
  'request.timeout.ms',
  'socket.connection.setup.timeout.ms',
  'sluice.retry.timeout.ms',
];

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
