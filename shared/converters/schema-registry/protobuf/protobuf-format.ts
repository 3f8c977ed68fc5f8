import type { Schema } from '../../../connect/index.ts';
import type { RegistrySchema } from '../registry/registry-client.ts';
import { type FormatWords, type MessageReader, type MessageWriter, type SchemaFormat, wordsOf } from '../registry/schema-format.ts';
import { protoOf } from './connect-to-proto.ts';
import { loadProtobufjs, parseProto } from './parse-proto.ts';
import { ProtoInput } from './proto-input.ts';
import { messageAt, type ProtoField, type ProtoFile, type ProtoMessage, withMessage } from './proto-model.ts';
import type { ProtobufOptions } from './proto-names.ts';
import { protoReader } from './proto-reader.ts';
import { connectSchemaOf } from './proto-to-connect.ts';
import { protoWriter } from './proto-writer.ts';

/** Protobuf in the registry. A message tells which one of its schema's messages it is. */
export class ProtobufFormat implements SchemaFormat<ProtoFile> {
  readonly type = 'PROTOBUF';
  readonly words: FormatWords = wordsOf('Protobuf');
  readonly #options: ProtobufOptions;
  #protobufjs: Awaited<ReturnType<typeof loadProtobufjs>> | null = null;

  constructor(options: ProtobufOptions) {
    this.#options = options;
  }

  async load(): Promise<void> {
    this.#protobufjs ??= await loadProtobufjs();
  }

  parse({ text }: RegistrySchema, references: ReadonlyMap<string, string>): ProtoFile {
    if (this.#protobufjs === null) throw new Error('protobufjs is not loaded');
    return parseProto(this.#protobufjs, text, references);
  }

  recordName({ message }: ProtoFile): string {
    return message.fullName;
  }

  schemaFor(schema: Schema | null): { parsed: ProtoFile; text: string } {
    if (schema === null) throw new TypeError('Data without a schema cannot be written as Protobuf');
    const { text, fullName } = protoOf(schema, this.#options);
    const file = this.parse({ type: 'PROTOBUF', text, references: [] }, new Map());
    return { parsed: withMessage(file, fullName) ?? file, text };
  }

  reader(parsed: ProtoFile, version: number | null, into: ProtoFile | null): MessageReader {
    const readers = new Map<ProtoMessage, MessageReader>();
    const readerOf = (written: ProtoMessage): MessageReader => {
      const message = into === null ? written : (withMessage(into, written.fullName) ?? into).message;
      const schema = connectSchemaOf(message, version, this.#options);
      const read = protoReader(schema, message, this.#options);
      const made: MessageReader = (bytes, at) => ({ schema, value: read(bytes, at) });
      readers.set(written, made);
      return made;
    };
    return (bytes, at) => {
      const [path, start] = pathIn(bytes, at);
      const message = messageAt(parsed.messages, path);
      if (message === null) throw new RangeError(`The schema has no message at [${path.join(', ')}]`);
      return (readers.get(message) ?? readerOf(message))(bytes, start);
    };
  }

  writer(schema: Schema | null, own: ProtoFile, target: ProtoFile): MessageWriter {
    const { message, path } = target === own ? own : (withMessage(target, own.message.fullName) ?? target);
    return protoWriter(schema as Schema, message, path, this.#options);
  }

  canRead(reader: ProtoFile, writer: ProtoFile): boolean {
    return fits((withMessage(reader, writer.message.fullName) ?? reader).message, writer.message, new Set());
  }
}

const first: readonly number[] = [0];

/** Which message it is, and where it begins. */
function pathIn(bytes: Buffer, at: number): readonly [path: readonly number[], start: number] {
  if (bytes[at] === 0) return [first, at + 1];
  const input = new ProtoInput();
  input.begin(bytes, at);
  const count = input.scalar('sint32') as number;
  if (count < 0 || count > 100) throw new RangeError('Unable to read the message indexes');
  const path = Array.from({ length: count }, () => input.scalar('sint32') as number);
  return [path, input.at];
}

/** Types whose values are written alike. */
const alike = [
  ['int32', 'uint32', 'int64', 'uint64', 'bool', 'enum'],
  ['sint32', 'sint64'],
  ['fixed32', 'sfixed32'],
  ['fixed64', 'sfixed64'],
  ['string', 'bytes'],
];

function fits(reader: ProtoMessage, writer: ProtoMessage, visited: Set<ProtoMessage>): boolean {
  if (visited.has(writer)) return true;
  visited.add(writer);
  return writer.fields.every((field) => {
    const other = reader.fields.find(({ number }) => number === field.number);
    if (other === undefined) return true;
    if (other.message !== null && field.message !== null) return fits(other.message, field.message, visited);
    return sameKind(other, field);
  });
}

function sameKind(one: ProtoField, other: ProtoField): boolean {
  return one.type === other.type || alike.some((group) => group.includes(one.type) && group.includes(other.type));
}
