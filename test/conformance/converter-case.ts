import type { Schema, SchemaAndValue } from '../../shared/connect/index.ts';
import { decodeSchema, decodeValue, encodeSchema, encodeValue, type TaggedSchema, type TaggedValue } from './tagged-values.ts';

interface TaggedPair {
  readonly schema: TaggedSchema;
  readonly value: TaggedValue;
}

/** A case of kind `converter`: one value or message through one converter, or through `Values`. */
export interface ConverterCase {
  readonly id: string;
  readonly kind: 'converter';
  readonly class: string;
  readonly isKey: boolean;
  readonly config: Readonly<Record<string, string>>;
  readonly direction: string;
  readonly topic: string;
  readonly header?: string;
  readonly scale?: number;
  readonly input: (Partial<TaggedPair> & { readonly bytes?: string | null }) | string | null;
  readonly expect: Readonly<Record<string, unknown>>;
}

/** The value of a case, with its schema. */
export function pairOf(input: ConverterCase['input']): SchemaAndValue & { readonly schema: Schema | null } {
  if (typeof input !== 'object' || input === null) return { schema: null, value: null };
  const schema = decodeSchema(input.schema);
  return { schema, value: decodeValue(schema, input.value) };
}

/** A schema and a value in the vectors' form. */
export function encodePair({ schema, value }: SchemaAndValue): TaggedPair {
  return { schema: encodeSchema(schema), value: encodeValue(schema, value) };
}
