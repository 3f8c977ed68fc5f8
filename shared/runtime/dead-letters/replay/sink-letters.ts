import type { SinkTaskContext } from '../../../connect/sink-task.ts';
import { partitionKey, type TopicPartition } from '../../../connect/topic-partition.ts';
import type { ConsumerRecord, PartitionRecords } from '../../../kafka/ports.ts';
import type { TaskItem } from '../../../storage/ports.ts';
import type { ErrorReporter } from '../../errors/processing-context.ts';
import type { RuntimePorts } from '../../ports.ts';
import { RunControl } from '../../run-control.ts';
import { createWorkerTask } from '../../task-factory.ts';
import type { TaskParts, WorkerTask } from '../../worker-task.ts';
import type { DeadLetter, Replayed } from '../dead-letter.ts';
import { LetterBatchReader } from './letter-batch-reader.ts';
import type { ChosenLetter, LetterPipeline, PipelineResult } from './letter-pipeline.ts';
import { quietStorage } from './quiet-storage.ts';

/** How long a sink that holds records back is waited for between two looks. */
const holdBackMs = 1_000;
/** When a target that does not take records is tried again. */
const retryMs = 5_000;

/**
 * The pipeline of a sink: a task of its own, beside those that read the topics, which takes the records of letters as if they
 * were read again. Its offsets are nobody's: letters are done when the task would let them be committed.
 */
export class SinkLetters implements LetterPipeline {
  readonly #ports: RuntimePorts;
  readonly #config: Readonly<Record<string, string>>;
  readonly #deadlineAt: number;
  readonly #reader = new LetterBatchReader();
  readonly #allowed = new Map<string, bigint>();
  readonly #partitions = new Map<string, TopicPartition>();
  #item: TaskItem;
  #task: WorkerTask | null = null;
  #failedAgain = 0;

  /** `item`: of one of the connector's tasks. `assigned`: partitions of all of them. */
  constructor(options: {
    ports: RuntimePorts;
    config: Readonly<Record<string, string>>;
    item: TaskItem;
    assigned: readonly TopicPartition[];
    deadlineAt: number;
  }) {
    const { ports } = options;
    this.#ports = { ...ports, storage: quietStorage(ports.storage), kafka: { ...ports.kafka, reader: () => this.#reader } };
    this.#config = options.config;
    this.#item = options.item;
    this.#deadlineAt = options.deadlineAt;
    for (const each of options.assigned) this.#partitions.set(partitionKey(each.topic, each.partition), each);
  }

  async put(letters: readonly ChosenLetter[], signal: AbortSignal): Promise<PipelineResult> {
    const batches = batchesOf(letters);
    this.#failedAgain = 0;
    try {
      const task = await this.#taskOf(batches);
      this.#allowed.clear();
      this.#reader.offer(batches);
      for (;;) {
        const { reusable, outage, delayMs } = await this.#run(task, signal);
        if (outage !== undefined) return await this.#again(`The target is out of order: ${String(outage)}`, delayMs || retryMs);
        if (!reusable || !this.#reader.drained) return await this.#again('The sink asked for these records again', delayMs || retryMs);
        const safe = batches.every(({ topic, partition, nextOffset }) => (this.#allowed.get(partitionKey(topic, partition)) ?? -1n) >= nextOffset);
        if (safe) return { safe, why: null, delayMs: 0, failedAgain: this.#failedAgain };
        // Put, but not safe yet: it is flushed by time or size.
        await this.#ports.clock.sleep(holdBackMs, signal);
        if (signal.aborted) return await this.#again('The sink holds records back', 0);
      }
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const task = this.#task;
    this.#task = null;
    await task?.stop().catch((error: unknown) => this.#ports.logger.warn('A task did not stop cleanly', { error: String(error) }));
  }

  async #again(why: string, delayMs: number): Promise<PipelineResult> {
    await this.close();
    return { safe: false, why, delayMs, failedAgain: 0 };
  }

  async #run(task: WorkerTask, signal: AbortSignal) {
    const { clock } = this.#ports;
    const item = this.#item;
    const marks = { topicResets: 0, generation: item.generation, targetState: 'STARTED', restarts: item.restarts, epoch: item.epoch } as const;
    const control = new RunControl({
      ...{ clock, topicResets: 0, deadlineAt: this.#deadlineAt, shutdown: signal, task: item, intervalMs: 10_000 },
      marks: async () => marks,
    });
    try {
      return await task.run(control, item);
    } finally {
      control.end();
    }
  }

  /** A task opens its partitions when it starts: one that is new to it makes another. */
  async #taskOf(batches: readonly PartitionRecords[]): Promise<WorkerTask> {
    const unknown = batches.filter(({ topic, partition }) => !this.#partitions.has(partitionKey(topic, partition)));
    for (const { topic, partition } of unknown) this.#partitions.set(partitionKey(topic, partition), { topic, partition });
    if (unknown.length > 0) await this.close();
    if (this.#task === null) {
      this.#item = { ...this.#item, partitions: [...this.#partitions.values()], offsets: new Map(), circuit: null };
      const reporter: ErrorReporter = { report: () => void this.#failedAgain++ };
      const { task } = await createWorkerTask(this.#ports, this.#item, this.#config, {
        reporter,
        // What fails again is in the queue again: it must not keep the letters behind it from being tried.
        settings: (settings) => ({ ...settings, idleLingerMs: 0, continuous: false, policy: { ...settings.policy, tolerance: 'all' } }),
        parts: (parts) => this.#observed(parts),
      });
      this.#task = task;
    }
    return this.#task;
  }

  /** Notes what the task lets be committed, and tells nobody. */
  #observed(parts: TaskParts): TaskParts {
    const { definition, taskConfig } = parts;
    if (definition.kind !== 'sink') return parts;
    return {
      ...parts,
      // Offsets that a sink keeps in its target are of the records that it reads: these here were read long ago.
      taskConfig: taskConfig['sluice.exactly.once'] === undefined ? taskConfig : { ...taskConfig, 'sluice.exactly.once': 'false' },
      mirrorOffsets: async () => {},
      definition: {
        ...definition,
        createTask: async (context: SinkTaskContext) => {
          const task = await definition.createTask(context);
          const preCommit = task.preCommit.bind(task);
          task.preCommit = async (offsets) => {
            const allowed = await preCommit(offsets);
            for (const [key, offset] of allowed) this.#allowed.set(key, offset);
            return allowed;
          };
          return task;
        },
      },
    };
  }
}

/** Letters as batches of the partitions that their records are from, each in the order of its offsets. */
function batchesOf(letters: readonly ChosenLetter[]): PartitionRecords[] {
  const batches = new Map<string, { topic: string; partition: number; records: ConsumerRecord[] }>();
  for (const { letter } of letters) {
    const { origin } = letter;
    if (origin?.kind !== 'sink') continue;
    const key = partitionKey(origin.topic, origin.partition);
    const batch = batches.get(key) ?? { topic: origin.topic, partition: origin.partition, records: [] };
    batches.set(key, batch);
    batch.records.push(recordOf(letter, origin.offset));
  }
  return [...batches.values()].map(({ topic, partition, records }) => {
    records.sort((a, b) => (a.offset < b.offset ? -1 : a.offset > b.offset ? 1 : 0));
    return { topic, partition, records, nextOffset: (records.at(-1)?.offset ?? -1n) + 1n };
  });
}

function recordOf({ key, value, headers, timestamp, replays }: DeadLetter, offset: bigint): ConsumerRecord & Replayed {
  const bytes = (each: Uint8Array | null) => (each === null ? null : Buffer.from(each.buffer, each.byteOffset, each.length));
  return {
    offset,
    timestamp: timestamp ?? -1,
    timestampType: timestamp === null ? 'NoTimestampType' : 'CreateTime',
    key: bytes(key),
    value: bytes(value),
    headers: headers.map((header) => ({ key: header.key, value: bytes(header.value) })),
    replays: replays + 1,
  };
}
