import type { Schema } from '../../../connect/index.ts';
import { JsonParser } from '../../json/json-parser.ts';
import { jsonText } from '../../json/json-text.ts';
import { SerializationException } from '../../serialization-exception.ts';
import type { RegistrySchema } from '../registry/registry-client.ts';
import type { FormatWords, MessageReader, MessageWriter, SchemaFormat } from '../registry/schema-format.ts';
import { jsonSchemaOf } from './connect-to-json-schema.ts';
import type { JsonSchemaOptions } from './json-schema-names.ts';
import { type Node, parseJsonSchema } from './json-schema-node.ts';
import { jsonSchemaReader, lostDigits } from './json-schema-reader.ts';
import { connectSchemaOf } from './json-schema-to-connect.ts';
import { jsonSchemaWriter } from './json-schema-writer.ts';

const words: FormatWords = {
  failed: (topic, writing) =>
    `Converting ${writing ? 'Kafka Connect data to byte[]' : 'byte[] to Kafka Connect data'} failed due to serialization error of topic ${topic}: `,
  network: 'Json',
  message: 'JSON',
  registering: 'Error registering JSON schema: ',
  retrieving: 'Error retrieving JSON schema: ',
  latest: 'Error retrieving latest version: ',
};

/** JSON Schema in the registry. Messages are JSON; they are not validated, as in Confluent's converter. */
export class JsonSchemaFormat implements SchemaFormat<Node> {
  readonly type = 'JSON';
  readonly words = words;
  readonly #options: JsonSchemaOptions;

  constructor(options: JsonSchemaOptions) {
    this.#options = options;
  }

  parse({ text }: RegistrySchema, references: ReadonlyMap<string, string>): Node {
    return parseJsonSchema(text, references);
  }

  recordName({ about }: Node): string | null {
    return typeof about['title'] === 'string' ? about['title'] : null;
  }

  schemaFor(schema: Schema | null): { parsed: Node; text: string } {
    if (schema === null)
      throw new SerializationException('Error serializing JSON message', { cause: new TypeError('Data without a schema have no JSON Schema') });
    const text = jsonSchemaOf(schema, this.#options);
    return { parsed: parseJsonSchema(text, new Map()), text };
  }

  reader(parsed: Node, version: number | null, into: Node | null): MessageReader {
    const schema = connectSchemaOf(into ?? parsed, version, this.#options);
    const read = jsonSchemaReader(schema);
    return (bytes, at) => {
      const text = jsonText(bytes, at);
      try {
        return pair(schema, read(JSON.parse(text)));
      } catch (error) {
        // What JSON.parse refuses, Jackson may take.
        if (error !== lostDigits && !(error instanceof SyntaxError)) throw error;
      }
      return pair(schema, read(new JsonParser(text).root() ?? null));
    };
  }

  writer(schema: Schema | null): MessageWriter {
    const write = jsonSchemaWriter(schema as Schema, this.#options);
    return (header, value) => {
      const text = write(value);
      return text === null ? null : Buffer.concat([header, Buffer.from(text)]);
    };
  }

  /** Structs that one schema has and the other does not are no harm to JSON, which tells its names. */
  canRead(): boolean {
    return true;
  }
}

function pair(schema: Schema, value: unknown): { schema: Schema; value: unknown } {
  return { schema, value };
}
