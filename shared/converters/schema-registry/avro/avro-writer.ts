import { unrolledVisit } from '../../../connect/data/unrolled.ts';
import { DataException, type Schema } from '../../../connect/index.ts';
import { javaClassName } from '../../../connect/java/java-value.ts';
import { CyclicSchema } from '../cyclic-schema.ts';
import { writeAnything } from './anything-writer.ts';
import { enumName, hasTextKeys, isFixed, isUnion } from './avro-kinds.ts';
import { type AvroDataOptions, scrubFullName, scrubName, simpleName } from './avro-names.ts';
import { AvroOutput } from './avro-output.ts';
import type { AvroSchema } from './avro-schema.ts';
import { ANYTHING, AvroRuntimeException } from './connect-to-avro.ts';
import { writeDefault } from './default-writer.ts';
import { toUnderlying } from './logical-values.ts';

type Write = (out: AvroOutput, value: unknown) => void;

const shared = new AvroOutput();

/**
 * Compiles a writer of Connect values in Avro: `avro` is the schema to write with, the Connect schema's own or another one
 * that it fits into. The writer gives null for a null, and throws DataException for what does not fit.
 */
export function avroWriter(schema: Schema | null, avro: AvroSchema, options: AvroDataOptions): (header: Uint8Array, value: unknown) => Buffer | null {
  if (schema === null) {
    return (header, value) => {
      if (value === null || value === undefined) return null;
      shared.begin(header);
      writeAnything(shared, value);
      return shared.end();
    };
  }
  const write = new Writers(options).writer(schema, avro, true);
  return (header, value) => {
    if (value === null || value === undefined) {
      if (!schema.optional) throw nullInRequired();
      return null;
    }
    shared.begin(header);
    write(shared, value);
    return shared.end();
  };
}

function nullInRequired(): DataException {
  return new DataException('Found null value for non-optional schema');
}

class Writers {
  readonly #options: AvroDataOptions;
  /** Of structs: one that is within itself finds the writer that is being made. */
  readonly #structs = new Map<Schema, Map<AvroSchema, { write: Write }>>();

  constructor(options: AvroDataOptions) {
    this.#options = options;
  }

  writer(schema: Schema | null, avro: AvroSchema, root = false): Write {
    if (schema === null) return writeAnything;
    if (avro.type === 'union') return isUnion(schema) ? this.#union(schema, avro) : this.#optional(schema, avro);
    // A lone byte string is the message.
    const write = root && avro.type === 'bytes' ? this.#rootBytes(schema) : this.#value(schema, avro);
    return (out, value) => {
      if (value !== null && value !== undefined) write(out, value);
      else if (!schema.optional) throw nullInRequired();
      else if (avro.type !== 'null') throw new DataException(`An optional schema should have an Avro Union type, not ${schema.type}`);
    };
  }

  #optional(schema: Schema, { branches }: AvroSchema): Write {
    const none = branches.findIndex(({ type }) => type === 'null');
    const some = this.#branchOf(schema, branches);
    const write = this.#value(schema, branches[some] as AvroSchema);
    return (out, value) => {
      if (value !== null && value !== undefined) {
        out.int(some);
        write(out, value);
      } else if (!schema.optional) throw nullInRequired();
      else if (none < 0) throw new AvroRuntimeException('Not in union: null');
      else out.int(none);
    };
  }

  #union(schema: Schema, { branches }: AvroSchema): Write {
    const none = branches.findIndex(({ type }) => type === 'null');
    const members = schema.fields.map((field) => {
      const branch = this.#branchOf(field.schema, branches);
      return { name: field.name, defaultValue: this.#defaultOf(field.schema), branch, write: this.#value(field.schema, branches[branch] as AvroSchema) };
    });
    return (out, value) => {
      const struct = value as Readonly<Record<string, unknown>> | null | undefined;
      if (struct !== null && struct !== undefined) {
        for (const { name, defaultValue, branch, write } of members) {
          const member = struct[name] ?? defaultValue;
          if (member === null || member === undefined) continue;
          out.int(branch);
          write(out, member);
          return;
        }
      }
      if (!schema.optional || none < 0) throw nullInRequired();
      out.int(none);
    };
  }

  /** The branch of a union that values of a schema belong to. */
  #branchOf(schema: Schema, branches: readonly AvroSchema[]): number {
    const wanted = avroTypesOf(schema, this.#options);
    const { name } = schema;
    const full = enumName(schema, this.#options) ?? (name === null ? null : scrubFullName(name, this.#options.scrubInvalidNames));
    const fits = branches.flatMap((branch, index) => (wanted.includes(branch.type) ? [{ branch, index }] : []));
    const named = fits.find(({ branch }) => branch.name !== null && (branch.name === full || branch.props.get('connect.name') === name));
    const simple = full === null ? undefined : fits.find(({ branch }) => branch.simpleName === simpleName(full, false));
    const found = named ?? simple ?? fits[0];
    if (found === undefined) throw new AvroRuntimeException(`Not in union ${JSON.stringify(branches.map(String))}: ${schema.type}`);
    return found.index;
  }

  #defaultOf(schema: Schema): unknown {
    return this.#options.ignoreDefaultForNullables && schema.optional ? null : schema.defaultValue;
  }

  /** Writes what is not null. */
  #value(schema: Schema, avro: AvroSchema): Write {
    const underlying = toUnderlying(schema);
    const write = this.#plain(schema, avro);
    return underlying === null ? write : (out, value) => write(out, underlying(value));
  }

  #rootBytes(schema: Schema): Write {
    const underlying = toUnderlying(schema) ?? ((value) => value);
    return (out, value) => out.raw(bytesOf(schema, underlying(value)));
  }

  #plain(schema: Schema, avro: AvroSchema): Write {
    switch (schema.type) {
      case 'INT8':
      case 'INT16':
      case 'INT32':
      case 'INT64':
      case 'FLOAT32':
      case 'FLOAT64':
        return numberWriter(schema, avro);
      case 'BOOLEAN':
        return (out, value) => (typeof value === 'boolean' ? out.boolean(value) : misfit(schema, value));
      case 'STRING':
        return avro.type === 'enum' ? enumWriter(schema, avro) : (out, value) => (typeof value === 'string' ? out.text(value) : misfit(schema, value));
      case 'BYTES':
        return avro.type === 'fixed' ? fixedWriter(schema, avro) : (out, value) => out.byteString(bytesOf(schema, value));
      case 'ARRAY':
        return this.#array(schema, avro);
      case 'MAP':
        return hasTextKeys(schema, this.#options) && avro.type === 'map' ? this.#map(schema, avro) : this.#entries(schema, avro);
      case 'STRUCT':
        return this.#struct(schema, avro);
    }
  }

  #array(schema: Schema, avro: AvroSchema): Write {
    const write = this.writer(schema.valueSchema, avro.items ?? ANYTHING);
    return (out, value) => {
      if (!Array.isArray(value)) return misfit(schema, value);
      if (value.length > 0) {
        out.long(value.length);
        for (let index = 0; index < value.length; index++) write(out, value[index]);
      }
      out.int(0);
    };
  }

  #map(schema: Schema, avro: AvroSchema): Write {
    const write = this.writer(schema.valueSchema, avro.items ?? ANYTHING);
    return (out, value) => {
      if (!(value instanceof Map)) return misfit(schema, value);
      if (value.size > 0) {
        out.long(value.size);
        for (const [key, item] of value) {
          if (typeof key !== 'string') return misfit(schema, value);
          out.text(key);
          write(out, item);
        }
      }
      out.int(0);
    };
  }

  #entries(schema: Schema, avro: AvroSchema): Write {
    const of = (name: string): AvroSchema => avro.items?.field(name)?.schema ?? ANYTHING;
    const writeKey = this.writer(schema.keySchema, of('key'));
    const write = this.writer(schema.valueSchema, of('value'));
    return (out, value) => {
      if (!(value instanceof Map)) return misfit(schema, value);
      if (value.size > 0) {
        out.long(value.size);
        for (const [key, item] of value) {
          writeKey(out, key);
          write(out, item);
        }
      }
      out.int(0);
    };
  }

  #struct(given: Schema, avro: AvroSchema): Write {
    const schema = given instanceof CyclicSchema ? given.target() : given;
    const known = this.#structs.get(schema) ?? new Map<AvroSchema, { write: Write }>();
    this.#structs.set(schema, known);
    const made = known.get(avro);
    if (made !== undefined) return (out, value) => made.write(out, value);
    const entry = { write: (() => {}) as Write };
    known.set(avro, entry);
    entry.write = this.#fields(schema, avro);
    return entry.write;
  }

  /** Fields by their names: the schema to write with may have others, or in another order. */
  #fields(schema: Schema, avro: AvroSchema): Write {
    const own = new Map(schema.fields.map((field) => [scrubName(field.name, this.#options.scrubInvalidNames), field]));
    const names: string[] = [];
    const writers: Write[] = [];
    for (const { name, schema: wanted, default: json } of avro.fields) {
      const field = own.get(name);
      if (field === undefined && json === undefined)
        throw new AvroRuntimeException(`Field ${name} type:${wanted.type.toUpperCase()} pos:${names.length} not set and has no default value`);
      names.push(field?.name ?? name);
      if (field === undefined) {
        writers.push((out) => writeDefault(out, wanted, json));
        continue;
      }
      const write = this.writer(field.schema, wanted);
      const defaultValue = this.#defaultOf(field.schema);
      writers.push(defaultValue === null ? write : (out, value) => write(out, value ?? defaultValue));
    }
    // There is one output.
    const visit = unrolledVisit(names, writers, shared);
    return (_out, value) => {
      if (typeof value !== 'object' || value === null || value instanceof Map || Array.isArray(value) || value instanceof Uint8Array)
        return misfit(schema, value);
      visit(value as Readonly<Record<string, unknown>>);
    };
  }
}

/** Avro's types that values of a schema may be of, the first one its own. */
function avroTypesOf(schema: Schema, options: AvroDataOptions): readonly string[] {
  switch (schema.type) {
    case 'INT8':
    case 'INT16':
    case 'INT32':
      return ['int'];
    case 'INT64':
      return ['long'];
    case 'FLOAT32':
      return ['float'];
    case 'FLOAT64':
      return ['double'];
    case 'BOOLEAN':
      return ['boolean'];
    case 'STRING':
      return enumName(schema, options) === null ? ['string'] : ['enum'];
    case 'BYTES':
      return isFixed(schema) ? ['fixed'] : ['bytes'];
    case 'ARRAY':
      return ['array'];
    case 'MAP':
      return hasTextKeys(schema, options) ? ['map'] : ['array'];
    case 'STRUCT':
      return ['record'];
  }
}

function misfit(schema: Schema, value: unknown): never {
  throw new DataException(`Invalid type for ${schema.type}: class ${javaClassName(schema, value)}`);
}

function numberWriter(schema: Schema, avro: AvroSchema): Write {
  const whole = schema.type.startsWith('INT');
  const check: (value: unknown) => boolean = whole
    ? schema.type === 'INT64'
      ? (value) => typeof value === 'bigint' || Number.isSafeInteger(value)
      : (value) => typeof value === 'number' && (value | 0) === value
    : (value) => typeof value === 'number';
  switch (avro.type) {
    case 'int':
      return (out, value) => (check(value) ? out.int(Number(value)) : misfit(schema, value));
    case 'long':
      return (out, value) => (check(value) ? out.long(value as bigint | number) : misfit(schema, value));
    case 'float':
      return (out, value) => (check(value) ? out.float(Number(value)) : misfit(schema, value));
    case 'double':
      return (out, value) => (check(value) ? out.double(Number(value)) : misfit(schema, value));
    default:
      throw new AvroRuntimeException(`Expected Avro type ${avro.type}, got ${schema.type}`);
  }
}

function enumWriter(schema: Schema, avro: AvroSchema): Write {
  const ordinals = new Map(avro.symbols.map((symbol, index) => [symbol, index]));
  return (out, value) => {
    if (typeof value !== 'string') return misfit(schema, value);
    const ordinal = ordinals.get(value);
    if (ordinal === undefined) throw new AvroRuntimeException(`enum value '${value}' is not in the enum symbol set: [${avro.symbols.join(', ')}]`);
    out.int(ordinal);
  };
}

function fixedWriter(schema: Schema, { size }: AvroSchema): Write {
  const isDecimal = toUnderlying(schema) !== null;
  return (out, value) => {
    let bytes = bytesOf(schema, value);
    if (isDecimal && bytes.length !== size) {
      if (bytes.length > size) throw new DataException(`Unscaled value byte array length ${bytes.length} is greater than fixed size ${size}`);
      const padded = Buffer.alloc(size, (bytes[0] as number) & 0x80 ? 0xff : 0);
      padded.set(bytes, size - bytes.length);
      bytes = padded;
    }
    if (bytes.length !== size) throw new AvroRuntimeException(`Expected ${size} bytes of a fixed type, got ${bytes.length}`);
    out.raw(bytes);
  };
}

function bytesOf(schema: Schema, value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : misfit(schema, value);
}
