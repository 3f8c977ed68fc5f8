import {
  type Converter,
  type ConverterDefinition,
  configDef,
  DataException,
  type HeaderConverter,
  type HeaderConverterDefinition,
  Schema,
  type SchemaAndValue,
} from '../connect/index.ts';
import { javaClassName } from '../connect/java/java-value.ts';
import { CONVERTER_TYPE, VERSION } from './converter-keys.ts';
import { SerializationException } from './serialization-exception.ts';

const config = configDef(CONVERTER_TYPE);

/** A boolean as one byte, 0 or 1. */
class BooleanConverter implements Converter, HeaderConverter {
  fromConnectData(_topic: string, schema: Schema | null, value: unknown): Buffer | null {
    if (schema !== null && schema.type !== 'BOOLEAN') throw new DataException(`Invalid schema type for BooleanConverter: ${schema.type}`);
    if (value === null || value === undefined) return null;
    if (typeof value === 'boolean') return Buffer.of(value ? 1 : 0);
    throw new DataException(`BooleanConverter is not compatible with objects of type class ${javaClassName(schema, value)}`);
  }

  toConnectData(_topic: string, bytes: Buffer | null): SchemaAndValue {
    const schema = Schema.OPTIONAL_BOOLEAN_SCHEMA;
    if (bytes === null) return { schema, value: null };
    if (bytes.length === 1 && (bytes[0] === 0 || bytes[0] === 1)) return { schema, value: bytes[0] === 1 };
    const what =
      bytes.length === 1 ? `Unexpected byte received by BooleanDeserializer: ${bytes.readInt8()}` : 'Size of data received by BooleanDeserializer is not 1';
    throw new DataException('Failed to deserialize boolean: ', { cause: new SerializationException(what) });
  }

  fromConnectHeader(topic: string, _key: string, schema: Schema | null, value: unknown): Buffer | null {
    return this.fromConnectData(topic, schema, value);
  }

  toConnectHeader(topic: string, _key: string, bytes: Buffer | null): SchemaAndValue {
    return this.toConnectData(topic, bytes);
  }
}

const info = {
  className: 'org.apache.kafka.connect.converters.BooleanConverter',
  version: VERSION,
  overview: 'Reads and writes a single boolean as one byte.',
  config,
};

export const booleanConverter: ConverterDefinition = { ...info, kind: 'converter', create: () => new BooleanConverter() };
export const booleanHeaderConverter: HeaderConverterDefinition = { ...info, kind: 'header_converter', create: () => new BooleanConverter() };
