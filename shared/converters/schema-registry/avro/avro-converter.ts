import { boolean, type ConverterContext, type ConverterDefinition, configDef } from '../../../connect/index.ts';
import { RegistryConverter } from '../registry/registry-converter.ts';
import { CONFLUENT_VERSION, dataKeys, registryKeys } from '../registry/registry-keys.ts';
import { silent } from '../registry/silent.ts';
import { AvroFormat } from './avro-format.ts';
import { type AvroDataOptions, CONFLUENT_NAMES } from './avro-names.ts';

const low = { importance: 'LOW' } as const;

/** Keys that shape Avro schemas. */
export const avroDataKeys = {
  ...dataKeys,
  'enhanced.avro.schema.support': boolean({
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether enums stay enums, and names of unions’ branches have their namespaces.',
  }),
  'scrub.invalid.names': boolean({ default: false, importance: 'MEDIUM', doc: 'Whether characters that Avro does not allow in names are replaced.' }),
  'connect.meta.data': boolean({
    default: true,
    ...low,
    doc: 'Whether what only Connect knows is written into schemas: names, versions, docs, parameters, defaults.',
  }),
  'discard.type.doc.default': boolean({ default: false, ...low, doc: 'Whether only the doc and default of fields are kept, and not those of types.' }),
  'allow.optional.map.keys': boolean({ default: false, ...low, doc: 'Whether maps with optional texts as keys are Avro maps too.' }),
  'flatten.singleton.unions': boolean({ default: true, ...low, doc: 'Whether a union of one type is that type.' }),
};

const config = configDef({ ...registryKeys, ...avroDataKeys });
const dataConfig = configDef(avroDataKeys);

/** Reads the keys of `avroDataKeys`. Throws ConfigException. */
export function avroDataOptions(raw: Readonly<Record<string, string>>): AvroDataOptions {
  const parsed = dataConfig.parse(raw);
  return {
    names: CONFLUENT_NAMES,
    connectMetaData: parsed['connect.meta.data'],
    enhancedSchemaSupport: parsed['enhanced.avro.schema.support'],
    generalizedSumTypes: parsed['generalized.sum.type.support'],
    ignoreDefaultForNullables: parsed['ignore.default.for.nullables'],
    scrubInvalidNames: parsed['scrub.invalid.names'],
    discardTypeDocDefault: parsed['discard.type.doc.default'],
    allowOptionalMapKeys: parsed['allow.optional.map.keys'],
    flattenSingletonUnions: parsed['flatten.singleton.unions'],
  };
}

export const avroConverter: ConverterDefinition = {
  kind: 'converter',
  className: 'io.confluent.connect.avro.AvroConverter',
  version: CONFLUENT_VERSION,
  overview: 'Avro, with schemas in a Schema Registry.',
  config,
  create: (raw, isKey, context: ConverterContext = silent) => new RegistryConverter(new AvroFormat(avroDataOptions(raw), context.logger), raw, isKey, context),
};
