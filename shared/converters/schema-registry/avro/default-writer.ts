import type { AvroOutput } from './avro-output.ts';
import type { AvroSchema } from './avro-schema.ts';

/** Writes the JSON of a default as a value of its type; a union's is of its first branch. */
export function writeDefault(out: AvroOutput, avro: AvroSchema, json: unknown): void {
  switch (avro.type) {
    case 'null':
      break;
    case 'boolean':
      out.boolean(json === true);
      break;
    case 'int':
      out.int(Number(json));
      break;
    case 'long':
      out.long(BigInt(json as number));
      break;
    case 'float':
      out.float(Number(json));
      break;
    case 'double':
      out.double(Number(json));
      break;
    case 'string':
      out.text(String(json));
      break;
    case 'bytes':
      out.byteString(Buffer.from(String(json), 'latin1'));
      break;
    case 'fixed':
      out.raw(Buffer.from(String(json), 'latin1'));
      break;
    case 'enum':
      out.int(avro.symbols.indexOf(String(json)));
      break;
    case 'union':
      out.int(0);
      writeDefault(out, avro.branches[0] as AvroSchema, json);
      break;
    case 'array':
      writeItems(out, avro.items as AvroSchema, json as readonly unknown[]);
      break;
    case 'map':
      writeEntries(out, avro.items as AvroSchema, Object.entries(json as object));
      break;
    case 'record':
      for (const field of avro.fields) {
        const own = (json as Readonly<Record<string, unknown>>)[field.name];
        writeDefault(out, field.schema, own === undefined ? field.default : own);
      }
  }
}

function writeItems(out: AvroOutput, avro: AvroSchema, items: readonly unknown[]): void {
  if (items.length > 0) out.long(items.length);
  for (const item of items) writeDefault(out, avro, item);
  out.int(0);
}

function writeEntries(out: AvroOutput, avro: AvroSchema, entries: readonly (readonly [string, unknown])[]): void {
  if (entries.length > 0) out.long(entries.length);
  for (const [key, item] of entries) {
    out.text(key);
    writeDefault(out, avro, item);
  }
  out.int(0);
}
