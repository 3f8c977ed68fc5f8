import { boolean, type ConverterContext, type ConverterDefinition, configDef, oneOfIgnoringCase, string } from '../../../connect/index.ts';
import { RegistryConverter } from '../registry/registry-converter.ts';
import { CONFLUENT_VERSION, dataKeys, registryKeys } from '../registry/registry-keys.ts';
import { silent } from '../registry/silent.ts';
import { JsonSchemaFormat } from './json-schema-format.ts';

const low = { importance: 'LOW' } as const;
const medium = { importance: 'MEDIUM' } as const;

const jsonSchemaKeys = {
  ...dataKeys,
  'object.additional.properties': boolean({ default: true, ...medium, doc: 'Whether schemas that are made allow properties beside their own.' }),
  'use.optional.for.nonrequired': boolean({ default: false, ...medium, doc: 'Whether properties that are not required are optional fields.' }),
  'decimal.format': string({
    default: 'BASE64',
    validator: oneOfIgnoringCase('BASE64', 'NUMERIC'),
    ...low,
    doc: "Controls which format this converter will serialize decimals in. This value is case insensitive and can be either 'BASE64' (default) or 'NUMERIC'",
  }),
  'flatten.singleton.unions': boolean({ default: true, ...low, doc: 'Whether a union of one type is that type.' }),
};

const config = configDef({ ...registryKeys, ...jsonSchemaKeys });
const dataConfig = configDef(jsonSchemaKeys);

/** The format with its keys read. Throws ConfigException. */
export function jsonSchemaFormat(raw: Readonly<Record<string, string>>): JsonSchemaFormat {
  const parsed = dataConfig.parse(raw);
  return new JsonSchemaFormat({
    generalizedSumTypes: parsed['generalized.sum.type.support'],
    ignoreDefaultForNullables: parsed['ignore.default.for.nullables'],
    additionalProperties: parsed['object.additional.properties'],
    optionalForNonRequired: parsed['use.optional.for.nonrequired'],
    numericDecimals: parsed['decimal.format'].toUpperCase() === 'NUMERIC',
    flattenSingletonUnions: parsed['flatten.singleton.unions'],
  });
}

export const jsonSchemaConverter: ConverterDefinition = {
  kind: 'converter',
  className: 'io.confluent.connect.json.JsonSchemaConverter',
  version: CONFLUENT_VERSION,
  overview: 'JSON, with JSON Schema in a Schema Registry.',
  config,
  create: (raw, isKey, context: ConverterContext = silent) => new RegistryConverter(jsonSchemaFormat(raw), raw, isKey, context),
};
