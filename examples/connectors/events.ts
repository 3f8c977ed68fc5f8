import { DatabaseSync } from 'node:sqlite';
import {
  configDef,
  DataException,
  defineSinkConnector,
  defineSourceConnector,
  int,
  type PluginDefinition,
  Schema,
  type SinkRecord,
  SinkTask,
  type SinkTaskContext,
  SourceRecord,
  SourceTask,
  type SourceTaskContext,
  string,
  struct,
} from 'sluice/connect';

const file = string({ importance: 'HIGH', doc: 'Path of an SQLite file with the table events (id INTEGER PRIMARY KEY, text TEXT).' });

// One schema object for all records: converters and sinks cache by identity.
const event = struct({ id: Schema.INT64_SCHEMA, text: Schema.STRING_SCHEMA });

class EventsSourceTask extends SourceTask {
  readonly #db: DatabaseSync;
  readonly #topic: string;
  readonly #batchSize: number;
  readonly #context: SourceTaskContext;
  #lastId = 0n;

  constructor(path: string, topic: string, batchSize: number, context: SourceTaskContext) {
    super();
    this.#db = new DatabaseSync(path, { readOnly: true });
    this.#topic = topic;
    this.#batchSize = batchSize;
    this.#context = context;
  }

  override async start(): Promise<void> {
    const offset = await this.#context.offsetStorageReader.offset({ table: 'events' });
    this.#lastId = BigInt((offset?.['id'] as bigint | number | undefined) ?? 0);
  }

  override async poll(): Promise<SourceRecord[] | null> {
    const select = this.#db.prepare('SELECT id, text FROM events WHERE id > ? ORDER BY id LIMIT ?');
    select.setReadBigInts(true);
    const rows = select.all(this.#lastId, this.#batchSize) as { id: bigint; text: string }[];
    if (rows.length === 0) {
      await this.#context.clock.sleep(200, this.#context.signal);
      return null;
    }
    this.#lastId = rows.at(-1)?.id ?? this.#lastId;
    return rows.map(({ id, text }) => new SourceRecord({ table: 'events' }, { id }, this.#topic, null, Schema.INT64_SCHEMA, id, event, { id, text }));
  }

  override stop(): void {
    this.#db.close();
  }
}

class EventsSinkTask extends SinkTask {
  readonly #db: DatabaseSync;
  readonly #context: SinkTaskContext;

  constructor(path: string, context: SinkTaskContext) {
    super();
    this.#db = new DatabaseSync(path, { timeout: 5000 });
    this.#context = context;
  }

  override async put(records: readonly SinkRecord[]): Promise<void> {
    const wrong: SinkRecord[] = [];
    // What was put comes again after a failure: the same row is written, not a second one.
    const upsert = this.#db.prepare('INSERT INTO events (id, text) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET text = excluded.text');
    this.#db.exec('BEGIN');
    for (const record of records) {
      const { id, text } = (record.value ?? {}) as { id?: bigint | number; text?: string };
      if (id === undefined || text === undefined) wrong.push(record);
      else upsert.run(id, text);
    }
    this.#db.exec('COMMIT');
    for (const record of wrong) {
      const error = new DataException('A value needs the fields id and text');
      if (this.#context.errantRecordReporter === null) throw error;
      await this.#context.errantRecordReporter.report(record, error);
    }
  }

  override stop(): void {
    this.#db.close();
  }
}

export const eventsSource = defineSourceConnector({
  className: 'com.example.EventsSourceConnector',
  version: '1.0.0',
  overview: 'Reads new rows of the table events.',
  config: configDef({
    file,
    topic: string({ importance: 'HIGH', doc: 'Topic to which the rows go.' }),
    'batch.size': int({ default: 100, importance: 'LOW', doc: 'Most rows of a poll.' }),
  }),
  // One table, one task, whatever tasks.max says.
  taskConfigs: ({ rawConfig }) => [rawConfig],
  createTask: (config, context) => new EventsSourceTask(config.file, config.topic, config['batch.size'], context),
});

export const eventsSink = defineSinkConnector({
  className: 'com.example.EventsSinkConnector',
  version: '1.0.0',
  overview: 'Writes records to the table events.',
  config: configDef({ file }),
  taskConfigs: ({ rawConfig, maxTasks }) => Array.from({ length: maxTasks }, () => rawConfig),
  createTask: (config, context) => new EventsSinkTask(config.file, context),
});

/** What `plugin.path` looks for. */
export const plugins: PluginDefinition[] = [eventsSource, eventsSink];
