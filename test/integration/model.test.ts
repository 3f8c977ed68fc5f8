import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LocalSluice, startLocalSluice } from '../chaos/local-sluice.ts';
import { runModel } from '../conformance/model/run-model.ts';
import { type ReferenceWorker, startReferenceWorker } from '../conformance/reference/worker.ts';
import { kafkaBrokers } from './servers.ts';

describe('Random sequences of calls', () => {
  let reference: ReferenceWorker;
  let sluice: LocalSluice;
  beforeAll(async () => {
    [reference, sluice] = await Promise.all([startReferenceWorker(() => undefined), startLocalSluice(kafkaBrokers())]);
  }, 600_000);
  afterAll(async () => {
    await Promise.all([reference?.stop(), sluice?.stop()]);
  }, 60_000);

  // The seed is fixed, so that a difference does not come and go; `npm run conformance -- --model` looks further.
  test('are answered as by the real Kafka Connect, and end in the same states', { timeout: 600_000 }, async () => {
    const { mismatches, passed } = await runModel({
      reference: reference.url,
      sluice: sluice.url,
      count: 3,
      calls: 12,
      seed: 20260801,
      atOnce: 3,
      shrinks: 0,
      progress: () => undefined,
    });
    expect(mismatches).toEqual([]);
    expect(passed).toBe(3);
  });
});
