import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LocalSluice, startLocalSluice } from '../chaos/local-sluice.ts';
import { type DlqCase, runDlq } from '../conformance/dlq.ts';
import { type RestDocument, runRest } from '../conformance/rest.ts';
import { fromTables, runValidate, type ValidateTables } from '../conformance/validate.ts';
import { kafkaBrokers } from './servers.ts';

/** What the real Kafka Connect 4.3.1 answered: whole transcripts of its REST API. */
function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../conformance/vectors/${name}.json`, import.meta.url), 'utf8')) as T;
}

describe('What the real Kafka Connect answered', () => {
  let sluice: LocalSluice;
  beforeAll(async () => {
    sluice = await startLocalSluice(kafkaBrokers());
  }, 90_000);
  afterAll(async () => {
    await sluice?.stop();
  });

  const transcript = vectors<RestDocument>('rest');
  const validations = vectors<ValidateTables>('validate');

  test('is answered to every request of its transcripts', { timeout: 240_000 }, async () => {
    const { mismatches, passed } = await runRest(transcript, { url: sluice.url, lenient: true, atOnce: true });
    expect(mismatches).toEqual([]);
    expect(passed).toBe(526);
  });

  test('is answered to every validation, with definitions, groups and their order', async () => {
    const { mismatches, messages } = await runValidate(fromTables(validations), { url: sluice.url });
    expect(mismatches).toEqual([]);
    expect(messages.equal).toBeGreaterThan(80);
  });

  const deadLetters = vectors<readonly DlqCase[]>('dlq');

  test('is in the dead letter queue of every case, byte for byte', { timeout: 240_000 }, async () => {
    const { mismatches, passed, notes } = await runDlq(deadLetters, { url: sluice.url, kafka: kafkaBrokers() });
    expect(mismatches).toEqual([]);
    expect([passed, notes]).toEqual([30, []]);
  });

  test('is not met by other dead letters; a vector that was taken too early is told', { timeout: 120_000 }, async () => {
    const [first] = deadLetters as [DlqCase];
    const [letter] = first.expect.dlq;
    const other = { ...first, expect: { ...first.expect, dlq: [{ ...letter, key: null }] } } as DlqCase;
    const more = { ...first, expect: { ...first.expect, delivered: ['line'], dlq: [] } };
    const early = { ...first, id: 'early', expect: { ...first.expect, dlq: [] } };
    const { passed, failed, notes } = await runDlq([other, more, early], { url: sluice.url, kafka: kafkaBrokers() });
    expect({ passed, failed }).toEqual({ passed: 1, failed: 2 });
    expect(notes).toEqual(['note: early was recorded too early: of 1 records 1 are neither delivered nor dead letters. They are taken for dead letters.']);
  });

  test('differs from another answer', async () => {
    const [root] = transcript.scenarios;
    const wrong = { ...root, steps: root?.steps.map((step) => ({ ...step, expect: { ...step.expect, status: 418 } })) } as RestDocument['scenarios'][number];
    expect(await runRest({ ...transcript, scenarios: [wrong] }, { url: sluice.url })).toMatchObject({ passed: 0, failed: root?.steps.length });
    const [first, ...others] = validations.values;
    const changed = { ...validations, values: [{ ...first, visible: !first?.visible }, ...others] } as ValidateTables;
    expect((await runValidate(fromTables(changed), { url: sluice.url })).failed).toBeGreaterThan(0);
  });
});
