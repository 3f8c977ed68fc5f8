import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { StartupError } from '../startup-error.ts';
import { type ServiceProcess, startServiceProcess, untilReady } from './service-process.ts';

export interface KafkaOptions {
  readonly java: string;
  /** Folder of the jars. */
  readonly jars: string;
  /** Where its data is, or shall be. */
  readonly dataDir: string;
  readonly logFile: string;
  /** Gives up the start, and ends what was started. */
  readonly signal?: AbortSignal;
  /** Told as soon as there is a process to be ended. */
  onStarted?(service: ServiceProcess): Promise<void>;
  readonly ports: { readonly kafka: number; readonly kafkaController: number };
  /** Broker properties besides those that are needed, or instead of them. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Users for SCRAM, in the words of `kafka-storage format --add-scram`: `SCRAM-SHA-256=[name=alice,password=secret]`. */
  readonly scram?: readonly string[];
  /** Options of the Java machine besides those that are needed. */
  readonly javaOptions?: readonly string[];
}

/**
 * One node that is broker and controller (KRaft), for one machine: few partitions for its own topics, no replicas.
 * After a kill the controller waits for the session of the former broker to end before it takes the new one.
 */
const defaults = ({ dataDir, ports }: KafkaOptions) => `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${ports.kafkaController}
listeners=PLAINTEXT://127.0.0.1:${ports.kafka},CONTROLLER://127.0.0.1:${ports.kafkaController}
advertised.listeners=PLAINTEXT://127.0.0.1:${ports.kafka}
controller.listener.names=CONTROLLER
log.dirs=${join(dataDir, 'logs')}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=1000
broker.session.timeout.ms=4000
log.retention.hours=-1
`;

// Of a key that comes twice Java takes the last.
const properties = (options: KafkaOptions) =>
  `${defaults(options)}${Object.entries(options.properties ?? {})
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')}`;

const memory = ['-Xms128m', '-Xmx512m', '-XX:+UseSerialGC'];
const logging = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss,SSS',
];

/** Starts Kafka and resolves when it serves clients. The data of an earlier start is taken up, also after a kill. */
export async function startKafka(options: KafkaOptions): Promise<ServiceProcess> {
  const { java, jars, dataDir, logFile, signal, scram = [], javaOptions = [] } = options;
  await mkdir(dataDir, { recursive: true });
  const config = join(dataDir, 'server.properties');
  await writeFile(config, properties(options));
  if (!existsSync(join(dataDir, 'logs', 'meta.properties'))) {
    const clusterId = `S${randomBytes(16).toString('base64url').slice(1)}`;
    const format = [
      '-cp',
      join(jars, '*'),
      'kafka.tools.StorageTool',
      'format',
      '-t',
      clusterId,
      '-c',
      config,
      ...scram.flatMap((user) => ['--add-scram', user]),
    ];
    await promisify(execFile)(java, format, { signal }).catch((error) => {
      signal?.throwIfAborted();
      throw new StartupError(`Kafka's data folder ${dataDir} cannot be prepared: ${String(error.stderr || error.message).trim()}`);
    });
  }
  const service = await startServiceProcess({
    title: 'Kafka',
    command: java,
    args: [...memory, ...logging, ...javaOptions, '-cp', join(jars, '*'), 'kafka.Kafka', config],
    logFile,
  });
  await options.onStarted?.(service);
  await untilReady(service, async () => (await readFile(logFile, 'utf8')).includes('Kafka Server started'), 60_000, signal);
  return service;
}
