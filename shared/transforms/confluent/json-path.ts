import { parse, query, stringify } from 'jsonpathly';
import { Boxed, ConfigException, Decimal, type Schema, type Validator, validator } from '../../connect/index.ts';

type Tree = ReturnType<typeof parse>;
type Step = NonNullable<Extract<Tree, { readonly type: 'root' }>['next']>;

/** One part of a path: steps that lead on, or a filter. */
interface Part {
  readonly text: string;
  readonly isFilter: boolean;
}

/** What a path led to. `missing`: what stands before the first filter, or a path without any, leads nowhere or to null. */
export interface Found {
  readonly values: readonly unknown[];
  readonly missing: boolean;
}

/**
 * A JSON path as Jayway's library reads it: a filter behind an object asks the object itself (`$.key[?(@.a == 1)]`), behind
 * a list its elements. Within a filter `$` is what the filter is asked of.
 */
export class JsonPath {
  readonly #parts: readonly Part[];

  /** Throws Error for what is no path. */
  constructor(path: string) {
    const tree = parse(path);
    if (tree === null || tree.type !== 'root') throw new Error(`${path} does not begin with $`);
    this.#parts = partsOf(tree.next);
  }

  /** Looks a path up in JSON-like data, see `plainData`. */
  find(data: unknown): Found {
    let values: readonly unknown[] = [data];
    for (const [at, { text, isFilter }] of this.#parts.entries()) {
      values = values.flatMap((value) => query(isFilter && !Array.isArray(value) ? [value] : value, text, { returnArray: true }) as unknown[]);
      if (at === 0 && !isFilter && !values.some((value) => value !== null && value !== undefined)) return { values: [], missing: true };
    }
    return { values, missing: false };
  }
}

function partsOf(first: Step | null): Part[] {
  const parts: Part[] = [];
  let plain: Step[] = [];
  const endPlain = () => {
    if (plain.length > 0) parts.push({ text: textOf(plain), isFilter: false });
    plain = [];
  };
  for (let step = first; step !== null; step = step.next) {
    const { value } = step;
    if (value.type === 'bracketExpression' && value.value.type === 'filterExpression') {
      endPlain();
      parts.push({ text: textOf([step]), isFilter: true });
    } else plain.push(step);
  }
  endPlain();
  return parts;
}

function textOf(steps: readonly Step[]): string {
  return stringify({ type: 'root', next: steps.reduceRight<Step | null>((next, step) => ({ ...step, next }), null) }) as string;
}

/** Checks that a value is a JSON path. */
export const jsonPathValidator: Validator = validator('valid JSON path', (name, value) => {
  try {
    new JsonPath(String(value));
  } catch (cause) {
    throw ConfigException.forValue(name, value, `Must be a JSON path like $.order[?(@.id == 7)]: ${(cause as Error).message}`);
  }
});

/** A Connect value as JSON would have it: structs and maps are objects, every number is one of JavaScript's, dates are milliseconds. */
export function plainData(schema: Schema | null, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (typeof value === 'bigint' || value instanceof Boxed || value instanceof Decimal) return Number(value instanceof Decimal ? value.toString() : value);
  if (typeof value !== 'object') return value;
  if (value instanceof Date) return value.getTime();
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64');
  if (Array.isArray(value)) return value.map((item) => plainData(schema?.valueSchema ?? null, item));
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), plainData(schema?.valueSchema ?? null, item)]));
  const struct = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries((schema?.fields ?? []).map((field) => [field.name, plainData(field.schema, struct[field.name] ?? field.schema.defaultValue)]));
}
