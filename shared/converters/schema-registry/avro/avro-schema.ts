declare global {
  interface JSON {
    /** A number in exactly these digits. */
    rawJSON(text: string): object;
  }
}

/** Avro's types. */
export type AvroType = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string' | 'record' | 'enum' | 'fixed' | 'array' | 'map' | 'union';

/** JSON beside what Avro defines, in its order: `logicalType`, `connect.name`, … */
export type AvroProps = Map<string, unknown>;

export interface AvroField {
  readonly name: string;
  readonly doc: string | null;
  readonly schema: AvroSchema;
  /** JSON; undefined: none. A `null` is a default. */
  readonly default: unknown;
  readonly props: AvroProps;
}

/** An Avro schema. Schemas with a name may be within themselves. */
export class AvroSchema {
  readonly type: AvroType;
  /** Full name of a record, enum or fixed. */
  readonly name: string | null;
  readonly doc: string | null;
  readonly props: AvroProps = new Map();
  /** record; set once the fields are known, which may be of this very type. */
  fields: readonly AvroField[] = [];
  /** array, map: what is inside; union: the branches. */
  readonly items: AvroSchema | null;
  readonly branches: readonly AvroSchema[];
  readonly symbols: readonly string[];
  readonly enumDefault: string | null;
  readonly size: number;

  constructor(type: AvroType, parts: Partial<Pick<AvroSchema, 'name' | 'doc' | 'fields' | 'items' | 'branches' | 'symbols' | 'enumDefault' | 'size'>> = {}) {
    this.type = type;
    this.name = parts.name ?? null;
    this.doc = parts.doc ?? null;
    this.fields = parts.fields ?? [];
    this.items = parts.items ?? null;
    this.branches = parts.branches ?? [];
    this.symbols = parts.symbols ?? [];
    this.enumDefault = parts.enumDefault ?? null;
    this.size = parts.size ?? 0;
  }

  /** The name without its namespace. */
  get simpleName(): string | null {
    return this.name === null ? null : this.name.slice(this.name.lastIndexOf('.') + 1);
  }

  field(name: string): AvroField | undefined {
    return this.fields.find((each) => each.name === name);
  }

  /** A prop that is a text, or null. */
  textProp(name: string): string | null {
    const value = this.props.get(name);
    return typeof value === 'string' ? value : null;
  }

  toString(): string {
    const text = JSON.stringify(asJson(this, null, new Set()), (_key, value) => (typeof value === 'bigint' ? JSON.rawJSON(String(value)) : value));
    // Java's escapes have upper case digits.
    return text.replace(/\\(u00[0-9a-f]{2}|.)/g, (found) => (found[1] === 'u' ? `\\u${found.slice(2).toUpperCase()}` : found));
  }
}

/** The JSON of a schema in Java's order of keys: the registry tells schemas apart by their text. */
function asJson(schema: AvroSchema, namespace: string | null, known: Set<string>): unknown {
  const { type, name, props } = schema;
  if (type === 'union') return schema.branches.map((each) => asJson(each, namespace, known));
  if (name === null) {
    if (type !== 'array' && type !== 'map' && props.size === 0) return type;
    const inner = schema.items === null ? {} : { [type === 'array' ? 'items' : 'values']: asJson(schema.items, namespace, known) };
    return { type, ...inner, ...Object.fromEntries(props) };
  }
  const space = namespaceOf(name);
  if (known.has(name)) return space === namespace ? schema.simpleName : name;
  known.add(name);
  const json: Record<string, unknown> = { type, name: schema.simpleName };
  if (space !== namespace && !(space === null && namespace === null)) json['namespace'] = space ?? '';
  if (schema.doc !== null) json['doc'] = schema.doc;
  if (type === 'record') json['fields'] = schema.fields.map((field) => fieldJson(field, space, known));
  if (type === 'fixed') json['size'] = schema.size;
  if (type === 'enum') {
    json['symbols'] = schema.symbols;
    if (schema.enumDefault !== null) json['default'] = schema.enumDefault;
  }
  return { ...json, ...Object.fromEntries(props) };
}

function fieldJson({ name, schema, doc, default: value, props }: AvroField, namespace: string | null, known: Set<string>): unknown {
  return {
    name,
    type: asJson(schema, namespace, known),
    ...(doc === null ? {} : { doc }),
    ...(value === undefined ? {} : { default: value }),
    ...Object.fromEntries(props),
  };
}

export function namespaceOf(name: string): string | null {
  const at = name.lastIndexOf('.');
  return at < 0 ? null : name.slice(0, at);
}
