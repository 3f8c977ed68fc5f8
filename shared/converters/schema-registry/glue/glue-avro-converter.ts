import { deflateSync, inflateSync } from 'node:zlib';
import {
  ConfigException,
  type Converter,
  type ConverterContext,
  type ConverterDefinition,
  configDef,
  DataException,
  isConnectException,
  PendingException,
  RetriableException,
  type Schema,
  type SchemaAndValue,
} from '../../../connect/index.ts';
import { NULL_SCHEMA_AND_VALUE } from '../../converter-keys.ts';
import { AvroFormat } from '../avro/avro-format.ts';
import { GLUE_NAMES } from '../avro/avro-names.ts';
import type { MessageReader, MessageWriter } from '../registry/schema-format.ts';
import { silent } from '../registry/silent.ts';
import { glueKeys, refusedKeys } from './glue-keys.ts';
import { AWSSchemaRegistryException, GlueRegistry } from './glue-registry.ts';

const config = configDef(glueKeys);

/** A message: version of the header, kind of compression, id of the schema version, data. */
const HEADER_VERSION = 3;
const PLAIN = 0;
const ZLIB = 5;
const HEADER_LENGTH = 18;
const NO_HEADER = Buffer.alloc(0);
/** Stands for the missing schema where schemas are keys. */
const SCHEMALESS = {};

class GlueSchemaRegistryIncompatibleDataException extends Error {
  readonly javaClass = 'com.amazonaws.services.schemaregistry.exception.GlueSchemaRegistryIncompatibleDataException';
}

interface Writer {
  readonly header: Buffer;
  readonly write: MessageWriter;
  /** When the id must be looked up again, in milliseconds since the epoch. */
  readonly until: number;
}

/** Amazon's AWSKafkaAvroConverter: Avro, with schemas in the Glue Schema Registry. */
class GlueAvroConverter implements Converter {
  readonly #format: AvroFormat;
  readonly #registry: GlueRegistry;
  readonly #context: ConverterContext;
  readonly #schemaName: string | null;
  readonly #compresses: boolean;
  readonly #cacheSize: number;
  readonly #timeToLiveMs: number;
  readonly #readers = new Map<string, MessageReader>();
  readonly #writers = new Map<string, WeakMap<object, Writer>>();
  /** Ids by schema name and text, so that equal schemas in other objects need no request. */
  readonly #ids = new Map<string, { readonly id: string; readonly until: number }>();

  constructor(raw: Readonly<Record<string, string>>, isKey: boolean, context: ConverterContext) {
    const parsed = config.parse({ ...raw, 'converter.type': isKey ? 'key' : 'value' });
    for (const [key, advice] of Object.entries(refusedKeys)) if (raw[key]) throw new ConfigException(`${key} is not supported: ${advice}`);
    this.#context = context;
    this.#schemaName = parsed.schemaName;
    this.#compresses = parsed.compression.toUpperCase() === 'ZLIB';
    this.#cacheSize = parsed.cacheSize;
    this.#timeToLiveMs = parsed.timeToLiveMillis;
    this.#format = new AvroFormat(
      {
        names: GLUE_NAMES,
        connectMetaData: parsed['connect.meta.data'],
        enhancedSchemaSupport: parsed['enhanced.avro.schema.support'],
        generalizedSumTypes: false,
        ignoreDefaultForNullables: false,
        scrubInvalidNames: false,
        discardTypeDocDefault: false,
        allowOptionalMapKeys: false,
        flattenSingletonUnions: false,
      },
      context.logger,
    );
    this.#registry = new GlueRegistry({
      region: parsed.region,
      endpoint: parsed.endpoint,
      registryName: parsed['registry.name'],
      compatibility: parsed.compatibility.toUpperCase(),
      description: parsed.description,
      autoRegister: parsed.schemaAutoRegistrationEnabled,
      clock: context.clock,
      logger: context.logger,
    });
  }

  toConnectData(_topic: string, bytes: Buffer | null): SchemaAndValue {
    if (bytes === null) return NULL_SCHEMA_AND_VALUE;
    if (bytes.length < HEADER_LENGTH || bytes[0] !== HEADER_VERSION) throw unreadable('Invalid schema registry header version byte in data');
    const compression = bytes[1];
    if (compression !== PLAIN && compression !== ZLIB) throw unreadable('Invalid schema registry compression byte in data');
    const id = bytes.toString('latin1', 2, HEADER_LENGTH);
    const read = this.#readers.get(id);
    if (read === undefined) {
      const uuid = uuidOf(bytes);
      throw new PendingException(`Schema version ${uuid} is needed`, (signal) => this.#prepareReader(id, uuid, signal));
    }
    try {
      return compression === PLAIN ? read(bytes, HEADER_LENGTH) : read(inflateSync(bytes.subarray(HEADER_LENGTH)), 0);
    } catch (cause) {
      if (isConnectException(cause)) throw cause;
      throw readFailure(new AWSSchemaRegistryException('Exception occurred while de-serializing Avro message', { cause }));
    }
  }

  fromConnectData(topic: string, schema: Schema | null, value: unknown): Buffer | null {
    const writer = this.#writers.get(topic)?.get(schema ?? SCHEMALESS);
    if (writer !== undefined && writer.until > this.#context.clock.now()) return this.#write(writer, value);
    if (schema === null && (value === null || value === undefined)) return null;
    // The value is converted before the registry is asked, so that a wrong one registers nothing.
    const parsed = this.#translated(schema);
    const write = this.#format.writer(schema, parsed.schema, parsed.schema);
    if (this.#write({ header: NO_HEADER, write, until: 0 }, value) === null) return null;
    throw new PendingException(`The id of a schema for topic ${topic} is needed`, (signal) => this.#prepareWriter(topic, schema, parsed.text, write, signal));
  }

  close(): Promise<void> {
    return this.#registry.close();
  }

  #translated(schema: Schema | null) {
    try {
      const { parsed, text } = this.#format.schemaFor(schema);
      return { schema: parsed, text };
    } catch (cause) {
      throw isConnectException(cause) ? cause : writeFailure(cause);
    }
  }

  #write({ header, write }: Writer, value: unknown): Buffer | null {
    try {
      if (!this.#compresses || header === NO_HEADER) return write(header, value);
      const plain = write(NO_HEADER, value);
      return plain === null ? null : Buffer.concat([header, deflateSync(plain)]);
    } catch (cause) {
      throw isConnectException(cause) ? cause : writeFailure(new AWSSchemaRegistryException(String((cause as Error).message), { cause }));
    }
  }

  async #prepareReader(id: string, uuid: string, signal: AbortSignal): Promise<void> {
    try {
      const text = await this.#registry.definition(uuid, signal);
      const read = await this.#format.reader(this.#format.parse({ type: 'AVRO', text, references: [] }, new Map()), null, null);
      if (this.#readers.size >= this.#cacheSize) this.#readers.clear();
      this.#readers.set(id, read);
    } catch (cause) {
      throw later(cause) ?? (isConnectException(cause) ? cause : readFailure(cause));
    }
  }

  async #prepareWriter(topic: string, schema: Schema | null, text: string, write: MessageWriter, signal: AbortSignal): Promise<void> {
    const name = this.#schemaName ?? topic;
    const key = `${name}\n${text}`;
    const now = this.#context.clock.now();
    let known = this.#ids.get(key);
    if (known === undefined || known.until <= now) {
      try {
        known = { id: await this.#registry.versionId(name, text, topic, signal), until: now + this.#timeToLiveMs };
      } catch (cause) {
        throw later(cause) ?? writeFailure(cause);
      }
      if (this.#ids.size >= this.#cacheSize) this.#ids.clear();
      this.#ids.set(key, known);
    }
    const header = Buffer.concat([Buffer.from([HEADER_VERSION, this.#compresses ? ZLIB : PLAIN]), Buffer.from(known.id.replaceAll('-', ''), 'hex')]);
    const ofTopic = this.#writers.get(topic) ?? new WeakMap<object, Writer>();
    this.#writers.set(topic, ofTopic);
    ofTopic.set(schema ?? SCHEMALESS, { header, write, until: known.until });
  }
}

function uuidOf(bytes: Buffer): string {
  return bytes.toString('hex', 2, HEADER_LENGTH).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function unreadable(why: string): DataException {
  return readFailure(new GlueSchemaRegistryIncompatibleDataException(why));
}

function readFailure(cause: unknown): DataException {
  return new DataException('Converting byte[] to Kafka Connect data failed due to serialization error: ', { cause });
}

function writeFailure(cause: unknown): DataException {
  return new DataException('Converting Kafka Connect data to byte[] failed due to serialization error: ', { cause });
}

/** Where the service is away or throttles, another try may help: it is no fault of the record. */
function later(error: unknown): RetriableException | null {
  const { cause } = error as Error;
  const { name = '', message = '', $retryable } = (cause ?? error) as Error & { $retryable?: object };
  const away = /Timeout|ETIMEDOUT|ECONN|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|Throttl|InternalService|Unavailable|ConcurrentModification/i;
  if ($retryable === undefined && !away.test(`${name} ${message}`)) return null;
  return new RetriableException(`The Glue Schema Registry cannot be reached now: ${name} ${message}`, { cause: error });
}

export const glueAvroConverter: ConverterDefinition = {
  kind: 'converter',
  className: 'com.amazonaws.services.schemaregistry.kafkaconnect.AWSKafkaAvroConverter',
  version: 'undefined',
  overview: 'Avro, with schemas in the AWS Glue Schema Registry.',
  config,
  create: (raw, isKey, context: ConverterContext = silent) => new GlueAvroConverter(raw, isKey, context),
};
