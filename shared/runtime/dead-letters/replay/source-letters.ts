import { type Header, SourceRecord } from '../../../connect/data/record.ts';
import { Schema } from '../../../connect/data/schema.ts';
import { SourceTask } from '../../../connect/source-task.ts';
import type { TaskItem } from '../../../storage/ports.ts';
import type { ErrorReporter } from '../../errors/processing-context.ts';
import type { RuntimePorts } from '../../ports.ts';
import { RunControl } from '../../run-control.ts';
import { createWorkerTask } from '../../task-factory.ts';
import type { WorkerTask } from '../../worker-task.ts';
import type { DeadLetter } from '../dead-letter.ts';
import { recordOfText } from '../source-record-text.ts';
import type { ChosenLetter, LetterPipeline, PipelineResult } from './letter-pipeline.ts';
import { quietStorage } from './quiet-storage.ts';

const retryMs = 5_000;
const asTheyAre = 'org.apache.kafka.connect.converters.ByteArrayConverter';
/** What makes a source's pipeline one that produces bytes as they are. */
const bytesConfig = { transforms: '', 'key.converter': asTheyAre, 'value.converter': asTheyAre, 'header.converter': asTheyAre };

interface SourceLettersOptions {
  readonly ports: RuntimePorts;
  readonly config: Readonly<Record<string, string>>;
  /** One of the connector's tasks. */
  readonly item: TaskItem;
  readonly deadlineAt: number;
}

/**
 * The pipeline of a source: records that had no bytes yet go through its transformations and converters again; those that
 * had are produced as they are. What the source itself reads is not touched.
 */
export class SourceLetters implements LetterPipeline {
  readonly #records: SourceLane;
  readonly #bytes: SourceLane;

  constructor(options: SourceLettersOptions) {
    this.#records = new SourceLane(options);
    this.#bytes = new SourceLane({ ...options, config: { ...options.config, ...bytesConfig } });
  }

  async put(letters: readonly ChosenLetter[], signal: AbortSignal): Promise<PipelineResult> {
    const records: SourceRecord[] = [];
    const bytes: SourceRecord[] = [];
    for (const { letter } of letters) {
      if (letter.content === 'bytes') bytes.push(replayed(bytesRecord(letter), letter));
      else records.push(replayed(recordOfText(Buffer.from(letter.value ?? []).toString('utf8')), letter));
    }
    const [one, other] = [await this.#records.put(records, signal), await this.#bytes.put(bytes, signal)];
    const why = one.why ?? other.why;
    return { safe: why === null, why, delayMs: why === null ? 0 : retryMs, failedAgain: one.failedAgain + other.failedAgain };
  }

  async close(): Promise<void> {
    await Promise.all([this.#records.close(), this.#bytes.close()]);
  }
}

/** A source task that reads letters in place of its system. */
class SourceLane {
  readonly #options: SourceLettersOptions;
  readonly #ports: RuntimePorts;
  readonly #letters = new LettersTask();
  #task: WorkerTask | null = null;
  #failedAgain = 0;

  constructor(options: SourceLettersOptions) {
    const { ports } = options;
    this.#options = options;
    // Its producer is not the task's: a transactional id of the same name would fence that.
    const worker = { ...ports.worker, 'exactly.once.source.support': 'disabled' };
    this.#ports = { ...ports, worker, storage: quietStorage(ports.storage) };
  }

  /** `why`: null when all of it is in Kafka, or in the queue again. */
  async put(records: readonly SourceRecord[], signal: AbortSignal): Promise<{ why: string | null; failedAgain: number }> {
    this.#failedAgain = 0;
    if (records.length === 0) return { why: null, failedAgain: 0 };
    const { deadlineAt } = this.#options;
    const { clock } = this.#ports;
    const item: TaskItem = { ...this.#options.item, circuit: null };
    const marks = { topicResets: 0, generation: item.generation, targetState: 'STARTED', restarts: item.restarts, epoch: item.epoch } as const;
    const control = new RunControl({ clock, topicResets: 0, deadlineAt, shutdown: signal, task: item, intervalMs: 10_000, marks: async () => marks });
    try {
      this.#task ??= await this.#made(item);
      this.#letters.offer(records);
      const { reusable, outage } = await this.#task.run(control, item);
      if (reusable && outage === undefined && this.#letters.taken) return { why: null, failedAgain: this.#failedAgain };
      await this.close();
      return { why: outage === undefined ? 'Kafka did not acknowledge the records in time' : `Kafka is out of order: ${String(outage)}`, failedAgain: 0 };
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      control.end();
    }
  }

  async close(): Promise<void> {
    const task = this.#task;
    this.#task = null;
    await task?.stop().catch((error: unknown) => this.#ports.logger.warn('A task did not stop cleanly', { error: String(error) }));
  }

  async #made(item: TaskItem): Promise<WorkerTask> {
    const reporter: ErrorReporter = { report: () => void this.#failedAgain++ };
    const { task } = await createWorkerTask(this.#ports, item, this.#options.config, {
      reporter,
      // What fails again is in the queue again: it must not keep the letters behind it from being tried.
      settings: (settings) => ({ ...settings, idleLingerMs: 0, continuous: false, policy: { ...settings.policy, tolerance: 'all' } }),
      parts: (parts) => {
        const { definition } = parts;
        return definition.kind === 'source' ? { ...parts, definition: { ...definition, createTask: () => this.#letters } } : parts;
      },
    });
    return task;
  }
}

/** Its records are those of letters. */
class LettersTask extends SourceTask {
  #records: readonly SourceRecord[] | null = null;

  offer(records: readonly SourceRecord[]): void {
    this.#records = records;
  }

  get taken(): boolean {
    return this.#records === null;
  }

  override poll(): readonly SourceRecord[] | null {
    const records = this.#records;
    this.#records = null;
    return records;
  }
}

function bytesRecord({ key, value, headers, timestamp, origin }: DeadLetter): SourceRecord {
  const [partition, offset] = origin?.kind === 'source' ? [origin.partition, origin.offset] : [{}, null];
  const bytes = (each: Uint8Array | null) => (each === null ? null : Buffer.from(each));
  const schema = (each: Uint8Array | null) => (each === null ? null : Schema.BYTES_SCHEMA);
  const converted = headers.map((each): Header => ({ key: each.key, schema: schema(each.value), value: bytes(each.value) }));
  return new SourceRecord(partition, offset, origin?.topic ?? '', null, schema(key), bytes(key), schema(value), bytes(value), timestamp, converted);
}

/** Remembers how often it was replayed, for the letter that it may become again. */
function replayed(record: SourceRecord, { replays }: DeadLetter): SourceRecord {
  return Object.assign(record, { replays: replays + 1 });
}
