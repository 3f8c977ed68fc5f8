import { join, resolve } from 'node:path';
import { ConnectException, type Schema, SourceRecord, SourceTask, type SourceTaskContext } from '../../connect/index.ts';
import type { DirectoryConfig } from './config.ts';
import { InputDirectory } from './input-directory.ts';
import type { InputFile } from './input-file.ts';
import type { OpenReader, RecordReader } from './record-reader.ts';

/** A file that the task has opened and not yet put away. */
interface FileInHand {
  readonly file: InputFile;
  /** Offset of the last record that was given to the framework; null before the first. */
  lastGiven: number | null;
  /** Whether everything was read, up to the end or to an error. */
  read: boolean;
  error: Error | null;
}

/** The timestamp of a record by its value; null leaves it to the producer. */
type TimestampOf = ((value: Readonly<Record<string, unknown>>) => number) | null;

/**
 * Reads files one after the other. While the records of one are on their way the next is read; a file is put away (moved
 * or deleted) in `commit`, when each of its records is acknowledged and their offsets are stored. Until then it stays
 * where it is, so that after a crash it is found again and read on from the stored offset.
 */
export class SpoolDirTask extends SourceTask {
  readonly #config: DirectoryConfig;
  readonly #context: SourceTaskContext;
  readonly #directory: InputDirectory;
  readonly #openReader: OpenReader;
  readonly #timestampOf: TimestampOf;
  readonly #inHand = new Map<object, FileInHand>();
  /** Files that stay in the folder after they were read: path, and what told them from a later one of the name. */
  readonly #left = new Map<string, string>();
  #queue: InputFile[] = [];
  #current: FileInHand | null = null;
  #reader: RecordReader | null = null;
  /** The error of a file that waits until the records before it are safe. */
  #halted = false;

  constructor(config: DirectoryConfig, context: SourceTaskContext, openReader: OpenReader, timestampOf: TimestampOf = null) {
    super();
    this.#config = config;
    this.#context = context;
    this.#directory = new InputDirectory(config, context.connector, context.clock, context.logger);
    this.#openReader = openReader;
    this.#timestampOf = config['timestamp.mode'] === 'FIELD' ? timestampOf : null;
  }

  override start(): Promise<void> {
    return this.#directory.check();
  }

  override async poll(): Promise<readonly SourceRecord[] | null> {
    while (!this.#halted && !this.#context.signal.aborted) {
      if (this.#current === null && !(await this.#next())) break;
      const records = await this.#read(this.#current as FileInHand);
      if (records.length > 0) return records;
    }
    await this.#context.clock.sleep(this.#config['empty.poll.wait.ms'], this.#context.signal);
    return null;
  }

  override async commit(): Promise<void> {
    for (const inHand of [...this.#inHand.values()]) {
      if (!(await this.#isStored(inHand))) continue;
      try {
        await this.#putAway(inHand);
      } catch (error) {
        this.#context.raiseError(error as Error);
      }
    }
  }

  override async stop(): Promise<void> {
    this.#reader?.close();
    this.#reader = null;
    for (const { file } of this.#inHand.values()) await file.release();
    this.#inHand.clear();
  }

  /** Takes the next file in hand. False when there is none. */
  async #next(): Promise<boolean> {
    if (this.#queue.length === 0) this.#queue = await this.#directory.list((file) => this.#knows(file));
    const file = this.#queue.shift();
    if (file === undefined) return false;
    const lastOffset = file.lastOffset(await this.#context.offsetStorageReader.offset(file.sourcePartition));
    this.#current = { file, lastGiven: null, read: false, error: null };
    this.#inHand.set(file.sourcePartition, this.#current);
    await file.take(this.#directory.owner);
    this.#context.logger.info(`Reading ${file.path}${lastOffset === null ? '' : ` after offset ${lastOffset}`}`);
    try {
      this.#reader = this.#openReader(file, lastOffset);
    } catch (error) {
      this.#current.error = error as Error;
    }
    return true;
  }

  #knows(file: InputFile): boolean {
    if (this.#left.get(file.path) === stamp(file)) return true;
    for (const { file: other } of this.#inHand.values()) if (other.path === file.path) return true;
    return false;
  }

  async #read(inHand: FileInHand): Promise<SourceRecord[]> {
    const records: SourceRecord[] = [];
    const { file } = inHand;
    const { topic, 'timestamp.mode': mode } = this.#config;
    const timestampOf = this.#timestampOf;
    const fileTime = mode === 'FILE_TIME' ? file.lastModified : null;
    const give = (offset: number, keySchema: Schema | null, key: unknown, valueSchema: Schema, value: unknown) => {
      const timestamp = timestampOf === null ? fileTime : timestampOf(value as Readonly<Record<string, unknown>>);
      inHand.lastGiven = offset;
      records.push(
        new SourceRecord(file.sourcePartition, file.offset(offset), topic, null, keySchema, key, valueSchema, value, timestamp, file.headers(offset)),
      );
    };
    try {
      if (inHand.error === null && (await this.#reader?.read(Math.max(1, this.#config['batch.size']), give))) {
        return records;
      }
    } catch (error) {
      inHand.error = error as Error;
    }
    await this.#end(inHand);
    return records;
  }

  /** After the last record of a file, or its first that cannot be read. */
  async #end(inHand: FileInHand): Promise<void> {
    this.#reader?.close();
    this.#reader = null;
    this.#current = null;
    inHand.read = true;
    if (inHand.error !== null) {
      const { path } = inHand.file;
      if ((inHand.error as NodeJS.ErrnoException).code === 'ENOENT') {
        this.#context.logger.warn(`${path} went away before it was read`);
        this.#inHand.delete(inHand.file.sourcePartition);
        return inHand.file.release();
      }
      this.#context.logger.error(`${path} cannot be read to its end: ${explain(inHand.error)}`);
      this.#halted = this.#config['halt.on.error'];
    }
    // Nothing of it is under way: it was all stored before.
    if (inHand.lastGiven === null) await this.#putAway(inHand);
  }

  /** Whether everything was read and the last offset is stored: then Kafka has all records. (Asking for each record would keep them all in memory.) */
  async #isStored({ file, read, lastGiven }: FileInHand): Promise<boolean> {
    return read && file.lastOffset(await this.#context.offsetStorageReader.offset(file.sourcePartition)) === lastGiven;
  }

  /** Does with a file as `cleanup.policy` says, or moves it to `error.path`. Throws for one with an error when `halt.on.error` says so. */
  async #putAway(inHand: FileInHand): Promise<void> {
    const { file, error } = inHand;
    const { logger } = this.#context;
    if (error !== null) {
      await file.moveTo(resolve(this.#config['error.path']));
      logger.error(`Moved ${file.path} to error.path`);
    } else {
      await this.#clean(file);
      logger.info(`Finished ${file.path}`);
    }
    await file.release();
    if (!this.#config['cleanup.policy.maintain.relative.path'] && !this.#left.has(file.path)) await file.removeEmptyFolders();
    this.#inHand.delete(file.sourcePartition);
    if (error !== null && this.#halted)
      throw new ConnectException(`${file.path} cannot be read and was moved to error.path: ${explain(error)}`, { cause: error });
  }

  async #clean(file: InputFile): Promise<void> {
    switch (this.#config['cleanup.policy']) {
      case 'DELETE':
        return file.delete();
      case 'MOVE':
        return file.moveTo(resolve(this.#config['finished.path']));
      case 'MOVEBYDATE':
        return file.moveTo(join(resolve(this.#config['finished.path']), localDay(file.lastModified)));
      default:
        this.#left.set(file.path, stamp(file));
    }
  }
}

function stamp({ length, lastModified }: InputFile): string {
  return `${length} ${lastModified}`;
}

function explain(error: Error): string {
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return error.message + cause;
}

/** The day in the zone of the process, as Java has it: `2026-01-31`. */
function localDay(millis: number): string {
  const date = new Date(millis);
  const two = (part: number) => String(part).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
