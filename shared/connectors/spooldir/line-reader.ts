import { createReadStream } from 'node:fs';
import { extname } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ConnectException } from '../../connect/index.ts';

/** Compressions that are told from the extension of a file and that there is no decoder for. */
const unreadable = new Set(['.bz2', '.snappy', '.lz4', '.z']);

/** The decoded text of a file, a chunk at a time; `.gz` files are unpacked. */
export class TextChunks {
  readonly #stream: Readable;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #decode: (bytes?: Buffer) => string;
  #ended = false;

  constructor(path: string, charset: string, bufferSize: number) {
    const extension = extname(path);
    if (unreadable.has(extension)) throw new ConnectException(`The file ${path} is compressed in a way that is not supported: unpack it, or use .gz`);
    const file = createReadStream(path, { highWaterMark: bufferSize });
    this.#stream = extension === '.gz' ? pipeline(file, createGunzip(), () => {}) : file;
    this.#chunks = this.#stream[Symbol.asyncIterator]();
    this.#decode = decoder(charset);
  }

  /** The next text, null at the end of the file. */
  async next(): Promise<string | null> {
    for (;;) {
      if (this.#ended) return null;
      const { done, value } = await this.#chunks.next();
      this.#ended = done === true;
      const text = done ? this.#decode() : this.#decode(value);
      if (text !== '') return text;
    }
  }

  close(): void {
    this.#ended = true;
    this.#stream.destroy();
  }
}

/** ISO 8859-1 is itself here, as in Java, and not the Windows code page for which browsers take it. */
function decoder(charset: string): (bytes?: Buffer) => string {
  if (/^(iso[-_]?8859[-_]1|latin-?1)$/i.test(charset)) return (bytes) => bytes?.toString('latin1') ?? '';
  const decoder = new TextDecoder(charset);
  return (bytes) => (bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode());
}

/** Lines of a file, ended by \n, \r\n or \r; with `keepCarriageReturn` by \n only. The last one needs no end. */
export class LineReader {
  readonly #chunks: TextChunks;
  readonly #keepCarriageReturn: boolean;
  #lines: readonly string[] = [];
  #next = 0;
  #rest = '';
  #ended = false;
  /** How many lines were taken. */
  lineNumber = 0;

  constructor(chunks: TextChunks, keepCarriageReturn = false) {
    this.#chunks = chunks;
    this.#keepCarriageReturn = keepCarriageReturn;
  }

  /** The next line; undefined when `fill` must be called first. */
  take(): string | undefined {
    if (this.#next >= this.#lines.length) return undefined;
    this.lineNumber++;
    return this.#lines[this.#next++];
  }

  /** Reads on. False at the end of the file. */
  async fill(): Promise<boolean> {
    while (this.#next >= this.#lines.length) {
      if (this.#ended) return false;
      const text = await this.#chunks.next();
      this.#next = 0;
      if (text === null) {
        this.#ended = true;
        const last = this.#keepCarriageReturn ? this.#rest : this.#rest.replace(/\r$/, '');
        this.#lines = this.#rest === '' ? [] : [last];
        this.#rest = '';
      } else this.#split(this.#rest + text);
    }
    return true;
  }

  close(): void {
    this.#chunks.close();
  }

  #split(text: string): void {
    // A \r at the end may be the first half of \r\n: it waits for what follows.
    const held = !this.#keepCarriageReturn && text.endsWith('\r');
    const whole = held ? text.slice(0, -1) : text;
    const lines = this.#keepCarriageReturn || !whole.includes('\r') ? whole.split('\n') : whole.split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() as string) + (held ? '\r' : '');
    this.#lines = lines;
  }
}
