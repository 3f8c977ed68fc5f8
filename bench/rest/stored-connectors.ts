import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { systemClock } from '../../shared/runtime/system-clock.ts';
import { createTable } from '../../shared/storage/dynamodb/create-table.ts';
import { createDynamoDbStorage } from '../../shared/storage/dynamodb/dynamodb-storage.ts';
import { DynamoDbTable } from '../../shared/storage/dynamodb/dynamodb-table.ts';
import { connectorPk, nameKey, schedule } from '../../shared/storage/dynamodb/items.ts';
import type { Item } from '../../shared/storage/dynamodb/table.ts';
import type { ConnectorSpec, PlannedTask } from '../../shared/storage/ports.ts';

export const tasks = 4;
const dueShards = 4;
const batch = 25;
const batchesAtOnce = 4;

/** How stored connectors rest: sources that run again tomorrow, sinks that are paused, sinks that wait for records. */
export type Kind = 'scheduled' | 'paused' | 'idle';

/** Of a JDBC sink as people have them; the source has about as many keys. */
const configs: Readonly<Record<'source' | 'sink', Readonly<Record<string, string>>>> = {
  source: {
    'connector.class': 'io.confluent.kafka.connect.datagen.DatagenConnector',
    'tasks.max': `${tasks}`,
    'kafka.topic': 'orders',
    quickstart: 'orders',
    'max.interval': '1000',
    'sluice.schedule': 'rate(1 day)',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'false',
    transforms: 'mask,insert',
    'transforms.mask.type': 'org.apache.kafka.connect.transforms.MaskField$Value',
    'transforms.mask.fields': 'address',
    'transforms.insert.type': 'org.apache.kafka.connect.transforms.InsertField$Value',
    'transforms.insert.static.field': 'origin',
    'transforms.insert.static.value': 'orders',
    'errors.tolerance': 'all',
  },
  sink: {
    'connector.class': 'io.confluent.connect.jdbc.JdbcSinkConnector',
    'tasks.max': `${tasks}`,
    topics: 'orders',
    'connection.url': 'jdbc:postgresql://database.example:5432/orders',
    'connection.user': 'orders',
    'connection.password': `\${secretsManager:orders:password}`,
    'insert.mode': 'upsert',
    'pk.mode': 'record_key',
    'pk.fields': 'id',
    'auto.create': 'true',
    'batch.size': '3000',
    'value.converter': 'io.confluent.connect.avro.AvroConverter',
    'value.converter.schema.registry.url': 'http://registry.example:8081',
    'errors.tolerance': 'all',
    'errors.deadletterqueue.topic.name': 'orders-dlq',
  },
};

/** A table in DynamoDB Local with connectors as the product stores them. */
export class StoredConnectors {
  readonly #client: DynamoDBClient;
  readonly #tableName: string;

  constructor(endpoint: string, tableName: string) {
    this.#client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } });
    this.#tableName = tableName;
  }

  close(): void {
    this.#client.destroy();
  }

  /** Stores connectors `KIND-FROM` to `KIND-TO` (`TO` not included): one through the product's storage, the others as its copies, which takes a tenth of the time. */
  async add(kind: Kind, from: number, to: number): Promise<void> {
    await createTable(this.#client, this.#tableName);
    const model = await this.#model(kind, nameOf(kind, from));
    const document = DynamoDBDocumentClient.from(this.#client, { marshallOptions: { removeUndefinedValues: true } });
    const items: Item[] = [];
    for (let number = from + 1; number < to; number++) {
      const name = nameOf(kind, number);
      items.push(nameKey(name));
      for (const item of model) items.push(copyOf(item, nameOf(kind, from), name));
    }
    let next = 0;
    const lane = async () => {
      while (next < items.length) {
        let left: Record<string, unknown>[] = items.slice(next, next + batch).map((Item) => ({ PutRequest: { Item } }));
        next += batch;
        while (left.length > 0) {
          const command = new BatchWriteCommand({ RequestItems: { [this.#tableName]: left } });
          left = ((await document.send(command)).UnprocessedItems?.[this.#tableName] ?? []) as typeof left;
        }
      }
    };
    await Promise.all(Array.from({ length: batchesAtOnce }, lane));
  }

  /** Milliseconds that it takes to read all names, and all of what info and status tell. */
  async reads(times: number): Promise<{ readonly names: readonly number[]; readonly summaries: readonly number[] }> {
    const { connectors } = createDynamoDbStorage({ client: this.#client, tableName: this.#tableName, clock: systemClock, dueShards });
    const timed = async (action: () => Promise<unknown>) => {
      const taken: number[] = [];
      for (let time = 0; time < times; time++) {
        const startedAt = performance.now();
        await action();
        taken.push(performance.now() - startedAt);
      }
      return taken;
    };
    return { names: await timed(() => connectors.list()), summaries: await timed(() => connectors.summaries({ configs: true })) };
  }

  /** Creates and plans a connector, and brings it to rest. Returns its items. */
  async #model(kind: Kind, name: string): Promise<readonly Item[]> {
    const storage = createDynamoDbStorage({ client: this.#client, tableName: this.#tableName, clock: systemClock, dueShards });
    const type = kind === 'scheduled' ? 'source' : 'sink';
    const config = { name, ...configs[type] };
    const spec = await storage.connectors.create({ name, type, config, targetState: 'STARTED' });
    if (spec === null) throw new Error(`${name} is stored already`);
    const planned: PlannedTask[] = Array.from({ length: tasks }, (_, task) => ({
      config: { ...config, 'task.id': `${task}` },
      partitions: type === 'source' ? [] : [task, task + tasks, task + 2 * tasks].map((partition) => ({ topic: 'orders', partition })),
    }));
    const tomorrow = Date.now() + 86_400_000;
    const made = await storage.control.plan(spec, planned, {
      assignedTopics: type === 'source' ? null : { orders: 3 * tasks },
      specDueAt: kind === 'idle' ? 0 : null,
      taskDueAt: kind === 'paused' ? null : kind === 'idle' ? Date.now() : tomorrow,
      workerId: '127.0.0.1:8083',
    });
    for (const { task, generation } of type === 'sink' ? (made ?? []) : []) {
      const run = { connector: name, task, generation, owner: 'bench', workerId: '127.0.0.1:8083', expiresAt: Date.now() + 60_000 };
      const acquired = await storage.runs.acquire(run);
      if (acquired === null) throw new Error(`${name}-${task} cannot be run`);
      await storage.runs.commitSinkOffsets(acquired.task, new Map(acquired.task.partitions.map(({ topic, partition }) => [`${topic}-${partition}`, 0n])));
      await storage.runs.release(acquired.task, { dueAt: kind === 'idle' ? Date.now() : null });
    }
    await storage.connectors.addActiveTopics(name, ['orders']);
    if (kind === 'paused') {
      const paused = await storage.connectors.update((await storage.connectors.get(name)) as ConnectorSpec, { targetState: 'PAUSED' });
      await storage.control.deferSpec(paused as ConnectorSpec, null);
    }
    return new DynamoDbTable({ client: this.#client, tableName: this.#tableName, clock: systemClock }).query({ pk: connectorPk(name) });
  }
}

export const nameOf = (kind: Kind, number: number): string => `${kind}-${String(number).padStart(5, '0')}`;

function copyOf(item: Item, from: string, to: string): Item {
  const { wake: _, ...copy } = JSON.parse(JSON.stringify(item).replaceAll(from, to)) as Record<string, unknown>;
  return typeof copy['dueAt'] === 'number' ? { ...copy, ...schedule(to, dueShards, copy['dueAt']).set } : copy;
}
