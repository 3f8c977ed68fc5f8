import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Progress, provideArtifacts } from '../../../infra/local/artifacts.ts';
import { freePorts } from '../../../infra/local/ports.ts';
import { findJava } from '../../../infra/local/services/java.ts';
import { startKafka } from '../../../infra/local/services/kafka.ts';
import { removeFolder, type ServiceProcess, startServiceProcess, untilReady } from '../../../infra/local/services/service-process.ts';

/** A running Kafka Connect 4.3.1: one distributed worker with a broker of its own. */
export interface ReferenceWorker {
  readonly url: string;
  stop(): Promise<void>;
}

const readyMs = 120_000;

/** Starts one in a folder that goes away with it; its jars are downloaded if need be. Throws StartupError without Java. */
export async function startReferenceWorker(progress: Progress): Promise<ReferenceWorker> {
  const [java, kafkaJars, connectJars] = [await findJava(), await provideArtifacts('kafka', progress), await provideArtifacts('connect', progress)];
  const folder = await mkdtemp(join(tmpdir(), 'sluice-reference-'));
  const ports = await freePorts(['kafka', 'kafkaController', 'rest'] as const);
  const url = `http://127.0.0.1:${ports.rest}`;
  const services: ServiceProcess[] = [];
  const stop = async () => {
    for (const service of services.reverse()) await service.stop(5_000);
    await removeFolder(folder);
  };
  try {
    progress('Starting Kafka for the real Kafka Connect');
    services.push(await startKafka({ java, jars: kafkaJars, dataDir: join(folder, 'kafka'), logFile: join(folder, 'kafka.log'), ports }));
    const properties = join(folder, 'worker.properties');
    await mkdir(join(folder, 'plugins'));
    await writeFile(properties, workerProperties(`127.0.0.1:${ports.kafka}`, url, join(folder, 'plugins')));
    progress('Starting the real Kafka Connect');
    const service = await startServiceProcess({
      title: 'Kafka Connect',
      command: java,
      args: [...javaOptions, '-cp', join(connectJars, '*'), 'org.apache.kafka.connect.cli.ConnectDistributed', properties],
      logFile: join(folder, 'connect.log'),
    });
    services.push(service);
    await untilReady(service, () => answers(`${url}/connectors`), readyMs);
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const javaOptions = [
  '-Xmx600m',
  '-XX:+UseSerialGC',
  '-Duser.language=en',
  '-Duser.country=US',
  '-Duser.timezone=UTC',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
];

/** A worker alone waits for nobody, and stores offsets as soon as it can, so that what it shows follows what it does. */
function workerProperties(brokers: string, url: string, plugins: string): string {
  const topics = ['config', 'offset', 'status'].flatMap((each) => [`${each}.storage.topic=connect-${each}s`, `${each}.storage.replication.factor=1`]);
  return [
    `bootstrap.servers=${brokers}`,
    'group.id=connect',
    'key.converter=org.apache.kafka.connect.json.JsonConverter',
    'value.converter=org.apache.kafka.connect.json.JsonConverter',
    ...topics,
    'offset.storage.partitions=1',
    'status.storage.partitions=1',
    'offset.flush.interval.ms=500',
    'scheduled.rebalance.max.delay.ms=0',
    'exactly.once.source.support=enabled',
    `listeners=${url}`,
    `plugin.path=${plugins}`,
    '',
  ].join('\n');
}

function answers(address: string): Promise<boolean> {
  return fetch(address).then(
    ({ ok }) => ok,
    () => false,
  );
}
