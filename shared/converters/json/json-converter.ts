import {
  boolean,
  type Converter,
  type ConverterDefinition,
  configDef,
  DataException,
  type HeaderConverter,
  type HeaderConverterDefinition,
  int,
  isConnectException,
  oneOfIgnoringCase,
  type Schema,
  type SchemaAndValue,
  string,
} from '../../connect/index.ts';
import { CONVERTER_TYPE, NULL_SCHEMA_AND_VALUE, VERSION } from '../converter-keys.ts';
import { SerializationException } from '../serialization-exception.ts';
import { asConnectSchema, asJsonSchema, type DefaultValues } from './connect-schema.ts';
import { JsonParseException, JsonParser } from './json-parser.ts';
import { type JsonReader, jsonReader, MISSING, needsExactNumbers, tellsWholeNumbers } from './json-reader.ts';
import { jsonText } from './json-text.ts';
import { type JsonWriter, jsonWriter } from './json-writer.ts';

const config = configDef({
  ...CONVERTER_TYPE,
  'schemas.enable': boolean({
    default: true,
    importance: 'HIGH',
    doc: 'Include schemas within each of the serialized values and keys.',
    group: 'Schemas',
    orderInGroup: 0,
    width: 'MEDIUM',
    displayName: 'Enable Schemas',
  }),
  'schemas.cache.size': int({
    default: 1000,
    importance: 'HIGH',
    doc: 'The maximum number of schemas that can be cached in this converter instance.',
    group: 'Schemas',
    orderInGroup: 1,
    width: 'MEDIUM',
    displayName: 'Schema Cache Size',
  }),
  'schema.content': string({
    default: null,
    importance: 'HIGH',
    doc: "When set, this is used as the schema for all messages, and the schemas within each of the message will be ignored.Otherwise, the schema will be included in the content of each message. This configuration applies only 'schemas.enable' is true, and it exclusively affects the sink connector.",
    group: 'Schemas',
    orderInGroup: 2,
    width: 'MEDIUM',
    displayName: 'Schema Content',
  }),
  'decimal.format': string({
    default: 'BASE64',
    validator: oneOfIgnoringCase('NUMERIC', 'BASE64'),
    importance: 'LOW',
    doc: "Controls which format this converter will serialize decimals in. This value is case insensitive and can be either 'BASE64' (default) or 'NUMERIC'",
    group: 'Serialization',
    orderInGroup: 0,
    width: 'MEDIUM',
    displayName: 'Decimal Format',
  }),
  'replace.null.with.default': boolean({
    default: true,
    importance: 'LOW',
    doc: 'Whether to replace fields that have a default value and that are null to the default value. When set to true, the default value is used, otherwise null is used.',
    group: 'Serialization',
    orderInGroup: 1,
    width: 'MEDIUM',
    displayName: 'Replace null with default',
  }),
});

/**
 * A number whose class or digits `JSON.parse` would lose where there is no schema: sixteen digits or more, a fraction of
 * zero, an exponent, minus zero. What is inside of texts may match too, which costs time but no truth.
 */
const exactNumber = /[:,[\s]-?(?:\d{16}|\d+\.0+(?=[\s,}\]])|\d+\.\d{15}|\d+(?:\.\d+)?[eE][+-]?\d)|[:,[\s]-0(?=[\s,}\]])/;

/** Half a surrogate pair, which names must not have on its own. */
const escapedSurrogate = /\\u[dD][89a-fA-F]/;

/** As Kafka's JsonDeserializer tells of it, between what failed and the converter's own error. */
function deserialization(cause: JsonParseException): SerializationException {
  return new SerializationException(`${cause.javaClass}: ${cause.message}`, { cause });
}

/** Both readers of a schema: for what `JSON.parse` made, and for what JsonParser made. */
class SchemaReader {
  readonly schema: Schema | null;
  readonly #fast: JsonReader;
  readonly #exact: JsonReader;
  readonly #scan: boolean;
  /** Set when `JSON.parse` was not enough: it will not be for the next record. */
  #exactFirst = false;

  constructor(schema: Schema | null, replaceNullWithDefault: boolean) {
    this.schema = schema;
    this.#fast = jsonReader(schema, { replaceNullWithDefault, exact: false });
    this.#exact = jsonReader(schema, { replaceNullWithDefault, exact: true });
    this.#scan = tellsWholeNumbers(schema);
  }

  /** Reads a text that holds one JSON value. Undefined: JsonParser must judge it. */
  readFast(text: string): unknown {
    if (this.#exactFirst || (text.includes('\\u') && escapedSurrogate.test(text))) return undefined;
    const first = text.charCodeAt(0);
    // A number on its own has nothing before it that the scan could hold on to.
    if (this.#scan && ((first !== 0x7b && first !== 0x5b && first !== 0x22) || exactNumber.test(text))) return undefined;
    try {
      return this.#fast(JSON.parse(text));
    } catch (error) {
      if (error === needsExactNumbers && this.schema !== null) this.#exactFirst = true;
      if (isConnectException(error)) throw error;
      return undefined;
    }
  }

  /** Reads the first JSON value of a text. Throws JsonParseException. */
  readExact(text: string, at = 0): unknown {
    const root = new JsonParser(text, { at, maps: this.schema === null }).root();
    return this.#exact(root === undefined ? (this.schema === null ? null : MISSING) : root);
  }
}

/** An envelope whose schema is known by its bytes: everything up to the payload. */
interface KnownEnvelope {
  readonly prefix: Buffer;
  readonly reader: SchemaReader;
}

const CLOSING_BRACE = 0x7d;
const BRACE = 0x7b;

/**
 * Kafka Connect's JsonConverter, to the byte.
 *
 * What a message says of its schema is compared as bytes with the messages before it, so that the same schema is parsed
 * once and gives the same Schema object; only the payload is parsed, by `JSON.parse` wherever that loses nothing.
 */
class JsonConverter implements Converter, HeaderConverter {
  readonly #schemas: boolean;
  readonly #cacheSize: number;
  readonly #replaceNullWithDefault: boolean;
  readonly #numericDecimals: boolean;
  readonly #fixed: SchemaReader | null;
  readonly #schemaless: SchemaReader;
  readonly #defaults: DefaultValues;
  readonly #readers = new Map<string, SchemaReader>();
  readonly #envelopes: KnownEnvelope[] = [];
  readonly #writers = new Map<Schema | null, { readonly prefix: string; readonly write: JsonWriter }>();

  constructor(raw: Readonly<Record<string, string>>) {
    const parsed = config.parse(raw);
    this.#schemas = parsed['schemas.enable'];
    this.#cacheSize = Math.max(1, parsed['schemas.cache.size']);
    this.#replaceNullWithDefault = parsed['replace.null.with.default'];
    this.#numericDecimals = parsed['decimal.format'].toUpperCase() === 'NUMERIC';
    const options = { replaceNullWithDefault: this.#replaceNullWithDefault, numericDecimals: this.#numericDecimals };
    this.#defaults = {
      read: (schema, json) => jsonReader(schema, { ...options, exact: true })(json),
      write: (schema, value) => jsonWriter(schema, options)(value),
    };
    this.#schemaless = new SchemaReader(null, this.#replaceNullWithDefault);
    const content = parsed['schema.content'] ?? '';
    const fixed = content === '' ? null : this.#parseContent(content);
    this.#fixed = fixed && new SchemaReader(fixed, this.#replaceNullWithDefault);
  }

  fromConnectData(_topic: string, schema: Schema | null, value: unknown): Buffer | null {
    if (schema === null && (value === null || value === undefined)) return null;
    const { prefix, write } = this.#writers.get(schema) ?? this.#compile(schema);
    return Buffer.from(prefix === '' ? write(value) : `${prefix}${write(value)}}`);
  }

  toConnectData(_topic: string, bytes: Buffer | null): SchemaAndValue {
    if (bytes === null) return NULL_SCHEMA_AND_VALUE;
    try {
      if (!this.#schemas) return readWhole(this.#schemaless, bytes);
      if (this.#fixed !== null) return readWhole(this.#fixed, bytes);
      for (const { prefix, reader } of this.#envelopes) {
        const { length } = prefix;
        if (bytes.length <= length || bytes.compare(prefix, 0, length, 0, length) !== 0) continue;
        if (bytes[bytes.length - 1] !== CLOSING_BRACE) break;
        const value = reader.readFast(jsonText(bytes, length, bytes.length - 1));
        if (value === undefined) break;
        return { schema: reader.schema, value };
      }
      return this.#readEnvelope(bytes);
    } catch (cause) {
      if (!(cause instanceof JsonParseException)) throw cause;
      throw new DataException('Converting byte[] to Kafka Connect data failed due to serialization error: ', { cause: deserialization(cause) });
    }
  }

  fromConnectHeader(topic: string, _key: string, schema: Schema | null, value: unknown): Buffer | null {
    return this.fromConnectData(topic, schema, value);
  }

  toConnectHeader(topic: string, _key: string, bytes: Buffer | null): SchemaAndValue {
    return this.toConnectData(topic, bytes);
  }

  /** Reads any envelope, and remembers its beginning if the payload comes last. */
  #readEnvelope(bytes: Buffer): SchemaAndValue {
    const text = jsonText(bytes);
    const parser = new JsonParser(text);
    parser.skipBlanks();
    const places = new Map<string, readonly [start: number, end: number]>();
    if (text.charCodeAt(parser.at) === BRACE) {
      parser.members((name) => {
        const start = parser.at;
        parser.value();
        places.set(name, [start, parser.at]);
      });
    } else parser.root();
    const schema = places.get('schema');
    const payload = places.get('payload');
    if (schema === undefined || payload === undefined || places.size !== 2)
      throw new DataException(
        'JsonConverter with schemas.enable requires "schema" and "payload" fields and may not contain additional fields.' +
          ' If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration.',
      );
    const reader = this.#readerOf(text.slice(...schema));
    if (payload[0] > schema[0]) this.#remember(Buffer.from(text.slice(0, payload[0])), reader);
    const payloadText = text.slice(...payload);
    const fast = reader.readFast(payloadText);
    return { schema: reader.schema, value: fast === undefined ? reader.readExact(payloadText) : fast };
  }

  #readerOf(schemaText: string): SchemaReader {
    const known = this.#readers.get(schemaText);
    if (known !== undefined) return known;
    const schema = asConnectSchema(new JsonParser(schemaText).root(), this.#defaults);
    const reader = new SchemaReader(schema, this.#replaceNullWithDefault);
    forgetOldest(this.#readers, this.#cacheSize);
    this.#readers.set(schemaText, reader);
    return reader;
  }

  /** The newest first: most topics have one schema, and a new one stays. */
  #remember(prefix: Buffer, reader: SchemaReader): void {
    const at = this.#envelopes.findIndex((each) => each.prefix.equals(prefix));
    this.#envelopes.splice(at === -1 ? maxEnvelopes - 1 : at, 1);
    this.#envelopes.unshift({ prefix, reader });
  }

  #compile(schema: Schema | null): { prefix: string; write: JsonWriter } {
    const write = jsonWriter(schema, { replaceNullWithDefault: this.#replaceNullWithDefault, numericDecimals: this.#numericDecimals });
    const prefix = this.#schemas ? `{"schema":${asJsonSchema(schema, this.#defaults)},"payload":` : '';
    const compiled = { prefix, write };
    forgetOldest(this.#writers, this.#cacheSize);
    this.#writers.set(schema, compiled);
    return compiled;
  }

  #parseContent(content: string): Schema | null {
    try {
      return asConnectSchema(new JsonParser(content).root() ?? null, this.#defaults);
    } catch (cause) {
      if (!(cause instanceof JsonParseException)) throw cause;
      throw new DataException('Failed to parse schema in converter config due to serialization error: ', { cause });
    }
  }
}

const maxEnvelopes = 8;

/** Reads a message that is nothing but data. Blank messages are null. */
function readWhole(reader: SchemaReader, bytes: Buffer): SchemaAndValue {
  const text = jsonText(bytes);
  const fast = text === '' ? undefined : reader.readFast(text);
  return { schema: reader.schema, value: fast === undefined ? reader.readExact(text) : fast };
}

/** Makes room for one more: Maps go through their keys in the order in which they came. */
function forgetOldest(cache: Map<unknown, unknown>, size: number): void {
  if (cache.size < size) return;
  for (const oldest of cache.keys()) {
    cache.delete(oldest);
    return;
  }
}

const info = {
  className: 'org.apache.kafka.connect.json.JsonConverter',
  version: VERSION,
  overview: 'Reads and writes JSON, with the schema in each message or without any.',
  config,
};

export const jsonConverter: ConverterDefinition = {
  ...info,
  kind: 'converter',
  create: (raw, isKey) => new JsonConverter({ ...raw, 'converter.type': isKey ? 'key' : 'value' }),
};

export const jsonHeaderConverter: HeaderConverterDefinition = {
  ...info,
  kind: 'header_converter',
  create: (raw) => new JsonConverter({ ...raw, 'converter.type': 'header' }),
};
