import { describe, expect, test } from 'vitest';
import { failureMessage } from '../../functions/failure-message.ts';
import type { FailureReport } from '../../shared/storage/ports.ts';

const report: FailureReport = {
  connector: 'kept \u{1fffe}',
  task: 0,
  generation: 3,
  run: 'r-1',
  epoch: 7,
  kind: 'task-failed',
  error: 'org.apache.kafka.connect.errors.ConnectException: naïve',
  trace: 'org.apache.kafka.connect.errors.ConnectException: naïve\n\tat x',
  at: 1_700_000_000_000,
  action: 'Read the trace',
};

describe('The message of a failure', () => {
  test('is ASCII, and says the same', () => {
    const message = failureMessage(report);
    expect(message).toMatch(/^[ -~]+$/);
    expect(JSON.parse(message)).toEqual(report);
  });

  test('without a trace has none', () => {
    expect(JSON.parse(failureMessage({ ...report, trace: null }))).toEqual({ ...report, trace: null });
  });

  test.each([
    ['plain', 'x'],
    ['that needs six bytes a character', 'é'],
  ])('fits into a queue whatever its length: text %s', (_, character) => {
    const message = failureMessage({ ...report, error: character.repeat(200_000), trace: character.repeat(200_000) });
    expect(message.length).toBeLessThan(256 * 1024);
    const { error, trace, ...rest } = JSON.parse(message);
    expect({ ...report, ...rest }).toEqual(report);
    expect(error).toMatch(/^(x+|é+)\.\.\. \(\d+ more characters\)$/);
    expect(trace).toBe(error);
  });
});
