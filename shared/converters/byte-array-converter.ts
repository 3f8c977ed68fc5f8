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

const config = configDef(CONVERTER_TYPE);

/** Bytes as they are; only BYTES may be written. What it reads is a view of the record. */
class ByteArrayConverter implements Converter, HeaderConverter {
  fromConnectData(_topic: string, schema: Schema | null, value: unknown): Uint8Array | null {
    if (schema !== null && schema.type !== 'BYTES') throw new DataException(`Invalid schema type for ByteArrayConverter: ${schema.type}`);
    if (value === null || value === undefined) return null;
    if (value instanceof Uint8Array) return value;
    throw new DataException(`ByteArrayConverter is not compatible with objects of type class ${javaClassName(schema, value)}`);
  }

  toConnectData(_topic: string, bytes: Buffer | null): SchemaAndValue {
    return { schema: Schema.OPTIONAL_BYTES_SCHEMA, value: bytes };
  }

  fromConnectHeader(topic: string, _key: string, schema: Schema | null, value: unknown): Uint8Array | null {
    return this.fromConnectData(topic, schema, value);
  }

  toConnectHeader(topic: string, _key: string, bytes: Buffer | null): SchemaAndValue {
    return this.toConnectData(topic, bytes);
  }
}

const info = {
  className: 'org.apache.kafka.connect.converters.ByteArrayConverter',
  version: VERSION,
  overview: 'Passes bytes through.',
  config,
};

export const byteArrayConverter: ConverterDefinition = { ...info, kind: 'converter', create: () => new ByteArrayConverter() };
export const byteArrayHeaderConverter: HeaderConverterDefinition = { ...info, kind: 'header_converter', create: () => new ByteArrayConverter() };
