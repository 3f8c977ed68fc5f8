import {
  type Converter,
  type ConverterDefinition,
  configDef,
  type HeaderConverter,
  type HeaderConverterDefinition,
  Schema,
  type SchemaAndValue,
  string,
} from '../connect/index.ts';
import { javaToString } from '../connect/java/java-value.ts';
import { type Charset, charsetOf } from './charsets.ts';
import { CONVERTER_TYPE, VERSION } from './converter-keys.ts';
import { SerializationException } from './serialization-exception.ts';

const config = configDef({
  ...CONVERTER_TYPE,
  'converter.encoding': string({
    default: 'UTF-8',
    importance: 'HIGH',
    doc: 'The name of the Java character set to use for encoding strings as byte arrays.',
    width: 'MEDIUM',
    displayName: 'Encoding',
  }),
});

/** Any value as Java's text of it, and text back. What it reads has an optional schema. */
class StringConverter implements Converter, HeaderConverter {
  readonly #charset: Charset;

  constructor(raw: Readonly<Record<string, string>>) {
    const encoding = config.parse(raw)['converter.encoding'];
    const charset = charsetOf(encoding);
    if (charset === undefined) throw new SerializationException(`Unsupported encoding ${encoding}`);
    this.#charset = charset;
  }

  fromConnectData(_topic: string, schema: Schema | null, value: unknown): Buffer | null {
    if (value === null || value === undefined) return null;
    return this.#charset.encode(typeof value === 'string' ? value : javaToString(schema, value));
  }

  toConnectData(_topic: string, bytes: Buffer | null): SchemaAndValue {
    return { schema: Schema.OPTIONAL_STRING_SCHEMA, value: bytes === null ? null : this.#charset.decode(bytes) };
  }

  fromConnectHeader(topic: string, _key: string, schema: Schema | null, value: unknown): Buffer | null {
    return this.fromConnectData(topic, schema, value);
  }

  toConnectHeader(topic: string, _key: string, bytes: Buffer | null): SchemaAndValue {
    return this.toConnectData(topic, bytes);
  }
}

const info = {
  className: 'org.apache.kafka.connect.storage.StringConverter',
  version: VERSION,
  overview: 'Reads bytes as text and writes the text of any value.',
  config,
};

export const stringConverter: ConverterDefinition = {
  ...info,
  kind: 'converter',
  create: (raw, isKey) => new StringConverter({ ...raw, 'converter.type': isKey ? 'key' : 'value' }),
};

export const stringHeaderConverter: HeaderConverterDefinition = {
  ...info,
  kind: 'header_converter',
  create: (raw) => new StringConverter({ ...raw, 'converter.type': 'header' }),
};
