import { runConverter } from './converter.ts';
import type { ConverterCase } from './converter-case.ts';
import { differences, type MessageCount, type RunResult } from './expectation.ts';
import { runSmt, type SmtCase } from './smt.ts';

export type VectorCase = SmtCase | ConverterCase;

/** Runs vectors of the kinds smt and converter in this process. */
export function runVectors(cases: readonly VectorCase[]): RunResult {
  const messages: MessageCount = { equal: 0, total: 0 };
  const mismatches: string[] = [];
  let failed = 0;
  for (const each of cases) {
    const found = differences(each.expect, each.kind === 'smt' ? runSmt(each) : runConverter(each), messages);
    if (found.length > 0) failed++;
    mismatches.push(...found.map((difference) => `${each.id}: ${difference}`));
  }
  return { passed: cases.length - failed, failed, messages, mismatches };
}
