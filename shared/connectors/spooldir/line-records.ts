import { Schema } from '../../connect/index.ts';
import type { InputFile } from './input-file.ts';
import { LineReader, TextChunks } from './line-reader.ts';
import type { Give, RecordReader } from './record-reader.ts';

/** Lines of a file as texts. The offset of a line is its number, from 1. */
export class LineRecords implements RecordReader {
  readonly #lines: LineReader;
  readonly #after: number;

  constructor(file: InputFile, lastOffset: number | null, charset: string, bufferSize: number) {
    this.#lines = new LineReader(new TextChunks(file.path, charset, bufferSize));
    this.#after = lastOffset ?? 0;
  }

  async read(most: number, give: Give): Promise<boolean> {
    for (let left = most; left > 0; ) {
      const line = this.#lines.take();
      if (line === undefined) {
        if (!(await this.#lines.fill())) return false;
      } else if (this.#lines.lineNumber > this.#after) {
        give(this.#lines.lineNumber, null, null, Schema.STRING_SCHEMA, line);
        left--;
      }
    }
    return true;
  }

  close(): void {
    this.#lines.close();
  }
}
