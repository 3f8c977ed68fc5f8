import { DATE, DataException, DECIMAL, Decimal, MILLIS_PER_DAY, type Schema, TIME, TIMESTAMP } from '../../../connect/index.ts';
import { calendarFields } from '../../../connect/java/java-calendar.ts';
import { javaClassName } from '../../../connect/java/java-value.ts';
import { CyclicSchema } from '../cyclic-schema.ts';
import { enumParameter, isUnion } from './connect-to-proto.ts';
import type { ProtoEnum, ProtoField, ProtoMessage, ScalarType } from './proto-model.ts';
import { wrappedType } from './proto-model.ts';
import { type ProtobufOptions, scrubName } from './proto-names.ts';
import { DELIMITED, ProtoOutput, wireType } from './proto-output.ts';

/** Writes one field of a message from the struct that it is in. */
interface FieldWriter {
  readonly number: number;
  readonly write: (struct: Readonly<Record<string, unknown>>) => void;
}

type Write = (value: unknown) => void;

const out = new ProtoOutput();

/**
 * Compiles a writer of Connect values as a message, by the names of fields. It gives null for a null, and throws
 * DataException for what does not fit.
 */
export function protoWriter(
  schema: Schema,
  message: ProtoMessage,
  path: readonly number[],
  options: ProtobufOptions,
): (header: Uint8Array, value: unknown) => Buffer | null {
  const writers = new Writers(options);
  const indexes = indexesOf(path);
  const write = schema.type === 'STRUCT' ? writers.message(schema, message) : writers.wrapper(schema, message);
  return (header, value) => {
    if (value === null || value === undefined) return null;
    out.begin(header);
    out.raw(indexes);
    write(value);
    return out.end();
  };
}

/** The place of the message among those of its schema; the first one is a single zero. */
function indexesOf(path: readonly number[]): Buffer {
  if (path.length === 1 && path[0] === 0) return Buffer.from([0]);
  out.begin(Buffer.alloc(0));
  out.scalar('sint32', path.length);
  for (const index of path) out.scalar('sint32', index);
  return out.end();
}

class Writers {
  readonly #options: ProtobufOptions;
  readonly #messages = new Map<Schema, Map<ProtoMessage, { write: Write }>>();

  constructor(options: ProtobufOptions) {
    this.#options = options;
  }

  message(given: Schema, message: ProtoMessage): Write {
    const schema = given instanceof CyclicSchema ? given.target() : given;
    const known = this.#messages.get(schema) ?? new Map<ProtoMessage, { write: Write }>();
    this.#messages.set(schema, known);
    const made = known.get(message);
    if (made !== undefined) return (value) => made.write(value);
    const entry = { write: (() => {}) as Write };
    known.set(message, entry);
    // Fields are written in the order of their numbers.
    const fields = this.#fields(schema, message).sort((one, other) => one.number - other.number);
    entry.write = (value) => {
      const struct = structOf(schema, value);
      for (const field of fields) field.write(struct);
    };
    return entry.write;
  }

  /** A lone value, in a message with one field. */
  wrapper(schema: Schema, message: ProtoMessage): Write {
    const [field] = message.fields;
    if (field === undefined || wrappedType(message) === null) throw new DataException(`Invalid message name: ${message.fullName}`);
    const write = this.#present(schema, field);
    return (value) => write(value);
  }

  #fields(schema: Schema, message: ProtoMessage): FieldWriter[] {
    return schema.fields.flatMap((field): FieldWriter[] => {
      const { schema: own } = field;
      if (own.type === 'STRUCT' && isUnion(own)) return this.#union(field.name, own, message);
      const name = scrubName(field.name, this.#options);
      const target = message.fields.find((each) => each.name === name);
      if (target === undefined) throw new DataException(`Cannot find field with name ${name}`);
      const write = this.#field(own, target);
      const defaultValue = this.#options.ignoreDefaultForNullables ? null : own.defaultValue;
      return [{ number: target.number, write: (struct) => writeSome(write, struct[field.name] ?? defaultValue) }];
    });
  }

  /** Members of a oneof are fields of the message; the first that is set is written. */
  #union(unionName: string, union: Schema, message: ProtoMessage): FieldWriter[] {
    const members = union.fields.map((member) => {
      const name = scrubName(member.name, this.#options);
      const target = message.fields.find((each) => each.name === name);
      if (target === undefined) throw new DataException(`Cannot find field with name ${name}`);
      return { name: member.name, target, write: this.#field(member.schema, target) };
    });
    return members.map(({ name, target, write }, index) => ({
      number: target.number,
      write: (struct) => {
        const chosen = (struct[unionName] ?? null) as Readonly<Record<string, unknown>> | null;
        if (chosen === null) return;
        const first = members.findIndex((member) => (chosen[member.name] ?? null) !== null);
        if (first < 0) throw new DataException('Cannot find non-null field');
        if (first === index) write(chosen[name]);
      },
    }));
  }

  #field(schema: Schema, field: ProtoField): Write {
    if (schema.type === 'ARRAY') return this.#list(schema, field);
    if (schema.type === 'MAP') return this.#map(schema, field);
    return this.#present(schema, field);
  }

  /** One value with its tag. What equals the default of its type is left out, unless the field can tell whether it is set. */
  #present(schema: Schema, field: ProtoField): Write {
    const { number, type, message } = field;
    const wire = wireType(type);
    if (message !== null) {
      const write = this.#content(schema, message);
      return (value) => {
        out.tag(number, DELIMITED);
        out.delimited(write, value);
      };
    }
    const plain = this.#plain(schema, field);
    const explicit = field.optional !== null || field.oneof !== null;
    const scalar = (type === 'enum' ? 'int32' : type) as ScalarType;
    return (value) => {
      const converted = plain(value);
      if (!explicit && isDefault(converted)) return;
      out.tag(number, wire);
      out.scalar(scalar, converted);
    };
  }

  #list(schema: Schema, field: ProtoField): Write {
    const { number, type, message } = field;
    const item = schema.valueSchema as Schema;
    const items = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : misfit(schema, value));
    if (message !== null) {
      const write = this.#content(item, message);
      return (value) => {
        for (const each of items(value)) {
          if (each === null || each === undefined) throw new TypeError('A null cannot be within a list');
          out.tag(number, DELIMITED);
          out.delimited(write, each);
        }
      };
    }
    const plain = this.#plain(item, field);
    const scalar = (type === 'enum' ? 'int32' : type) as ScalarType;
    const converted = (each: unknown): unknown => {
      if (each === null || each === undefined) throw new TypeError('A null cannot be within a list');
      return plain(each);
    };
    if (field.packed && wireType(type) !== DELIMITED) {
      const writeAll = (value: readonly unknown[]): void => {
        for (const each of value) out.scalar(scalar, converted(each));
      };
      return (value) => {
        const all = items(value);
        if (all.length === 0) return;
        out.tag(number, DELIMITED);
        out.delimited(writeAll, all);
      };
    }
    return (value) => {
      for (const each of items(value)) {
        out.tag(number, wireType(type));
        out.scalar(scalar, converted(each));
      }
    };
  }

  #map(schema: Schema, { number, message }: ProtoField): Write {
    const [key, value] = ['key', 'value'].map((name) => message?.fields.find((field) => field.name === name));
    if (key === undefined || value === undefined) throw new DataException(`Invalid message name: ${message?.fullName}`);
    const writeKey = this.#field(schema.keySchema as Schema, key);
    const writeValue = this.#field(schema.valueSchema as Schema, value);
    const write = ([one, other]: readonly [unknown, unknown]): void => {
      writeSome(writeKey, one);
      writeSome(writeValue, other);
    };
    return (given) => {
      if (!(given instanceof Map)) return misfit(schema, given);
      for (const entry of given) {
        out.tag(number, DELIMITED);
        out.delimited(write, entry);
      }
    };
  }

  /** What is inside of a message: logical types, wrappers, structs. */
  #content(schema: Schema, message: ProtoMessage): Write {
    switch (schema.name) {
      case DECIMAL:
        return (value) => writeDecimal(schema, value);
      case DATE:
        return (value) => writeDate(schema, value);
      case TIME:
        return (value) => writeTime(schema, value);
      case TIMESTAMP:
        return (value) => writeTimestamp(schema, value);
    }
    return schema.type === 'STRUCT' ? this.message(schema, message) : this.wrapper(schema, message);
  }

  #plain(schema: Schema, { enumType }: ProtoField): (value: unknown) => unknown {
    switch (schema.type) {
      case 'INT8':
      case 'INT16':
      case 'INT32':
        return (value) => (typeof value === 'number' ? value : misfit(schema, value));
      case 'INT64':
        return (value) => (typeof value === 'bigint' || typeof value === 'number' ? value : misfit(schema, value));
      case 'FLOAT32':
      case 'FLOAT64':
        return (value) => (typeof value === 'number' || typeof value === 'bigint' ? value : misfit(schema, value));
      case 'BOOLEAN':
        return (value) => (typeof value === 'boolean' ? value : misfit(schema, value));
      case 'STRING':
        return enumType === null ? (value) => (typeof value === 'string' ? value : misfit(schema, value)) : this.#symbol(schema, enumType);
      case 'BYTES':
        return (value) => (value instanceof Uint8Array ? value : misfit(schema, value));
      default:
        throw new DataException(`Unknown schema type: ${schema.type}`);
    }
  }

  #symbol(schema: Schema, { values, fullName }: ProtoEnum): (value: unknown) => number {
    const parameter = enumParameter(schema, this.#options);
    const numbers = new Map(values);
    return (value) => {
      if (typeof value !== 'string') return misfit(schema, value);
      const number = schema.parameters?.[`${parameter}.${value}`] ?? numbers.get(value);
      if (number === undefined) throw new DataException(`${value} is not a value of the enum ${fullName}`);
      return Number(number);
    };
  }
}

function writeSome(write: Write, value: unknown): void {
  if (value !== null && value !== undefined) write(value);
}

/** Minus zero is no default: its bits differ. */
function isDefault(value: unknown): boolean {
  return Object.is(value, 0) || value === 0n || value === false || value === '' || (value instanceof Uint8Array && value.length === 0);
}

function structOf(schema: Schema, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || value instanceof Map || Array.isArray(value) || value instanceof Uint8Array) return misfit(schema, value);
  return value as Readonly<Record<string, unknown>>;
}

function misfit(schema: Schema, value: unknown): never {
  throw new DataException(`Invalid type for ${schema.type}: class ${javaClassName(schema, value)}`);
}

function writeInt(number: number, value: number): void {
  if (value === 0) return;
  out.tag(number, 0);
  out.scalar('int32', value);
}

function writeDecimal(schema: Schema, value: unknown): void {
  if (!(value instanceof Decimal)) throw new DataException(`Invalid type for Decimal, expected BigDecimal but was class ${javaClassName(schema, value)}`);
  out.tag(1, DELIMITED);
  out.bytes(Decimal.toBytes(value.unscaled));
  writeInt(2, String(value.unscaled < 0n ? -value.unscaled : value.unscaled).length);
  writeInt(3, value.scale);
}

function dateOf(schema: Schema, value: unknown, type: string): Date {
  if (value instanceof Date) return value;
  throw new DataException(`Invalid type for ${type}, expected Date but was class ${javaClassName(schema, value)}`);
}

function writeDate(schema: Schema, value: unknown): void {
  const millis = dateOf(schema, value, 'Date').getTime();
  if (millis % MILLIS_PER_DAY !== 0) throw new DataException('Kafka Connect Date type should not have any time fields set to non-zero values.');
  const { year, month, day } = calendarFields(millis);
  writeInt(1, year);
  writeInt(2, month + 1);
  writeInt(3, day);
}

function writeTime(schema: Schema, value: unknown): void {
  const millis = dateOf(schema, value, 'Time').getTime();
  if (millis < 0 || millis > MILLIS_PER_DAY) throw new DataException('Time values must use number of millis greater than 0 and less than 86400000');
  writeInt(1, Math.floor(millis / 3_600_000) % 24);
  writeInt(2, Math.floor(millis / 60_000) % 60);
  writeInt(3, Math.floor(millis / 1_000) % 60);
  writeInt(4, (millis % 1_000) * 1_000_000);
}

function writeTimestamp(schema: Schema, value: unknown): void {
  const millis = dateOf(schema, value, 'Timestamp').getTime();
  const seconds = Math.floor(millis / 1_000);
  if (seconds !== 0) {
    out.tag(1, 0);
    out.scalar('int64', seconds);
  }
  writeInt(2, (millis - seconds * 1_000) * 1_000_000);
}
