import type { ConverterDefinition, HeaderConverterDefinition } from '../connect/index.ts';
import { booleanConverter, booleanHeaderConverter } from './boolean-converter.ts';
import { byteArrayConverter, byteArrayHeaderConverter } from './byte-array-converter.ts';
import { jsonConverter, jsonHeaderConverter } from './json/json-converter.ts';
import { numberConverters, numberHeaderConverters } from './number-converters.ts';
import { avroConverter } from './schema-registry/avro/avro-converter.ts';
import { glueAvroConverter } from './schema-registry/glue/glue-avro-converter.ts';
import { jsonSchemaConverter } from './schema-registry/json-schema/json-schema-converter.ts';
import { protobufConverter } from './schema-registry/protobuf/protobuf-converter.ts';
import { simpleHeaderConverter } from './simple-header-converter.ts';
import { stringConverter, stringHeaderConverter } from './string-converter.ts';

/** Every converter that ships with Sluice; a new one adds a line. */
export const converters: readonly ConverterDefinition[] = [
  jsonConverter,
  stringConverter,
  byteArrayConverter,
  booleanConverter,
  ...numberConverters,
  avroConverter,
  jsonSchemaConverter,
  protobufConverter,
  glueAvroConverter,
];

/** Those of them that also translate headers, and those that only do. */
export const headerConverters: readonly HeaderConverterDefinition[] = [
  jsonHeaderConverter,
  stringHeaderConverter,
  simpleHeaderConverter,
  byteArrayHeaderConverter,
  booleanHeaderConverter,
  ...numberHeaderConverters,
];
