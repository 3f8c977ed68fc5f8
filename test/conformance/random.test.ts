import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareRandom } from './random/compare-random.ts';
import { type Reference, startReference } from './reference/reference.ts';

describe('Random chains of transformations and inputs of converters', () => {
  let reference: Reference;
  beforeAll(async () => {
    reference = await startReference(() => undefined);
  }, 600_000);
  afterAll(async () => {
    await reference?.close();
  });

  // The seed is fixed, so that a difference does not come and go; `npm run conformance -- --random` looks further.
  test('come out as in the real Kafka Connect', { timeout: 120_000 }, async () => {
    const { mismatches, passed } = await compareRandom(reference, 800, 20260701);
    expect(mismatches).toEqual([]);
    expect(passed).toBe(800);
  });

  test('are answered in order, and a case that cannot be made says why', async () => {
    const open = { id: 'x', kind: 'converter', class: 'org.apache.kafka.connect.data.Values', isKey: false, config: {}, direction: 'parseString', topic: 't' };
    const answers = await reference.answer([
      { ...open, input: '7' },
      { ...open, class: 'org.acme.NoConverter', input: null },
      { ...open, input: 'true' },
    ]);
    expect(answers[0]).toEqual({ schema: { type: 'int8', optional: false }, value: { i8: 7 } });
    expect(answers[1]?.broken).toContain('ClassNotFoundException');
    expect(answers[2]).toMatchObject({ value: { bool: true } });
  });
});
