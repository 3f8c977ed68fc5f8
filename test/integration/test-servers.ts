import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provideArtifacts } from '../../infra/local/artifacts.ts';
import { freePorts } from '../../infra/local/ports.ts';
import { startDynamodb } from '../../infra/local/services/dynamodb.ts';
import { findJava } from '../../infra/local/services/java.ts';
import { startKafka } from '../../infra/local/services/kafka.ts';
import { findPostgres, startPostgres } from '../../infra/local/services/postgres.ts';
import { removeFolder, type ServiceProcess } from '../../infra/local/services/service-process.ts';

export interface TestServers {
  /** What to add to the environment: KAFKA_BROKERS, DYNAMODB_ENDPOINT, and DATABASE_URL where PostgreSQL is installed. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Starts, in a folder that goes away with them, those servers that the environment does not name yet. */
export async function startTestServers(env: NodeJS.ProcessEnv, progress: (line: string) => void): Promise<TestServers> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  await chmod(folder, 0o755);
  const added: Record<string, string> = {};
  const services: ServiceProcess[] = [];
  const stop = async () => {
    await Promise.all(services.map((service) => service.stop()));
    await removeFolder(folder);
  };
  const log = (name: string) => join(folder, `${name}.log`);
  const ports = await freePorts(['kafka', 'kafkaController', 'dynamodb', 'postgres'] as const);

  const kafka = async () => {
    if (env.KAFKA_BROKERS) return;
    const [java, jars] = await Promise.all([findJava(env), provideArtifacts('kafka', progress)]);
    services.push(await startKafka({ java, jars, dataDir: join(folder, 'kafka'), logFile: log('kafka'), ports }));
    added.KAFKA_BROKERS = `127.0.0.1:${ports.kafka}`;
  };
  const dynamodb = async () => {
    if (env.DYNAMODB_ENDPOINT) return;
    const [java, jars] = await Promise.all([findJava(env), provideArtifacts('dynamodb', progress)]);
    services.push(await startDynamodb({ java, jars, dataDir: join(folder, 'dynamodb'), logFile: log('dynamodb'), port: ports.dynamodb }));
    added.DYNAMODB_ENDPOINT = `http://127.0.0.1:${ports.dynamodb}`;
  };
  const postgres = async () => {
    if (env.DATABASE_URL !== undefined) return;
    const bin = await findPostgres(env);
    if (!bin) {
      progress('PostgreSQL is not installed: what needs it is skipped');
      return;
    }
    const { service, url } = await startPostgres({ bin, dataDir: join(folder, 'postgres'), logFile: log('postgres'), port: ports.postgres });
    services.push(service);
    added.DATABASE_URL = url;
  };

  const started = await Promise.allSettled([kafka(), dynamodb(), postgres()]);
  const failure = started.find((result) => result.status === 'rejected');
  if (failure) {
    await stop();
    throw failure.reason;
  }
  return { env: added, stop };
}
