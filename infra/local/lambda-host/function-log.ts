import type { ChildProcess } from 'node:child_process';
import { appendFileSync, renameSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

const bytesMax = 20 * 1024 * 1024;

/** The log of one function: what its processes print, and what Lambda prints around each invocation. Kept below 40 MB, in two files. */
export class FunctionLog {
  readonly #path: string;
  readonly #echo: ((line: string) => void) | null;
  #bytes: number;
  #pending: string[] = [];
  #scheduled = false;

  constructor(path: string, echo: ((line: string) => void) | null) {
    this.#path = path;
    this.#echo = echo;
    this.#bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }

  line(text: string): void {
    this.#echo?.(text);
    this.#pending.push(text);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  /** Copies what a process prints. */
  follow(child: ChildProcess): void {
    for (const stream of [child.stdout, child.stderr])
      if (stream !== null) createInterface({ input: stream as Readable }).on('line', (text) => this.line(text));
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#pending.length === 0) return;
    const text = `${this.#pending.join('\n')}\n`;
    this.#pending = [];
    try {
      if (this.#bytes > bytesMax) {
        renameSync(this.#path, `${this.#path}.1`);
        this.#bytes = 0;
      }
      appendFileSync(this.#path, text);
      this.#bytes += Buffer.byteLength(text);
    } catch {
      // A log that cannot be written must not stop the functions.
    }
  }
}
