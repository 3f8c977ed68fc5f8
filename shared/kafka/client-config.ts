import type { ConnectionOptions } from 'node:tls';
import { type ConfigType, parseType } from '../connect/config/parse-type.ts';
import { ConfigException } from '../connect/errors.ts';
import type { ConnectionSettings } from './broker-connection.ts';
import { type CompressionType, compressionTypes } from './compression.ts';
import type { KafkajsSasl } from './kafkajs-internals.ts';
import type { KafkaClientConfig, OffsetReset, PartitionReaderOptions, RecordProducerOptions } from './ports.ts';

/** How to reach and enter a cluster, from Kafka's own client keys. Throws ConfigException that names the key. Keys of other clients are ignored. */
export function connectionSettingsOf(config: KafkaClientConfig): ConnectionSettings {
  const protocol = oneOf(config, 'security.protocol', ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'], 'PLAINTEXT', true);
  return {
    brokers: bootstrapServers(config),
    clientId: text(config, 'client.id') || 'sluice',
    ssl: protocol.endsWith('SSL') ? sslOptions(config) : null,
    sasl: protocol.startsWith('SASL') ? saslOptions(config) : null,
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
  if (acks !== undefined && acks !== 'all' && acks !== '-1') {
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

function sslOptions(config: KafkaClientConfig): ConnectionOptions {
  for (const key of ['ssl.truststore.location', 'ssl.keystore.location']) {
    if (text(config, key) === undefined) continue;
    const pem = key.replace('location', key.includes('trust') ? 'certificates' : 'certificate.chain and ssl.keystore.key');
    throw ConfigException.forValue(key, config[key], `Functions have no such files: give the PEM text in ${pem}`);
  }
  const options: ConnectionOptions = {};
  const ca = pemText(config, 'ssl.truststore.certificates');
  if (ca) options.ca = ca;
  const cert = pemText(config, 'ssl.keystore.certificate.chain');
  const key = pemText(config, 'ssl.keystore.key');
  if ((cert === undefined) !== (key === undefined)) {
    throw new ConfigException('ssl.keystore.certificate.chain and ssl.keystore.key belong together: one of them is missing');
  }
  if (cert && key) {
    options.cert = cert;
    options.key = key;
    const passphrase = text(config, 'ssl.key.password');
    if (passphrase) options.passphrase = passphrase;
  }
  // Empty: the name in the certificate need not be the host's.
  const algorithm = text(config, 'ssl.endpoint.identification.algorithm');
  if (algorithm === '') options.checkServerIdentity = () => undefined;
  else if (algorithm !== undefined && algorithm.toLowerCase() !== 'https') {
    throw ConfigException.forValue('ssl.endpoint.identification.algorithm', algorithm, 'It should be https, or empty to accept any host name');
  }
  return options;
}

// Properties files hold PEM text with its line breaks as \n, or without any.
function pemText(config: KafkaClientConfig, key: string): string | undefined {
  const value = text(config, key);
  if (value === undefined || value === '') return undefined;
  const pem = value.replaceAll('\\n', '\n');
  if (!pem.includes('-----BEGIN '))
    throw new ConfigException(`Invalid value [hidden] for configuration ${key}: It should be PEM text, beginning with -----BEGIN`);
  return pem.replace(/(-----BEGIN [^-]+-----)\s*([^-]+?)\s*(-----END [^-]+-----)/g, (_, begin: string, body: string, end: string) =>
    body.includes(':') ? `${begin}\n${body}\n${end}\n` : `${begin}\n${(body.replace(/\s+/g, '').match(/.{1,64}/g) ?? []).join('\n')}\n${end}\n`,
  );
}

function saslOptions(config: KafkaClientConfig): KafkajsSasl {
  const mechanism = oneOf(config, 'sasl.mechanism', ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'], 'GSSAPI', true);
  const jaas = config['sasl.jaas.config'];
  if (!jaas) throw new ConfigException('Missing required configuration "sasl.jaas.config", which security.protocol SASL_PLAINTEXT and SASL_SSL need.');
  return { mechanism: mechanism.toLowerCase(), username: jaasOption(jaas, 'username'), password: jaasOption(jaas, 'password') };
}

// org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="alice-secret";
function jaasOption(jaas: string, name: string): string {
  const match = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|'([^']*)'|([^\\s;"']+))`).exec(jaas);
  if (!match)
    throw new ConfigException(
      `Invalid value [hidden] for configuration sasl.jaas.config: It should be a login module with ${name}="..." and end with a semicolon`,
    );
  return match[1] !== undefined ? match[1].replace(/\\(.)/g, '$1') : (match[2] ?? match[3] ?? '');
}

function text(config: KafkaClientConfig, key: string): string | undefined {
  const value = config[key];
  return value === undefined || value === null ? undefined : value.trim();
}

function number(config: KafkaClientConfig, key: string, type: ConfigType, least: number): number | undefined {
  const value = config[key];
  if (value === undefined || value === null) return undefined;
  const parsed = parseType(key, value, type) as number;
  if (parsed < least) throw ConfigException.forValue(key, value, `Value must be at least ${least}`);
  return parsed;
}

function positive(value: number | undefined): number | undefined {
  return value === 0 ? 1 : value;
}

function boolean(config: KafkaClientConfig, key: string): boolean | undefined {
  const value = config[key];
  return value === undefined || value === null ? undefined : (parseType(key, value, 'BOOLEAN') as boolean);
}

function oneOf(config: KafkaClientConfig, key: string, values: readonly string[], fallback: string, upper: true): string;
function oneOf(config: KafkaClientConfig, key: string, values: readonly string[], fallback: undefined): string | undefined;
function oneOf(config: KafkaClientConfig, key: string, values: readonly string[], fallback: string | undefined, upper = false): string | undefined {
  const given = text(config, key) ?? fallback;
  if (given === undefined) return undefined;
  const value = upper ? given.toUpperCase() : given.toLowerCase();
  if (!values.includes(value)) throw ConfigException.forValue(key, given, `String must be one of: ${values.join(', ')}`);
  return value;
}

function defined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
