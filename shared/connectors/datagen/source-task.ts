import { ConfigException, ConnectException, Schema, type SourceOffset, SourceRecord, SourceTask, type SourceTaskContext } from '../../connect/index.ts';
import { connectSchemaOf } from './avro-schema.ts';
import { dataSetOf } from './data-set.ts';
import { type Generator, generatorOf } from './generator.ts';
import { JavaRandom } from './java-random.ts';
import type { DatagenConfig } from './source.config.ts';

/** Records that one poll gives when there is no pause between them. */
const batchSize = 500;
/** A longer pause is made of several polls. */
const longestWaitMs = 1000;

/**
 * Makes records out of random numbers. The offset of a record holds the state after it (`current.iteration`,
 * `random.seed`), so that the sequence goes on exactly.
 */
export class DatagenTask extends SourceTask {
  readonly #context: SourceTaskContext;
  readonly #config: DatagenConfig;
  readonly #partition: { readonly 'task.id': number };
  readonly #generate: Generator;
  readonly #schema: Schema;
  readonly #keyField: string | null;
  readonly #keySchema: Schema;
  readonly #random: JavaRandom;
  readonly #pauses: JavaRandom;
  #generation = 0;
  #iteration = 0;
  /** When the next record is due. */
  #dueAt: number | null = null;
  /** Whether the state after the last record is stored. */
  #stored = true;

  constructor(config: DatagenConfig & { readonly 'task.id': number }, context: SourceTaskContext) {
    super();
    this.#context = context;
    this.#config = config;
    const task = config['task.id'];
    this.#partition = { 'task.id': task };
    const { schema, keyField } = dataSetOf(config);
    this.#generate = generatorOf(schema);
    this.#schema = connectSchemaOf(schema);
    this.#keyField = keyField;
    this.#keySchema = keyField === null ? Schema.OPTIONAL_STRING_SCHEMA : (this.#schema.field(keyField)?.schema ?? Schema.OPTIONAL_STRING_SCHEMA);
    // As text, because a seed has 64 bits.
    const seed = config['random.seed'] === null ? null : (context.config['random.seed'] ?? null);
    this.#random = new JavaRandom(seed === null ? seedOf(`${context.connector} ${task} ${context.clock.now()}`) : BigInt(seed.trim()));
    if (seed !== null) for (let i = 0; i < task; i++) this.#random.setSeed(this.#random.nextLong());
    this.#pauses = new JavaRandom(seedOf(`${context.connector} ${task}`));
  }

  override async start(): Promise<void> {
    const offset = await this.#context.offsetStorageReader.offset(this.#partition);
    if (offset === null) return;
    this.#generation = numberOf(offset, 'task.generation');
    this.#iteration = numberOf(offset, 'current.iteration');
    this.#random.setSeed(BigInt(String(offset['random.seed'])));
  }

  override async poll(): Promise<readonly SourceRecord[] | null> {
    const left = this.#config.iterations > 0 ? this.#config.iterations - this.#iteration : Number.POSITIVE_INFINITY;
    if (left <= 0) {
      // Offsets of a run that fails are not stored: what is under way comes first.
      if (this.#stored) throw this.#finished();
      await this.#context.clock.sleep(longestWaitMs / 10, this.#context.signal);
      return null;
    }
    if (this.#config['max.interval'] <= 0) return this.#make(Math.min(left, batchSize));
    const { clock, signal } = this.#context;
    this.#dueAt ??= clock.now() + this.#config['max.interval'] * this.#pauses.nextDouble();
    const wait = this.#dueAt - clock.now();
    if (wait > 0) await clock.sleep(Math.min(wait, longestWaitMs), signal);
    if (signal.aborted || this.#dueAt > clock.now()) return null;
    this.#dueAt = null;
    return this.#make(1);
  }

  override async commit(): Promise<void> {
    if (this.#config.iterations <= 0 || this.#iteration < this.#config.iterations) return;
    const offset = await this.#context.offsetStorageReader.offset(this.#partition);
    this.#stored = offset !== null && numberOf(offset, 'current.iteration') === this.#iteration;
    if (this.#stored) this.#context.raiseError(this.#finished());
  }

  #make(count: number): SourceRecord[] {
    this.#stored = false;
    return Array.from({ length: count }, () => {
      const value = this.#generate(this.#random, this.#iteration) as Record<string, unknown>;
      const headers = [
        { key: 'task.generation', schema: Schema.INT64_SCHEMA, value: BigInt(this.#generation) },
        { key: 'task.id', schema: Schema.INT64_SCHEMA, value: BigInt(this.#partition['task.id']) },
        { key: 'current.iteration', schema: Schema.INT64_SCHEMA, value: BigInt(this.#iteration) },
      ];
      const seed = this.#random.nextLong();
      this.#random.setSeed(seed);
      this.#iteration++;
      const offset = { 'task.generation': this.#generation + 1, 'current.iteration': this.#iteration, 'random.seed': seed };
      const key = this.#keyField === null ? null : value[this.#keyField];
      return new SourceRecord(this.#partition, offset, this.#config['kafka.topic'], null, this.#keySchema, key, this.#schema, value, null, headers);
    });
  }

  #finished(): ConnectException {
    return new ConnectException(`Stopping connector: generated the configured ${this.#iteration} number of messages`);
  }
}

/** A seed out of a text (FNV-1a, 64 bits). */
function seedOf(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return BigInt.asIntN(64, hash);
}

function numberOf(offset: SourceOffset, key: string): number {
  const value = Number(offset[key]);
  if (!Number.isSafeInteger(value)) throw new ConfigException(`The stored offset has no number under '${key}': ${String(offset[key])}`);
  return value;
}
