import { oneOf, type SchemaAndValue, string } from '../connect/index.ts';

/** Kafka's own plugins carry the version of Kafka that they equal. */
export const VERSION = '4.3.1';

/** The key that the framework sets for every converter. */
export const CONVERTER_TYPE = {
  'converter.type': string({
    validator: oneOf('key', 'value', 'header'),
    importance: 'LOW',
    doc: 'How this converter will be used.',
  }),
};

/** What a tombstone is without any schema. */
export const NULL_SCHEMA_AND_VALUE: SchemaAndValue = Object.freeze({ schema: null, value: null });
