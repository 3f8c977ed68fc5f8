import {
  ConnectException,
  partitionKey,
  RetriableException,
  type SinkRecord,
  SinkTask,
  type SinkTaskContext,
  type TopicPartition,
  UnavailableException,
} from '../../connect/index.ts';
import { writeWithoutBadRecords } from './bad-records.ts';
import { ConnectionProvider } from './connection-provider.ts';
import type { BoundRows, DatabaseConnection, Dialect, InsertMode } from './dialects/dialect.ts';
import { type Fate, isRecordFault, SqlException } from './errors.ts';
import { type FieldsSettings, fieldsMetadata } from './fields-metadata.ts';
import { OffsetsInDatabase, offsetsAfter } from './offsets-in-database.ts';
import { type RecordBatch, RecordBatcher, type RejectedRecord, type Segment } from './record-batch.ts';
import { recordValidator } from './record-validator.ts';
import type { JdbcSinkConfig } from './sink.config.ts';
import { TableStructure } from './table-structure.ts';

/** How long a write that is under way may go on after the run was told to end. */
const graceMs = 3_000;

/** A batch that put took and the database has not confirmed. */
interface Pending {
  readonly batch: RecordBatch;
  /** The outcome of the write under way; null when it failed and is to be done again. */
  write: Promise<Error | null> | null;
}

/**
 * Writes records as rows. All rows of a put are one transaction.
 *
 * Under upsert, where writing twice changes nothing, a put to a database on another machine returns while its statement runs:
 * the next put and `flush` wait for it, and tell its errors. Offsets are committed after `flush` only.
 */
export class JdbcSinkTask extends SinkTask {
  readonly #config: JdbcSinkConfig;
  readonly #dialect: Dialect;
  readonly #context: SinkTaskContext;
  readonly #connections: ConnectionProvider;
  readonly #structure: TableStructure;
  readonly #batcher: RecordBatcher;
  readonly #fields: FieldsSettings;
  readonly #insertMode: InsertMode;
  readonly #inBackground: boolean;
  /** Null: offsets are the worker's alone. */
  readonly #offsets: OffsetsInDatabase | null;
  /** Next offsets after what was taken, where the database keeps them: what comes again is there already, or waits here. */
  #taken = new Map<string, bigint>();
  #pending: Pending | null = null;
  /** What the last write met: nothing is tried again before the next put. */
  #outage: UnavailableException | null = null;
  #remainingRetries: number;

  constructor(config: JdbcSinkConfig, dialect: Dialect, context: SinkTaskContext) {
    super();
    this.#config = config;
    this.#dialect = dialect;
    this.#context = context;
    const { clock, logger } = context;
    this.#connections = new ConnectionProvider({
      dialect,
      attempts: config['connection.attempts'],
      backoffMs: config['connection.backoff.ms'],
      clock,
      logger,
    });
    const tableTypes = new Set(config['table.types'].map((type) => type.toUpperCase()));
    this.#structure = new TableStructure(dialect, { autoCreate: config['auto.create'], autoEvolve: config['auto.evolve'], tableTypes }, logger);
    const pkMode = config['pk.mode'].toLowerCase() as FieldsSettings['pkMode'];
    const fieldsWhitelist = new Set(config['fields.whitelist']);
    this.#fields = {
      pkMode,
      pkFields: config['pk.fields'],
      fieldsWhitelist,
      stringValueColumn: config['string.output.value.column.name'],
      replaceNullWithDefault: config['replace.null.with.default'],
    };
    this.#insertMode = config['insert.mode'].toLowerCase() as InsertMode;
    this.#inBackground = dialect.writesInBackground && this.#insertMode === 'upsert';
    const format = config['table.name.format'].trim();
    this.#batcher = new RecordBatcher({
      tableOf: (topic) => dialect.parseTable(format.replaceAll('${topic}', () => topic)),
      validate: recordValidator({
        connector: context.connector,
        pkMode,
        deleteEnabled: config['delete.enabled'],
        fieldsWhitelist,
        timestampFields: new Set(config['timestamp.fields.list']),
      }),
      usesKey: pkMode === 'record_key',
      batchSize: config['batch.size'],
    });
    this.#remainingRetries = config['max.retries'];
    this.#offsets = config['sluice.exactly.once'] ? new OffsetsInDatabase(dialect, config['sluice.exactly.once.table'], context.connector) : null;
  }

  override async open(partitions: readonly TopicPartition[]): Promise<void> {
    if (this.#offsets === null) return;
    try {
      const { connection } = await this.#connections.get(this.#context.signal);
      this.#taken = new Map(await this.#offsets.claim(connection, partitions));
    } catch (error) {
      if (!(error instanceof SqlException)) throw error;
      await this.#connections.close();
      const mayPass = error.fate === 'connection' || error.fate === 'retry' || error.fate === 'down';
      throw mayPass ? new UnavailableException(error.message, { cause: error }) : new ConnectException(error.message, { cause: error });
    }
    this.#context.offset(new Map(this.#taken));
  }

  override async put(given: readonly SinkRecord[]): Promise<void> {
    const records = this.#offsets === null ? given : given.filter((record) => !this.#isTaken(record));
    if (records.length === 0) return;
    const next = this.#offsets === null ? null : offsetsAfter(records);
    await this.#putAll(records, next);
    for (const [key, offset] of next ?? []) this.#taken.set(key, offset);
  }

  async #putAll(records: readonly SinkRecord[], offsets: ReadonlyMap<string, bigint> | null): Promise<void> {
    this.#outage = null;
    const batch = this.#batcher.divide(records);
    batch.offsets = offsets;
    if (batch.rejected.length > 0) this.#requireReporter(batch.rejected);
    if (this.#pending !== null) {
      // Encoded while the database is still at work.
      bindKnown(batch);
      await this.#settle();
    }
    if (this.#inBackground && batch.rejected.length === 0) {
      this.#pending = { batch, write: this.#start(batch) };
      return;
    }
    await this.#write(batch, null);
  }

  override async flush(): Promise<void> {
    while (this.#pending !== null) {
      if (this.#outage !== null) throw this.#outage;
      try {
        await this.#settle();
      } catch (error) {
        const { signal, clock } = this.#context;
        if (!(error instanceof RetriableException)) this.#context.raiseError(error as Error);
        if (!(error instanceof RetriableException) || error instanceof UnavailableException || signal.aborted) throw error;
        // Here and not by the worker, which would go back and bring records again that are still waiting here.
        await clock.sleep(this.#config['retry.backoff.ms'], signal);
      }
    }
  }

  override async stop(): Promise<void> {
    this.#pending = null;
    await this.#connections.stop();
  }

  /** Starts a write and never rejects. */
  #start(batch: RecordBatch): Promise<Error | null> {
    return this.#attempt(batch).then(
      () => null,
      (error: Error) => error,
    );
  }

  /** Waits for the write under way, or does it again. What put took stays pending until it is written. */
  async #settle(): Promise<void> {
    const pending = this.#pending;
    if (pending === null) return;
    const failure = pending.write === null ? undefined : await pending.write;
    pending.write = null;
    if (failure !== null) await this.#write(pending.batch, failure ?? null);
    else this.#succeeded();
    this.#pending = null;
  }

  /** Writes a batch to the end, or throws what the worker should know. `failure` is that of a first attempt. */
  async #write(batch: RecordBatch, failure: Error | null): Promise<void> {
    let error = failure;
    // They are gone past when the rows are committed.
    if (this.#offsets !== null) await this.#report(batch.rejected);
    for (let looks = 0; ; looks++) {
      try {
        if (error === null) await this.#attempt(batch);
        else if (isRecordFault(error)) await this.#isolate(batch);
        else throw error;
        break;
      } catch (caught) {
        error = caught as Error;
        // Each of these is met once: then it is another's turn.
        if (fateOf(error) === 'structure' && looks < 2) {
          this.#forget(batch);
          error = null;
        } else if (!isRecordFault(error) || looks >= 2) {
          return this.#giveBack(error, batch);
        }
      }
    }
    this.#succeeded();
    await this.#report(batch.rejected);
  }

  #succeeded(): void {
    this.#remainingRetries = this.#config['max.retries'];
    this.#connections.released();
  }

  /** One transaction with all rows. A connection that turns out to be dead, as one is after a long sleep, is replaced once. */
  async #attempt(batch: RecordBatch): Promise<void> {
    const { signal } = this.#context;
    const { connection, fresh } = await this.#connections.get(signal);
    try {
      await this.#attemptOn(connection, batch);
    } catch (error) {
      if (fresh || fateOf(error) !== 'connection' || signal.aborted) throw error;
      this.#context.logger.info('The database connection was lost. Reconnecting...', { error: (error as Error).message });
      await this.#connections.close();
      await this.#attemptOn((await this.#connections.get(signal)).connection, batch);
    }
  }

  async #attemptOn(connection: DatabaseConnection, batch: RecordBatch): Promise<void> {
    const bound: BoundRows[] = [];
    for (const segment of batch.segments) {
      if (segment.target.writer === undefined) {
        await this.#resolve(connection, segment);
        segment.bound = null;
      }
      segment.bound ??= segment.target.writer?.bind(segment.records) ?? [];
      bound.push(...segment.bound);
    }
    if (bound.length > 0 || batch.offsets !== null) await this.#unlessEnding(connection, connection.runAll(bound, this.#first(connection, batch)));
  }

  /** Moves the offsets on in the transaction of the rows, where the database keeps them. */
  #first(connection: DatabaseConnection, { offsets }: RecordBatch): (() => Promise<boolean>) | undefined {
    const kept = this.#offsets;
    return kept === null || offsets === null ? undefined : () => kept.advance(connection, offsets);
  }

  #isTaken({ originalTopic, originalKafkaPartition, kafkaOffset }: SinkRecord): boolean {
    return kafkaOffset < (this.#taken.get(partitionKey(originalTopic, originalKafkaPartition)) ?? -1n);
  }

  /** When the run ends, a write gets a little time; then its connection is cut, so that it cannot end after the lease. */
  async #unlessEnding(connection: DatabaseConnection, write: Promise<void>): Promise<void> {
    const { signal, clock } = this.#context;
    const done = new AbortController();
    const cut = () => {
      clock
        .sleep(graceMs, done.signal)
        .then(() => (done.signal.aborted ? undefined : connection.close()))
        .catch(() => {});
    };
    if (signal.aborted) cut();
    else signal.addEventListener('abort', cut, { once: true });
    try {
      await write;
    } finally {
      signal.removeEventListener('abort', cut);
      done.abort();
    }
  }

  /** Looks at the table of a segment, creates or widens it where that is allowed. */
  async #resolve(connection: DatabaseConnection, { target }: Segment): Promise<void> {
    const table = this.#dialect.tableName(target.table);
    const fields = fieldsMetadata(target.table.table, this.#fields, target.keySchema, target.valueSchema);
    const onlyDeletions = target.valueSchema === null;
    if (this.#insertMode === 'upsert' && fields.keyFields.length === 0)
      throw new ConnectException(`Write to table '${table}' in UPSERT mode requires key field names to be known, check the primary key configuration`);
    const definition = await this.#structure.createOrAmendIfNecessary(connection, target.table, fields, onlyDeletions);
    // Not kept where there is no table: it may come.
    if (definition === null) return;
    target.writer = this.#dialect.writer(definition, fields, this.#insertMode);
  }

  #forget(batch: RecordBatch): void {
    this.#structure.forget();
    this.#batcher.forget();
    for (const segment of batch.segments) {
      segment.target.writer = undefined;
      segment.bound = null;
    }
  }

  /** A record of this batch cannot be written: finds the bad ones, and writes the others where there is a reporter. */
  async #isolate(batch: RecordBatch): Promise<void> {
    const { connection } = await this.#connections.get(this.#context.signal);
    const rejected = await writeWithoutBadRecords(connection, batch.segments, {
      begin: this.#dialect.beginIsolation,
      resolve: (segment) => this.#resolve(connection, segment),
      ...(this.#offsets === null ? {} : { first: this.#first(connection, batch), beforeCommit: (found) => this.#report([...found]) }),
      onRejected: (soFar) => this.#requireReporter(soFar),
    });
    if (this.#offsets === null) batch.rejected.push(...rejected);
  }

  /** Throws ConnectException that names the first of these records when there is nobody to report it to. */
  #requireReporter(rejected: readonly RejectedRecord[]): void {
    const [first] = rejected;
    if (this.#context.errantRecordReporter !== null || first === undefined) return;
    throw new ConnectException(placed(first), { cause: first.error });
  }

  async #report(rejected: RejectedRecord[]): Promise<void> {
    const reporter = this.#context.errantRecordReporter;
    if (reporter === null) return;
    await Promise.all(rejected.splice(0).map(({ record, error }) => reporter.report(record, error)));
  }

  /** The database is to blame: the same records again later, as often as `max.retries` says; then, or when it takes nothing at all, the task waits for it. */
  async #giveBack(error: Error, batch: RecordBatch): Promise<never> {
    const fate = fateOf(error);
    const count = batch.segments.reduce((sum, { records }) => sum + records.length, 0);
    if (fate === null || fate === 'fatal' || fate === 'structure' || fate === 'record')
      throw error instanceof SqlException ? new ConnectException(error.message, { cause: error }) : error;
    await this.#connections.close();
    if (fate === 'down' || this.#remainingRetries <= 0) {
      const exhausted = fate === 'down' ? '' : `Retries are exhausted (max.retries=${this.#config['max.retries']}): `;
      this.#outage = new UnavailableException(`${exhausted}${error.message}`, { cause: error });
      throw this.#outage;
    }
    this.#context.logger.warn(`Write of ${count} records failed, remainingRetries=${this.#remainingRetries}`, { error: error.message });
    this.#remainingRetries--;
    this.#context.timeout(this.#config['retry.backoff.ms']);
    throw new RetriableException(error.message, { cause: error });
  }
}

/** Makes statements of what has a writer already. An error is met again, and dealt with, when the batch is written. */
function bindKnown({ segments }: RecordBatch): void {
  for (const segment of segments) {
    try {
      segment.bound = segment.target.writer?.bind(segment.records) ?? null;
    } catch {
      return;
    }
  }
}

function fateOf(error: unknown): Fate | null {
  return error instanceof SqlException ? error.fate : null;
}

function placed({ record, error }: RejectedRecord): string {
  const { originalTopic, originalKafkaPartition, kafkaOffset } = record;
  return `The record of topic '${originalTopic}', partition ${originalKafkaPartition}, offset ${kafkaOffset} cannot be written: ${error.message}`;
}
