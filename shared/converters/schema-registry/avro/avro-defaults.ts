import { DataException, type Schema } from '../../../connect/index.ts';
import { javaClassName } from '../../../connect/java/java-value.ts';
import { doubleToString, floatToString } from '../../../connect/java/number-text.ts';
import { hasTextKeys, isUnion } from './avro-kinds.ts';
import { type AvroDataOptions, scrubName } from './avro-names.ts';
import type { AvroSchema } from './avro-schema.ts';
import { fromUnderlying, toUnderlying } from './logical-values.ts';

/** A default of Connect as JSON. Throws DataException. */
export function defaultJson(schema: Schema, value: unknown, options: AvroDataOptions): unknown {
  if (value === null || value === undefined) return null;
  const plain = toUnderlying(schema)?.(value) ?? value;
  const invalid = (): never => {
    throw new DataException(`Invalid type used for default value of ${schema.type} field: class ${javaClassName(schema, schema.defaultValue)}`);
  };
  switch (schema.type) {
    case 'INT8':
    case 'INT16':
    case 'INT32':
      return typeof plain === 'number' ? plain : invalid();
    case 'INT64':
      return typeof plain === 'bigint' || typeof plain === 'number' ? JSON.rawJSON(String(plain)) : invalid();
    case 'FLOAT32':
      return typeof plain === 'number' ? fraction(plain, floatToString) : invalid();
    case 'FLOAT64':
      return typeof plain === 'number' ? fraction(plain, doubleToString) : invalid();
    case 'BOOLEAN':
      return typeof plain === 'boolean' ? plain : invalid();
    case 'STRING':
      return typeof plain === 'string' ? plain : invalid();
    case 'BYTES':
      return plain instanceof Uint8Array ? Buffer.from(plain).toString('latin1') : invalid();
    case 'ARRAY':
      return Array.isArray(plain) ? plain.map((each) => defaultJson(schema.valueSchema as Schema, each, options)) : invalid();
    case 'MAP': {
      if (!(plain instanceof Map)) return invalid();
      const entries = Array.from(plain, ([key, each]) => [key, defaultJson(schema.valueSchema as Schema, each, options)] as const);
      if (hasTextKeys(schema, options)) return Object.fromEntries(entries);
      return entries.map(([key, each]) => [defaultJson(schema.keySchema as Schema, key, options), each]);
    }
    case 'STRUCT': {
      const struct = plain as Readonly<Record<string, unknown>>;
      const json = schema.fields.map(
        ({ name, schema: each }) => [scrubName(name, options.scrubInvalidNames), defaultJson(each, struct[name] ?? each.defaultValue, options)] as const,
      );
      return isUnion(schema) ? (json[0]?.[1] ?? null) : Object.fromEntries(json);
    }
  }
}

function fraction(value: number, text: (value: number) => string): unknown {
  return Number.isFinite(value) ? JSON.rawJSON(text(value)) : String(value);
}

/** Whether JSON can be the default of a field of this type; Avro refuses it otherwise. */
export function isValidDefault(avro: AvroSchema, json: unknown): boolean {
  switch (avro.type) {
    case 'null':
      return json === null;
    case 'boolean':
      return typeof json === 'boolean';
    case 'string':
    case 'bytes':
    case 'enum':
    case 'fixed':
      return typeof json === 'string';
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return (
        typeof json === 'number' || typeof json === 'bigint' || isRaw(json) || (typeof json === 'string' && ['NaN', 'Infinity', '-Infinity'].includes(json))
      );
    case 'array':
      return Array.isArray(json) && json.every((each) => isValidDefault(avro.items as AvroSchema, each));
    case 'map':
      return isObject(json) && Object.values(json).every((each) => isValidDefault(avro.items as AvroSchema, each));
    case 'union':
      return avro.branches.some((branch) => isValidDefault(branch, json));
    case 'record':
      return (
        isObject(json) &&
        avro.fields.every((field) => isValidDefault(field.schema, Object.hasOwn(json, field.name) ? json[field.name] : (field.default ?? undefined)))
      );
  }
}

const isRaw = (json: unknown): boolean => (JSON as unknown as { isRawJSON(value: unknown): boolean }).isRawJSON(json);

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/**
 * A default as JSON, of an Avro field or of `connect.default`, as a Connect value. Throws DataException when it does not fit,
 * and is ignored then. `ofField`: it is an Avro field's, which are read a little differently.
 */
export function defaultOf(avro: AvroSchema, schema: Schema, json: unknown, ofField: boolean): unknown {
  if (json === null || json === undefined) return null;
  const plain = plainDefault(avro, schema, json, ofField);
  return plain === null ? null : (fromUnderlying(schema)?.(plain) ?? plain);
}

function plainDefault(avro: AvroSchema, schema: Schema, json: unknown, ofField: boolean): unknown {
  const misfit = (): never => {
    throw new DataException(`Invalid default value for ${schema.type}`);
  };
  switch (avro.type) {
    case 'int':
      if (typeof json !== 'number') return misfit();
      return schema.type === 'INT8' ? (json << 24) >> 24 : schema.type === 'INT16' ? (json << 16) >> 16 : json | 0;
    case 'long':
      return typeof json === 'number' || typeof json === 'bigint' ? BigInt.asIntN(64, BigInt(json)) : misfit();
    case 'float':
      return typeof json === 'number' || typeof json === 'bigint' ? Math.fround(Number(json)) : misfit();
    case 'double':
      return typeof json === 'number' || typeof json === 'bigint' ? Number(json) : misfit();
    case 'boolean':
      return typeof json === 'boolean' ? json : misfit();
    case 'string':
    case 'enum':
      return typeof json === 'string' ? json : misfit();
    case 'bytes':
    case 'fixed':
      return typeof json === 'string' ? Buffer.from(json, 'latin1') : misfit();
    case 'array':
      if (schema.type === 'MAP' && ofField && Array.isArray(json) && json.length === 0) return new Map();
      if (schema.type !== 'ARRAY' || !Array.isArray(json)) throw new DataException('Invalid JSON for array default value');
      return json.map((each) => defaultOf(avro.items as AvroSchema, schema.valueSchema as Schema, each, ofField));
    case 'map':
      if (!isObject(json)) throw new DataException('Invalid JSON for map default value');
      return new Map(Object.entries(json).map(([key, each]) => [key, defaultOf(avro.items as AvroSchema, schema.valueSchema as Schema, each, ofField)]));
    case 'record':
      if (!isObject(json)) throw new DataException('Invalid JSON for record default value');
      return Object.fromEntries(
        avro.fields.map((field) => {
          const { schema: own } = schema.field(field.name) as { schema: Schema };
          const value = Object.hasOwn(json, field.name) ? defaultOf(field.schema, own, json[field.name], ofField) : own.defaultValue;
          if (value === null && !own.optional) throw new DataException('Found null value for non-optional schema');
          return [field.name, value];
        }),
      );
    case 'union': {
      // A default is of the first branch.
      const [first] = avro.branches;
      if (first === undefined || first.type === 'null')
        return ofField && typeof json === 'object' ? (otherBranch(avro, schema, json as object) ?? misfit()) : null;
      if (!isUnion(schema)) return defaultOf(first, schema, json, ofField);
      const [field] = schema.fields;
      return field === undefined ? null : { [field.name]: defaultOf(first, field.schema, json, ofField) };
    }
    case 'null':
      return null;
  }
}

/** Only what is empty fits into another branch than the first: what is inside would be read without its types. */
function otherBranch({ branches }: AvroSchema, schema: Schema, json: object): unknown {
  const other = branches[1];
  return other === undefined || Object.keys(json).length > 0 ? undefined : defaultOf(other, schema, json, true);
}
