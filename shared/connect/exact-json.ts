import { Boxed } from './data/values.ts';

/** JSON that keeps whole numbers beyond 2^53: they are bigint here, digits there. A boxed number is its value. */
export function stringifyExact(value: unknown): string {
  return JSON.stringify(value, (_key, each) => {
    const plain = each instanceof Boxed ? each.value : each;
    return typeof plain === 'bigint' ? rawJson(plain.toString()) : plain;
  });
}

/** Reads what `stringifyExact` wrote. */
export function parseExact(text: string): unknown {
  const reviver = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && context?.source !== undefined && /^-?\d+$/.test(context.source)
      ? BigInt(context.source)
      : value;
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
}

/** The same text for values that say the same: keys in order, at every level. */
export function canonicalJson(value: unknown): string {
  return stringifyExact(ordered(value));
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null || value instanceof Boxed) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, each]) => [key, ordered(each)]));
}

const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;
