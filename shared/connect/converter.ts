import type { Clock } from './clock.ts';
import type { Headers, SchemaAndValue } from './data/record.ts';
import type { Schema } from './data/schema.ts';
import { ConnectException, isConnectException } from './errors.ts';
import type { Logger } from './logger.ts';
import type { PluginInfo } from './transformation.ts';

/**
 * Translates between bytes in Kafka and Connect data. Calls are synchronous, because they are made for every record;
 * a converter that needs something from elsewhere first (a schema from a registry, a module) throws a PendingException.
 * Errors thrown are record errors (DataException), or RetriableException.
 */
export interface Converter {
  /** Connect data to bytes; null is a tombstone. */
  fromConnectData(topic: string, schema: Schema | null, value: unknown, headers: Headers): Uint8Array | null;
  /** Bytes to Connect data. The bytes may be a view of a larger buffer: copy what is kept. */
  toConnectData(topic: string, bytes: Buffer | null, headers: Headers): SchemaAndValue;
  close?(): Promise<void> | void;
}

/**
 * Thrown by a converter in the middle of a record: it cannot go on before `ready` has brought something from elsewhere.
 * The runtime awaits `ready`, then converts the record again; other records do not wait. What `ready` rejects with is
 * treated as if the converter had thrown it: RetriableException is retried under `errors.retry.timeout`, anything else is
 * a record error. What was fetched must be kept, so that the same call does not throw this again.
 */
export class PendingException extends ConnectException {
  readonly ready: (signal: AbortSignal) => Promise<void>;
  constructor(message: string, ready: (signal: AbortSignal) => Promise<void>) {
    super(message);
    this.ready = ready;
  }
}

/** True for a PendingException, whichever copy of this module made it. */
export function isPending(error: unknown): error is PendingException {
  return isConnectException(error) && typeof (error as { ready?: unknown }).ready === 'function';
}

/** What the runtime lends to a converter. */
export interface ConverterContext {
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface ConverterDefinition extends PluginInfo {
  readonly kind: 'converter';
  /** Makes an instance from raw config without the `key.converter.` prefix. */
  create(config: Readonly<Record<string, string>>, isKey: boolean, context?: ConverterContext): Converter;
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
