import { between, boolean, int, long, oneOf, oneOfIgnoringCase, string } from '../../../connect/index.ts';
import { CONVERTER_TYPE } from '../../converter-keys.ts';

const medium = { importance: 'MEDIUM' } as const;
const low = { importance: 'LOW' } as const;

/** Keys of Amazon's converter, under its names. */
export const glueKeys = {
  ...CONVERTER_TYPE,
  region: string({ default: null, importance: 'HIGH', doc: 'Region of the registry. Without it: that of the function.' }),
  endpoint: string({ default: null, ...medium, doc: 'Address of Glue, where it is not the usual one, such as that of a VPC endpoint.' }),
  'registry.name': string({ default: 'default-registry', ...medium, doc: 'Name of the registry.' }),
  schemaName: string({ default: null, ...medium, doc: 'Name of the schema. Without it: that of the topic, for keys and values alike.' }),
  schemaNameGenerationClass: string({
    default: 'AWSSchemaNamingStrategyDefaultImpl',
    validator: oneOf('AWSSchemaNamingStrategyDefaultImpl', 'com.amazonaws.services.schemaregistry.common.AWSSchemaNamingStrategyDefaultImpl'),
    ...low,
    doc: 'How schemas are named where `schemaName` does not: only Amazon’s default, by the topic.',
  }),
  schemaAutoRegistrationEnabled: boolean({ default: false, ...medium, doc: 'Whether schemas are registered that the registry does not have.' }),
  compatibility: string({
    default: 'BACKWARD',
    validator: oneOfIgnoringCase('NONE', 'DISABLED', 'BACKWARD', 'BACKWARD_ALL', 'FORWARD', 'FORWARD_ALL', 'FULL', 'FULL_ALL'),
    ...medium,
    doc: 'What new versions of a schema that is created here may change.',
  }),
  description: string({ default: null, ...low, doc: 'Description of schemas that are created here.' }),
  compression: string({ default: 'NONE', validator: oneOfIgnoringCase('NONE', 'ZLIB'), ...medium, doc: 'How messages are compressed; both ways are read.' }),
  cacheSize: int({ default: 200, validator: between(1, 1_000_000), ...low, doc: 'How many schemas are remembered.' }),
  timeToLiveMillis: long({ default: 86_400_000, ...low, doc: 'How long the id of a schema is remembered, in milliseconds.' }),
  avroRecordType: string({
    default: 'GENERIC_RECORD',
    validator: oneOf('GENERIC_RECORD', 'SPECIFIC_RECORD', 'UNKNOWN'),
    ...low,
    doc: 'Taken for the sake of configs that have it: Connect’s own values are made in any case.',
  }),
  'enhanced.avro.schema.support': boolean({
    default: false,
    ...medium,
    doc: 'Whether enums stay enums, and names of unions’ branches have their namespaces.',
  }),
  'connect.meta.data': boolean({
    default: true,
    ...low,
    doc: 'Whether what only Connect knows is written into schemas: names, versions, docs, parameters, defaults.',
  }),
  'schemas.cache.config': int({ default: 1000, ...low, doc: 'How many translated schemas are remembered.' }),
};

/** Keys of Amazon's converter that mean something which is not to be had here, with what to do instead. */
export const refusedKeys: Readonly<Record<string, string>> = {
  secondaryDeserializer: 'messages that another serializer wrote need another converter: read their topic with a connector of its own',
  proxyUrl: 'the functions reach Glue directly, or by a VPC endpoint: leave it out',
  assumeRoleArn: "give the function's own role the rights to the registry, by a resource policy if it is in another account",
  tags: 'it cannot be told in a connector’s config: tag the schema in Glue',
  metadata: 'it cannot be told in a connector’s config: put metadata to the schema version in Glue',
};
