import { DataException } from '../../connect/index.ts';
import type { TextChunks } from './line-reader.ts';

/** A text of a JSON value within a sequence of them: a string, an object's or array's borders, blanks, or anything else. */
const token = /"[^"\\]*(?:\\[\s\S][^"\\]*)*"|[{}[\]]|[\s]+|[^\s"{}[\],:]+|[,:]/y;

/**
 * Cuts a text into the JSON values that follow one another in it, with or without line ends between them. Each comes as
 * its text without blanks outside of strings, so that numbers keep their digits.
 */
export class JsonValues {
  readonly #chunks: TextChunks;
  readonly #path: string;
  #text = '';
  #at = 0;
  #depth = 0;
  #value = '';
  #ended = false;

  constructor(chunks: TextChunks, path: string) {
    this.#chunks = chunks;
    this.#path = path;
  }

  /** The next value; undefined when `fill` must be called first. Throws DataException for what is no JSON. */
  take(): string | undefined {
    for (;;) {
      token.lastIndex = this.#at;
      const match = token.exec(this.#text)?.[0];
      // What touches the end of the text may go on in the next chunk.
      if (match === undefined || (this.#at + match.length === this.#text.length && !this.#ended && !/^[{}[\]]/.test(match))) return undefined;
      this.#at += match.length;
      if (/^\s/.test(match)) continue;
      this.#value += match;
      if (match === '{' || match === '[') this.#depth++;
      else if (match === '}' || match === ']') this.#depth--;
      if (this.#depth > 0) continue;
      const value = this.#value;
      this.#value = '';
      if (this.#depth < 0) throw new DataException(`${this.#path} is not JSON: unexpected ${match}`);
      return value;
    }
  }

  /** Reads on. False at the end of the file; throws DataException when it ends within a value. */
  async fill(): Promise<boolean> {
    const chunk = this.#ended ? null : await this.#chunks.next();
    const rest = this.#text.slice(this.#at);
    this.#at = 0;
    if (chunk !== null) {
      this.#text = rest + chunk;
      return true;
    }
    this.#text = rest;
    if (!this.#ended) {
      this.#ended = true;
      if (rest !== '') return true;
    }
    if (rest !== '' || this.#value !== '') throw new DataException(`${this.#path} ends within a JSON value: ${(this.#value + rest).slice(0, 100)}`);
    return false;
  }

  close(): void {
    this.#chunks.close();
  }
}
