import { ConfigException, type Field, type Schema } from '../connect/index.ts';
import { requireMapOrNull, requireStructOrNull, type StructValue } from './requirements.ts';
import { fieldValue } from './struct-fields.ts';

const nested = 'nested field access';

/**
 * The way to a field (KIP-821). Version 1 takes the text as one name; version 2 parts it at dots, and names within
 * backticks may have dots in them.
 */
export class FieldPath {
  readonly text: string;
  /** The name of the field itself. */
  readonly name: string;
  readonly #parents: readonly string[];

  /** Throws ConfigException for a backtick without its other. */
  constructor(text: string, version: 'V1' | 'V2') {
    this.text = text;
    const steps = version === 'V1' ? [text] : stepsOf(text);
    this.#parents = steps.slice(0, -1);
    this.name = steps.at(-1) ?? '';
  }

  /** The field in a schema, or undefined. */
  fieldOf(schema: Schema): Field | undefined {
    let current = schema;
    for (const step of this.#parents) {
      const field = current.field(step);
      if (field === undefined) return undefined;
      current = field.schema;
    }
    return current.field(this.name);
  }

  /** The value in a struct; null when it, or what it is in, is not there. */
  valueInStruct(schema: Schema, struct: StructValue, replaceNull: boolean): unknown {
    let current = struct;
    let currentSchema = schema;
    for (const step of this.#parents) {
      const field = currentSchema.field(step);
      if (field === undefined) return null;
      const inner = requireStructOrNull(field.schema, fieldValue(field, current, replaceNull), nested);
      if (inner === null) return null;
      current = inner;
      currentSchema = field.schema;
    }
    const field = currentSchema.field(this.name);
    return field === undefined ? null : fieldValue(field, current, replaceNull);
  }

  /** The value in a map without schema; null when it, or what it is in, is not there. */
  valueInMap(map: ReadonlyMap<string, unknown>): unknown {
    let current = map;
    for (const step of this.#parents) {
      const inner = requireMapOrNull(current.get(step), nested);
      if (inner === null) return null;
      current = inner;
    }
    return current.get(this.name) ?? null;
  }
}

/** The names that a path of version 2 goes through. Throws ConfigException for a backtick without its other. */
export function stepsOf(path: string): string[] {
  const steps: string[] = [];
  let at = 0;
  while (at < path.length) {
    if (path[at] === '`') {
      const { name, end } = quotedStep(path, at);
      steps.push(name);
      at = end + 2;
    } else {
      const dot = path.indexOf('.', at);
      const end = dot === -1 ? path.length : dot;
      steps.push(path.slice(at, end));
      at = end + 1;
    }
  }
  if (path.endsWith('.')) steps.push('');
  return steps;
}

/** The name within backticks that begins here. Only a backtick before a dot or the end closes it, unless a backslash is before it. */
function quotedStep(path: string, open: number): { name: string; end: number } {
  let name = '';
  let start = open + 1;
  for (let close = path.indexOf('`', start); close !== -1; close = path.indexOf('`', close + 1)) {
    const escaped = path[close - 1] === '\\';
    const last = close === path.length - 1;
    if (last && escaped) break;
    if (!last && path[close + 1] !== '.') continue;
    if (!escaped) return { name: name + path.slice(start, close), end: close };
    name += `${path.slice(start, close - 1)}\``;
    start = close + 1;
  }
  throw new ConfigException(`Incomplete backtick pair in path: [${path}], consider adding a backslash before backtick at position ${open} to escape it`);
}
