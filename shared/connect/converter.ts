import type { Headers, SchemaAndValue } from './data/record.ts';
import type { Schema } from './data/schema.ts';
import type { PluginInfo } from './transformation.ts';

/**
 * Translates between bytes in Kafka and Connect data. Calls are synchronous, because they are made for every record;
 * a converter that needs the network (a schema registry) does it in `prepare…`, which is awaited once for each batch.
 * Errors thrown are record errors (DataException), or RetriableException.
 */
export interface Converter {
  /** Connect data to bytes; null is a tombstone. */
  fromConnectData(topic: string, schema: Schema | null, value: unknown, headers: Headers): Uint8Array | null;
  /** Bytes to Connect data. The bytes may be a view of a larger buffer: copy what is kept. */
  toConnectData(topic: string, bytes: Buffer | null, headers: Headers): SchemaAndValue;
  /** Called with each batch before `toConnectData`, to fetch what it will need. */
  prepareToConnectData?(topic: string, batch: readonly (Buffer | null)[]): Promise<void>;
  /** Called with each batch before `fromConnectData`. */
  prepareFromConnectData?(topic: string, schemas: ReadonlySet<Schema>): Promise<void>;
  close?(): Promise<void> | void;
}

export interface ConverterDefinition extends PluginInfo {
  readonly kind: 'converter';
  /** Makes an instance from raw config without the `key.converter.` prefix. */
  create(config: Readonly<Record<string, string>>, isKey: boolean): Converter;
}

/** Translates the values of headers. */
export interface HeaderConverter {
  fromConnectHeader(topic: string, key: string, schema: Schema | null, value: unknown): Uint8Array | null;
  toConnectHeader(topic: string, key: string, bytes: Buffer | null): SchemaAndValue;
  close?(): Promise<void> | void;
}

export interface HeaderConverterDefinition extends PluginInfo {
  readonly kind: 'header_converter';
  create(config: Readonly<Record<string, string>>): HeaderConverter;
}
