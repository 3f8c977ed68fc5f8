import {
  ConfigException,
  type ConfigOf,
  type Converter,
  type ConverterContext,
  configDef,
  isConnectException,
  PendingException,
  type Schema,
  type SchemaAndValue,
} from '../../../connect/index.ts';
import { NULL_SCHEMA_AND_VALUE } from '../../converter-keys.ts';
import { SerializationException } from '../../serialization-exception.ts';
import { RegistryClient, type RegistrySchema } from './registry-client.ts';
import { type Doing, dataError, RegistryUnreachable, RestClientException, registryError } from './registry-errors.ts';
import { registryKeys } from './registry-keys.ts';
import type { MessageReader, MessageWriter, SchemaFormat } from './schema-format.ts';
import { silent } from './silent.ts';
import { type SubjectNames, subjectNames } from './subject-names.ts';
import { header, headerLength, schemaIdOf } from './wire-format.ts';

const keys = configDef(registryKeys);

interface Writer {
  readonly header: Buffer;
  readonly write: MessageWriter;
  /** When the latest version must be looked up again, in milliseconds since the epoch. */
  readonly until: number;
}

/** Stands for the missing schema where schemas are keys. */
const SCHEMALESS = {};

/**
 * A converter whose messages carry the id of a schema in a Schema Registry. Everything that takes a request happens once
 * for each schema and topic, by PendingException; after that a record takes a look into a map.
 */
export class RegistryConverter<P> implements Converter {
  readonly #format: SchemaFormat<P>;
  readonly #isKey: boolean;
  readonly #config: ConfigOf<typeof keys>;
  readonly #client: RegistryClient;
  readonly #subjects: SubjectNames;
  readonly #context: ConverterContext;
  readonly #readers = new Map<string, Map<number | string, MessageReader>>();
  readonly #writers = new Map<string, WeakMap<object, Writer>>();
  /** Ids by subject and text, so that equal schemas in other objects need no request. */
  readonly #ids = new Map<string, { readonly id: number; readonly target: P; readonly until: number }>();
  #loaded: boolean;
  #readTopic = '';
  #readersOfTopic = new Map<number | string, MessageReader>();
  #writeTopic = '';
  #writersOfTopic = new WeakMap<object, Writer>();

  /** Throws ConfigException. */
  constructor(format: SchemaFormat<P>, raw: Readonly<Record<string, string>>, isKey: boolean, context: ConverterContext = silent) {
    this.#format = format;
    this.#isKey = isKey;
    this.#context = context;
    const config = keys.parse({ ...raw, 'converter.type': isKey ? 'key' : 'value' });
    this.#config = config;
    this.#loaded = format.load === undefined;
    this.#subjects = subjectNames(isKey ? config['key.subject.name.strategy'] : config['value.subject.name.strategy'], isKey);
    if (raw['use.latest.with.metadata']) throw new ConfigException('use.latest.with.metadata is not supported: leave it out');
    this.#client = new RegistryClient({
      raw,
      urls: config['schema.registry.url'],
      randomize: config['schema.registry.url.randomize'],
      connectTimeoutMs: config['http.connect.timeout.ms'],
      readTimeoutMs: config['http.read.timeout.ms'],
      maxRetries: config['max.retries'],
      retriesWaitMs: config['retries.wait.ms'],
      retriesMaxWaitMs: config['retries.max.wait.ms'],
      clock: context.clock,
      logger: context.logger,
    });
  }

  toConnectData(topic: string, bytes: Buffer | null): SchemaAndValue {
    if (bytes === null) return NULL_SCHEMA_AND_VALUE;
    if (topic !== this.#readTopic) {
      this.#readersOfTopic = mapOf(this.#readers, topic, () => new Map());
      this.#readTopic = topic;
    }
    const id = bytes.length >= 5 && bytes[0] === 0 ? bytes.readInt32BE(1) : this.#idOf(topic, bytes);
    const read = this.#readersOfTopic.get(id);
    if (read === undefined) throw new PendingException(`Schema ${id} is needed`, (signal) => this.#prepareReader(topic, id, signal));
    try {
      return read(bytes, headerLength(id));
    } catch (cause) {
      if (isConnectException(cause)) throw cause;
      throw dataError(
        this.#doing(topic, false),
        new SerializationException(`Error deserializing ${this.#format.words.message} message for id ${id}`, { cause }),
      );
    }
  }

  fromConnectData(topic: string, schema: Schema | null, value: unknown): Buffer | null {
    if (topic !== this.#writeTopic) {
      this.#writersOfTopic = mapOf(this.#writers, topic, () => new WeakMap());
      this.#writeTopic = topic;
    }
    const writer = this.#writersOfTopic.get(schema ?? SCHEMALESS);
    if (writer === undefined || (writer.until !== Number.POSITIVE_INFINITY && writer.until <= this.#context.clock.now())) {
      return this.#first(topic, schema, value);
    }
    return this.#write(topic, writer, value);
  }

  #write(topic: string, { header, write }: Writer, value: unknown): Buffer | null {
    try {
      return write(header, value);
    } catch (cause) {
      if (isConnectException(cause)) throw cause;
      throw dataError(this.#doing(topic, true), new SerializationException(`Error serializing ${this.#format.words.message} message`, { cause }));
    }
  }

  /** The first value of a schema: the value is converted before the registry is asked, so that a wrong one registers nothing. */
  #first(topic: string, schema: Schema | null, value: unknown): null {
    const format = this.#format;
    if (schema === null && (value === null || value === undefined)) return null;
    if (!this.#loaded) throw new PendingException(`Packages for ${format.type} are needed`, () => this.#load());
    const { parsed, text } = this.#schemaFor(topic, schema, value);
    const own = { header: header(0), write: format.writer(schema, parsed, parsed), until: 0 };
    if (this.#write(topic, own, value) === null) return null;
    throw new PendingException(`The id of a schema for topic ${topic} is needed`, (signal) => this.#prepareWriter(topic, schema, parsed, text, signal));
  }

  #schemaFor(topic: string, schema: Schema | null, value: unknown): { readonly parsed: P; readonly text: string } {
    try {
      return this.#format.schemaFor(schema, value);
    } catch (error) {
      throw error instanceof SerializationException ? dataError(this.#doing(topic, true), error) : error;
    }
  }

  async #load(): Promise<void> {
    await this.#format.load?.();
    this.#loaded = true;
  }

  #idOf(topic: string, bytes: Buffer): number | string {
    try {
      return schemaIdOf(bytes);
    } catch (cause) {
      throw dataError(this.#doing(topic, false), cause);
    }
  }

  async #prepareReader(topic: string, id: number | string, signal: AbortSignal): Promise<void> {
    if (!this.#loaded) await this.#load();
    const { message: label } = this.#format.words;
    const client = this.#client;
    const side = this.#isKey ? 'key' : 'value';
    const doing = this.#doing(topic, false);
    const fixedSubject = this.#subjects.usesSchema ? null : this.#subjects.subject(topic, null);
    let message = `Error retrieving ${label} ${side} schema for id ${id}`;
    try {
      const schema = typeof id === 'number' ? await client.schemaById(id, fixedSubject, signal) : await client.schemaByGuid(id, signal);
      const parsed = this.#format.parse(schema, await client.resolve(schema, signal));
      const subject = fixedSubject ?? this.#subjects.subject(topic, this.#format.recordName(parsed));
      message = `Error retrieving ${label} ${side} schema version for id ${id}`;
      const told = schema.metadata?.['confluent:version'];
      const version = told === undefined ? (await client.lookUp(subject, schema, false, true, signal)).version : Number(told);
      let into: P | null = null;
      if (this.#config['use.latest.version']) {
        const latest = (await client.version(subject, 'latest', signal)).schema;
        if (latest.text !== schema.text) into = this.#format.parse(latest, await client.resolve(latest, signal));
      }
      const readers = mapOf(this.#readers, topic, () => new Map<number | string, MessageReader>());
      if (readers.size >= this.#config['max.schemas.per.subject']) readers.clear();
      readers.set(id, await this.#format.reader(parsed, version, into));
    } catch (cause) {
      throw this.#failure(doing, message, cause);
    }
  }

  async #prepareWriter(topic: string, schema: Schema | null, own: P, text: string, signal: AbortSignal): Promise<void> {
    const doing = this.#doing(topic, true);
    const format = this.#format;
    const { type, words } = format;
    const config = this.#config;
    const client = this.#client;
    let message = '';
    try {
      const subject = this.#subjects.subject(topic, format.recordName(own));
      const key = `${subject}\n${text}`;
      let found = this.#ids.get(key);
      const now = this.#context.clock.now();
      if (found === undefined || found.until <= now) {
        const asRegistered: RegistrySchema = { type, text, references: [] };
        const ofRegistry = async (registered: RegistrySchema, strict: boolean, name: string): Promise<P> => {
          const target = format.parse(registered, await client.resolve(registered, signal));
          if (strict && !(await format.canRead(target, own)))
            throw new Error(`Incompatible schema of type '${registered.type}'. Set ${name}=false to disable this check.`);
          return target;
        };
        let id: number;
        let target = own;
        let until = Number.POSITIVE_INFINITY;
        if (config['auto.register.schemas']) {
          message = words.registering + text;
          id = await client.register(subject, asRegistered, config['normalize.schemas'], signal);
        } else if (config['use.schema.id'] >= 0) {
          message = `Error retrieving schema ID${text}`;
          id = config['use.schema.id'];
          target = await ofRegistry(await client.schemaById(id, subject, signal), config['id.compatibility.strict'], 'id.compatibility.strict');
        } else if (config['use.latest.version']) {
          message = words.latest + text;
          const latest = await client.version(subject, 'latest', signal);
          id = latest.id;
          target = await ofRegistry(latest.schema, config['latest.compatibility.strict'], 'latest.compatibility.strict');
          if (config['latest.cache.ttl.sec'] >= 0) until = now + config['latest.cache.ttl.sec'] * 1000;
        } else {
          message = words.retrieving + text;
          id = (await client.lookUp(subject, asRegistered, config['normalize.schemas'], false, signal)).id;
        }
        found = { id, target, until };
        if (this.#ids.size >= config['max.schemas.per.subject']) this.#ids.clear();
        this.#ids.set(key, found);
      }
      const made = { header: header(found.id), write: format.writer(schema, own, found.target), until: found.until };
      mapOf(this.#writers, topic, () => new WeakMap<object, Writer>()).set(schema ?? SCHEMALESS, made);
    } catch (cause) {
      throw this.#failure(doing, message, cause);
    }
  }

  #failure(doing: Doing, message: string, cause: unknown): unknown {
    if (isConnectException(cause)) return cause;
    if (cause instanceof RestClientException || cause instanceof RegistryUnreachable) return registryError(doing, message, cause);
    if (cause instanceof SerializationException) return dataError(doing, cause);
    return dataError(
      doing,
      new SerializationException(`Error ${doing.writing ? 'serializing' : 'deserializing'} ${this.#format.words.message} message`, { cause }),
    );
  }

  #doing(topic: string, writing: boolean): Doing {
    return { words: this.#format.words, topic, writing };
  }
}

function mapOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
