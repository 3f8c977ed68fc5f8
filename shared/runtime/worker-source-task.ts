import type { SourceOffset, SourcePartition, SourceRecord } from '../connect/data/record.ts';
import { ConnectException, isRetriable } from '../connect/errors.ts';
import type { SourceTask, SourceTaskContext } from '../connect/source-task.ts';
import type { ProducerRecord, RecordProducer, SendResult } from '../kafka/ports.ts';
import type { TaskItem } from '../storage/ports.ts';
import { ActiveTopics } from './active-topics.ts';
import { CircuitBreaker, OutageException } from './circuit-breaker.ts';
import type { ProcessingContext, Stage } from './errors/processing-context.ts';
import { InterruptedException } from './errors/retry-with-tolerance-operator.ts';
import type { RunControl } from './run-control.ts';
import { SourceTaskMetrics } from './task-metrics.ts';
import type { TopicCreation } from './topic-creation.ts';
import type { TaskParts, WorkerTask, WorkerTaskResult } from './worker-task.ts';

/** A poll that comes back empty at once is asked again after this time. */
const emptyPollPauseMs = 50;
/** Most batches under way; the producer bounds the bytes. */
const maxBatchesInFlight = 32;

/** One batch on its way to Kafka (Kafka Connect's `SubmittedRecords`, a batch at a time). */
interface SubmittedBatch {
  /** The last offset of each source partition in it. Partitions are told apart by identity here, by content when committed. */
  readonly offsets: Map<SourcePartition, SourceOffset | null>;
  /** Only kept when the task wants `commitRecord`: each record with its index in the send, -1 when it was dropped. */
  readonly records: readonly { record: SourceRecord; index: number }[] | null;
  result: SendResult | null;
  failure: unknown;
}

/**
 * One source task and what belongs to it: polls, transforms, converts, produces, commits (Kafka Connect's
 * `WorkerSourceTask`). It lives as long as its execution environment keeps it warm; `run` is one run of it.
 *
 * Invariant: an offset is stored only after its record, and all before it, are acknowledged by all replicas or dropped
 * on purpose.
 */
export class WorkerSourceTask implements WorkerTask {
  readonly #parts: TaskParts;
  readonly #producer: RecordProducer;
  readonly #metrics: SourceTaskMetrics;
  readonly #topics: TopicCreation;
  readonly #reconfigure: () => void;
  #task!: SourceTask;
  #item: TaskItem;
  #signal: AbortSignal = AbortSignal.abort();
  #started = false;
  #stage: Stage = 'TRANSFORMATION';
  #stageClass = '';
  #raised: Error | null = null;
  readonly #submitted: SubmittedBatch[] = [];
  /** Sends that are not decided yet, what Kafka refused of them reported included. */
  readonly #deciding = new Set<Promise<void>>();
  readonly #activeTopics: ActiveTopics;
  readonly #circuit: CircuitBreaker;
  /** Records of the run under way. */
  #records = 0;

  constructor(parts: TaskParts, item: TaskItem, producer: RecordProducer, topics: TopicCreation, reconfigure: () => void) {
    this.#parts = parts;
    this.#activeTopics = new ActiveTopics(parts.storage.connectors, item.connector, parts.settings.topicTracking);
    this.#item = item;
    this.#producer = producer;
    this.#metrics = new SourceTaskMetrics(parts.metrics, parts.clock, item);
    this.#topics = topics;
    this.#reconfigure = reconfigure;
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
      await this.#flush();
      await this.#commit();
      return { outcome: 'more', records: this.#records, delayMs: 0, reusable: false, outage: error.cause };
    }
  }

  async #run(control: RunControl): Promise<WorkerTaskResult> {
    const item = this.#item;
    if (!this.#started) await this.#start();
    const { clock, settings, logger } = this.#parts;
    let lastRecordAt = clock.now();
    let lastCommitAt = lastRecordAt;
    let complete = true;
    let polls = true;
    while (!control.signal.aborted) {
      this.#throwFailures();
      this.#activeTopics.resetSince(control.topicResets);
      const pollStartedAt = clock.now();
      let polled: readonly SourceRecord[] | null = null;
      try {
        const answer = this.#task.poll();
        polled = answer instanceof Promise ? await answer : answer;
        polls = true;
        this.#circuit.succeeded();
      } catch (error) {
        if (!isRetriable(error) || !this.#circuit.mayTryAgain(error)) throw error;
        polls = false;
        logger.warn('The source asks to be polled again', { connector: item.connector, task: item.task, error: String(error) });
        await clock.sleep(settings.retryBackoffMs, control.signal);
      }
      if (polled !== null && polled.length > 0) {
        this.#records += polled.length;
        this.#metrics.polled(polled, pollStartedAt);
        if (!(await this.#take(polled))) {
          complete = false;
          break;
        }
        lastRecordAt = clock.now();
        await clock.nextTurn();
      } else {
        const now = clock.now();
        if (!settings.continuous && now - lastRecordAt >= settings.idleLingerMs && polls) break;
        if (now - pollStartedAt < emptyPollPauseMs) await clock.sleep(emptyPollPauseMs, control.signal);
      }
      if (clock.now() - lastCommitAt >= settings.offsetFlushIntervalMs) {
        // Kafka Connect counts a commit that had nothing to store as well; at the end of a run it would only say that the run found nothing.
        if (!(await this.#commit())) this.#metrics.committed(clock.now());
        lastCommitAt = clock.now();
      }
    }
    const flushed = await this.#flush();
    await this.#commit();
    this.#throwFailures();
    // What a task cannot do at the end of a run, one that is made anew may: a password may be another since.
    const reusable = polls && complete && flushed && this.#submitted.length === 0;
    return { outcome: control.signal.aborted ? 'more' : 'idle', records: this.#records, delayMs: 0, reusable };
  }

  async stop(): Promise<void> {
    try {
      if (this.#started) await this.#task.stop();
    } finally {
      await this.#producer.close();
      await this.#parts.close();
    }
  }

  async #start(): Promise<void> {
    const { definition } = this.#parts;
    if (definition.kind !== 'source') throw new ConnectException(`${definition.className} is not a source connector`);
    await this.#metrics.start(async () => {
      this.#task = await definition.createTask(this.#context());
      this.#started = true;
      try {
        await this.#task.start();
      } catch (error) {
        if (isRetriable(error)) this.#circuit.mayTryAgain(error);
        throw error;
      }
    });
  }

  #context(): SourceTaskContext {
    const { connector, task } = this.#item;
    const { clock, logger, taskConfig, storage } = this.#parts;
    const self = this;
    return {
      connector,
      task,
      config: taskConfig,
      clock,
      logger,
      offsetStorageReader: {
        offset: (partition) => storage.offsets.sourceOffset(connector, partition),
        offsets: (partitions) => Promise.all(partitions.map((each) => storage.offsets.sourceOffset(connector, each))),
      },
      transactionContext: null,
      get signal() {
        return self.#signal;
      },
      requestTaskReconfiguration: this.#reconfigure,
      raiseError(error) {
        self.#raised ??= error;
      },
    };
  }

  /** Sends a batch. False when the run ended before it was converted: the next run reads it again. */
  async #take(records: readonly SourceRecord[]): Promise<boolean> {
    try {
      await this.#send(records);
      return true;
    } catch (error) {
      if (error instanceof InterruptedException) return false;
      throw error;
    }
  }

  async #send(records: readonly SourceRecord[]): Promise<void> {
    const { operator } = this.#parts;
    const batch: ProducerRecord[] = [];
    const sources: SourceRecord[] = [];
    const wanted: { record: SourceRecord; index: number }[] | null = this.#task.commitRecord ? [] : null;
    const offsets = new Map<SourcePartition, SourceOffset | null>();
    let partition: SourcePartition | null = null;
    let offset: SourceOffset | null = null;
    for (const record of records) {
      let produced: ProducerRecord | null | undefined;
      try {
        produced = this.#convertRecord(record);
      } catch (error) {
        produced = await operator.recover(
          {
            stage: this.#stage,
            className: this.#stageClass,
            error,
            consumed: null,
            source: sourceOf(record),
          },
          () => this.#convertRecord(record),
          this.#signal,
          () => ({ stage: this.#stage, className: this.#stageClass }),
        );
      }
      wanted?.push({ record, index: produced ? batch.length : -1 });
      if (produced) {
        if (!this.#activeTopics.has(produced.topic)) await this.#newTopic(produced.topic);
        batch.push(produced);
        sources.push(record);
      }
      if (record.sourcePartition !== partition) {
        if (partition !== null) offsets.set(partition, offset);
        partition = record.sourcePartition;
      }
      offset = record.sourceOffset;
    }
    if (partition !== null) offsets.set(partition, offset);
    await this.#submit(batch, sources, offsets, wanted);
  }

  async #submit(
    batch: readonly ProducerRecord[],
    sources: readonly SourceRecord[],
    offsets: Map<SourcePartition, SourceOffset | null>,
    records: SubmittedBatch['records'],
  ): Promise<void> {
    const submitted: SubmittedBatch = { offsets, records, result: null, failure: null };
    this.#submitted.push(submitted);
    this.#metrics.sending(batch.length);
    const sending = this.#producer.send(batch).then(
      async (result) => {
        this.#metrics.sent(batch.length, result.acknowledged);
        if (result.errors.size > 0) submitted.failure = await this.#produceFailed(batch, sources, result);
        submitted.result = result;
      },
      (error: unknown) => {
        submitted.failure = error;
        this.#metrics.sent(batch.length, 0);
      },
    );
    this.#deciding.add(sending);
    void sending.then(() => this.#deciding.delete(sending));
    const room = this.#producer.ready();
    if (room !== undefined) await room;
    if (this.#submitted.length >= maxBatchesInFlight && this.#submitted.every(({ result, failure }) => result === null && failure === null)) await sending;
  }

  /**
   * Kafka Connect reports and skips records that could not be produced under `errors.tolerance=all`, and fails the task otherwise: what is
   * returned. Here the dead letter queue has them in either case, before their batch counts as decided. Where Kafka itself takes nothing no
   * record is to blame: its producers never give up then, and here the task waits.
   */
  async #produceFailed(batch: readonly ProducerRecord[], sources: readonly SourceRecord[], { errors }: SendResult): Promise<unknown> {
    const { operator, deadLetters, logger, settings } = this.#parts;
    const { connector, task } = this.#item;
    const [cause] = errors.values();
    const outage = [...errors.values()].find(isRetriable);
    if (outage !== undefined)
      return this.#circuit.gaveUp(outage, new ConnectException('Unrecoverable exception from producer send callback', { cause: outage }));
    const tolerated = settings.policy.tolerance === 'all';
    if (tolerated)
      logger.error('Records could not be produced and are skipped (errors.tolerance=all)', { connector, task, records: errors.size, error: String(cause) });
    try {
      for (const [index, error] of errors) {
        const source = { ...sourceOf(sources[index] as SourceRecord), produced: batch[index] as ProducerRecord };
        const context: ProcessingContext = {
          stage: 'KAFKA_PRODUCE',
          className: 'org.apache.kafka.connect.runtime.WorkerSourceTask',
          error,
          consumed: null,
          source,
        };
        if (tolerated) await operator.executeFailed(context);
        else deadLetters?.report(context);
      }
      await deadLetters?.flush();
    } catch (error) {
      return error;
    }
    return tolerated ? null : new ConnectException('Unrecoverable exception from producer send callback', { cause });
  }

  #convertRecord(source: SourceRecord): ProducerRecord | null {
    const { chain, keyConverter, valueConverter, headerConverter, classes } = this.#parts;
    let record: SourceRecord = source;
    for (const step of chain.stages) {
      this.#stage = 'TRANSFORMATION';
      this.#stageClass = step.className;
      const next = step.apply(record) as SourceRecord | null;
      if (next === null) return null;
      record = next;
    }
    const { topic, headers } = record;
    let converted: ProducerRecord['headers'] = [];
    if (headers.length > 0) {
      this.#stage = 'HEADER_CONVERTER';
      this.#stageClass = classes.headerConverter;
      converted = headers.map(({ key, schema, value }) => ({ key, value: headerConverter.fromConnectHeader(topic, key, schema, value) }));
    }
    this.#stage = 'KEY_CONVERTER';
    this.#stageClass = classes.keyConverter;
    const key = keyConverter.fromConnectData(topic, record.keySchema, record.key, headers);
    this.#stage = 'VALUE_CONVERTER';
    this.#stageClass = classes.valueConverter;
    const value = valueConverter.fromConnectData(topic, record.valueSchema, record.value, headers);
    return { topic, partition: record.kafkaPartition, key, value, headers: converted, timestamp: record.timestamp };
  }

  async #newTopic(topic: string): Promise<void> {
    await this.#topics.ensure(topic);
    this.#activeTopics.add(topic);
  }

  /** Waits for what is under way, within `offset.flush.timeout.ms`. False when something is left: the next run will read it again. */
  async #flush(): Promise<boolean> {
    const { clock, settings, logger } = this.#parts;
    const done = new AbortController();
    const flushed = await Promise.race([
      this.#producer
        .flush()
        .then(() => Promise.all(this.#deciding))
        .then(() => true),
      clock.sleep(settings.offsetFlushTimeoutMs, done.signal).then(() => done.signal.aborted),
    ]);
    done.abort();
    if (!flushed)
      logger.warn('Timed out waiting for Kafka to acknowledge records; they will be read again', { connector: this.#item.connector, task: this.#item.task });
    return flushed;
  }

  /** Stores the offsets of everything that is safe, in order; a batch that is not stops it. False when there was nothing to store. */
  async #commit(): Promise<boolean> {
    const { clock, storage } = this.#parts;
    const offsets = new Map<string, { partition: SourcePartition; offset: SourceOffset | null }>();
    const done: SubmittedBatch[] = [];
    while (this.#submitted[0]?.result && this.#submitted[0].failure === null) {
      const batch = this.#submitted.shift() as SubmittedBatch;
      done.push(batch);
      for (const [partition, offset] of batch.offsets) if (offset !== null) offsets.set(partitionText(partition), { partition, offset });
    }
    await this.#activeTopics.store();
    if (done.length === 0) return false;
    await this.#parts.deadLetters?.flush();
    for (const batch of done) this.#tellRecords(batch);
    const startedAt = clock.now();
    try {
      if (offsets.size > 0) await storage.runs.commitSourceOffsets(this.#item, [...offsets.values()]);
      await this.#task.commit();
    } catch (error) {
      this.#metrics.commitFailed();
      throw error;
    }
    this.#metrics.committed(startedAt);
    return true;
  }

  #tellRecords({ records, result }: SubmittedBatch): void {
    if (records === null || result === null) return;
    for (const { record, index } of records) this.#task.commitRecord?.(record, index < 0 ? null : result.metadata(index));
  }

  #throwFailures(): void {
    if (this.#raised !== null) throw this.#raised;
    for (const { failure } of this.#submitted) if (failure !== null) throw failure;
  }
}

function sourceOf(record: SourceRecord): NonNullable<ProcessingContext['source']> {
  return { topic: record.topic, partition: record.sourcePartition, offset: record.sourceOffset, record };
}

/** Partitions that say the same are one, whatever the order of their keys. */
function partitionText(partition: SourcePartition): string {
  return JSON.stringify(
    Object.entries(partition).sort(([a], [b]) => (a < b ? -1 : 1)),
    (_key, value) => (typeof value === 'bigint' ? `${value}n` : value),
  );
}
