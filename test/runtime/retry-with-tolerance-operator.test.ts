import { describe, expect, test } from 'vitest';
import { PendingException } from '../../shared/connect/converter.ts';
import { DataException, RetriableException } from '../../shared/connect/errors.ts';
import type { ProcessingContext } from '../../shared/runtime/errors/processing-context.ts';
import { RetryWithToleranceOperator } from '../../shared/runtime/errors/retry-with-tolerance-operator.ts';
import { RecordedMetrics } from '../kit/metrics.ts';

function operatorWith(policy: { retryTimeoutMs?: number; retryDelayMaxMs?: number; tolerance?: 'none' | 'all' }) {
  let now = 0;
  const slept: number[] = [];
  const reported: ProcessingContext[] = [];
  const metrics = new RecordedMetrics();
  const operator = new RetryWithToleranceOperator({
    policy: { retryTimeoutMs: 0, retryDelayMaxMs: 60_000, tolerance: 'none', ...policy },
    reporters: [{ report: (context) => void reported.push(context) }],
    clock: {
      now: () => now,
      nextTurn: async () => {},
      sleep: async (ms) => {
        slept.push(ms);
        now += ms;
      },
    },
    metrics,
    dimensions: { connector: 'c', task: 0 },
    random: () => 0.5,
  });
  return { operator, slept, reported, metrics };
}

const context = (error: unknown): ProcessingContext => ({ stage: 'VALUE_CONVERTER', className: 'X', error, consumed: null, source: null });
const signal = new AbortController().signal;

describe('RetryWithToleranceOperator', () => {
  test('failures, retries, errors and what is skipped are counted as Kafka Connect does', async () => {
    const { operator, metrics } = operatorWith({ tolerance: 'all', retryTimeoutMs: 1_000 });
    const fail = () => {
      throw new RetriableException('later');
    };
    await operator.recover(context(new RetriableException('later')), fail, signal);
    const names = ['total-record-failures', 'total-retries', 'total-record-errors', 'total-records-skipped'] as const;
    // Tried after 300, 600 and the remaining 100 ms.
    expect(names.map((name) => metrics.sum(name, 'c'))).toEqual([4, 3, 1, 1]);
    expect(metrics.values('last-error-timestamp', 'c', 0)).toEqual([1_000]);
  });

  test('a record error is reported, then fails the task when nothing is tolerated', async () => {
    const { operator, reported } = operatorWith({});
    const error = new DataException('bad');
    await expect(operator.recover(context(error), () => 1, signal)).rejects.toMatchObject({ message: 'Tolerance exceeded in error handler', cause: error });
    expect(reported).toHaveLength(1);
  });

  test('a tolerated record is reported and skipped, without a retry', async () => {
    const { operator, slept, reported } = operatorWith({ tolerance: 'all', retryTimeoutMs: 10_000 });
    expect(await operator.recover(context(new DataException('bad')), () => 1, signal)).toBeUndefined();
    expect([slept, reported.length]).toEqual([[], 1]);
  });

  test('a retriable error is tried again with growing pauses until it works', async () => {
    const { operator, slept, reported } = operatorWith({ retryTimeoutMs: 60_000 });
    let attempts = 0;
    const answer = await operator.recover(
      context(new RetriableException('later')),
      () => {
        if (++attempts < 3) throw new RetriableException('later');
        return 'done';
      },
      signal,
    );
    expect([answer, slept, reported.length]).toEqual(['done', [300, 600, 1200], 0]);
  });

  test('pauses beyond the maximum are a random time below it, and retrying ends with the timeout', async () => {
    const { operator, slept } = operatorWith({ retryTimeoutMs: 2_000, retryDelayMaxMs: 500, tolerance: 'all' });
    const again = () => {
      throw new RetriableException('later');
    };
    await operator.recover(context(new RetriableException('later')), again, signal);
    expect(slept.slice(0, 3)).toEqual([300, 250, 250]);
    expect(slept.reduce((sum, each) => sum + each, 0)).toBe(2_000);
  });

  test('without errors.retry.timeout nothing is tried again', async () => {
    const { operator, slept } = operatorWith({ tolerance: 'all' });
    await operator.recover(context(new RetriableException('later')), () => 1, signal);
    expect(slept).toEqual([]);
  });

  test('what a converter waits for is awaited, and the record is then no failure at all', async () => {
    const { operator, slept, reported, metrics } = operatorWith({});
    const fetched: string[] = [];
    const wants = (what: string) => new PendingException(what, async () => void fetched.push(what));
    const operation = () => {
      if (!fetched.includes('schema 2')) throw wants('schema 2');
      return fetched.join(', ');
    };
    expect(await operator.recover(context(wants('schema 1')), operation, signal)).toBe('schema 1, schema 2');
    expect([slept, reported.length, metrics.sum('total-record-failures', 'c')]).toEqual([[], 0, 0]);
  });

  test('what cannot be had for now is retried, under errors.retry.timeout', async () => {
    const { operator, slept, metrics } = operatorWith({ retryTimeoutMs: 10_000 });
    let there = 0;
    const wants = new PendingException('schema 1', async () => {
      if (++there < 3) throw new RetriableException('the registry is away');
    });
    const operation = () => {
      if (there < 3) throw wants;
      return 'done';
    };
    expect(await operator.recover(context(wants), operation, signal)).toBe('done');
    expect([slept, metrics.sum('total-record-failures', 'c'), metrics.sum('total-retries', 'c')]).toEqual([[300, 600], 2, 2]);
  });

  test('what can never be had is a record error, told with the stage that it was wanted in', async () => {
    const { operator, reported } = operatorWith({ tolerance: 'all' });
    const wants = new PendingException('schema 1', () => Promise.reject(new DataException('no such schema')));
    const where = () => ({ stage: 'KEY_CONVERTER', className: 'Y' }) as const;
    expect(await operator.recover(context(wants), () => 1, signal, where)).toBeUndefined();
    expect(reported).toMatchObject([{ stage: 'KEY_CONVERTER', className: 'Y', error: { message: 'no such schema' } }]);
  });

  test('a converter that asks for the same for ever fails the record', async () => {
    const { operator } = operatorWith({});
    const wants = new PendingException('schema 1', async () => {});
    const operation = () => {
      throw wants;
    };
    await expect(operator.recover(context(wants), operation, signal)).rejects.toMatchObject({
      cause: { message: 'A converter asks for the same again and again: schema 1' },
    });
  });
});
