import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { createEnvironment, type Environment } from '../../functions/wiring.ts';
import { freePorts } from '../../infra/local/ports.ts';
import { type SqsService, startSqs } from '../../infra/local/services/sqs.ts';
import type { Plugins } from '../../shared/connect/plugins.ts';
import type { ConsumerRecord } from '../../shared/kafka/ports.ts';
import type { RunOutcome, RunRequest } from '../../shared/runtime/task-run.ts';
import { Worker } from '../../shared/runtime/worker.ts';
import { createTable } from '../../shared/storage/dynamodb/create-table.ts';
import { dynamodbEndpoint, kafkaBrokers } from './servers.ts';

const region = 'us-east-1';
const string = 'org.apache.kafka.connect.storage.StringConverter';

/** Real Kafka, DynamoDB Local, an SQS and S3 of its own, and a worker in this process. */
export class DeadLetterWorld {
  readonly environment: Environment;
  readonly folder: string;
  /** What asked for another run. */
  readonly invoked: RunRequest[] = [];
  readonly #sqs: SqsService;
  readonly #worker: Worker;
  readonly #saved: NodeJS.ProcessEnv;
  #runs = 0;

  private constructor(environment: Environment, folder: string, sqs: SqsService, saved: NodeJS.ProcessEnv) {
    this.environment = { ...environment, invoker: { invoke: async (request) => void this.invoked.push(request) } };
    this.folder = folder;
    this.#sqs = sqs;
    this.#saved = saved;
    this.#worker = new Worker(this.environment);
  }

  /** `plugins`: in place of those that Sluice has. */
  static async start(table: string, plugins?: Plugins): Promise<DeadLetterWorld> {
    const saved = { ...process.env };
    const folder = await mkdtemp(join(tmpdir(), 'sluice-dead-letters-'));
    const sqs = await startSqs({ port: (await freePorts(['sqs'] as const)).sqs, dataDir: join(folder, 'sqs'), region });
    const endpoints = { AWS_ENDPOINT_URL_SQS: sqs.endpoint, AWS_ENDPOINT_URL_S3: sqs.endpoint, AWS_ENDPOINT_URL_DYNAMODB: dynamodbEndpoint() };
    Object.assign(process.env, endpoints, { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });
    await createTable(new DynamoDBClient({ region }), table);
    const environment = createEnvironment({
      ...endpoints,
      SLUICE_TABLE: table,
      SLUICE_WORKER: JSON.stringify({ 'bootstrap.servers': kafkaBrokers(), 'key.converter': string, 'value.converter': string }),
      SLUICE_METRICS: 'off',
      SLUICE_LOG_LEVEL: process.env['SLUICE_TEST_LOG'] ?? 'ERROR',
    });
    return new DeadLetterWorld(plugins === undefined ? environment : { ...environment, plugins }, folder, sqs, saved);
  }

  async stop(): Promise<void> {
    await this.#worker.close();
    await this.environment.kafka.close();
    await this.#sqs.stop();
    process.env = this.#saved;
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Makes a queue; its URL. */
  async queue(name: string, attributes: Record<string, string> = {}): Promise<string> {
    const { QueueUrl } = await new SQSClient({ region }).send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
    return QueueUrl as string;
  }

  async bucket(name: string): Promise<string> {
    await new S3Client({ region, forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: name }));
    return name;
  }

  async topic(topic: string, partitions = 1, configs: Record<string, string> = {}): Promise<string> {
    const admin = this.environment.kafka.admin();
    await admin.createTopic({ topic, partitions, replicationFactor: 1, configs });
    for (let tries = 0; tries < 100 && (await admin.partitionCounts([topic])).get(topic) !== partitions; tries++) await this.environment.clock.sleep(100);
    return topic;
  }

  async produce(topic: string, values: readonly (string | Buffer | null)[], partition = 0, key: string | null = null): Promise<void> {
    const producer = this.environment.kafka.producer();
    const bytes = (value: string | Buffer | null) => (value === null ? null : Buffer.from(value as string));
    await producer.send(values.map((value) => ({ topic, partition, key: bytes(key), value: bytes(value), headers: [], timestamp: 1_700_000_000_000 })));
    await producer.close();
  }

  /** All that is in partition 0 of a topic now. */
  async records(topic: string): Promise<readonly ConsumerRecord[]> {
    const place = { topic, partition: 0 };
    const end = (await this.environment.kafka.admin().endOffsets([place])).get(`${topic}-0`) ?? 0n;
    const reader = this.environment.kafka.reader();
    reader.assign([{ ...place, offset: 0n }]);
    const all: ConsumerRecord[] = [];
    for (let next = 0n; next < end; ) {
      for (const batch of await reader.poll(500)) {
        all.push(...batch.records);
        next = batch.nextOffset;
      }
    }
    await reader.close();
    return all;
  }

  /** Creates a connector and runs it once: its plan, and its one task. */
  async create(name: string, type: 'source' | 'sink', config: Record<string, string>): Promise<RunOutcome> {
    const spec = await this.environment.storage.connectors.create({ name, type, config: { name, ...config }, targetState: 'STARTED' });
    return this.run({ kind: 'connector', connector: name, generation: spec?.generation ?? 0 });
  }

  async runTask(connector: string): Promise<RunOutcome> {
    const task = await this.environment.storage.control.task(connector, 0);
    return this.run({ kind: 'task', connector, task: 0, generation: task?.generation ?? 0 });
  }

  run(request: RunRequest): Promise<RunOutcome> {
    const now = this.environment.clock.now();
    const invocation = { id: `run-${++this.#runs}`, deadlineAt: now + 40_000, expiresAt: now + 60_000, shutdown: new AbortController().signal };
    return this.#worker.run(request, invocation);
  }
}

/** Headers as texts; of one that is there more than once, the last. */
export const texts = ({ headers }: ConsumerRecord) => Object.fromEntries(headers.map(({ key, value }) => [key, value?.toString() ?? null]));
