import type { Schema } from '../../../connect/index.ts';

/** Names that Confluent's converter gives to what JSON Schema, or Connect, has no word for. */
const NAMESPACE = 'io.confluent.connect.json';
export const OWN_PARAMETERS = NAMESPACE;
export const JSON_ID = `${NAMESPACE}.Id`;
export const JSON_ENUM = `${NAMESPACE}.Enum`;
export const JSON_ONE_OF = `${NAMESPACE}.OneOf`;
export const GENERALIZED_UNION = 'org.apache.kafka.connect.data.Union';
export const GENERALIZED_ENUM = 'org.apache.kafka.connect.data.Enum';
/** The null among the values of an enum. */
export const NULL_MARKER = '<NULL>';

/** The keys of JsonSchemaConverter that shape schemas and values. */
export interface JsonSchemaOptions {
  readonly generalizedSumTypes: boolean;
  readonly ignoreDefaultForNullables: boolean;
  readonly additionalProperties: boolean;
  readonly optionalForNonRequired: boolean;
  readonly numericDecimals: boolean;
  readonly flattenSingletonUnions: boolean;
}

/** Whether a struct stands for a union: one of its fields is set. */
export function isUnion(schema: Schema): boolean {
  return schema.name === JSON_ONE_OF || schema.parameters?.[GENERALIZED_UNION] !== undefined;
}
