import { DataException, DECIMAL, Decimal, type Schema } from '../../../connect/index.ts';
import { javaClassName } from '../../../connect/java/java-value.ts';
import { doubleToString, floatToString } from '../../../connect/java/number-text.ts';
import { writeString } from '../../json/json-writer.ts';
import { toUnderlying } from '../avro/logical-values.ts';
import { CyclicSchema } from '../cyclic-schema.ts';
import { isUnion, type JsonSchemaOptions } from './json-schema-names.ts';

/** Writes a Connect value as JSON text; null where Confluent's converter has no JSON at all: a field is left out then, a message is a tombstone. */
export type JsonSchemaWriter = (value: unknown) => string | null;

/** Compiles a writer of values of a schema. The writer throws DataException. */
export function jsonSchemaWriter(schema: Schema, options: JsonSchemaOptions): JsonSchemaWriter {
  return new Writers(options).writer(schema);
}

class Writers {
  readonly #options: JsonSchemaOptions;
  readonly #structs = new Map<Schema, { write: JsonSchemaWriter }>();

  constructor(options: JsonSchemaOptions) {
    this.#options = options;
  }

  writer(schema: Schema): JsonSchemaWriter {
    const write = this.#value(schema);
    const { defaultValue, optional } = schema;
    const withDefault = defaultValue !== null && !this.#options.ignoreDefaultForNullables;
    return (value) => {
      if (value !== null && value !== undefined) return write(value);
      if (withDefault) return write(defaultValue);
      return optional ? 'null' : null;
    };
  }

  #value(schema: Schema): JsonSchemaWriter {
    if (schema.name === DECIMAL && this.#options.numericDecimals) {
      return (value) => (value instanceof Decimal ? value.toString() : misfitDecimal(schema, value));
    }
    const underlying = toUnderlying(schema);
    const write = this.#plain(schema);
    return underlying === null ? write : (value) => write(underlying(value));
  }

  #plain(schema: Schema): JsonSchemaWriter {
    switch (schema.type) {
      case 'INT8':
      case 'INT16':
      case 'INT32':
        return (value) => (typeof value === 'number' && (value | 0) === value ? String(value) : misfit(schema, value));
      case 'INT64':
        return (value) => (typeof value === 'bigint' || Number.isSafeInteger(value) ? String(value) : misfit(schema, value));
      case 'FLOAT32':
        return (value) => (typeof value === 'number' ? fraction(value, floatToString) : misfit(schema, value));
      case 'FLOAT64':
        return (value) => (typeof value === 'number' ? fraction(value, doubleToString) : misfit(schema, value));
      case 'BOOLEAN':
        return (value) => (typeof value === 'boolean' ? String(value) : misfit(schema, value));
      case 'STRING':
        return (value) => (typeof value === 'string' ? writeString(value) : misfit(schema, value));
      case 'BYTES':
        return (value) => {
          if (value instanceof Uint8Array) return `"${Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')}"`;
          throw new DataException(`Invalid type for bytes type: class ${javaClassName(schema, value)}`);
        };
      case 'ARRAY': {
        const write = this.writer(schema.valueSchema as Schema);
        return (value) => (Array.isArray(value) ? `[${value.map((each) => write(each) ?? 'null').join(',')}]` : misfit(schema, value));
      }
      case 'MAP':
        return this.#map(schema);
      case 'STRUCT':
        return isUnion(schema) ? this.#union(schema) : this.#struct(schema);
    }
  }

  #map(schema: Schema): JsonSchemaWriter {
    const writeKey = this.writer(schema.keySchema as Schema);
    const write = this.writer(schema.valueSchema as Schema);
    const asObject = schema.keySchema?.type === 'STRING' && !schema.keySchema.optional;
    return (value) => {
      if (!(value instanceof Map)) return misfit(schema, value);
      let text = '';
      for (const [key, item] of value) {
        if (text !== '') text += ',';
        text += asObject ? `${writeKey(key)}:${write(item) ?? 'null'}` : `{"key":${writeKey(key) ?? 'null'},"value":${write(item) ?? 'null'}}`;
      }
      return asObject ? `{${text}}` : `[${text}]`;
    };
  }

  #union(schema: Schema): JsonSchemaWriter {
    const members = schema.fields.map((field) => ({
      name: field.name,
      defaultValue: this.#options.ignoreDefaultForNullables ? null : field.schema.defaultValue,
      write: this.#value(field.schema),
    }));
    return (value) => {
      const struct = structOf(schema, value);
      for (const { name, defaultValue, write } of members) {
        const member = struct[name] ?? defaultValue;
        if (member !== null && member !== undefined) return write(member);
      }
      return schema.optional ? 'null' : null;
    };
  }

  #struct(given: Schema): JsonSchemaWriter {
    const schema = given instanceof CyclicSchema ? given.target() : given;
    const made = this.#structs.get(schema);
    if (made !== undefined) return (value) => made.write(value);
    const entry = { write: (() => null) as JsonSchemaWriter };
    this.#structs.set(schema, entry);
    const names = schema.fields.map(({ name }) => name);
    const keys = names.map((name) => `${writeString(name)}:`);
    const writers = schema.fields.map((field) => this.writer(field.schema));
    const count = names.length;
    entry.write = (value) => {
      const struct = structOf(schema, value);
      let text = '';
      for (let at = 0; at < count; at++) {
        const item = (writers[at] as JsonSchemaWriter)(struct[names[at] as string]);
        if (item !== null) text += text === '' ? keys[at] + item : `,${keys[at]}${item}`;
      }
      return `{${text}}`;
    };
    return entry.write;
  }
}

function structOf(schema: Schema, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || value instanceof Map || Array.isArray(value) || value instanceof Uint8Array) return misfit(schema, value);
  return value as Readonly<Record<string, unknown>>;
}

function misfit(schema: Schema, value: unknown): never {
  throw new DataException(`Invalid type for ${schema.type}: class ${javaClassName(schema, value)}`);
}

function misfitDecimal(schema: Schema, value: unknown): never {
  throw new DataException(`Invalid type for Decimal, expected BigDecimal but was class ${javaClassName(schema, value)}`);
}

function fraction(value: number, text: (value: number) => string): string {
  return Number.isFinite(value) ? text(value) : `"${value}"`;
}
