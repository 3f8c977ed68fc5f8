import { isAscii } from 'node:buffer';
import { type FileHandle, open } from 'node:fs/promises';
import { ConnectException, Schema, type SourceOffset, SourceRecord, SourceTask, type SourceTaskContext } from '../../connect/index.ts';

const chunkBytes = 512 * 1024;
/** How long an empty poll waits for the file to grow, or to appear. */
const waitMs = 100;
const newline = 0x0a;
const carriageReturn = 0x0d;

/**
 * Reads lines that end with \n, \r\n or \r. A last line without an end is kept until its end comes. Source partition
 * `{"filename": path}`, offset `{"position": bytes}` after the line.
 */
export class FileStreamSourceTask extends SourceTask {
  readonly #file: string | null;
  readonly #topic: string;
  readonly #batchSize: number;
  readonly #context: SourceTaskContext;
  readonly #partition: { readonly filename: string | null };
  #handle: FileHandle | null = null;
  /** Where the next read begins. */
  #readAt = 0;
  /** Bytes that were read and not yet given, from `#position` on. */
  #rest: Buffer = Buffer.alloc(0);
  /** Lines that were read and not yet given, with their lengths in bytes including the line's end. */
  #lines: readonly string[] = [];
  #lengths: readonly number[] | null = null;
  #nextLine = 0;
  /** Offset of the next line to be given. */
  #position = 0;
  #toldMissing = false;

  constructor(file: string | null, topic: string, batchSize: number, context: SourceTaskContext) {
    super();
    this.#file = file;
    this.#topic = topic;
    this.#batchSize = batchSize;
    this.#context = context;
    this.#partition = { filename: file };
  }

  override poll(): Promise<readonly SourceRecord[] | null> | readonly SourceRecord[] {
    if (this.#nextLine < this.#lines.length) return this.#give();
    return this.#read();
  }

  override async stop(): Promise<void> {
    await this.#handle?.close();
    this.#handle = null;
  }

  async #read(): Promise<readonly SourceRecord[] | null> {
    if (this.#handle === null && !(await this.#open())) return null;
    const handle = this.#handle as FileHandle;
    const room = Buffer.allocUnsafe(this.#rest.length + chunkBytes);
    this.#rest.copy(room);
    const { bytesRead } = await handle.read(room, this.#rest.length, chunkBytes, this.#readAt);
    if (bytesRead === 0) {
      await this.#context.clock.sleep(waitMs, this.#context.signal);
      return null;
    }
    this.#readAt += bytesRead;
    this.#split(room.subarray(0, this.#rest.length + bytesRead));
    return this.#lines.length === 0 ? null : this.#give();
  }

  async #open(): Promise<boolean> {
    if (this.#file === null) return this.#wait("There is no 'file' in the config, and a function has no standard input: no record will come before it is set");
    try {
      this.#handle = await open(this.#file, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        throw new ConnectException(`The file ${this.#file} cannot be read: ${(error as Error).message}`, { cause: error });
      return this.#wait(`Couldn't find file ${this.#file} for FileStreamSourceTask, sleeping to wait for it to be created`);
    }
    this.#position = positionOf(await this.#context.offsetStorageReader.offset(this.#partition));
    this.#readAt = this.#position;
    return true;
  }

  /** Nothing to read yet, for a reason that is told once. */
  async #wait(why: string): Promise<false> {
    if (!this.#toldMissing) this.#context.logger.warn(why);
    this.#toldMissing = true;
    await this.#context.clock.sleep(waitMs, this.#context.signal);
    return false;
  }

  /** Cuts bytes into lines; what is after the last end stays as the rest. */
  #split(bytes: Buffer): void {
    this.#nextLine = 0;
    const last = bytes.lastIndexOf(newline);
    if (bytes.includes(carriageReturn) || last < 0) {
      this.#splitSlowly(bytes);
      return;
    }
    const whole = bytes.subarray(0, last);
    this.#rest = bytes.subarray(last + 1);
    if (isAscii(whole)) {
      // One decoding for the whole chunk: lines are parts of one text, and as many bytes as characters.
      this.#lines = whole.toString('latin1').split('\n');
      this.#lengths = null;
      return;
    }
    const lines: string[] = [];
    const lengths: number[] = [];
    for (let start = 0; start <= last; ) {
      const end = bytes.indexOf(newline, start);
      lines.push(bytes.toString('utf8', start, end));
      lengths.push(end + 1 - start);
      start = end + 1;
    }
    this.#lines = lines;
    this.#lengths = lengths;
  }

  /** The same where \r ends lines: one at the end of the bytes may be the first half of \r\n, so it waits for what follows. */
  #splitSlowly(bytes: Buffer): void {
    const lines: string[] = [];
    const lengths: number[] = [];
    let start = 0;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte !== newline && byte !== carriageReturn) continue;
      if (byte === carriageReturn && at + 1 === bytes.length) break;
      const next = byte === carriageReturn && bytes[at + 1] === newline ? at + 2 : at + 1;
      lines.push(bytes.toString('utf8', start, at));
      lengths.push(next - start);
      start = next;
      at = next - 1;
    }
    this.#lines = lines;
    this.#lengths = lengths;
    this.#rest = bytes.subarray(start);
  }

  #give(): SourceRecord[] {
    const from = this.#nextLine;
    const to = Math.min(this.#lines.length, from + Math.max(1, this.#batchSize));
    const now = this.#context.clock.now();
    const records: SourceRecord[] = new Array(to - from);
    let position = this.#position;
    for (let i = from; i < to; i++) {
      const line = this.#lines[i] as string;
      position += this.#lengths === null ? line.length + 1 : (this.#lengths[i] as number);
      records[i - from] = new SourceRecord(this.#partition, { position }, this.#topic, null, null, null, Schema.STRING_SCHEMA, line, now);
    }
    this.#position = position;
    this.#nextLine = to;
    return records;
  }
}

function positionOf(offset: SourceOffset | null): number {
  const position = offset?.['position'] ?? 0;
  if (typeof position !== 'number' && typeof position !== 'bigint' && !(typeof position === 'string' && /^\d+$/.test(position)))
    throw new ConnectException(`Offset position is the incorrect type: ${JSON.stringify(position)}`);
  return Number(position);
}
