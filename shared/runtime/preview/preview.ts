import { isUtf8 } from 'node:buffer';
import { type Converter, isPending } from '../../connect/converter.ts';
import { type ConnectRecord, type Header, type Headers, NO_HEADERS, type SchemaAndValue, SinkRecord, SourceRecord } from '../../connect/data/record.ts';
import { ConfigException, isConnectException, javaClassOf } from '../../connect/errors.ts';
import type { Stage } from '../errors/processing-context.ts';
import { completed } from '../errors/retry-with-tolerance-operator.ts';
import { type ConverterPorts, converterOf, headerConverterOf } from '../task-factory.ts';
import { type ChainPlugins, TransformationChain } from '../transformation-chain.ts';
import type { PreviewContent, PreviewRecord } from './preview-record.ts';
import { parseExactly } from './raw-json.ts';

/** Bytes as they are in Kafka: as text where they are one. */
export type BytesView = { readonly text: string } | { readonly base64: string } | null;

/** A key or value with its schema, both in JsonConverter's form; `unprintable` says why there is no such form. */
export type DataView = { readonly schema: unknown; readonly value: unknown } | { readonly unprintable: string };

/** A Connect record as JSON. */
export interface RecordView {
  readonly topic: string;
  readonly partition: number | null;
  readonly timestamp: number | null;
  readonly key: DataView;
  readonly value: DataView;
  readonly headers: readonly (DataView & { readonly key: string })[];
}

/** A record as it is, or will be, in Kafka. */
export interface KafkaRecordView {
  readonly topic: string;
  readonly partition: number | null;
  readonly timestamp: number | null;
  readonly key: BytesView;
  readonly value: BytesView;
  readonly headers: readonly { readonly key: string; readonly value: BytesView }[];
}

/** What one step made of what was before it. */
export interface PreviewStep {
  /** As the config names it: `value.converter`, `transforms.route`. */
  readonly step: string;
  readonly stage: Stage;
  /** The Java class, as in traces and dead letters. */
  readonly class: string;
  readonly before: BytesView | DataView | RecordView;
  /** Null: the record was dropped. Not there when the step failed. */
  readonly after?: BytesView | DataView | RecordView | null;
  /** False where what came out is what went in, for instance because the predicate did not match. */
  readonly changed?: boolean;
  readonly error?: PreviewError;
}

export interface PreviewError {
  readonly class: string;
  readonly message: string;
  readonly causes: readonly { readonly class: string; readonly message: string }[];
}

export interface PreviewedRecord {
  readonly steps: readonly PreviewStep[];
  /** `delivered` to the sink or to Kafka, `dropped` by a transformation, or `failed`. */
  readonly outcome: 'delivered' | 'dropped' | 'failed';
  /** What is delivered: to the sink task a Connect record, to Kafka one of bytes. */
  readonly result: RecordView | KafkaRecordView | null;
}

/** The answer of `POST /connector-plugins/preview`. */
export interface Preview {
  readonly type: 'source' | 'sink';
  readonly records: readonly PreviewedRecord[];
}

const jsonForm = 'org.apache.kafka.connect.json.JsonConverter';
const never = new AbortController().signal;

/**
 * Takes records through the converters and transformations of a connector, as its tasks would, and tells what each step
 * did. Nothing is read from Kafka or written anywhere but to a Schema Registry that a converter registers with.
 * `config`: of the connector; only what belongs to converters, transformations and `connector.class` is read.
 * Throws ConfigException and ConnectException where that is wrong; what a record fails with is told with its step.
 */
export async function preview(ports: ConverterPorts, config: Readonly<Record<string, string>>, records: readonly PreviewRecord[]): Promise<Preview> {
  const { plugins } = ports;
  if (config['connector.class'] === undefined) throw new ConfigException('Missing required configuration "connector.class" which has no default value.');
  const { kind } = plugins.connector(config['connector.class']);
  const pipeline = new Pipeline(ports, config);
  try {
    const previewed: PreviewedRecord[] = [];
    for (const record of records) previewed.push(await (kind === 'sink' ? pipeline.sink(record) : pipeline.source(record)));
    return { type: kind, records: previewed };
  } finally {
    await pipeline.close();
  }
}

class Pipeline {
  readonly #key: ReturnType<typeof converterOf>;
  readonly #value: ReturnType<typeof converterOf>;
  readonly #header: ReturnType<typeof headerConverterOf>;
  readonly #chain: TransformationChain;
  readonly #json: Converter;

  constructor(ports: ConverterPorts, config: Readonly<Record<string, string>>) {
    this.#key = converterOf(ports, config, 'key');
    this.#value = converterOf(ports, config, 'value');
    this.#header = headerConverterOf(ports, config);
    this.#json = ports.plugins.converter(jsonForm).create({ 'schemas.enable': 'true', 'decimal.format': 'NUMERIC' }, false, ports);
    this.#chain = new TransformationChain(config, ports.plugins.find.bind(ports.plugins) as ChainPlugins);
  }

  async close(): Promise<void> {
    this.#chain.close();
    for (const { converter } of [this.#key, this.#value, this.#header]) await converter.close?.();
  }

  /** Key, value, headers, transformations. */
  async sink({ topic, partition, offset, timestamp, key, value, headers }: PreviewRecord): Promise<PreviewedRecord> {
    const steps = new Steps();
    const read = (step: 'key' | 'value', content: PreviewContent) => {
      const { converter, className } = step === 'key' ? this.#key : this.#value;
      const stage = step === 'key' ? ('KEY_CONVERTER' as const) : ('VALUE_CONVERTER' as const);
      const convert = () => converter.toConnectData(topic, content.bytes, NO_HEADERS);
      return steps.take({ step: `${step}.converter`, stage, class: className, before: bytesView(content.bytes) }, convert, (data) => this.#view(data));
    };
    try {
      const { schema: keySchema, value: keyValue } = await read('key', key);
      const { schema: valueSchema, value: valueValue } = await read('value', value);
      const converted: Header[] = [];
      for (const { key: name, content } of headers) {
        const described = { step: 'header.converter', stage: 'HEADER_CONVERTER' as const, class: this.#header.className, before: bytesView(content.bytes) };
        const convert = () => this.#header.converter.toConnectHeader(topic, name, content.bytes);
        converted.push({ key: name, ...(await steps.take(described, convert, (data) => this.#view(data))) });
      }
      const start = new SinkRecord(topic, partition ?? 0, keySchema, keyValue, valueSchema, valueValue, offset, timestamp, 'CreateTime', converted);
      const record = await this.#transform(steps, start);
      return { steps: steps.list, outcome: record === null ? 'dropped' : 'delivered', result: record && this.#record(record) };
    } catch (error) {
      return steps.failed(error);
    }
  }

  /** Transformations, then headers, key and value. */
  async source({ topic, partition, offset, timestamp, key, value, headers }: PreviewRecord): Promise<PreviewedRecord> {
    const steps = new Steps();
    const [ofKey, ofValue] = [this.#read(key, 'key'), this.#read(value, 'value')];
    const given = headers.map((each): Header => ({ key: each.key, ...this.#read(each.content, `header ${each.key}`) }));
    const start = new SourceRecord({}, { offset }, topic, partition, ofKey.schema, ofKey.value, ofValue.schema, ofValue.value, timestamp, given);
    try {
      const record = await this.#transform(steps, start);
      if (record === null) return { steps: steps.list, outcome: 'dropped', result: null };
      const written: KafkaRecordView['headers'][number][] = [];
      for (const { key: name, schema, value: content } of record.headers) {
        const described = {
          step: 'header.converter',
          stage: 'HEADER_CONVERTER' as const,
          class: this.#header.className,
          before: this.#view({ schema, value: content }),
        };
        const bytes = await steps.take(described, () => this.#header.converter.fromConnectHeader(record.topic, name, schema, content), bytesView);
        written.push({ key: name, value: bytesView(bytes) });
      }
      const keyBytes = await this.#write(steps, 'key', record, record.keySchema, record.key);
      const valueBytes = await this.#write(steps, 'value', record, record.valueSchema, record.value);
      const { topic: into, kafkaPartition, timestamp: at } = record;
      return {
        steps: steps.list,
        outcome: 'delivered',
        result: { topic: into, partition: kafkaPartition, timestamp: at, key: keyBytes, value: valueBytes, headers: written },
      };
    } catch (error) {
      return steps.failed(error);
    }
  }

  async #write(steps: Steps, side: 'key' | 'value', record: ConnectRecord, schema: SchemaAndValue['schema'], value: unknown): Promise<BytesView> {
    const { converter, className } = side === 'key' ? this.#key : this.#value;
    const stage = side === 'key' ? ('KEY_CONVERTER' as const) : ('VALUE_CONVERTER' as const);
    const described = { step: `${side}.converter`, stage, class: className, before: this.#view({ schema, value }) };
    return bytesView(await steps.take(described, () => converter.fromConnectData(record.topic, schema, value, record.headers), bytesView));
  }

  async #transform<R extends ConnectRecord>(steps: Steps, start: R): Promise<R | null> {
    let record: R = start;
    for (const { alias, className, apply } of this.#chain.stages) {
      const current: R = record;
      const before = this.#record(current);
      const described = { step: `transforms.${alias}`, stage: 'TRANSFORMATION' as const, class: className, before };
      const next: R | null = await steps.take(
        described,
        () => apply(current),
        (made) => (made === null ? null : this.#record(made)),
      );
      if (next === null) return null;
      record = next;
    }
    return record;
  }

  /** What a source would hand over. Throws ConfigException where a schema and its value do not fit. */
  #read({ json, schema }: PreviewContent, what: string): SchemaAndValue {
    try {
      return this.#json.toConnectData('', Buffer.from(`{"schema":${schema ?? 'null'},"payload":${json}}`), NO_HEADERS);
    } catch (error) {
      throw isConnectException(error) ? new ConfigException(`The ${what} of a record cannot be read: ${error.message}`) : error;
    }
  }

  #view({ schema, value }: SchemaAndValue): DataView {
    try {
      const bytes = this.#json.fromConnectData('', schema, value, NO_HEADERS);
      if (bytes === null) return { schema: null, value: null };
      const { schema: schemaJson, payload } = parseExactly(Buffer.from(bytes).toString('utf8')) as { schema: unknown; payload: unknown };
      return { schema: schemaJson, value: payload };
    } catch (error) {
      return { unprintable: (error as Error).message };
    }
  }

  #record({ topic, kafkaPartition, timestamp, keySchema, key, valueSchema, value, headers }: ConnectRecord): RecordView {
    return {
      topic,
      partition: kafkaPartition,
      timestamp,
      key: this.#view({ schema: keySchema, value: key }),
      value: this.#view({ schema: valueSchema, value }),
      headers: (headers as Headers).map((header) => ({ key: header.key, ...this.#view(header) })),
    };
  }
}

type Described = Omit<PreviewStep, 'after' | 'changed' | 'error'>;

class Steps {
  readonly list: PreviewStep[] = [];
  #failedAt: Described | null = null;

  /** Runs a step, waiting for what it waits for. */
  async take<T>(described: Described, operation: () => T, view: (made: T) => NonNullable<PreviewStep['after']> | null): Promise<T> {
    let made: T;
    try {
      made = operation();
    } catch (error) {
      this.#failedAt = described;
      if (!isPending(error)) throw error;
      made = await completed(error, operation, never);
      this.#failedAt = null;
    }
    const after = view(made);
    const changed = JSON.stringify(after) !== JSON.stringify(described.before);
    this.list.push({ ...described, after, changed });
    return made;
  }

  /** The record as failed in the step that was under way. Throws what is no failure of a step. */
  failed(error: unknown): PreviewedRecord {
    if (this.#failedAt === null) throw error;
    const causes: { class: string; message: string }[] = [];
    for (let cause = (error as Error).cause; cause instanceof Error && causes.length < 8; cause = cause.cause)
      causes.push({ class: javaClassOf(cause), message: cause.message });
    const told = { class: javaClassOf(error), message: error instanceof Error ? error.message : String(error), causes };
    return { steps: [...this.list, { ...this.#failedAt, error: told }], outcome: 'failed', result: null };
  }
}

function bytesView(bytes: Uint8Array | null): BytesView {
  if (bytes === null) return null;
  return isUtf8(bytes) ? { text: Buffer.from(bytes).toString('utf8') } : { base64: Buffer.from(bytes).toString('base64') };
}
