import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runVectors, type VectorCase } from './run-vectors.ts';

/** A choice of what the real Kafka Connect 4.3.1 did; all of it runs by `npm run conformance`. */
const read = (name: string): (VectorCase & { readonly feature: string })[] =>
  JSON.parse(readFileSync(new URL(`vectors/${name}.json`, import.meta.url), 'utf8'));

for (const name of ['smt', 'converter']) {
  const cases = read(name);
  describe(`What the real Kafka Connect did (${name})`, () => {
    for (const feature of new Set(cases.map((each) => each.feature))) {
      const ofFeature = cases.filter((each) => each.feature === feature);
      test(`${feature} does the same in ${ofFeature.length} cases`, () => {
        expect(runVectors(ofFeature).mismatches).toEqual([]);
      });
    }
  });
}

describe('The comparison with vectors', () => {
  const right = read('converter').find((each) => each.feature === 'StringConverter') as VectorCase;

  test('sees another answer, another message and another phase', () => {
    const wrong: VectorCase[] = [
      { ...right, expect: { bytes: 'AAAA' } } as VectorCase,
      { ...right, expect: { error: { phase: 'convert', exceptionClass: 'x', message: 'y' } } } as VectorCase,
      { ...right, config: { 'converter.encoding': 'nope' }, expect: { error: { phase: 'convert', exceptionClass: 'x', message: 'y' } } } as VectorCase,
    ];
    expect(runVectors(wrong)).toMatchObject({ passed: 0, failed: 3 });
  });

  test('counts a plugin that is not there as a failure', () => {
    expect(runVectors([{ ...right, class: 'org.acme.NoSuchConverter' } as VectorCase])).toMatchObject({ passed: 0, failed: 1 });
  });
});
