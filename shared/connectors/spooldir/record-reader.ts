import type { Schema } from '../../connect/index.ts';
import type { InputFile } from './input-file.ts';

/** Takes one record of a file. `offset` counts records (or lines) as the format does. */
export type Give = (offset: number, keySchema: Schema | null, key: unknown, valueSchema: Schema, value: unknown) => void;

/** Reads the records of one file. */
export interface RecordReader {
  /**
   * Gives the next records, `most` of them at most, without those up to `lastOffset`. False at the end of the file.
   * Throws at a record that cannot be read, after those before it were given.
   */
  read(most: number, give: Give): Promise<boolean>;
  close(): void;
}

/** Opens a file after the record of `lastOffset`; null from its beginning. */
export type OpenReader = (file: InputFile, lastOffset: number | null) => RecordReader;
