import { type FileHandle, open } from 'node:fs/promises';
import { ConnectException, type SinkRecord, SinkTask, UnavailableException } from '../../connect/index.ts';
import { javaToString } from '../../connect/java/java-value.ts';

const newline = 0x0a;

/** Bytes (or near enough) that may wait for the write under way before `put` waits too. */
const maxWaiting = 1_048_576;

/** Of the disk, which may have room, or be there, again: full, over quota, broken or gone for now, read-only, no descriptors left. */
const outages = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'ESTALE', 'EROFS', 'ENXIO', 'EMFILE', 'ENFILE']);

/**
 * Writes the text of each value (Java's `toString`) and a newline. A put returns while its text is being written: the next one is
 * made ready meanwhile. What was put is on the disk when `flush` returns; a write that failed is told by the next call.
 */
export class FileStreamSinkTask extends SinkTask {
  readonly #file: string | null;
  #handle: FileHandle | null = null;
  #waiting = '';
  #writing: Promise<void> | null = null;
  #failure: ConnectException | null = null;
  #dirty = false;

  /** `file`: null for the standard output. */
  constructor(file: string | null) {
    super();
    this.#file = file;
  }

  override async start(): Promise<void> {
    if (this.#file === null) return;
    try {
      this.#handle = await open(this.#file, 'a+');
    } catch (cause) {
      throw new ConnectException(`Couldn't find or create file '${this.#file}' for FileStreamSinkTask`, { cause });
    }
    await this.#endTornLine(this.#handle).catch((cause: unknown) => {
      throw this.#writeError(cause);
    });
  }

  override async put(records: readonly SinkRecord[]): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    if (records.length === 0) return;
    let text = '';
    for (const { valueSchema, value } of records) text += `${typeof value === 'string' ? value : javaToString(valueSchema, value)}\n`;
    this.#waiting += text;
    this.#dirty = true;
    this.#writing ??= this.#write();
    if (this.#waiting.length > maxWaiting) await this.#written();
  }

  override async flush(): Promise<void> {
    await this.#written();
    if (!this.#dirty) return;
    await this.#handle?.datasync();
    this.#dirty = false;
  }

  override async stop(): Promise<void> {
    await this.#writing;
    await this.#handle?.close();
    this.#handle = null;
  }

  async #written(): Promise<void> {
    await this.#writing;
    if (this.#failure !== null) throw this.#failure;
  }

  /** Writes until nothing waits. Never rejects. */
  async #write(): Promise<void> {
    try {
      while (this.#waiting !== '') {
        const text = this.#waiting;
        this.#waiting = '';
        if (this.#handle === null) await print(text);
        else await this.#handle.appendFile(text);
      }
    } catch (cause) {
      this.#failure = this.#writeError(cause);
    }
    this.#writing = null;
  }

  #writeError(cause: unknown): ConnectException {
    const { code, message } = cause as NodeJS.ErrnoException;
    const text = `Could not write to ${this.#file === null ? 'the standard output' : `file '${this.#file}'`}: ${message}`;
    return outages.has(code ?? '') ? new UnavailableException(text, { cause }) : new ConnectException(text, { cause });
  }

  /** A process that was killed may have left half a line: it gets its end, and the whole line follows, because its offset was not stored. */
  async #endTornLine(handle: FileHandle): Promise<void> {
    const { size } = await handle.stat();
    if (size === 0) return;
    const last = Buffer.alloc(1);
    await handle.read(last, 0, 1, size - 1);
    if (last[0] !== newline) await handle.appendFile('\n');
  }
}

/** To the standard output of the process, which on Lambda is its log. */
function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
