import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provideArtifacts } from '../infra/local/artifacts.ts';
import { freePorts } from '../infra/local/ports.ts';
import { findJava } from '../infra/local/services/java.ts';
import { startKafka } from '../infra/local/services/kafka.ts';
import { removeFolder, type ServiceProcess, startServiceProcess } from '../infra/local/services/service-process.ts';
import { rest, until } from './measure.ts';
import { cpuSeconds, taskProcesses } from './process-cpu.ts';

/** A running Connect, ours or the reference. */
export interface ConnectSystem {
  readonly name: 'sluice' | 'kafka-connect';
  readonly url: string;
  /** Of the process that was started; ours starts others. */
  readonly pid: number;
  /** CPU seconds of the process that does the work, so far. */
  cpu(): number;
}

/** A machine to measure on: a broker that both systems use, and both systems. */
export interface Bench {
  readonly folder: string;
  readonly kafka: string;
  /** Starts the reference, or ours, alone; both share the machine's cores otherwise. `flags` are of ours, `properties` are lines of the reference's worker file. */
  run<T>(
    system: ConnectSystem['name'],
    work: (connect: ConnectSystem) => Promise<T>,
    options?: { readonly flags?: readonly string[]; readonly properties?: readonly string[] },
  ): Promise<T>;
  stop(): Promise<void>;
}

/** Prepares a machine. Only one of the two systems runs at a time, so that neither takes the other's cores. */
export async function prepareBench(log: (line: string) => void): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  // PostgreSQL runs as another user when we are root.
  await chmod(folder, 0o755);
  const [java, kafkaJars, connectJars] = [await findJava(), await provideArtifacts('kafka', log), await provideArtifacts('connect', log)];
  const ports = await freePorts(['kafka', 'kafkaController', 'rest'] as const);
  const services: ServiceProcess[] = [];
  services.push(await startKafka({ java, jars: kafkaJars, dataDir: join(folder, 'kafka'), logFile: join(folder, 'kafka.log'), ports }));
  const kafka = `127.0.0.1:${ports.kafka}`;
  const url = `http://127.0.0.1:${ports.rest}`;

  const startOurs = async (flags: readonly string[]): Promise<[ServiceProcess, ConnectSystem]> => {
    const service = await startServiceProcess({
      title: 'Sluice',
      command: process.execPath,
      args: ['infra/local/main.ts', '--no-demo', '--port', String(ports.rest), '--kafka', kafka, '--data-dir', join(folder, 'sluice'), ...flags],
      logFile: join(folder, 'sluice.log'),
    });
    return [service, { name: 'sluice', url, pid: service.pid, cpu: () => cpuSeconds(taskProcesses(service.pid)) }];
  };
  const startReference = async (more: readonly string[]): Promise<[ServiceProcess, ConnectSystem]> => {
    await mkdir(join(folder, 'plugins'), { recursive: true });
    const properties = join(folder, 'worker.properties');
    const topics = ['config', 'offset', 'status'].map((each) => `${each}.storage.topic=bench-${each}s\n${each}.storage.replication.factor=1`);
    const converters = ['key', 'value'].map((side) => `${side}.converter=org.apache.kafka.connect.json.JsonConverter`);
    const lines = [
      `bootstrap.servers=${kafka}`,
      'group.id=bench',
      ...topics,
      ...converters,
      `listeners=${url}`,
      `plugin.path=${join(folder, 'plugins')}`,
      ...more,
      '',
    ];
    await writeFile(properties, lines.join('\n'));
    const service = await startServiceProcess({
      title: 'Kafka Connect',
      command: java,
      args: [
        '-Xmx1g',
        '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
        '-cp',
        join(connectJars, '*'),
        'org.apache.kafka.connect.cli.ConnectDistributed',
        properties,
      ],
      logFile: join(folder, 'connect.log'),
    });
    return [service, { name: 'kafka-connect', url, pid: service.pid, cpu: () => cpuSeconds([service.pid]) }];
  };

  return {
    folder,
    kafka,
    async run(system, work, { flags = [], properties = [] } = {}) {
      const [service, connect] = await (system === 'sluice' ? startOurs(flags) : startReference(properties));
      try {
        await until(`${system} to answer`, async () => Array.isArray(await rest(url, 'GET', '/connectors')), 60_000);
        return await work(connect);
      } finally {
        await service.stop(15_000);
      }
    },
    async stop() {
      for (const service of services) await service.stop();
      await removeFolder(folder);
    },
  };
}
