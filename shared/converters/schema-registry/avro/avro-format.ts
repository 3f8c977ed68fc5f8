import type { Logger, Schema } from '../../../connect/index.ts';
import type { RegistrySchema } from '../registry/registry-client.ts';
import { type MessageReader, type MessageWriter, type SchemaFormat, wordsOf } from '../registry/schema-format.ts';
import type { AvroDataOptions } from './avro-names.ts';
import { avroReader, readAnything } from './avro-reader.ts';
import type { AvroSchema } from './avro-schema.ts';
import { connectSchemaOf } from './avro-to-connect.ts';
import { avroWriter } from './avro-writer.ts';
import { anythingOf, avroSchemaOf } from './connect-to-avro.ts';
import { parseAvroSchema } from './parse-avro-schema.ts';

/** Avro in the registry. Messages are translated in one pass, without Avro values in between. */
export class AvroFormat implements SchemaFormat<AvroSchema> {
  readonly type = 'AVRO';
  readonly words = wordsOf('Avro');
  readonly #options: AvroDataOptions;
  readonly #logger: Logger;

  constructor(options: AvroDataOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  parse({ text }: RegistrySchema, references: ReadonlyMap<string, string>): AvroSchema {
    return parseAvroSchema(text, references.values());
  }

  recordName(parsed: AvroSchema): string | null {
    return parsed.type === 'record' ? parsed.name : null;
  }

  schemaFor(schema: Schema | null): { parsed: AvroSchema; text: string } {
    const parsed = avroSchemaOf(schema, this.#options);
    return { parsed, text: parsed.toString() };
  }

  async reader(parsed: AvroSchema, version: number | null, into: AvroSchema | null): Promise<MessageReader> {
    if (into === null) return this.#reader(parsed, version);
    const read = this.#reader(into, version);
    const { resolve } = await import('./resolve.ts');
    const resolved = await resolve(parsed.toString(), into.toString());
    return (bytes, at) => read(resolved(bytes.subarray(at)), 0);
  }

  writer(schema: Schema | null, _own: AvroSchema, target: AvroSchema): MessageWriter {
    return avroWriter(schema, target, this.#options);
  }

  async canRead(reader: AvroSchema, writer: AvroSchema): Promise<boolean> {
    const { canRead } = await import('./resolve.ts');
    return canRead(reader.toString(), writer.toString());
  }

  #reader(parsed: AvroSchema, version: number | null): MessageReader {
    const anything = anythingOf(this.#options);
    if (parsed.name === anything.name && parsed.toString() === anything.toString()) return (bytes, at) => ({ schema: null, value: readAnything(bytes, at) });
    const schema = connectSchemaOf(parsed, version, this.#options, this.#logger);
    const read = avroReader(parsed, schema);
    return (bytes, at) => ({ schema, value: read(bytes, at) });
  }
}
