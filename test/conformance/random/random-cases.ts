import type { VectorCase } from '../run-vectors.ts';
import { chainCase } from './chains.ts';
import { changeEventCase } from './change-events.ts';
import { converterCase } from './converters.ts';
import { Random } from './random.ts';

/** A case whose answer is not known yet. */
export type OpenCase = { readonly id: string; readonly kind: VectorCase['kind'] };

/** So many cases of a seed, from the one of this number on. Each depends on the seed and its number only. */
export function randomCases(seed: number, from: number, count: number): OpenCase[] {
  return Array.from({ length: count }, (_, at) => {
    const number = from + at;
    const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));
    const id = `random-${seed}-${number}`;
    const kind = random.fraction();
    return kind < 0.5 ? chainCase(random, id) : kind < 0.6 ? changeEventCase(random, id) : converterCase(random, id);
  });
}
