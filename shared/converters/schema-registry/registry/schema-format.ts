import type { Schema, SchemaAndValue } from '../../../connect/index.ts';
import type { RegistrySchema, SchemaType } from './registry-client.ts';

/** Reads the message that begins at `at` in these bytes. DataException: the data are wrong; anything else: the bytes are. */
export type MessageReader = (bytes: Buffer, at: number) => SchemaAndValue;

/** Writes a value behind a header; null is a tombstone. DataException as above. */
export type MessageWriter = (header: Buffer, value: unknown) => Buffer | null;

/** How a format speaks in Confluent's messages. */
export interface FormatWords {
  /** The message of a record's error. `later`: another try may help. */
  readonly failed: (topic: string, writing: boolean, later: boolean) => string;
  /** In `Network connection error while serializing … data`. */
  readonly network: string;
  /** In `Error serializing … message`. */
  readonly message: string;
  /** What a request was for; the schema's text follows. */
  readonly registering: string;
  readonly retrieving: string;
  readonly latest: string;
}

/** Those of Avro and Protobuf, which differ by name only. */
export function wordsOf(name: string): FormatWords {
  return {
    failed: (topic, writing, later) =>
      writing
        ? `Failed to serialize ${name} data from topic ${topic}${later ? ' :' : ':'}`
        : `Failed to deserialize data for topic ${topic} to ${name}:${later ? ' ' : ''}`,
    network: name,
    message: name,
    registering: `Error registering ${name} schema`,
    retrieving: `Error retrieving ${name} schema`,
    latest: `Error retrieving latest version of ${name} schema`,
  };
}

/**
 * One of the registry's schema formats. `P` is a parsed schema. Methods are synchronous and may be called once `load` is
 * done; they throw DataException, or anything else for what Kafka Connect would fail with otherwise.
 */
export interface SchemaFormat<P> {
  readonly type: SchemaType;
  readonly words: FormatWords;
  /** Brings packages that are needed, once. */
  load?(): Promise<void>;
  /** `references`: the texts of other schemas by the names that this one uses, each before those that need it. */
  parse(schema: RegistrySchema, references: ReadonlyMap<string, string>): P;
  /** The name that subjects may be called by; null when the schema has none. */
  recordName(parsed: P): string | null;
  /** The schema that a Connect schema is written with, and as the registry takes it. */
  schemaFor(schema: Schema | null, value: unknown): { readonly parsed: P; readonly text: string };
  /** Reads what was written with `parsed`, into `into` where that is another schema. `version`: that of the schema in its subject. */
  reader(parsed: P, version: number | null, into: P | null): MessageReader | Promise<MessageReader>;
  /** Writes values of a Connect schema; `own` is what `schemaFor` gave, `target` the schema to write with. */
  writer(schema: Schema | null, own: P, target: P): MessageWriter;
  /** Whether `reader` can read what was written with `writer`. */
  canRead(reader: P, writer: P): boolean | Promise<boolean>;
}
