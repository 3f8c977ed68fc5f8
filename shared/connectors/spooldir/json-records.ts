import { DataException, Schema } from '../../connect/index.ts';
import type { InputFile } from './input-file.ts';
import { JsonValues } from './json-values.ts';
import { TextChunks } from './line-reader.ts';
import type { Give, RecordReader } from './record-reader.ts';
import type { StructuredSchemas } from './structured-schemas.ts';
import type { ValueParser } from './value-parser.ts';

/** Walks through the JSON values of a file. The offset of a value is its number, from 0. */
abstract class JsonReader implements RecordReader {
  readonly #values: JsonValues;
  readonly #after: number;
  readonly #path: string;
  #offset = -1;

  constructor(file: InputFile, lastOffset: number | null, charset: string, bufferSize: number) {
    this.#values = new JsonValues(new TextChunks(file.path, charset, bufferSize), file.path);
    this.#after = lastOffset ?? -1;
    this.#path = file.path;
  }

  async read(most: number, give: Give): Promise<boolean> {
    for (let left = most; left > 0; ) {
      const text = this.#values.take();
      if (text === undefined) {
        if (!(await this.#values.fill())) return false;
        continue;
      }
      this.#offset++;
      if (this.#offset <= this.#after) continue;
      let json: unknown;
      try {
        json = longNumber.test(text) ? JSON.parse(text, exactNumber) : JSON.parse(text);
      } catch (cause) {
        throw new DataException(`Value ${this.#offset} of ${this.#path} is not JSON: ${text.slice(0, 100)}`, { cause });
      }
      this.give(this.#offset, text, json, give);
      left--;
    }
    return true;
  }

  close(): void {
    this.#values.close();
  }

  protected abstract give(offset: number, text: string, json: unknown, give: Give): void;
}

/** Each value as its text. */
export class JsonTextRecords extends JsonReader {
  protected override give(offset: number, text: string, _json: unknown, give: Give): void {
    give(offset, null, null, Schema.STRING_SCHEMA, text);
  }
}

/** Each object as a struct. */
export class JsonRecords extends JsonReader {
  readonly #schemas: StructuredSchemas;
  readonly #parser: ValueParser;
  /** Schemas that are generated come from the first object of the file. */
  #names: readonly string[] | null = null;

  constructor(file: InputFile, lastOffset: number | null, bufferSize: number, schemas: StructuredSchemas, parser: ValueParser) {
    super(file, lastOffset, 'UTF-8', bufferSize);
    this.#schemas = schemas;
    this.#parser = parser;
  }

  protected override give(offset: number, text: string, json: unknown, give: Give): void {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new DataException(`An object was expected, found ${text.slice(0, 100)}`);
    const object = json as Record<string, unknown>;
    this.#names ??= Object.keys(object);
    const schemas = this.#schemas.forFields(this.#names);
    const value: Record<string, unknown> = {};
    const key: Record<string, unknown> = {};
    for (const { name, schema } of schemas.value.fields) {
      try {
        value[name] = this.#parser.fromJson(schema, object[name]);
      } catch (cause) {
        throw new DataException(`Exception thrown while parsing data for '${name}'. linenumber=${offset}`, { cause });
      }
      if (schemas.key.field(name) !== undefined) key[name] = value[name];
    }
    give(offset, schemas.key, key, schemas.value, value);
  }
}

const longNumber = /[\d.]{16}/;

/** Numbers that JavaScript may not hold stay the text of their digits. */
function exactNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' && context?.source !== undefined && longNumber.test(context.source) ? context.source : value;
}
