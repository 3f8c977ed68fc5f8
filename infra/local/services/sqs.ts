import { mkdir } from 'node:fs/promises';
import { buildApp } from 'fauxqs';
import { type QueueName, queues } from '../../topology.ts';

export interface SqsService {
  readonly endpoint: string;
  readonly queues: Readonly<Record<QueueName, { readonly url: string }>>;
  stop(): Promise<void>;
}

interface SqsStore {
  persistence: unknown;
  allQueues(): Iterable<{ persistence: unknown }>;
  createQueue(name: string, url: string, arn: string, attributes: Record<string, string>): void;
  getQueueByName(name: string): unknown;
}

const account = '000000000000';

/**
 * Starts the SQS emulator in this process, with its messages on disk and the queues of the topology.
 * Its own start function listens on all addresses; this puts the same pieces together on the loopback address.
 */
export async function startSqs({ port, dataDir, region }: { port: number; dataDir: string; region: string }): Promise<SqsService> {
  await mkdir(dataDir, { recursive: true });
  const inner = (file: string) => import(new URL(file, import.meta.resolve('fauxqs')).href);
  const [{ SqsStore }, { SnsStore }, { S3Store }, { PersistenceManager }] = await Promise.all(
    ['sqs/sqsStore.js', 'sns/snsStore.js', 's3/s3Store.js', 'persistence.js'].map(inner),
  );
  const sqsStore: SqsStore = new SqsStore();
  const stores = { sqsStore, snsStore: new SnsStore(), s3Store: new S3Store() };
  const persistence = new PersistenceManager(dataDir);
  // Its own writes null where the column takes none, and a message that was to be visible again would be gone.
  persistence.updateMessageReady = (id: string) => persistence.updateMessageInflight(id, null, null, 0);
  // Its loader must come before the stores know where to save, or loading would save and cascade.
  persistence.load(stores.sqsStore, stores.snsStore, stores.s3Store);
  for (const target of [...Object.values(stores), ...sqsStore.allQueues()]) target.persistence = persistence;

  const app = buildApp({ logger: false, defaultRegion: region, stores: stores as never });
  app.addHook('preClose', async () => persistence.close());
  await app.listen({ port, host: '127.0.0.1' });
  const endpoint = `http://127.0.0.1:${port}`;
  const urls = Object.fromEntries(
    queues.map((queue) => {
      const url = `${endpoint}/${account}/${queue.name}`;
      // Made anew it would be empty.
      if (sqsStore.getQueueByName(queue.name)) return [queue.name, { url }];
      sqsStore.createQueue(queue.name, url, `arn:aws:sqs:${region}:${account}:${queue.name}`, {
        VisibilityTimeout: String(queue.visibilityTimeoutSeconds),
        MessageRetentionPeriod: String(queue.retentionSeconds),
      });
      return [queue.name, { url }];
    }),
  ) as Record<QueueName, { url: string }>;
  return { endpoint, queues: urls, stop: () => app.close() };
}
