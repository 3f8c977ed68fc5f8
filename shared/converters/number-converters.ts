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
import { type JavaType, javaClassName, javaTypeOf, unboxed } from '../connect/java/java-value.ts';
import { CONVERTER_TYPE, VERSION } from './converter-keys.ts';
import { SerializationException } from './serialization-exception.ts';

const config = configDef(CONVERTER_TYPE);

/** How one of Kafka's serializers writes its number. */
interface NumberFormat {
  /** In messages: `short`. */
  readonly typeName: string;
  /** In messages: Java's class. */
  readonly deserializer: string;
  readonly type: JavaType;
  readonly size: number;
  readonly schema: Schema;
  write(bytes: Buffer, value: number | bigint): void;
  read(bytes: Buffer): number | bigint;
}

/** One number in as many bytes as it has, the highest first. Only the class of a value counts, not its schema; nothing is widened. */
class NumberConverter implements Converter, HeaderConverter {
  readonly #format: NumberFormat;

  constructor(format: NumberFormat) {
    this.#format = format;
  }

  fromConnectData(_topic: string, schema: Schema | null, value: unknown): Buffer | null {
    if (value === null || value === undefined) return null;
    const { type, typeName, size, write } = this.#format;
    if (javaTypeOf(schema, value) !== type)
      throw new DataException(`Failed to serialize to ${typeName} (was class ${javaClassName(schema, value)}): `, {
        cause: new TypeError(`not a ${typeName}`),
      });
    const bytes = Buffer.allocUnsafe(size);
    write(bytes, unboxed(value));
    return bytes;
  }

  toConnectData(_topic: string, bytes: Buffer | null): SchemaAndValue {
    const { typeName, deserializer, size, schema, read } = this.#format;
    if (bytes === null) return { schema, value: null };
    if (bytes.length !== size) {
      const cause = new SerializationException(`Size of data received by ${deserializer} is not ${size}`);
      throw new DataException(`Failed to deserialize ${typeName}: `, { cause });
    }
    return { schema, value: read(bytes) };
  }

  fromConnectHeader(topic: string, _key: string, schema: Schema | null, value: unknown): Buffer | null {
    return this.fromConnectData(topic, schema, value);
  }

  toConnectHeader(topic: string, _key: string, bytes: Buffer | null): SchemaAndValue {
    return this.toConnectData(topic, bytes);
  }
}

const formats: Readonly<Record<string, NumberFormat>> = {
  Short: {
    typeName: 'short',
    type: 'INT16',
    deserializer: 'ShortDeserializer',
    size: 2,
    schema: Schema.OPTIONAL_INT16_SCHEMA,
    write: (bytes, value) => bytes.writeInt16BE(Number(value)),
    read: (bytes) => bytes.readInt16BE(),
  },
  Integer: {
    typeName: 'integer',
    type: 'INT32',
    deserializer: 'IntegerDeserializer',
    size: 4,
    schema: Schema.OPTIONAL_INT32_SCHEMA,
    write: (bytes, value) => bytes.writeInt32BE(Number(value)),
    read: (bytes) => bytes.readInt32BE(),
  },
  Long: {
    typeName: 'long',
    type: 'INT64',
    deserializer: 'LongDeserializer',
    size: 8,
    schema: Schema.OPTIONAL_INT64_SCHEMA,
    write: (bytes, value) => bytes.writeBigInt64BE(BigInt(value)),
    read: (bytes) => bytes.readBigInt64BE(),
  },
  Float: {
    typeName: 'float',
    type: 'FLOAT32',
    deserializer: 'Deserializer',
    size: 4,
    schema: Schema.OPTIONAL_FLOAT32_SCHEMA,
    write: (bytes, value) => bytes.writeFloatBE(Number(value)),
    read: (bytes) => bytes.readFloatBE(),
  },
  Double: {
    typeName: 'double',
    type: 'FLOAT64',
    deserializer: 'Deserializer',
    size: 8,
    schema: Schema.OPTIONAL_FLOAT64_SCHEMA,
    write: (bytes, value) => bytes.writeDoubleBE(Number(value)),
    read: (bytes) => bytes.readDoubleBE(),
  },
};

const definitions = Object.entries(formats).map(([name, format]) => ({
  info: {
    className: `org.apache.kafka.connect.converters.${name}Converter`,
    version: VERSION,
    overview: `Reads and writes a single ${format.type} as ${format.size} bytes.`,
    config,
  },
  create: () => new NumberConverter(format),
}));

export const numberConverters: readonly ConverterDefinition[] = definitions.map(({ info, create }) => ({ ...info, kind: 'converter', create }));
export const numberHeaderConverters: readonly HeaderConverterDefinition[] = definitions.map(({ info, create }) => ({
  ...info,
  kind: 'header_converter',
  create,
}));
