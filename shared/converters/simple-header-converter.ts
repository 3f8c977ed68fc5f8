import { configDef, type HeaderConverter, type HeaderConverterDefinition, Schema, type SchemaAndValue } from '../connect/index.ts';
import { parseString } from '../connect/values/parse-string.ts';
import { valueText } from '../connect/values/value-text.ts';
import { encodeUtf8 } from './charsets.ts';
import { NULL_SCHEMA_AND_VALUE, VERSION } from './converter-keys.ts';

/** Headers as texts whose type is guessed when they are read: `true`, `5` (the smallest integer), `2019-08-23`, `[1,2]`. */
class SimpleHeaderConverter implements HeaderConverter {
  fromConnectHeader(_topic: string, _key: string, schema: Schema | null, value: unknown): Buffer | null {
    const text = valueText(schema, value);
    return text === null ? null : encodeUtf8(text);
  }

  toConnectHeader(_topic: string, _key: string, bytes: Buffer | null): SchemaAndValue {
    if (bytes === null) return NULL_SCHEMA_AND_VALUE;
    const text = bytes.toString('utf8');
    try {
      return parseString(text) ?? NULL_SCHEMA_AND_VALUE;
    } catch {
      return { schema: Schema.BYTES_SCHEMA, value: bytes };
    }
  }
}

export const simpleHeaderConverter: HeaderConverterDefinition = {
  kind: 'header_converter',
  className: 'org.apache.kafka.connect.storage.SimpleHeaderConverter',
  version: VERSION,
  overview: 'Writes headers as text and guesses their types when it reads them.',
  config: configDef({}),
  create: () => new SimpleHeaderConverter(),
};
