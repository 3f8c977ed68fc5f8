import type { Enum, Field, INamespace, NamespaceBase, Root, Type } from 'protobufjs';
import type { ProtoEnum, ProtoField, ProtoFile, ProtoMessage, ProtoNode, ProtoOneof, ScalarType } from './proto-model.ts';
import { ignoredProtos, wellKnownProtos } from './well-known-protos.ts';

type Protobufjs = typeof import('protobufjs');

/** Loads protobufjs, which parses the texts. */
export async function loadProtobufjs(): Promise<Protobufjs> {
  const module = (await import('protobufjs')) as Protobufjs & { default?: Protobufjs };
  return module.default ?? module;
}

/**
 * Reads a `.proto` text; its first message is the one that is meant. `references`: texts by the names of imports.
 * Throws Error where a text is wrong or an import is missing.
 */
export function parseProto(protobufjs: Protobufjs, text: string, references: ReadonlyMap<string, string>): ProtoFile {
  const root = new protobufjs.Root();
  const loaded = new Set<string>();
  const load = (source: string): void => {
    const { imports = [], weakImports = [] } = protobufjs.parse(source, root, { keepCase: true });
    for (const name of [...imports, ...weakImports]) {
      if (loaded.has(name) || ignoredProtos.has(name)) continue;
      loaded.add(name);
      const own = references.get(name) ?? wellKnownProtos[name];
      if (own !== undefined) {
        load(own);
        continue;
      }
      const common = protobufjs.common.get(name)?.nested;
      if (common === undefined) throw new Error(`The import "${name}" cannot be found among the schema's references`);
      root.addJSON(common as INamespace['nested'] as never);
    }
  };
  load(text);
  root.resolveAll();
  // The text on its own tells which messages are the file's, and their order.
  const alone = protobufjs.parse(text, new protobufjs.Root(), { keepCase: true });
  const isProto2 = !/^\s*(?:syntax\s*=\s*["']proto3["']|edition\s*=)/m.test(text);
  const space: NamespaceBase = alone.package ? (alone.root.lookup(alone.package) as NamespaceBase) : alone.root;
  const build = new Builder(protobufjs, root, isProto2);
  const messages = (space.nestedArray as unknown[]).flatMap((each) => (each instanceof protobufjs.Type ? [build.node(each)] : []));
  const [first] = messages;
  if (first === undefined) throw new Error('The schema has no message');
  return { messages, message: first.message, path: [0] };
}

class Builder {
  readonly #protobufjs: Protobufjs;
  readonly #root: Root;
  readonly #isProto2: boolean;
  readonly #messages = new Map<string, ProtoMessage>();

  constructor(protobufjs: Protobufjs, root: Root, isProto2: boolean) {
    this.#protobufjs = protobufjs;
    this.#root = root;
    this.#isProto2 = isProto2;
  }

  node(declared: Type): ProtoNode {
    const resolved = this.#root.lookupType(declared.fullName);
    const { Type: MessageType } = this.#protobufjs;
    return { message: this.#message(resolved), nested: declared.nestedArray.flatMap((each) => (each instanceof MessageType ? [this.node(each)] : [])) };
  }

  #message(type: Type): ProtoMessage {
    const fullName = type.fullName.slice(1);
    const known = this.#messages.get(fullName);
    if (known !== undefined) return known;
    const message: ProtoMessage = { fullName, name: type.name, fields: [], oneofs: [] };
    this.#messages.set(fullName, message);
    message.fields = type.fieldsArray.map((field) => this.#field(field));
    const real = type.oneofsArray.filter(({ isProto3Optional }) => !isProto3Optional);
    message.oneofs = real.map(({ name }, index): ProtoOneof => ({ name, index, fields: message.fields.filter(({ oneof }) => oneof === name) }));
    return message;
  }

  #field(field: Field): ProtoField {
    const proto3Optional = field.options?.['proto3_optional'] === true;
    const { name, id: number, resolvedType } = field;
    const { Type: MessageType } = this.#protobufjs;
    const isProto2Optional = this.#isProto2 && !field.repeated && !field.required && !field.partOf && !field.map;
    const common = {
      name,
      number,
      packed: field.packed,
      optional: proto3Optional ? ('proto3' as const) : isProto2Optional ? ('proto2' as const) : null,
      oneof: field.partOf && !proto3Optional ? field.partOf.name : null,
      params: paramsOf(field),
      defaultValue: this.#isProto2 ? defaultOf(field) : null,
    };
    if (field.map) return { ...common, type: 'message', repeated: true, enumType: null, message: this.#entry(field) };
    if (resolvedType === null) return { ...common, type: field.type as ScalarType, repeated: field.repeated, enumType: null, message: null };
    if (resolvedType instanceof MessageType)
      return { ...common, type: 'message', repeated: field.repeated, enumType: null, message: this.#message(resolvedType) };
    return { ...common, type: 'enum', repeated: field.repeated, enumType: enumOf(resolvedType as Enum), message: null };
  }

  /** `map<K, V>` is short for a list of entries. */
  #entry(field: Field): ProtoMessage {
    const name = `${field.name.replace(/(?:^|_)([a-z0-9])/g, (_, first: string) => first.toUpperCase())}Entry`;
    const { resolvedType } = field;
    const { Type: MessageType } = this.#protobufjs;
    const plain = { repeated: false, packed: false, optional: null, oneof: null, params: {}, defaultValue: null, enumType: null, message: null };
    const value: ProtoField =
      resolvedType === null
        ? { ...plain, name: 'value', number: 2, type: field.type as ScalarType }
        : resolvedType instanceof MessageType
          ? { ...plain, name: 'value', number: 2, type: 'message', message: this.#message(resolvedType) }
          : { ...plain, name: 'value', number: 2, type: 'enum', enumType: enumOf(resolvedType as Enum) };
    const key: ProtoField = { ...plain, name: 'key', number: 1, type: (field as Field & { keyType: string }).keyType as ScalarType };
    return { fullName: `${field.parent?.fullName.slice(1)}.${name}`, name, fields: [key, value], oneofs: [] };
  }
}

function enumOf(type: Enum): ProtoEnum {
  return { fullName: type.fullName.slice(1), name: type.name, values: Object.entries(type.values) };
}

/** The text of a default as the value that it stands for; longs are told exactly. */
function defaultOf({ options, type, resolvedType }: Field): unknown {
  const told: unknown = options?.['default'];
  if (told === undefined) return null;
  if (resolvedType !== null) return (resolvedType as Enum).values?.[String(told)] ?? null;
  switch (type) {
    case 'bool':
      return told === true || told === 'true';
    case 'string':
      return String(told);
    case 'bytes':
      return Buffer.from(String(told), 'utf8');
    case 'int32':
    case 'sint32':
    case 'sfixed32':
    case 'float':
    case 'double':
      return Number(told === 'inf' ? Number.POSITIVE_INFINITY : told === '-inf' ? Number.NEGATIVE_INFINITY : told);
    case 'uint32':
    case 'fixed32':
      return BigInt(told as number);
    default:
      return BigInt.asIntN(64, BigInt(told as number));
  }
}

/** `[(confluent.field_meta) = {params: [{key: …, value: …}]}]`, and `(confluent.field_meta).params = {…}`. */
function paramsOf(field: Field): Record<string, string> {
  const params: Record<string, string> = {};
  for (const option of (field.parsedOptions ?? []) as Record<string, unknown>[]) {
    const meta = (option['(confluent.field_meta)'] ?? option['(.confluent.field_meta)']) as { params?: unknown } | undefined;
    for (const each of [meta?.params ?? []].flat() as { key?: unknown; value?: unknown }[]) params[String(each.key)] = String(each.value);
  }
  return params;
}
