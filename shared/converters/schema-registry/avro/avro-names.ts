import { scrubbed } from '../scrub-name.ts';

/** Names that a converter gives to what Avro, or Connect, has no word for. Amazon's are Confluent's in a namespace of their own. */
export interface AvroNames {
  readonly defaultSchema: string;
  readonly mapEntry: string;
  readonly anything: string;
  readonly union: string;
  readonly enum: string;
  readonly recordDoc: string;
  readonly enumDocPrefix: string;
  readonly enumDefaultPrefix: string;
  readonly fieldDocPrefix: string;
  /** Says of a Connect default that it came from an Avro field. */
  readonly fieldDefaultFlag: string;
}

function namesIn(namespace: string): AvroNames {
  return {
    defaultSchema: `${namespace}.ConnectDefault`,
    mapEntry: `${namespace}.${MAP_ENTRY}`,
    anything: `${namespace}.Anything`,
    union: `${namespace}.Union`,
    enum: `${namespace}.Enum`,
    recordDoc: `${namespace}.record.doc`,
    enumDocPrefix: `${namespace}.enum.doc.`,
    enumDefaultPrefix: `${namespace}.enum.default.`,
    fieldDocPrefix: `${namespace}.field.doc.`,
    fieldDefaultFlag: `${namespace}.field.default`,
  };
}

/** What `connect.internal.type` says of the entries of a named map. */
export const MAP_ENTRY = 'MapEntry';
export const CONFLUENT_NAMES = namesIn('io.confluent.connect.avro');
export const GLUE_NAMES = namesIn('com.amazonaws.services.schemaregistry.kafkaconnect.avrodata');
export const FIXED_SIZE = 'connect.fixed.size';
export const DECIMAL_PRECISION = 'connect.decimal.precision';
export const DEFAULT_PRECISION = 64;
/** `generalized.sum.type.support`: names that all formats share. */
export const GENERALIZED_UNION = 'org.apache.kafka.connect.data.Union';
export const GENERALIZED_ENUM = 'org.apache.kafka.connect.data.Enum';

/** What shapes schemas: mostly keys of AvroConverter. */
export interface AvroDataOptions {
  readonly names: AvroNames;
  readonly connectMetaData: boolean;
  readonly enhancedSchemaSupport: boolean;
  readonly generalizedSumTypes: boolean;
  readonly ignoreDefaultForNullables: boolean;
  readonly scrubInvalidNames: boolean;
  readonly discardTypeDocDefault: boolean;
  readonly allowOptionalMapKeys: boolean;
  readonly flattenSingletonUnions: boolean;
}

const rules = { valid: /^[A-Za-z_][A-Za-z0-9_]*$/, badStart: /^[0-9]/ };

/** `scrub.invalid.names` of a simple name. */
export function scrubName(name: string, scrub: boolean): string {
  return scrub ? scrubbed(name, rules) : name;
}

/** The same for each part of a full name. */
export function scrubFullName(name: string, scrub: boolean): string {
  return scrub
    ? splitParts(name)
        .map((part) => scrubName(part, scrub))
        .join('.')
    : name;
}

/** As Java splits: empty parts at the end are gone. */
function splitParts(name: string): string[] {
  const parts = name.split('.');
  while (parts.length > 1 && parts.at(-1) === '') parts.pop();
  return parts;
}

/** What follows the namespace. */
export function simpleName(name: string, scrub: boolean): string {
  return scrubName(splitParts(name).at(-1) as string, scrub);
}
