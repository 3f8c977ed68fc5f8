import { type FileHandle, open } from 'node:fs/promises';
import { ConnectException, type SinkRecord, SinkTask } from '../../connect/index.ts';
import { javaToString } from '../../connect/java/java-value.ts';

const newline = 0x0a;

/** Writes the text of each value (Java's `toString`) and a newline. What was put is on the disk when `flush` returns. */
export class FileStreamSinkTask extends SinkTask {
  readonly #file: string;
  #handle: FileHandle | null = null;
  #dirty = false;

  constructor(file: string) {
    super();
    this.#file = file;
  }

  override async start(): Promise<void> {
    try {
      this.#handle = await open(this.#file, 'a+');
    } catch (cause) {
      throw new ConnectException(`Couldn't find or create file '${this.#file}' for FileStreamSinkTask`, { cause });
    }
    await this.#endTornLine(this.#handle);
  }

  override async put(records: readonly SinkRecord[]): Promise<void> {
    if (records.length === 0) return;
    let text = '';
    for (const { valueSchema, value } of records) text += `${typeof value === 'string' ? value : javaToString(valueSchema, value)}\n`;
    await this.#handle?.appendFile(text);
    this.#dirty = true;
  }

  override async flush(): Promise<void> {
    if (!this.#dirty) return;
    await this.#handle?.datasync();
    this.#dirty = false;
  }

  override async stop(): Promise<void> {
    await this.#handle?.close();
    this.#handle = null;
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
