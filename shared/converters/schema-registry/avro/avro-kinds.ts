import type { Schema } from '../../../connect/index.ts';
import * as names from './avro-names.ts';

/** Whether a struct stands for a union: one of its fields is set. */
export function isUnion(schema: Schema): boolean {
  return (
    schema.name === names.CONFLUENT_NAMES.union ||
    schema.name === names.GLUE_NAMES.union ||
    (schema.parameters !== null && Object.hasOwn(schema.parameters, names.GENERALIZED_UNION))
  );
}

/** Whether a map is written as Avro's map, and not as a list of entries. */
export function hasTextKeys(schema: Schema, { allowOptionalMapKeys }: names.AvroDataOptions): boolean {
  return schema.keySchema?.type === 'STRING' && (!schema.keySchema.optional || allowOptionalMapKeys);
}

/** Whether bytes are of a fixed size, told in a parameter. */
export function isFixed(schema: Schema): boolean {
  return schema.type === 'BYTES' && schema.name !== null && schema.parameters?.[names.FIXED_SIZE] !== undefined;
}

/** Whether a text is an enum's, told in a parameter; null, or the name of the enum. */
export function enumName(schema: Schema, { names: own, enhancedSchemaSupport, generalizedSumTypes }: names.AvroDataOptions): string | null {
  const { parameters } = schema;
  if (schema.type !== 'STRING' || parameters === null || !(enhancedSchemaSupport || generalizedSumTypes)) return null;
  if (parameters[names.GENERALIZED_ENUM] === undefined && parameters[own.enum] === undefined) return null;
  return parameters[generalizedSumTypes ? names.GENERALIZED_ENUM : own.enum] ?? null;
}
