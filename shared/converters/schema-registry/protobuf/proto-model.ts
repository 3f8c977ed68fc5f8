/** Protobuf's scalar types. */
export type ScalarType =
  | 'int32'
  | 'sint32'
  | 'sfixed32'
  | 'uint32'
  | 'fixed32'
  | 'int64'
  | 'uint64'
  | 'sint64'
  | 'fixed64'
  | 'sfixed64'
  | 'float'
  | 'double'
  | 'bool'
  | 'string'
  | 'bytes';

export interface ProtoEnum {
  readonly fullName: string;
  readonly name: string;
  /** Names and numbers, in the order of the text. */
  readonly values: readonly (readonly [name: string, number: number])[];
}

export interface ProtoField {
  readonly name: string;
  readonly number: number;
  readonly type: ScalarType | 'enum' | 'message';
  readonly repeated: boolean;
  /** How repeated numbers are written; both ways are read. */
  readonly packed: boolean;
  /** Whether the text says `optional`, so that an unset field differs from one with the default. */
  readonly optional: 'proto3' | 'proto2' | null;
  /** The oneof that it is a member of, unless that is only there for `optional`. */
  readonly oneof: string | null;
  /** What `default = …` of proto2 says: a scalar as Java has it, or an enum's number; null without one. */
  readonly defaultValue: unknown;
  readonly enumType: ProtoEnum | null;
  readonly message: ProtoMessage | null;
  /** `(confluent.field_meta).params` */
  readonly params: Readonly<Record<string, string>>;
}

export interface ProtoOneof {
  readonly name: string;
  readonly index: number;
  readonly fields: readonly ProtoField[];
}

export interface ProtoMessage {
  readonly fullName: string;
  readonly name: string;
  /** In the order of the text. Set once messages are known, which may be within themselves. */
  fields: readonly ProtoField[];
  oneofs: readonly ProtoOneof[];
}

/** One schema of the registry: a file, and the message of it that is meant. */
export interface ProtoFile {
  /** Top-level messages in order, each with those within. */
  readonly messages: readonly ProtoNode[];
  readonly message: ProtoMessage;
  /** The place of that message among `messages`, which a Protobuf message begins with. */
  readonly path: readonly number[];
}

export interface ProtoNode {
  readonly message: ProtoMessage;
  readonly nested: readonly ProtoNode[];
}

/** Finds a message by the place of it. */
export function messageAt(nodes: readonly ProtoNode[], path: readonly number[]): ProtoMessage | null {
  const [first, ...others] = path;
  const node = first === undefined ? undefined : nodes[first];
  if (node === undefined) return null;
  return others.length === 0 ? node.message : messageAt(node.nested, others);
}

/** The same file with another message meant, by its full name; null when there is none. */
export function withMessage(file: ProtoFile, fullName: string): ProtoFile | null {
  const find = (nodes: readonly ProtoNode[], path: readonly number[]): ProtoFile | null => {
    for (const [index, node] of nodes.entries()) {
      const here = [...path, index];
      if (node.message.fullName === fullName) return { ...file, message: node.message, path: here };
      const inside = find(node.nested, here);
      if (inside !== null) return inside;
    }
    return null;
  };
  return find(file.messages, []);
}

/** A map is a list of messages with `key` and `value`, whose name ends in `Entry`. */
export function isMap({ repeated, message }: ProtoField): boolean {
  if (!repeated || message === null || message.fields.length !== 2 || !message.name.endsWith('Entry')) return false;
  const [key, value] = message.fields;
  return key?.name === 'key' && value?.name === 'value' && !key.repeated && !value.repeated;
}

const wrapped: Readonly<Record<string, ScalarType>> = {
  'google.protobuf.DoubleValue': 'double',
  'google.protobuf.FloatValue': 'float',
  'google.protobuf.Int64Value': 'int64',
  'google.protobuf.UInt64Value': 'uint64',
  'google.protobuf.Int32Value': 'int32',
  'google.protobuf.UInt32Value': 'uint32',
  'google.protobuf.BoolValue': 'bool',
  'google.protobuf.StringValue': 'string',
  'google.protobuf.BytesValue': 'bytes',
};

/** The type within a wrapper message; null when the message is none. */
export function wrappedType({ fullName }: ProtoMessage): ScalarType | null {
  return wrapped[fullName] ?? null;
}
