import { JsonDecimal } from '../../json/json-parser.ts';

/** JSON as it was parsed. */
export type Json = Readonly<Record<string, unknown>>;

export type Criterion = 'oneOf' | 'anyOf' | 'allOf';

/**
 * One thing that a JSON Schema says. A schema that says several at once (`type` and `enum`) is an `allOf` of them, as in the
 * library that Confluent's converter is built on; what is said beside the types (title, default, …) belongs to the whole.
 */
export type Node = { readonly about: Json } & (
  | { readonly kind: 'boolean' | 'string' | 'null' | 'empty' }
  | { readonly kind: 'number'; readonly integer: boolean }
  | { readonly kind: 'enum'; readonly values: readonly unknown[] }
  | { readonly kind: 'array'; readonly items: (() => Node) | null }
  | {
      readonly kind: 'object';
      readonly properties: Readonly<Record<string, () => Node>>;
      readonly required: ReadonlySet<string>;
      readonly additional: (() => Node) | null;
    }
  | { readonly kind: 'combined'; readonly criterion: Criterion; readonly members: readonly (() => Node)[] }
  | { readonly kind: 'reference'; readonly target: () => Node }
);

const nothing: Json = {};
const objectWords = ['properties', 'additionalProperties', 'required', 'minProperties', 'maxProperties', 'dependencies', 'patternProperties', 'propertyNames'];
const arrayWords = ['items', 'additionalItems', 'minItems', 'maxItems', 'uniqueItems', 'contains'];
const stringWords = ['minLength', 'maxLength', 'pattern', 'format'];
const numberWords = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'];

/** A text is no JSON Schema that can be read. */
export class SchemaException extends Error {
  readonly javaClass = 'org.everit.json.schema.SchemaException';
}

/** Reads JSON Schema (draft 4 to 7, and of later ones what they share). `references`: texts by the names that `$ref` uses. Throws SchemaException. */
export function parseJsonSchema(text: string, references: ReadonlyMap<string, string>): Node {
  const documents = new Map<string, unknown>([...references].map(([name, each]) => [name, parse(each)]));
  return new Parser(parse(text), documents).root();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text, exactNumber as (key: string, value: unknown) => unknown);
  } catch (cause) {
    throw new SchemaException('Invalid JSON', { cause });
  }
}

/** Digits of defaults are not lost. */
function exactNumber(key: string, value: unknown, context?: { source?: string }): unknown {
  const { source } = context ?? {};
  if (typeof value !== 'number' || source === undefined || key.startsWith('connect.')) return value;
  if (/^-?\d+$/.test(source)) return Number.isSafeInteger(value) ? value : BigInt(source);
  return new JsonDecimal(source);
}

class Parser {
  readonly #document: unknown;
  readonly #documents: ReadonlyMap<string, unknown>;
  /** Each place is one node, so that a cycle is seen. */
  readonly #nodes = new Map<unknown, Node>();
  readonly #ids: ReadonlyMap<string, unknown>;

  constructor(document: unknown, documents: ReadonlyMap<string, unknown>) {
    this.#document = document;
    this.#documents = documents;
    this.#ids = idsOf(document, new Map());
  }

  root(): Node {
    return this.#node(this.#document, this);
  }

  #node(json: unknown, within: Parser): Node {
    if (within !== this) return within.#node(json, within);
    const known = this.#nodes.get(json);
    if (known !== undefined) return known;
    const made = this.#make(json);
    if (typeof json === 'object') this.#nodes.set(json, made);
    return made;
  }

  #make(json: unknown): Node {
    if (json === true) return { kind: 'empty', about: nothing };
    if (typeof json !== 'object' || json === null || Array.isArray(json))
      throw new SchemaException(`expected type is one of JsonObject or Boolean, found: ${JSON.stringify(json)}`);
    const about = json as Json;
    if (typeof about['$ref'] === 'string') {
      const ref = about['$ref'];
      return { kind: 'reference', about, target: () => this.#referred(ref) };
    }
    const parts = [...this.#combined(about), ...this.#values(about), ...this.#typed(about)];
    const [only] = parts;
    if (only === undefined) return { kind: 'empty', about };
    if (parts.length === 1) return { ...only, about } as Node;
    const nodes = parts.map((part): Node => ({ ...part, about: nothing }) as Node);
    return { kind: 'combined', criterion: 'allOf', members: nodes.map((node) => () => node), about };
  }

  #combined(json: Json): Part[] {
    return (['allOf', 'anyOf', 'oneOf'] as const).flatMap((criterion) => {
      const members = json[criterion];
      return Array.isArray(members) ? [{ kind: 'combined' as const, criterion, members: members.map((each) => () => this.#node(each, this)) }] : [];
    });
  }

  #values(json: Json): Part[] {
    const parts: Part[] = [];
    if (Array.isArray(json['enum'])) parts.push({ kind: 'enum', values: json['enum'] });
    if (Object.hasOwn(json, 'const')) parts.push({ kind: 'enum', values: [json['const']] });
    return parts;
  }

  #typed(json: Json): Part[] {
    const { type } = json;
    if (Array.isArray(type)) {
      const members = type.map((each) => () => ({ ...this.#ofType(String(each), json), about: nothing }) as Node);
      return [{ kind: 'combined', criterion: 'anyOf', members }];
    }
    if (typeof type === 'string') return [this.#ofType(type, json)];
    const says = (words: readonly string[]) => words.some((word) => Object.hasOwn(json, word));
    const guessed: Part[] = [];
    if (says(arrayWords)) guessed.push(this.#ofType('array', json));
    if (says(numberWords)) guessed.push(this.#ofType('number', json));
    if (says(objectWords)) guessed.push(this.#ofType('object', json));
    if (says(stringWords)) guessed.push(this.#ofType('string', json));
    return guessed;
  }

  #ofType(type: string, json: Json): Part {
    switch (type) {
      case 'string':
      case 'boolean':
      case 'null':
        return { kind: type };
      case 'integer':
      case 'number':
        return { kind: 'number', integer: type === 'integer' };
      case 'array': {
        const { items } = json;
        return { kind: 'array', items: items === undefined || Array.isArray(items) ? null : () => this.#node(items, this) };
      }
      case 'object': {
        const { properties, required, additionalProperties } = json;
        const entries = Object.entries((properties ?? {}) as Json).map(([name, each]) => [name, () => this.#node(each, this)] as const);
        return {
          kind: 'object',
          properties: Object.fromEntries(entries),
          required: new Set(Array.isArray(required) ? (required as string[]) : []),
          additional: typeof additionalProperties === 'object' ? () => this.#node(additionalProperties, this) : null,
        };
      }
      default:
        throw new SchemaException(`unknown type: [${type}]`);
    }
  }

  #referred(ref: string): Node {
    const at = ref.indexOf('#');
    const [name, pointer] = at < 0 ? [ref, ''] : [ref.slice(0, at), ref.slice(at + 1)];
    if (this.#ids.has(ref)) return this.#node(this.#ids.get(ref), this);
    if (name === '' || name === (this.#document as Json)['$id']) return this.#pointed(pointer);
    const other = this.#documents.get(name) ?? this.#documents.get(name.slice(name.lastIndexOf('/') + 1));
    if (other === undefined) throw new SchemaException(`The reference ${ref} cannot be found`);
    return new Parser(other, this.#documents).#pointed(pointer);
  }

  #pointed(pointer: string): Node {
    if (pointer !== '' && !pointer.startsWith('/')) throw new SchemaException(`The reference #${pointer} cannot be found`);
    let json: unknown = this.#document;
    for (const part of pointer.split('/').slice(1)) {
      const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
      if (typeof json !== 'object' || json === null || !Object.hasOwn(json, key)) throw new SchemaException(`failed to resolve JSON pointer [#${pointer}]`);
      json = (json as Json)[key];
    }
    return this.#node(json, this);
  }
}

type Part = Node extends infer N ? (N extends { about: Json } ? Omit<N, 'about'> : never) : never;

/** Places with an `$id`. */
function idsOf(json: unknown, ids: Map<string, unknown>): Map<string, unknown> {
  if (typeof json !== 'object' || json === null) return ids;
  const id = (json as Json)['$id'];
  if (typeof id === 'string') ids.set(id, json);
  for (const each of Object.values(json)) idsOf(each, ids);
  return ids;
}
