import type { SourceOffset, SourcePartition, SourceRecord } from '../connect/data/record.ts';
import { ConnectException, isRetriable } from '../connect/errors.ts';
import type { OffsetStorageReader, SourceTask, SourceTaskContext, TransactionContext } from '../connect/source-task.ts';
import type { ProducerRecord, RecordProducer } from '../kafka/ports.ts';
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

/** What a source task is made of besides its parts. */
export interface SourceTaskParts {
  readonly parts: TaskParts;
  readonly item: TaskItem;
  readonly producer: RecordProducer;
  readonly topics: TopicCreation;
  /** Asks for the task configs to be made anew. */
  readonly reconfigure: () => void;
}

/** What came of the records of one poll. */
export interface ConvertedBatch {
  /** Those that were not dropped. */
  readonly produced: ProducerRecord[];
  /** What each of them was made of. */
  readonly sources: readonly SourceRecord[];
  /** Only kept when `keepsRecords`: each polled record with its index in `produced`, -1 when it was dropped. */
  readonly records: readonly PolledRecord[] | null;
  /** The last offset of each source partition in it. Partitions are told apart by identity here, by content when stored. */
  readonly offsets: ReadonlyMap<SourcePartition, SourceOffset | null>;
}

export interface PolledRecord {
  readonly record: SourceRecord;
  readonly index: number;
}

/**
 * One source task and what belongs to it: polls, transforms, converts; how records are produced and when offsets are
 * stored is for those who extend it (Kafka Connect's `AbstractWorkerSourceTask`). It lives as long as its execution
 * environment keeps it warm; `run` is one run of it.
 */
export abstract class AbstractWorkerSourceTask implements WorkerTask {
  protected readonly parts: TaskParts;
  protected readonly producer: RecordProducer;
  protected readonly metrics: SourceTaskMetrics;
  protected readonly activeTopics: ActiveTopics;
  protected readonly circuit: CircuitBreaker;
  protected task!: SourceTask;
  protected item: TaskItem;
  protected signal: AbortSignal = AbortSignal.abort();
  readonly #topics: TopicCreation;
  readonly #reconfigure: () => void;
  #started = false;
  #stage: Stage = 'TRANSFORMATION';
  #stageClass = '';
  #raised: Error | null = null;
  /** Records of the run under way. */
  #records = 0;

  constructor({ parts, item, producer, topics, reconfigure }: SourceTaskParts) {
    this.parts = parts;
    this.activeTopics = new ActiveTopics(parts.storage.connectors, item.connector, parts.settings.topicTracking);
    this.item = item;
    this.producer = producer;
    this.metrics = new SourceTaskMetrics(parts.metrics, parts.clock, item);
    this.#topics = topics;
    this.#reconfigure = reconfigure;
    this.circuit = new CircuitBreaker(parts.clock, parts.settings.circuit);
  }

  /** Where the task finds its offsets when it begins. */
  protected abstract offsetStorageReader(): OffsetStorageReader;
  /** Given to the task when it may say where transactions end. */
  protected abstract readonly transactionContext: TransactionContext | null;
  /** Whether the records of a batch are asked for themselves, and not only what is produced. */
  protected abstract keepsRecords(): boolean;
  /** Begins to produce a batch. Rejects with InterruptedException when the run ended first: the next one reads it again. */
  protected abstract submit(batch: ConvertedBatch): Promise<void>;
  /** Stores the offsets of what is safe. False when there was nothing to store. */
  protected abstract commitOffsets(): Promise<boolean>;
  /**
   * The same at the end of a run, within `offset.flush.timeout.ms`. False when something is left that the next run must read again.
   * `complete`: what was polled was submitted.
   */
  protected abstract finalOffsetCommit(complete: boolean): Promise<boolean>;
  /** Throws what failed beside the loop. */
  protected abstract throwFailures(): void;
  /** A poll gave no records: an empty list (`answered`), or nothing at all. */
  protected async polledNothing(_answered: boolean): Promise<void> {}
  /** Whether something is begun that the task must be polled for, so that a run does not end for want of records. */
  protected isBusy(): boolean {
    return false;
  }
  /** A record of this topic is to be produced, the first one since the task began. */
  protected async newTopic(topic: string): Promise<void> {
    await this.#topics.ensure(topic);
    this.activeTopics.add(topic);
  }

  async run(control: RunControl, item: TaskItem): Promise<WorkerTaskResult> {
    this.item = item;
    this.signal = control.signal;
    this.#records = 0;
    this.circuit.begin(item.circuit);
    try {
      return await this.#run(control);
    } catch (error) {
      if (!(error instanceof OutageException)) throw error;
      await this.finalOffsetCommit(false).catch((also: unknown) => {
        if (!(also instanceof OutageException)) throw also;
      });
      return { outcome: 'more', records: this.#records, delayMs: 0, reusable: false, outage: error.cause };
    }
  }

  async #run(control: RunControl): Promise<WorkerTaskResult> {
    const item = this.item;
    if (!this.#started) await this.#start();
    const { clock, settings, logger } = this.parts;
    let lastRecordAt = clock.now();
    let lastCommitAt = lastRecordAt;
    let complete = true;
    let polls = true;
    while (!control.signal.aborted) {
      this.#throwRaised();
      this.throwFailures();
      this.activeTopics.resetSince(control.topicResets);
      const pollStartedAt = clock.now();
      let polled: readonly SourceRecord[] | null = null;
      try {
        const answer = this.task.poll();
        polled = answer instanceof Promise ? await answer : answer;
        polls = true;
        this.circuit.succeeded();
      } catch (error) {
        if (!isRetriable(error) || !this.circuit.mayTryAgain(error)) throw error;
        polls = false;
        logger.warn('The source asks to be polled again', { connector: item.connector, task: item.task, error: String(error) });
        await clock.sleep(settings.retryBackoffMs, control.signal);
      }
      if (polled !== null && polled.length > 0) {
        this.#records += polled.length;
        this.metrics.polled(polled, pollStartedAt);
        if (!(await this.#take(polled))) {
          complete = false;
          break;
        }
        lastRecordAt = clock.now();
        await clock.nextTurn();
      } else {
        await this.polledNothing(polled !== null);
        const now = clock.now();
        if (!settings.continuous && now - lastRecordAt >= settings.idleLingerMs && polls && !this.isBusy()) break;
        if (now - pollStartedAt < emptyPollPauseMs) await clock.sleep(emptyPollPauseMs, control.signal);
      }
      if (clock.now() - lastCommitAt >= settings.offsetFlushIntervalMs) {
        // Kafka Connect counts a commit that had nothing to store as well; at the end of a run it would only say that the run found nothing.
        if (!(await this.commitOffsets())) this.metrics.committed(clock.now());
        lastCommitAt = clock.now();
      }
    }
    const settled = await this.finalOffsetCommit(complete);
    this.#throwRaised();
    this.throwFailures();
    // What a task cannot do at the end of a run, one that is made anew may: a password may be another since.
    const reusable = polls && complete && settled;
    return { outcome: control.signal.aborted ? 'more' : 'idle', records: this.#records, delayMs: 0, reusable };
  }

  async stop(): Promise<void> {
    try {
      if (this.#started) await this.task.stop();
    } finally {
      await this.producer.close();
      await this.parts.close();
    }
  }

  async #start(): Promise<void> {
    const { definition } = this.parts;
    if (definition.kind !== 'source') throw new ConnectException(`${definition.className} is not a source connector`);
    await this.metrics.start(async () => {
      this.task = await definition.createTask(this.#context());
      this.#started = true;
      try {
        await this.task.start();
      } catch (error) {
        if (isRetriable(error)) this.circuit.mayTryAgain(error);
        throw error;
      }
    });
  }

  #context(): SourceTaskContext {
    const { connector, task } = this.item;
    const { clock, logger, taskConfig } = this.parts;
    const self = this;
    return {
      connector,
      task,
      config: taskConfig,
      clock,
      logger,
      offsetStorageReader: this.offsetStorageReader(),
      transactionContext: this.transactionContext,
      get signal() {
        return self.signal;
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
    const { operator } = this.parts;
    const batch: ProducerRecord[] = [];
    const sources: SourceRecord[] = [];
    const wanted: PolledRecord[] | null = this.keepsRecords() ? [] : null;
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
          this.signal,
          () => ({ stage: this.#stage, className: this.#stageClass }),
        );
      }
      wanted?.push({ record, index: produced ? batch.length : -1 });
      if (produced) {
        if (!this.activeTopics.has(produced.topic)) await this.newTopic(produced.topic);
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
    await this.submit({ produced: batch, sources, records: wanted, offsets });
  }

  #convertRecord(source: SourceRecord): ProducerRecord | null {
    const { chain, keyConverter, valueConverter, headerConverter, classes } = this.parts;
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

  #throwRaised(): void {
    if (this.#raised !== null) throw this.#raised;
  }
}

/** What a dead letter tells of a record that Kafka refused. */
export function refusedBy(error: Error, source: SourceRecord, produced: ProducerRecord, className: string): ProcessingContext {
  return { stage: 'KAFKA_PRODUCE', className, error, consumed: null, source: { ...sourceOf(source), produced } };
}

function sourceOf(record: SourceRecord): NonNullable<ProcessingContext['source']> {
  return { topic: record.topic, partition: record.sourcePartition, offset: record.sourceOffset, record };
}
