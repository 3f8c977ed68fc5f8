import type { Schema, Type } from 'avsc';

type Avsc = typeof import('avsc');

/** Whether one Avro schema can read what was written with another one, by Avro's rules of resolution. */
export async function canRead(reader: string, writer: string): Promise<boolean> {
  const avsc = await load();
  try {
    typeOf(avsc, reader).createResolver(typeOf(avsc, writer));
    return true;
  } catch {
    return false;
  }
}

/**
 * Turns messages of one schema into messages of another one: fields by name and alias, defaults for those that are missing,
 * numbers widened. Rejects with Error when the schemas do not allow it; the function throws when a message does not.
 */
export async function resolve(writer: string, reader: string): Promise<(bytes: Buffer) => Buffer> {
  const avsc = await load();
  const from = typeOf(avsc, writer);
  const into = typeOf(avsc, reader);
  const resolver = into.createResolver(from);
  // A lone byte string is the message, without its length.
  const raw = { from: from.typeName === 'bytes', into: into.typeName === 'bytes' };
  return (bytes) => {
    const value = raw.from ? bytes : into.fromBuffer(bytes, resolver, true);
    return raw.into ? Buffer.from(value as Buffer) : into.toBuffer(value);
  };
}

async function load(): Promise<Avsc> {
  const module = (await import('avsc')) as Avsc & { default?: Avsc };
  return module.default ?? module;
}

/** Longs are bigints: what is resolved is written again as it was. */
function typeOf(avsc: Avsc, text: string): Type {
  const long = avsc.types.LongType.__with({
    fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
    toBuffer: (value: bigint) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(value);
      return bytes;
    },
    fromJSON: (json: number | string) => BigInt(json),
    toJSON: (value: bigint) => Number(value),
    isValid: (value: unknown) => typeof value === 'bigint',
    compare: (one: bigint, other: bigint) => (one < other ? -1 : one > other ? 1 : 0),
  });
  // Also where it has props, as in `{"type": "long", "logicalType": …}`.
  const typeHook = (schema: Schema) => (schema === 'long' || (schema as { type?: unknown }).type === 'long' ? long : undefined);
  return avsc.Type.forSchema(JSON.parse(text) as Schema, { typeHook, wrapUnions: 'always' });
}
