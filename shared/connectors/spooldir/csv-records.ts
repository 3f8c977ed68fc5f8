import { ConnectException, DataException, type Field, type Schema } from '../../connect/index.ts';
import type { CsvConfig, NullFieldIndicator } from './config.ts';
import { CsvParser } from './csv-parser.ts';
import type { InputFile } from './input-file.ts';
import { LineReader, TextChunks } from './line-reader.ts';
import type { Give, RecordReader } from './record-reader.ts';
import type { StructuredSchemas } from './structured-schemas.ts';
import type { ValueParser } from './value-parser.ts';

interface Column {
  readonly name: string;
  readonly valueField: Field | undefined;
  readonly keyField: Field | undefined;
}

/** Rows of a CSV file as structs. The offset of a row is the number of its last line, header and skipped lines not counted. */
export class CsvRecords implements RecordReader {
  readonly #config: CsvConfig;
  readonly #lines: LineReader;
  readonly #csv: CsvParser;
  readonly #schemas: StructuredSchemas;
  readonly #values: ValueParser;
  readonly #path: string;
  readonly #after: number;
  #columns: readonly Column[] | null = null;
  #keySchema!: Schema;
  #valueSchema!: Schema;
  /** Lines before the first row. */
  #before = 0;

  constructor(file: InputFile, lastOffset: number | null, config: CsvConfig, schemas: StructuredSchemas, values: ValueParser) {
    this.#config = config;
    this.#schemas = schemas;
    this.#values = values;
    this.#path = file.path;
    this.#after = lastOffset ?? 0;
    this.#lines = new LineReader(new TextChunks(file.path, config['csv.file.charset'], config['file.buffer.size.bytes']), config['csv.keep.carriage.return']);
    const separator = config['csv.separator.char'];
    this.#csv = new CsvParser({
      separator: String.fromCharCode(separator),
      quote: String.fromCharCode(config['csv.quote.char']),
      escape: String.fromCharCode(config['csv.escape.char']),
      strictQuotes: config['csv.strict.quotes'],
      ignoreLeadingWhitespace: config['csv.ignore.leading.whitespace'],
      ignoreQuotations: config['csv.ignore.quotations'],
      nullFields: config['csv.null.field.indicator'] as NullFieldIndicator,
      rfc4180: config['csv.rfc.4180.parser.enabled'] || separator === 0,
    });
  }

  async read(most: number, give: Give): Promise<boolean> {
    let left = most;
    if (this.#columns === null) {
      const first = await this.#begin();
      if (first === null) return false;
      if (this.#give(first, give)) left--;
    }
    while (left > 0) {
      const row = this.#row();
      if (row === undefined) {
        if (await this.#lines.fill()) continue;
        const unfinished = this.#csv.unfinished;
        if (unfinished !== null)
          throw new DataException(`Unterminated quoted field at the end of ${this.#path}. Beginning of lost text: [${unfinished.slice(0, 100)}]`);
        return false;
      }
      if (this.#give(row, give)) left--;
    }
    return true;
  }

  close(): void {
    this.#lines.close();
  }

  /** Skips lines, reads the header and settles the columns; returns the first row, or null for a file without any. */
  async #begin(): Promise<readonly (string | null)[] | null> {
    for (let skipped = 0; skipped < this.#config['csv.skip.lines']; ) {
      if (this.#lines.take() !== undefined) skipped++;
      else if (!(await this.#lines.fill())) return null;
    }
    let header: readonly (string | null)[] | null = null;
    if (this.#config['csv.first.row.as.header']) {
      header = await this.#nextRow();
      if (header === null) return null;
    }
    this.#before = this.#lines.lineNumber;
    const first = await this.#nextRow();
    if (first === null) return null;
    const names =
      header?.map((name) => name ?? '') ??
      this.#schemas.value?.fields.map(({ name }) => name) ??
      first.map((_, at) => `column${String(at + 1).padStart(2, '0')}`);
    if (new Set(names).size !== names.length) throw new DataException(`The header of ${this.#path} names a column twice: ${names.join(', ')}`);
    const { key, value } = this.#schemas.forFields(names);
    this.#keySchema = key;
    this.#valueSchema = value;
    this.#columns = names.map((name) => ({ name, valueField: value.field(name), keyField: key.field(name) }));
    return first;
  }

  async #nextRow(): Promise<readonly (string | null)[] | null> {
    for (;;) {
      const row = this.#row();
      if (row !== undefined) return row;
      if (!(await this.#lines.fill())) {
        if (this.#csv.unfinished !== null) throw new DataException(`Unterminated quoted field at the end of ${this.#path}`);
        return null;
      }
    }
  }

  /** The next row; undefined when more of the file must be read first. */
  #row(): (string | null)[] | undefined {
    for (;;) {
      const line = this.#lines.take();
      if (line === undefined) return undefined;
      const row = this.#csv.parse(line);
      if (row !== null) return row;
    }
  }

  #give(row: readonly (string | null)[], give: Give): boolean {
    const offset = this.#lines.lineNumber - this.#before;
    if (offset <= this.#after) return false;
    const columns = this.#columns as readonly Column[];
    // An empty line, most often the last one.
    if (row.length === 1 && columns.length > 1 && !row[0]) return false;
    if (row.length < columns.length)
      throw new ConnectException(
        `Line ${this.#lines.lineNumber} of ${this.#path} has ${row.length} fields, ${columns.length} were expected (${columns.map(({ name }) => name).join(', ')})`,
      );
    const value: Record<string, unknown> = {};
    const key: Record<string, unknown> = {};
    for (let i = 0; i < columns.length; i++) {
      const { name, valueField, keyField } = columns[i] as Column;
      if (valueField === undefined) continue;
      const text = row[i] as string | null;
      let parsed: unknown;
      try {
        parsed = valueField.schema.type === 'STRING' && text !== null ? text : this.#values.fromText(valueField.schema, text);
      } catch (cause) {
        throw new DataException(`Exception thrown while parsing data for '${name}'. linenumber=${offset}`, { cause });
      }
      value[name] = parsed;
      if (keyField !== undefined) key[name] = parsed;
    }
    give(offset, this.#keySchema, key, this.#valueSchema, value);
    return true;
  }
}
