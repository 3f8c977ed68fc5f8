import { scrubbed } from '../scrub-name.ts';

/** Names that Confluent's converter gives to what Protobuf, or Connect, has no word for. */
const NAMESPACE = 'io.confluent.connect.protobuf';
export const PROTO_ENUM = `${NAMESPACE}.Enum`;
export const PROTO_UNION = `${NAMESPACE}.Union`;
export const PROTO_UNION_PREFIX = `${PROTO_UNION}.`;
export const PROTO_TAG = `${NAMESPACE}.Tag`;
export const PROTO_TYPE = `${NAMESPACE}.Type`;
/** Marks a member of a oneof that is a wrapper message: all members are optional, so that this cannot tell. */
export const PROTO_WRAPPER = `${NAMESPACE}.Wrapper`;
export const GENERALIZED_UNION = 'org.apache.kafka.connect.data.Union';
export const GENERALIZED_ENUM = 'org.apache.kafka.connect.data.Enum';
export const CONNECT_PRECISION = 'connect.decimal.precision';

export const DECIMAL_TYPE = 'confluent.type.Decimal';
export const DATE_TYPE = 'google.type.Date';
export const TIME_TYPE = 'google.type.TimeOfDay';
export const TIMESTAMP_TYPE = 'google.protobuf.Timestamp';

/** The keys of ProtobufConverter that shape schemas and values. */
export interface ProtobufOptions {
  readonly generalizedSumTypes: boolean;
  readonly ignoreDefaultForNullables: boolean;
  readonly enhancedSchemaSupport: boolean;
  readonly scrubInvalidNames: boolean;
  readonly intForEnums: boolean;
  readonly optionalForNullables: boolean;
  readonly optionalForProto2: boolean;
  readonly wrapperForNullables: boolean;
  readonly wrapperForRawPrimitives: boolean;
  readonly structForNulls: boolean;
  readonly indexForUnions: boolean;
  readonly flattenUnions: boolean;
}

const rules = { valid: /^[A-Za-z][A-Za-z0-9_]*$/, badStart: /^[0-9_]/ };

/** `scrub.invalid.names` of a name without dots. */
export function scrubName(name: string, { scrubInvalidNames }: ProtobufOptions): string {
  return scrubInvalidNames ? scrubbed(name, rules) : name;
}

/** The type of a map's entries: `my_map` becomes `MyMapEntry`. */
export function mapEntryName(name: string): string {
  return `${
    name.includes('_')
      ? name
          .split('_')
          .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1).toLowerCase())
          .join('')
      : name
  }Entry`;
}

/** The other way round: `MyMapEntry` becomes `my_map`. */
export function mapName(entry: string): string {
  const at = entry.lastIndexOf('.') + 1;
  const last = entry.slice(at);
  if (!last.endsWith('Entry')) return entry;
  const words = last.slice(0, -'Entry'.length).replace(/(?!^)([A-Z])/g, '_$1');
  return entry.slice(0, at) + words.toLowerCase();
}
