import { unrolledStruct } from '../../../connect/data/unrolled.ts';
import { Boxed, DataException, float64, int64, type Schema } from '../../../connect/index.ts';
import { CyclicSchema } from '../cyclic-schema.ts';
import { AvroInput } from './avro-input.ts';
import { isFixed, isUnion } from './avro-kinds.ts';
import type { AvroSchema } from './avro-schema.ts';
import { fromUnderlying } from './logical-values.ts';

type Read = (input: AvroInput) => unknown;

const shared = new AvroInput();

/** Compiles a reader of Avro messages into Connect values. The reader throws DataException, or RangeError where the bytes are wrong. */
export function avroReader(avro: AvroSchema, schema: Schema): (bytes: Buffer, at: number) => unknown {
  // A lone byte string is the message.
  if (avro.type === 'bytes') {
    const logical = fromUnderlying(schema);
    return (bytes, at) => {
      const value = Buffer.from(bytes.subarray(at));
      return logical === null ? value : logical(value);
    };
  }
  const read = new Readers().reader(avro, schema);
  return (bytes, at) => {
    shared.begin(bytes, at);
    const value = read(shared);
    shared.check();
    return value;
  };
}

/** Reads what has no Connect schema: the one field of `Anything` that is set. */
export function readAnything(bytes: Buffer, at: number): unknown {
  shared.begin(bytes, at);
  const value = anything(shared);
  shared.check();
  return value;
}

class Readers {
  readonly #records = new Map<AvroSchema, Map<Schema, { read: Read }>>();

  reader(avro: AvroSchema, schema: Schema): Read {
    if (avro.type === 'union') return isUnion(schema) ? this.#union(avro, schema) : this.#optional(avro, schema);
    const read = this.#plain(avro, schema);
    const logical = fromUnderlying(schema);
    return logical === null ? read : (input) => logical(read(input));
  }

  #plain(avro: AvroSchema, schema: Schema): Read {
    switch (avro.type) {
      case 'boolean':
        return (input) => input.bytes[input.at++] === 1;
      case 'int':
        if (schema.type === 'INT8') return (input) => (input.int() << 24) >> 24;
        return schema.type === 'INT16' ? (input) => (input.int() << 16) >> 16 : (input) => input.int();
      case 'long':
        return (input) => input.long();
      case 'float':
        return (input) => input.float();
      case 'double':
        return (input) => input.double();
      case 'string':
        return (input) => input.text();
      case 'bytes':
        return (input) => input.byteString();
      case 'fixed':
        return (input) => input.fixed(avro.size);
      case 'enum':
        return (input) => {
          const symbol = avro.symbols[input.int()];
          if (symbol === undefined) throw new RangeError(`Not a symbol of ${avro.name}`);
          return symbol;
        };
      case 'array':
        return schema.type === 'MAP' ? this.#entries(avro, schema) : this.#array(avro, schema);
      case 'map':
        return this.#map(avro, schema);
      case 'record':
        return this.#record(avro, schema);
      default:
        throw new DataException(`Couldn't translate unsupported schema type ${avro.type}.`);
    }
  }

  #optional({ branches }: AvroSchema, schema: Schema): Read {
    const readers = branches.map((branch): Read => (branch.type === 'null' ? readNull(schema) : this.reader(branch, schema)));
    return (input) => branchOf(readers, input)(input);
  }

  #union({ branches }: AvroSchema, schema: Schema): Read {
    let at = 0;
    const empty = Object.fromEntries(schema.fields.map(({ name }) => [name, null]));
    const members = branches.map((branch) => (branch.type === 'null' ? null : (schema.fields[at++] ?? null)));
    const readers = branches.map((branch, index): Read => {
      const member = members[index];
      if (member === null || member === undefined) return readNull(schema);
      const read = this.reader(branch, member.schema);
      const name = memberFor(branch, member.name, schema);
      return (input) => ({ ...empty, [name]: read(input) });
    });
    return (input) => branchOf(readers, input)(input);
  }

  #array(avro: AvroSchema, schema: Schema): Read {
    const read = this.reader(avro.items as AvroSchema, schema.valueSchema as Schema);
    return (input) => {
      const items: unknown[] = [];
      for (let count = input.blockCount(); count > 0; count = input.blockCount()) {
        for (; count > 0; count--) {
          items.push(read(input));
          input.check();
        }
      }
      return items;
    };
  }

  #map(avro: AvroSchema, schema: Schema): Read {
    const read = this.reader(avro.items as AvroSchema, schema.valueSchema as Schema);
    return (input) => {
      const map = new Map<string, unknown>();
      for (let count = input.blockCount(); count > 0; count = input.blockCount()) {
        for (; count > 0; count--) {
          map.set(input.text(), read(input));
          input.check();
        }
      }
      return map;
    };
  }

  /** A map that Avro has as a list of entries. */
  #entries(avro: AvroSchema, schema: Schema): Read {
    const entry = avro.items as AvroSchema;
    const readers = entry.fields.map(({ name, schema: of }) => this.reader(of, (name === 'key' ? schema.keySchema : schema.valueSchema) as Schema));
    const keyFirst = entry.fields[0]?.name === 'key';
    const [first, second] = readers as [Read, Read];
    return (input) => {
      const map = new Map<unknown, unknown>();
      for (let count = input.blockCount(); count > 0; count = input.blockCount()) {
        for (; count > 0; count--) {
          const one = first(input);
          const other = second(input);
          map.set(keyFirst ? one : other, keyFirst ? other : one);
          input.check();
        }
      }
      return map;
    };
  }

  #record(avro: AvroSchema, given: Schema): Read {
    const schema = given instanceof CyclicSchema ? given.target() : given;
    const known = this.#records.get(avro) ?? new Map<Schema, { read: Read }>();
    this.#records.set(avro, known);
    const made = known.get(schema);
    if (made !== undefined) return (input) => made.read(input);
    const entry = { read: (() => null) as Read };
    known.set(schema, entry);
    const names = avro.fields.map(({ name }) => name);
    const readers = avro.fields.map((field) => this.reader(field.schema, schema.field(field.name)?.schema as Schema));
    entry.read = unrolledStruct(names, readers);
    return entry.read;
  }
}

function readNull(schema: Schema): Read {
  return () => {
    if (!schema.optional) throw new DataException('Found null value for non-optional schema');
    return null;
  };
}

function branchOf(readers: readonly Read[], input: AvroInput): Read {
  const read = readers[input.int()];
  if (read === undefined) throw new RangeError('Not a branch of the union');
  return read;
}

/** Fixed bytes go into the field of plain bytes where that comes first. */
function memberFor(branch: AvroSchema, name: string, schema: Schema): string {
  if (branch.type !== 'fixed') return name;
  const plain = schema.fields.find((field) => field.schema.type === 'BYTES' && !isFixed(field.schema));
  const own = schema.field(name);
  return plain !== undefined && own !== undefined && plain.index < own.index ? plain.name : name;
}

const INT32 = (input: AvroInput) => new Boxed('INT32', input.int());

/** In the order of the fields of `Anything`. */
const anythingReaders: readonly Read[] = [
  (input) => input.bytes[input.at++] === 1,
  (input) => input.byteString(),
  (input) => float64(input.double()),
  (input) => new Boxed('FLOAT32', input.float()),
  INT32,
  (input) => int64(input.long()),
  (input) => input.text(),
  (input) => {
    const items: unknown[] = [];
    for (let count = input.blockCount(); count > 0; count = input.blockCount()) {
      for (; count > 0; count--) {
        items.push(anything(input));
        input.check();
      }
    }
    return items;
  },
  (input) => {
    const map = new Map<unknown, unknown>();
    for (let count = input.blockCount(); count > 0; count = input.blockCount()) {
      for (; count > 0; count--) {
        const key = anything(input);
        map.set(key, anything(input));
        input.check();
      }
    }
    return map;
  },
];

function anything(input: AvroInput): unknown {
  let value: unknown = null;
  for (const read of anythingReaders) if (input.int() === 1) value ??= read(input);
  return value;
}
