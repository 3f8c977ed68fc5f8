import type { RunResult } from '../expectation.ts';
import type { Reference } from '../reference/reference.ts';
import { runVectors, type VectorCase } from '../run-vectors.ts';
import { type OpenCase, randomCases } from './random-cases.ts';

const batch = 500;

/** What came of random cases. */
export interface RandomResult extends RunResult {
  /** Cases that Java could not even make, of no use for a comparison. */
  readonly broken: number;
  /** Those that differ, with what Java did. */
  readonly differing: readonly VectorCase[];
}

/** A date that JavaScript's cannot be: more than 8.64e15 milliseconds from the epoch. */
function hasFarDate(open: OpenCase, expect: unknown): boolean {
  const asked = JSON.stringify(open);
  if (asked.includes('TimestampConverter')) {
    const unit = asked.includes('"seconds"') ? 1000 : 1;
    if ([...asked.matchAll(/"(?:i64|str)":"(-?\d+)"/g)].some(([, unix]) => Math.abs(Number(unix)) * unit > 8.64e15)) return true;
  }
  return [...JSON.stringify(expect).matchAll(/"date":"(-?\d+)"/g)].some(([, millis]) => Math.abs(Number(millis)) > 8.64e15);
}

/** Makes random cases until so many are compared, asks the real classes, and runs ours. */
export async function compareRandom(reference: Reference, count: number, seed: number): Promise<RandomResult> {
  const result = { passed: 0, failed: 0, broken: 0, messages: { equal: 0, total: 0 }, mismatches: [] as string[], differing: [] as VectorCase[] };
  for (let from = 0; result.passed + result.failed < count; ) {
    const cases = randomCases(seed, from, Math.min(batch, count - result.passed - result.failed));
    from += cases.length;
    const answers = await reference.answer(cases);
    for (const [at, open] of cases.entries()) {
      const expect = answers[at] as Readonly<Record<string, unknown>>;
      if ('broken' in expect || hasFarDate(open, expect)) {
        result.broken++;
        continue;
      }
      const answered = { ...open, expect: JSON.parse(JSON.stringify(expect).replaceAll('java.util.HashMap', 'java.util.LinkedHashMap')) } as VectorCase;
      const one = runVectors([answered]);
      result.passed += one.passed;
      result.failed += one.failed;
      result.messages.equal += one.messages.equal;
      result.messages.total += one.messages.total;
      result.mismatches.push(...one.mismatches);
      if (one.failed > 0) result.differing.push(answered);
    }
  }
  return result;
}
