import { DATE, DataException, DECIMAL, Decimal, MILLIS_PER_DAY, type Schema, TIME, TIMESTAMP } from '../../../connect/index.ts';
import { dayOf } from '../../../connect/java/java-calendar.ts';
import { CyclicSchema } from '../cyclic-schema.ts';
import { defaultScalar, ProtoInput } from './proto-input.ts';
import { isMap, type ProtoEnum, type ProtoField, type ProtoMessage, type ScalarType, wrappedType } from './proto-model.ts';
import type { ProtobufOptions } from './proto-names.ts';
import { DELIMITED, wireType } from './proto-output.ts';
import { unionFieldName } from './proto-to-connect.ts';

/** Reads a message that ends at `end`. */
type Read = (end: number) => unknown;

/** What becomes of one field of a struct. */
interface FieldReader {
  readonly number: number;
  readonly name: string;
  /** Reads one occurrence; `before` is what the field has already. */
  readonly read: (wire: number, before: unknown) => unknown;
  /** The value when the field is not there. */
  readonly missing: () => unknown;
  /** The field of the struct that the oneof is in. */
  readonly union: { readonly name: string; readonly empty: Readonly<Record<string, null>> } | null;
}

const input = new ProtoInput();

/** Compiles a reader of a message into Connect values. The reader throws DataException, or RangeError where the bytes are wrong. */
export function protoReader(schema: Schema, message: ProtoMessage, options: ProtobufOptions): (bytes: Buffer, at: number) => unknown {
  const readers = new Readers(options);
  const read = schema.type === 'STRUCT' ? readers.message(schema, message) : readers.wrapper(schema, message);
  return (bytes, at) => {
    input.begin(bytes, at);
    return read(bytes.length);
  };
}

class Readers {
  readonly #options: ProtobufOptions;
  readonly #messages = new Map<ProtoMessage, Map<Schema, { read: Read }>>();

  constructor(options: ProtobufOptions) {
    this.#options = options;
  }

  message(given: Schema, message: ProtoMessage): Read {
    const schema = given instanceof CyclicSchema ? given.target() : given;
    const known = this.#messages.get(message) ?? new Map<Schema, { read: Read }>();
    this.#messages.set(message, known);
    const made = known.get(schema);
    if (made !== undefined) return (end) => made.read(end);
    const entry = { read: (() => null) as Read };
    known.set(schema, entry);
    const fields = this.#fields(schema, message);
    const byNumber = new Map(fields.map((field) => [field.number, field]));
    const names = schema.fields.map(({ name }) => name);
    const missing = names.map((name) => fields.find((field) => field.union === null && field.name === name)?.missing ?? (() => null));
    entry.read = (end) => {
      const struct: Record<string, unknown> = {};
      for (const name of names) struct[name] = undefined;
      while (input.at < end) {
        const tag = input.varint32();
        const field = byNumber.get(tag >>> 3);
        if (field === undefined) input.skip(tag & 7);
        else if (field.union === null) struct[field.name] = field.read(tag & 7, struct[field.name]);
        // The last member that was written is the one that is set.
        else struct[field.union.name] = { ...field.union.empty, [field.name]: field.read(tag & 7, undefined) };
      }
      if (input.at > end) throw new RangeError('The message ends within a value');
      for (let at = 0; at < names.length; at++) {
        const name = names[at] as string;
        if (struct[name] === undefined) struct[name] = (missing[at] as () => unknown)();
      }
      return struct;
    };
    return entry.read;
  }

  /** A lone value in a message with one field. */
  wrapper(schema: Schema, message: ProtoMessage): Read {
    const type = wrappedType(message);
    if (type === null) throw new DataException(`Invalid type for ${schema.type}: ${message.fullName}`);
    const number = message.fields[0]?.number;
    const convert = converterOf(schema);
    return (end) => {
      let value = defaultScalar(type);
      while (input.at < end) {
        const tag = input.varint32();
        if (tag >>> 3 === number) value = input.scalar(type);
        else input.skip(tag & 7);
      }
      return convert(value);
    };
  }

  #fields(schema: Schema, message: ProtoMessage): FieldReader[] {
    return message.fields.map((field): FieldReader => {
      const oneof = message.oneofs.find(({ name }) => name === field.oneof);
      const union = oneof === undefined || this.#options.flattenUnions ? null : schema.field(unionFieldName(oneof, this.#options));
      const own = (union?.schema ?? schema).field(field.name)?.schema as Schema;
      return {
        number: field.number,
        name: field.name,
        read: this.#field(own, field),
        missing: field.oneof === null ? this.#missing(own, field) : () => null,
        union:
          union === null || union === undefined ? null : { name: union.name, empty: Object.fromEntries(union.schema.fields.map(({ name }) => [name, null])) },
      };
    });
  }

  /** Lists and plain numbers have a value even when they are not there; messages, and what says `optional`, are null then. */
  #missing(schema: Schema, field: ProtoField): () => unknown {
    if (field.repeated) return isMap(field) ? () => new Map() : () => [];
    const { optionalForProto2, structForNulls } = this.#options;
    const tells = field.optional === 'proto3' || (optionalForProto2 && field.optional === 'proto2');
    if ((field.message !== null || tells) && !structForNulls) return () => null;
    const message = field.message;
    if (message !== null) {
      const read = this.#content(schema, message);
      // An empty message, read when it is needed: it may be within itself.
      return () => {
        const { bytes, at } = input;
        const value = read(at);
        input.begin(bytes, at);
        return value;
      };
    }
    if (field.enumType !== null)
      return () => symbolOf(schema, field.enumType as ProtoEnum, (field.defaultValue ?? field.enumType?.values[0]?.[1] ?? 0) as number);
    const convert = converterOf(schema);
    return () => convert(field.defaultValue ?? defaultScalar(field.type as ScalarType));
  }

  #field(schema: Schema, field: ProtoField): FieldReader['read'] {
    if (isMap(field)) return this.#map(schema, field.message as ProtoMessage);
    if (!field.repeated) {
      const read = this.#one(schema, field);
      const wanted = wireType(field.type);
      return (wire, before) => {
        if (wire === wanted) return read();
        input.skip(wire);
        return before;
      };
    }
    const read = this.#one(schema.valueSchema as Schema, field);
    const wanted = wireType(field.type);
    return (wire, before) => {
      const items = (before ?? []) as unknown[];
      if (wire === wanted) items.push(read());
      else if (wire === DELIMITED) {
        const end = input.length() + input.at;
        while (input.at < end) items.push(read());
      } else input.skip(wire);
      return items;
    };
  }

  #one(schema: Schema, { type, message, enumType }: ProtoField): () => unknown {
    if (message !== null) {
      const read = this.#content(schema, message);
      return () => {
        const end = input.length() + input.at;
        return read(end);
      };
    }
    if (enumType !== null) return () => symbolOf(schema, enumType, input.varint32());
    const convert = converterOf(schema);
    const scalar = type as ScalarType;
    return () => convert(input.scalar(scalar));
  }

  #map(schema: Schema, message: ProtoMessage): FieldReader['read'] {
    const [key, value] = message.fields as [ProtoField, ProtoField];
    const readKey = this.#one(schema.keySchema as Schema, key);
    const readValue = this.#one(schema.valueSchema as Schema, value);
    const noKey = this.#missing(schema.keySchema as Schema, key);
    const noValue = this.#entryDefault(schema.valueSchema as Schema, value);
    return (wire, before) => {
      const map = (before ?? new Map()) as Map<unknown, unknown>;
      if (wire !== DELIMITED) {
        input.skip(wire);
        return map;
      }
      const end = input.length() + input.at;
      let one: unknown;
      let other: unknown;
      while (input.at < end) {
        const tag = input.varint32();
        if (tag >>> 3 === key.number) one = readKey();
        else if (tag >>> 3 === value.number) other = readValue();
        else input.skip(tag & 7);
      }
      map.set(one === undefined ? noKey() : one, other === undefined ? noValue() : other);
      return map;
    };
  }

  /** An entry without a value has the default of its type, a message included. */
  #entryDefault(schema: Schema, field: ProtoField): () => unknown {
    if (field.message === null) return this.#missing(schema, { ...field, optional: null });
    const read = this.#content(schema, field.message);
    return () => read(input.at);
  }

  /** What is inside of a message: logical types, wrappers, structs. */
  #content(schema: Schema, message: ProtoMessage): Read {
    switch (schema.name) {
      case DECIMAL:
        return readDecimal;
      case DATE:
        return (end) => {
          const [year = 0, month = 0, day = 0] = readInts(end);
          return new Date(checkedDay(year, month, day) * MILLIS_PER_DAY);
        };
      case TIME:
        return (end) => {
          const [hours = 0, minutes = 0, seconds = 0, nanos = 0] = readInts(end);
          if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59) throw new RangeError('Invalid value for a time of day');
          return new Date(((hours * 60 + minutes) * 60 + seconds) * 1_000 + Math.floor(nanos / 1_000_000));
        };
      case TIMESTAMP:
        return readTimestamp;
    }
    return schema.type === 'STRUCT' ? this.message(schema, message) : this.wrapper(schema, message);
  }
}

/** A number as the schema has it: bytes and shorts are cut. */
function converterOf({ type }: Schema): (value: unknown) => unknown {
  switch (type) {
    case 'INT8':
      return (value) => ((value as number) << 24) >> 24;
    case 'INT16':
      return (value) => ((value as number) << 16) >> 16;
    default:
      return (value) => value;
  }
}

function symbolOf({ type }: Schema, { name, values }: ProtoEnum, number: number): unknown {
  if (type === 'INT32') return number;
  return values.find(([, each]) => each === number)?.[0] ?? `UNKNOWN_ENUM_VALUE_${name}_${number}`;
}

function readInts(end: number): number[] {
  const ints: number[] = [];
  while (input.at < end) {
    const tag = input.varint32();
    if ((tag & 7) === 0) ints[(tag >>> 3) - 1] = input.varint32();
    else input.skip(tag & 7);
  }
  return ints;
}

/** The calendar is strict: there is no 30th of February. */
function checkedDay(year: number, month: number, day: number): number {
  const days = dayOf(year, month - 1, day);
  if (month < 1 || month > 12 || day < 1 || days >= dayOf(year, month, 1)) throw new RangeError(`There is no day ${year}-${month}-${day}`);
  return days;
}

function readDecimal(end: number): Decimal {
  let unscaled: Buffer = Buffer.alloc(0);
  let scale = 0;
  while (input.at < end) {
    const tag = input.varint32();
    if (tag === 0x0a) unscaled = input.scalar('bytes') as Buffer;
    else if (tag === 0x18) scale = input.varint32();
    else input.skip(tag & 7);
  }
  return new Decimal(Decimal.fromBytes(unscaled), scale);
}

function readTimestamp(end: number): Date {
  let seconds = 0;
  let nanos = 0;
  while (input.at < end) {
    const tag = input.varint32();
    if (tag === 0x08) seconds = Number(input.scalar('int64'));
    else if (tag === 0x10) nanos = input.varint32();
    else input.skip(tag & 7);
  }
  return new Date(seconds * 1_000 + Math.trunc(nanos / 1_000_000));
}
