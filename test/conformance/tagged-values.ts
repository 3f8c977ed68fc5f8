import { doubleToString } from '../../shared/connect/java/number-text.ts';

export {
  decodeSchema,
  decodeValue,
  encodeSchema,
  encodeValue,
  type TaggedSchema,
  type TaggedValue,
} from '../../shared/runtime/dead-letters/tagged-values.ts';

/**
 * JSON text of anything in the vectors' form, such that equal things have equal texts: keys sorted, entries of maps
 * sorted, floats by their value.
 */
export function canonical(json: unknown): string {
  if (Array.isArray(json)) return `[${json.map(canonical).join(',')}]`;
  if (typeof json !== 'object' || json === null) return JSON.stringify(json) ?? 'null';
  const entries = Object.entries(json as Record<string, unknown>);
  const [tag, payload] = entries[0] ?? [];
  if (entries.length === 1 && tag === 'map' && Array.isArray(payload)) return `{"map":[${payload.map(canonical).sort().join(',')}]}`;
  if (entries.length === 1 && tag === 'f32' && typeof payload === 'string') return `{"f32":"${doubleToString(Math.fround(Number(payload)))}"}`;
  if (entries.length === 1 && tag === 'f64' && typeof payload === 'string') return `{"f64":"${doubleToString(Number(payload))}"}`;
  return `{${entries
    .map(([name, value]) => `${JSON.stringify(name)}:${canonical(value)}`)
    .sort()
    .join(',')}}`;
}
