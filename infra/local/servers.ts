import { join } from 'node:path';
import { provideArtifacts } from './artifacts.ts';
import type { DataDir } from './data-dir.ts';
import { accepts, freePorts } from './ports.ts';
import { answers, startDynamodb } from './services/dynamodb.ts';
import { findJava } from './services/java.ts';
import { startKafka } from './services/kafka.ts';
import type { ServiceProcess } from './services/service-process.ts';
import { type SqsService, startSqs } from './services/sqs.ts';
import { StartupError } from './startup-error.ts';

export interface ServerOptions {
  readonly dataDir: DataDir;
  readonly region: string;
  /** `host:port,…` of a Kafka that runs already; null: start one. */
  readonly kafka: string | null;
  /** A DynamoDB that runs already: its endpoint, or AWS's own. Null: start one. */
  readonly dynamodb: { readonly endpoint: string } | 'aws' | null;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** The servers that the functions talk to. */
export interface Servers {
  readonly brokers: string;
  /** Null: AWS's own. */
  readonly dynamodbEndpoint: string | null;
  readonly sqs: SqsService;
  /** Resolves with the reason when one of them ends by itself. */
  readonly broken: Promise<string>;
  stop(graceMs: number): Promise<void>;
}

/**
 * Starts what is not there yet, all at once, on the ports of the start before where they are free.
 * @throws StartupError, with nothing left running
 */
export async function startServers(options: ServerOptions): Promise<Servers> {
  const { dataDir, region, progress } = options;
  const giveUp = new AbortController();
  const signal = AbortSignal.any([options.signal, giveUp.signal]);
  // Before anything is downloaded for it.
  const java = options.kafka && options.dynamodb ? '' : await findJava();
  const ports = await freePorts(['kafka', 'kafkaController', 'dynamodb', 'sqs'] as const, dataDir.state.ports);
  const services: ServiceProcess[] = [];
  const log = (name: string) => join(dataDir.path, 'logs', `${name}.log`);
  const onStarted = async (service: ServiceProcess) => {
    services.push(service);
    await dataDir.save({ ports, services: services.map(({ pid }) => pid) });
  };

  const kafka = async (): Promise<string> => {
    if (options.kafka) {
      await reachKafka(options.kafka);
      return options.kafka;
    }
    const jars = await provideArtifacts('kafka', progress, signal);
    progress('Starting Kafka');
    await startKafka({ java, jars, dataDir: join(dataDir.path, 'kafka'), logFile: log('kafka'), ports, signal, onStarted });
    return `127.0.0.1:${ports.kafka}`;
  };
  const dynamodb = async (): Promise<string | null> => {
    if (options.dynamodb === 'aws') {
      progress(`Using DynamoDB of AWS in ${region}`);
      return null;
    }
    if (options.dynamodb) {
      const { endpoint } = options.dynamodb;
      if (!(await answers(endpoint))) {
        throw new StartupError(`DynamoDB does not answer at ${endpoint}: check the address, or leave it out to have one started.`);
      }
      return endpoint;
    }
    const jars = await provideArtifacts('dynamodb', progress, signal);
    progress('Starting DynamoDB Local');
    await startDynamodb({ java, jars, dataDir: join(dataDir.path, 'dynamodb'), logFile: log('dynamodb'), port: ports.dynamodb, signal, onStarted });
    return `http://127.0.0.1:${ports.dynamodb}`;
  };

  const starts = [kafka(), dynamodb(), startSqs({ port: ports.sqs, dataDir: join(dataDir.path, 'sqs'), region })] as const;
  const stop = async (graceMs: number, sqs?: SqsService) => {
    await Promise.all([...services.map((service) => service.stop(graceMs)), sqs?.stop()]);
    await dataDir.save({ ports, services: [] });
  };
  try {
    const [brokers, dynamodbEndpoint, sqs] = await Promise.all(starts);
    return { brokers, dynamodbEndpoint, sqs, broken: Promise.race(services.map(({ exited }) => exited)), stop: (graceMs) => stop(graceMs, sqs) };
  } catch (error) {
    giveUp.abort();
    const settled = await Promise.allSettled(starts);
    await stop(3000, settled[2].status === 'fulfilled' ? settled[2].value : undefined);
    throw error;
  }
}

async function reachKafka(brokers: string): Promise<void> {
  const reached = await Promise.all(
    brokers.split(',').map((broker) => {
      const at = broker.lastIndexOf(':');
      return accepts(broker.slice(0, at).replace(/^[A-Z_]+:\/\//, ''), Number(broker.slice(at + 1)), 5000);
    }),
  );
  if (!reached.includes(true)) {
    throw new StartupError(
      `Kafka cannot be reached at ${brokers}: start it, correct the address (--kafka, KAFKA_BROKERS or bootstrap.servers), or leave it out to have one started.`,
    );
  }
}
