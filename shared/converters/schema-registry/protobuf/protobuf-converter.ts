import { boolean, type ConverterContext, type ConverterDefinition, configDef } from '../../../connect/index.ts';
import { RegistryConverter } from '../registry/registry-converter.ts';
import { CONFLUENT_VERSION, dataKeys, registryKeys } from '../registry/registry-keys.ts';
import { silent } from '../registry/silent.ts';
import { ProtobufFormat } from './protobuf-format.ts';

const medium = { importance: 'MEDIUM' } as const;

const protobufKeys = {
  ...dataKeys,
  'enhanced.protobuf.schema.support': boolean({ default: false, ...medium, doc: 'Whether names of schemas have their packages.' }),
  'scrub.invalid.names': boolean({ default: false, ...medium, doc: 'Whether characters that Protobuf does not allow in names are replaced.' }),
  'int.for.enums': boolean({ default: false, ...medium, doc: 'Whether enums are numbers instead of texts.' }),
  'optional.for.nullables': boolean({ default: false, ...medium, doc: 'Whether optional fields are `optional` in Protobuf, so that a null can be told.' }),
  'optional.for.proto2': boolean({ default: true, ...medium, doc: 'Whether an `optional` field of proto2 that is not set is null.' }),
  'wrapper.for.nullables': boolean({ default: false, ...medium, doc: 'Whether optional fields are wrapper messages, so that a null can be told.' }),
  'wrapper.for.raw.primitives': boolean({ default: true, ...medium, doc: 'Whether a lone wrapper message is the value within it.' }),
  'generate.struct.for.nulls': boolean({ default: false, ...medium, doc: 'Whether a message that is not there is a struct of defaults.' }),
  'generate.index.for.unions': boolean({ default: true, ...medium, doc: 'Whether the field of a oneof has its index behind its name.' }),
  'flatten.unions': boolean({ default: false, ...medium, doc: 'Whether the members of a oneof are fields of the message itself.' }),
};

const config = configDef({ ...registryKeys, ...protobufKeys });
const dataConfig = configDef(protobufKeys);

/** The format with its keys read. Throws ConfigException. */
export function protobufFormat(raw: Readonly<Record<string, string>>): ProtobufFormat {
  const parsed = dataConfig.parse(raw);
  return new ProtobufFormat({
    generalizedSumTypes: parsed['generalized.sum.type.support'],
    ignoreDefaultForNullables: parsed['ignore.default.for.nullables'],
    enhancedSchemaSupport: parsed['enhanced.protobuf.schema.support'],
    scrubInvalidNames: parsed['scrub.invalid.names'],
    intForEnums: parsed['int.for.enums'],
    optionalForNullables: parsed['optional.for.nullables'],
    optionalForProto2: parsed['optional.for.proto2'],
    wrapperForNullables: parsed['wrapper.for.nullables'],
    wrapperForRawPrimitives: parsed['wrapper.for.raw.primitives'],
    structForNulls: parsed['generate.struct.for.nulls'],
    indexForUnions: parsed['generate.index.for.unions'],
    flattenUnions: parsed['flatten.unions'],
  });
}

export const protobufConverter: ConverterDefinition = {
  kind: 'converter',
  className: 'io.confluent.connect.protobuf.ProtobufConverter',
  version: CONFLUENT_VERSION,
  overview: 'Protobuf, with schemas in a Schema Registry.',
  config,
  create: (raw, isKey, context: ConverterContext = silent) => new RegistryConverter(protobufFormat(raw), raw, isKey, context),
};
