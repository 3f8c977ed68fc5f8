import { closest, distance } from 'fastest-levenshtein';
import type { ConfigInfos } from './entities.ts';

/** A key of a config that nothing reads, and the known key that may have been meant. */
export interface UnknownKey {
  readonly key: string;
  readonly suggestion: string | null;
}

/** Keys that a config may have although no definition names them: they go to converters of the worker and to clients. */
const open = /^(?:(?:key|value|header)\.converter\.|(?:producer|consumer|admin)\.override\.)/;

/** Keys that no definition of the connector, the framework, its transformations and converters names. Kafka Connect ignores them without a word. */
export function unknownKeys(config: Readonly<Record<string, unknown>>, { configs }: ConfigInfos): readonly UnknownKey[] {
  const known = new Set(configs.flatMap(({ definition }) => (definition ? [definition.name] : [])));
  return Object.keys(config)
    .filter((key) => !known.has(key) && !open.test(key))
    .map((key) => ({ key, suggestion: suggestedName(key, [...known]) }));
}

/** The nearest name, when it is near: a letter or two, a quarter of a long name. */
export function suggestedName(key: string, names: readonly string[]): string | null {
  if (names.length === 0) return null;
  const nearest = closest(key, [...names]);
  return distance(key, nearest) <= Math.max(2, key.length / 4) ? nearest : null;
}
