import { type Header, type Headers, NO_HEADERS, SinkRecord } from '../connect/data/record.ts';
import { ConnectException, isRetriable } from '../connect/errors.ts';
import type { SinkTask, SinkTaskContext } from '../connect/sink-task.ts';
import { parsePartitionKey, partitionKey, type TopicPartition } from '../connect/topic-partition.ts';
import type { ConsumerRecord, PartitionReader, PartitionRecords } from '../kafka/ports.ts';
import type { TaskItem } from '../storage/ports.ts';
import { FencedException } from '../storage/ports.ts';
import { ActiveTopics } from './active-topics.ts';
import { CircuitBreaker, OutageException } from './circuit-breaker.ts';
import type { Stage } from './errors/processing-context.ts';
import { InterruptedException } from './errors/retry-with-tolerance-operator.ts';
import { InternalSinkRecord } from './internal-sink-record.ts';
import type { RunControl } from './run-control.ts';
import { SinkTaskMetrics } from './task-metrics.ts';
import type { TaskParts, WorkerTask, WorkerTaskResult } from './worker-task.ts';

/** How many commits in a row may fail before the task does. Kafka Connect rewinds for ever; a sink that can never flush should be seen. */
const maxCommitFailures = 3;
/** A put that failed for a while is tried again after this time, when the task did not ask for another. */
const defaultPutBackoffMs = 1_000;

/**
 * One sink task and what belongs to it: reads, converts, transforms, puts, commits (Kafka Connect's `WorkerSinkTask`).
 * It lives as long as its execution environment keeps it warm; `run` is one run of it.
 *
 * Invariant: an offset is stored only after `preCommit` allowed it and the dead letter queue has what was reported.
 */
export class WorkerSinkTask implements WorkerTask {
  readonly #parts: TaskParts;
  readonly #reader: PartitionReader;
  readonly #metrics: SinkTaskMetrics;
  #task!: SinkTask;
  #item: TaskItem;
  #signal: AbortSignal = AbortSignal.abort();
  #started = false;
  #stage: Stage = 'KEY_CONVERTER';
  #stageClass = '';
  /** Next offsets after what was put. */
  readonly #current = new Map<string, bigint>();
  readonly #committed: Map<string, bigint>;
  /** Where partitions began that had no stored offset: what a failed first commit goes back to. */
  readonly #origins = new Map<string, bigint>();
  readonly #rewind = new Map<string, bigint>();
  readonly #activeTopics: ActiveTopics;
  readonly #circuit: CircuitBreaker;
  /** Records of the run under way. */
  #records = 0;
  /** The topic of the record before: most follow one of their own. */
  #lastTopic = '';
  #putTimeoutMs: number | null = null;
  #commitRequested = false;
  #commitFailures = 0;
  #raised: Error | null = null;
  #reports: Promise<void>[] = [];

  constructor(parts: TaskParts, item: TaskItem, reader: PartitionReader) {
    this.#parts = parts;
    this.#item = item;
    this.#reader = reader;
    this.#metrics = new SinkTaskMetrics(parts.metrics, parts.clock, item);
    this.#committed = new Map(item.offsets);
    this.#activeTopics = new ActiveTopics(parts.storage.connectors, item.connector, parts.settings.topicTracking);
    this.#circuit = new CircuitBreaker(parts.clock, parts.settings.circuit);
  }

  async run(control: RunControl, item: TaskItem): Promise<WorkerTaskResult> {
    this.#item = item;
    this.#signal = control.signal;
    this.#records = 0;
    this.#circuit.begin(item.circuit);
    try {
      return await this.#run(control);
    } catch (error) {
      if (!(error instanceof OutageException)) throw error;
      // What the target has confirmed is stored, as far as the task can tell now.
      if (this.#current.size > 0)
        await this.#commit(true).catch((again: unknown) => {
          if (!(again instanceof OutageException)) throw again;
        });
      return { outcome: 'more', records: this.#records, delayMs: 0, reusable: false, outage: error.cause };
    }
  }

  async #run(control: RunControl): Promise<WorkerTaskResult> {
    const item = this.#item;
    if (!this.#started) await this.#trying(() => this.#start());
    this.#metrics.assigned(item.partitions.length);
    const { clock, settings } = this.#parts;
    let lastRecordAt = clock.now();
    let lastCommitAt = lastRecordAt;
    let unreachableSince: number | null = null;
    while (!control.signal.aborted) {
      this.#throwRaised();
      this.#applyRewinds();
      this.#activeTopics.resetSince(control.topicResets);
      this.#lastTopic = '';
      const now = clock.now();
      const untilIdle = settings.continuous ? 1_000 : lastRecordAt + settings.idleLingerMs - now;
      const untilCommit = lastCommitAt + settings.offsetFlushIntervalMs - now;
      let batches: readonly PartitionRecords[];
      try {
        batches = await this.#reader.poll(Math.max(1, Math.min(1_000, untilIdle, untilCommit)), control.signal);
        unreachableSince = null;
      } catch (error) {
        if (!isRetriable(error)) throw error;
        unreachableSince ??= clock.now();
        this.#parts.logger.warn('Kafka cannot be read now; trying again', { connector: item.connector, task: item.task, error: String(error) });
        if (clock.now() - unreachableSince > settings.unreachableTimeoutMs) {
          await this.#commit(true);
          return { outcome: 'idle', records: this.#records, delayMs: settings.unreachableTimeoutMs, reusable: false };
        }
        await clock.sleep(settings.retryBackoffMs, control.signal);
        continue;
      }
      if (!(await this.#take(batches, control))) {
        // What was fetched is not put, so this instance's position is ahead of the sink: the next run starts from what is stored.
        await this.#commit(true);
        return { outcome: 'more', records: this.#records, delayMs: this.#putTimeoutMs ?? defaultPutBackoffMs, reusable: false };
      }
      for (const batch of batches) {
        const key = partitionKey(batch.topic, batch.partition);
        if (!this.#committed.has(key) && !this.#origins.has(key)) this.#origins.set(key, batch.records[0]?.offset ?? batch.nextOffset);
        this.#current.set(key, batch.nextOffset);
        this.#records += batch.records.length;
        if (batch.records.length > 0) lastRecordAt = clock.now();
      }
      if (this.#commitRequested || clock.now() - lastCommitAt >= settings.offsetFlushIntervalMs) {
        await this.#commit(false);
        lastCommitAt = clock.now();
      }
      if (batches.length === 0) this.#notePositions();
      if (batches.length === 0 && !settings.continuous && clock.now() - lastRecordAt >= settings.idleLingerMs && this.#reader.caughtUp()) break;
    }
    this.#throwRaised();
    const clean = await this.#commit(true);
    return { outcome: control.signal.aborted ? 'more' : 'idle', records: this.#records, delayMs: 0, reusable: clean };
  }

  async stop(): Promise<void> {
    try {
      // Also those of a task that failed before it could commit.
      await this.#activeTopics.store();
      if (this.#started) {
        await this.#task.close(this.#item.partitions);
        await this.#task.stop();
      }
    } finally {
      await this.#reader.close();
      await this.#parts.close();
    }
  }

  async #start(): Promise<void> {
    const { definition, logger } = this.#parts;
    if (definition.kind !== 'sink') throw new ConnectException(`${definition.className} is not a sink connector`);
    const item = this.#item;
    await this.#metrics.start(async () => {
      this.#task = await definition.createTask(this.#context());
      this.#started = true;
      await this.#task.start();
    });
    this.#reader.assign(item.partitions.map((each) => ({ ...each, offset: item.offsets.get(partitionKey(each.topic, each.partition)) ?? null })));
    await this.#task.open(item.partitions);
    logger.debug('Sink task started', { connector: item.connector, task: item.task, partitions: item.partitions.length });
  }

  /** Does what has no other way to be tried again than the next run. */
  async #trying(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (isRetriable(error)) this.#circuit.mayTryAgain(error);
      throw error;
    }
  }

  #context(): SinkTaskContext {
    const { connector, task } = this.#item;
    const { clock, logger, taskConfig, operator, settings } = this.#parts;
    const self = this;
    return {
      connector,
      task,
      config: taskConfig,
      clock,
      logger,
      get signal() {
        return self.#signal;
      },
      assignment: () => self.#item.partitions,
      offset(offsets) {
        for (const [key, offset] of offsets) self.#rewind.set(key, offset);
      },
      pause: (partitions: readonly TopicPartition[]) => self.#reader.pause(partitions),
      resume: (partitions: readonly TopicPartition[]) => self.#reader.resume(partitions),
      timeout(ms) {
        self.#putTimeoutMs = ms;
      },
      requestCommit() {
        self.#commitRequested = true;
      },
      errantRecordReporter: settings.errantRecordReporter
        ? {
            report(record, error) {
              const consumed = record instanceof InternalSinkRecord ? record.consumed : null;
              const reported = operator
                .executeFailed({
                  stage: 'TASK_PUT',
                  className: 'org.apache.kafka.connect.sink.SinkTask',
                  error,
                  consumed: consumed && { topic: record.originalTopic, partition: record.originalKafkaPartition, record: consumed },
                  source: null,
                })
                // What the task does next may not be undone: it goes past the record once this has resolved.
                .then(() => self.#parts.deadLetters?.flush());
              // Awaited before the next commit as well, for tasks that do not wait themselves.
              self.#reports.push(reported);
              reported.catch(() => {});
              return reported;
            },
          }
        : null,
      raiseError(error) {
        self.#raised ??= error;
      },
    };
  }

  async #convert(batches: readonly PartitionRecords[]): Promise<SinkRecord[]> {
    const { operator } = this.#parts;
    const converted: SinkRecord[] = [];
    for (const { topic, partition, records } of batches) {
      for (const consumed of records) {
        let record: SinkRecord | null | undefined;
        try {
          record = this.#convertRecord(topic, partition, consumed);
        } catch (error) {
          record = await operator.recover(
            { stage: this.#stage, className: this.#stageClass, error, consumed: { topic, partition, record: consumed }, source: null },
            () => this.#convertRecord(topic, partition, consumed),
            this.#signal,
            () => ({ stage: this.#stage, className: this.#stageClass }),
          );
        }
        if (record !== null && record !== undefined) converted.push(record);
      }
    }
    return converted;
  }

  /** Key, then value, then headers, then the transformations: Kafka Connect's order, so that the first failing stage is the same. */
  #convertRecord(topic: string, partition: number, consumed: ConsumerRecord): SinkRecord | null {
    const { keyConverter, valueConverter, classes, chain, settings } = this.#parts;
    this.#stage = 'KEY_CONVERTER';
    this.#stageClass = classes.keyConverter;
    const key = keyConverter.toConnectData(topic, consumed.key, NO_HEADERS);
    this.#stage = 'VALUE_CONVERTER';
    this.#stageClass = classes.valueConverter;
    const value = valueConverter.toConnectData(topic, consumed.value, NO_HEADERS);
    const headers = consumed.headers.length === 0 ? NO_HEADERS : this.#convertHeaders(topic, consumed);
    let record: SinkRecord | null = new SinkRecord(
      topic,
      partition,
      key.schema,
      key.value,
      value.schema,
      value.value,
      consumed.offset,
      consumed.timestamp < 0 ? null : consumed.timestamp,
      consumed.timestampType,
      headers,
    );
    if (topic !== this.#lastTopic) {
      if (!this.#activeTopics.has(topic)) this.#activeTopics.add(topic);
      this.#lastTopic = topic;
    }
    if (settings.errantRecordReporter) record = new InternalSinkRecord(record, consumed);
    for (const step of chain.stages) {
      this.#stage = 'TRANSFORMATION';
      this.#stageClass = step.className;
      record = step.apply(record) as SinkRecord | null;
      if (record === null) return null;
    }
    return record;
  }

  #convertHeaders(topic: string, consumed: ConsumerRecord): Headers {
    this.#stage = 'HEADER_CONVERTER';
    this.#stageClass = this.#parts.classes.headerConverter;
    const { headerConverter } = this.#parts;
    return consumed.headers.map((header): Header => {
      const { schema, value } = headerConverter.toConnectHeader(topic, header.key, header.value);
      return { key: header.key, schema, value };
    });
  }

  /** Converts and puts. False when the run ended before everything was put. */
  async #take(batches: readonly PartitionRecords[], control: RunControl): Promise<boolean> {
    this.#metrics.read(batches.reduce((sum, { records }) => sum + records.length, 0));
    try {
      const taken = await this.#deliver(batches.length === 0 ? [] : await this.#convert(batches), control);
      if (taken) this.#metrics.delivered(batches);
      return taken;
    } catch (error) {
      if (error instanceof InterruptedException) return false;
      throw error;
    }
  }

  /** True when the task took the records; false when the run ended while it asked to try again. */
  async #deliver(records: readonly SinkRecord[], control: RunControl): Promise<boolean> {
    const { clock, logger } = this.#parts;
    for (;;) {
      try {
        const startedAt = clock.now();
        await this.#task.put(records);
        this.#putTimeoutMs = null;
        this.#metrics.put(records.length, startedAt);
        if (records.length > 0) this.#putSucceeded();
        return true;
      } catch (error) {
        if (!isRetriable(error) || !this.#circuit.mayTryAgain(error))
          throw new ConnectException('Exiting WorkerSinkTask due to unrecoverable exception.', { cause: error });
        const wait = this.#putTimeoutMs ?? defaultPutBackoffMs;
        logger.warn('The sink asks to put these records again', { connector: this.#item.connector, task: this.#item.task, waitMs: wait, error: String(error) });
        await clock.sleep(wait, control.signal);
        if (control.signal.aborted) return false;
      }
    }
  }

  #putSucceeded(): void {
    // That the target is back is told soon.
    if (this.#circuit.probing) this.#commitRequested = true;
    this.#circuit.succeeded();
  }

  /** Stores what the task allows. False when it failed and the task was rewound. */
  async #commit(closing: boolean): Promise<boolean> {
    this.#commitRequested = false;
    this.#applyRewinds();
    const { storage, clock } = this.#parts;
    const startedAt = clock.now();
    let allowed: ReadonlyMap<string, bigint>;
    try {
      allowed = await this.#task.preCommit(new Map(this.#current));
      await Promise.all(this.#reports.splice(0));
      await this.#parts.deadLetters?.flush();
    } catch (error) {
      await this.#commitFailed(error, closing);
      return false;
    }
    const changed = new Map<string, bigint>();
    for (const [key, offset] of allowed) {
      const current = this.#current.get(key);
      if (current !== undefined && offset <= current && this.#committed.get(key) !== offset) changed.set(key, offset);
    }
    if (changed.size > 0) {
      await this.#activeTopics.store();
      try {
        await storage.runs.commitSinkOffsets(this.#item, changed);
      } catch (error) {
        this.#metrics.storeFailed(error);
        throw error;
      }
      for (const [key, offset] of changed) this.#committed.set(key, offset);
      await this.#parts.mirrorOffsets(changed);
    }
    this.#commitFailures = 0;
    this.#metrics.sinkCommitted(startedAt, this.#uncommitted());
    // What the task holds back was put but is not safe: a warm instance still has it, so its position stands.
    return true;
  }

  /** How many records of what was put are not stored as done. */
  #uncommitted(): number {
    let count = 0n;
    for (const [key, offset] of this.#current) count += offset - (this.#committed.get(key) ?? this.#origins.get(key) ?? offset);
    return Number(count);
  }

  async #commitFailed(error: unknown, closing: boolean): Promise<void> {
    if (error instanceof FencedException) throw error;
    const { logger, clock, settings } = this.#parts;
    this.#commitFailures++;
    this.#metrics.commitFailed();
    logger.error('Offset commit failed, rewinding to last committed offsets', { connector: this.#item.connector, task: this.#item.task, error: String(error) });
    const again = isRetriable(error) && this.#circuit.mayTryAgain(error, this.#commitFailures >= maxCommitFailures);
    if (!again && (closing || isRetriable(error) || this.#commitFailures >= maxCommitFailures)) {
      throw new ConnectException(`The offset commit failed ${this.#commitFailures} time(s); see the cause`, { cause: error });
    }
    for (const [key, offset] of new Map([...this.#origins, ...this.#committed])) {
      this.#reader.seek(parsePartitionKey(key), offset);
      this.#current.set(key, offset);
    }
    if (!closing) await clock.sleep(settings.retryBackoffMs, this.#signal);
  }

  /** A partition without records has a position too, once the reader has resolved it: stored, it needs no look at its beginning again. Only while nothing that was fetched waits to be put. */
  #notePositions(): void {
    for (const [key, position] of this.#reader.positions()) if (!this.#current.has(key) && !this.#committed.has(key)) this.#current.set(key, position);
  }

  #applyRewinds(): void {
    for (const [key, offset] of this.#rewind) {
      this.#reader.seek(parsePartitionKey(key), offset);
      this.#current.set(key, offset);
    }
    this.#rewind.clear();
  }

  #throwRaised(): void {
    if (this.#raised === null) return;
    if (isRetriable(this.#raised)) this.#circuit.mayTryAgain(this.#raised);
    throw this.#raised;
  }
}
