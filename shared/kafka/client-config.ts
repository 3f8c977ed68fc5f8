import { parseType } from '../connect/config/parse-type.ts';
import { ConfigException } from '../connect/errors.ts';
import type { ConnectionSettings } from './broker-connection.ts';
import { type CompressionType, compressionTypes } from './compression.ts';
import { boolean, number, oneOf, text } from './config-values.ts';
import type { KafkaClientConfig, OffsetReset, PartitionReaderOptions, RecordProducerOptions } from './ports.ts';

/** How to reach a cluster, from Kafka's own client keys. Throws ConfigException that names the key. Keys of other clients are ignored. */
export function connectionSettingsOf(config: KafkaClientConfig): Omit<ConnectionSettings, 'security'> {
  return {
    brokers: bootstrapServers(config),
    clientId: text(config, 'client.id') || 'sluice',
    requestTimeoutMs: number(config, 'request.timeout.ms', 'INT', 1) ?? 30_000,
    connectionTimeoutMs: number(config, 'socket.connection.setup.timeout.ms', 'LONG', 1) ?? 10_000,
    // The Java client's answer is minutes (default.api.timeout.ms), more than a run may have left: a run is started again.
    retryTimeoutMs: number(config, 'sluice.retry.timeout.ms', 'INT', 0) ?? 15_000,
  };
}

/** A reader's options from consumer keys (`max.poll.records`, `fetch.min.bytes`, ...). What is not said is left out. */
export function readerOptionsOf(config: KafkaClientConfig): PartitionReaderOptions {
  return defined({
    isolationLevel: oneOf(config, 'isolation.level', ['read_committed', 'read_uncommitted'], undefined) as PartitionReaderOptions['isolationLevel'],
    offsetReset: oneOf(config, 'auto.offset.reset', ['earliest', 'latest', 'none'], undefined) as OffsetReset | undefined,
    maxPollRecords: number(config, 'max.poll.records', 'INT', 1),
    fetchMinBytes: number(config, 'fetch.min.bytes', 'INT', 0),
    fetchMaxBytes: number(config, 'fetch.max.bytes', 'INT', 0),
    maxPartitionFetchBytes: number(config, 'max.partition.fetch.bytes', 'INT', 0),
    fetchMaxWaitMs: number(config, 'fetch.max.wait.ms', 'INT', 0),
    checkCrcs: boolean(config, 'check.crcs'),
    clientId: text(config, 'client.id'),
  });
}

/** A producer's options from producer keys (`compression.type`, `max.request.size`, ...). What is not said is left out. */
export function producerOptionsOf(config: KafkaClientConfig): RecordProducerOptions {
  const acks = text(config, 'acks');
  if (acks !== undefined && !['all', '-1', '0', '1'].includes(acks)) throw ConfigException.forValue('acks', acks, 'String must be one of: all, -1, 0, 1');
  if (acks === '0' || acks === '1') {
    throw ConfigException.forValue('acks', acks, 'Records are only acknowledged by all in-sync replicas here: use all');
  }
  return defined({
    idempotent: boolean(config, 'enable.idempotence'),
    transactionalId: text(config, 'transactional.id'),
    compression: oneOf(config, 'compression.type', compressionTypes, undefined) as CompressionType | undefined,
    maxRequestSize: number(config, 'max.request.size', 'INT', 0),
    batchSize: positive(number(config, 'batch.size', 'INT', 0)),
    lingerMs: number(config, 'linger.ms', 'LONG', 0),
    bufferMemory: number(config, 'buffer.memory', 'LONG', 0),
    deliveryTimeoutMs: number(config, 'delivery.timeout.ms', 'INT', 0),
    metadataTimeoutMs: number(config, 'max.block.ms', 'LONG', 0),
    transactionTimeoutMs: number(config, 'transaction.timeout.ms', 'INT', 0),
    clientId: text(config, 'client.id'),
  });
}

/** True when end offsets are to be those of committed transactions (`isolation.level`). */
export function readCommittedOf(config: KafkaClientConfig): boolean {
  return readerOptionsOf(config).isolationLevel === 'read_committed';
}

function bootstrapServers(config: KafkaClientConfig): string[] {
  const value = config['bootstrap.servers'];
  if (value === undefined) throw new ConfigException('Missing required configuration "bootstrap.servers" which has no default value.');
  const servers = (parseType('bootstrap.servers', value, 'LIST') as string[]).filter((server) => server !== '');
  if (servers.length === 0) throw new ConfigException('No resolvable bootstrap urls given in bootstrap.servers');
  return servers.map((server) => {
    // Kafka also takes a protocol before the host, and IPv6 addresses in brackets.
    const match = /^(?:[a-zA-Z_]+:\/\/)?(\[[0-9a-zA-Z\-%._:]*\]|[0-9a-zA-Z\-%._]*):(\d{1,5})$/.exec(server);
    if (!match || Number(match[2]) > 65_535 || match[1] === '') {
      throw new ConfigException(`Invalid url in bootstrap.servers: ${server}. It should be host:port, with commas between several.`);
    }
    return `${match[1]}:${match[2]}`;
  });
}

function positive(value: number | undefined): number | undefined {
  return value === 0 ? 1 : value;
}

function defined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
