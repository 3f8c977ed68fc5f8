import { describe, expect, test } from 'vitest';
import { assignPartitions, sinkGroup, subscriptionOf } from '../../shared/runtime/partition-assignor.ts';

describe('partition assignor', () => {
  test('deals partitions evenly and the same way each time', () => {
    const assignment = assignPartitions({ orders: 3, audit: 2 }, 2);
    expect(assignment).toEqual([
      [
        { topic: 'audit', partition: 0 },
        { topic: 'orders', partition: 0 },
        { topic: 'orders', partition: 2 },
      ],
      [
        { topic: 'audit', partition: 1 },
        { topic: 'orders', partition: 1 },
      ],
    ]);
  });

  test('gives nothing to tasks beyond the number of partitions', () => {
    expect(assignPartitions({ orders: 1 }, 3)).toEqual([[{ topic: 'orders', partition: 0 }], [], []]);
  });

  test('a pattern must match the whole name and never an internal topic', () => {
    const { topics, select } = subscriptionOf({ 'topics.regex': 'orders-.*|__consumer_offsets' });
    expect(topics).toBeNull();
    expect(
      select(
        new Map([
          ['orders-eu', 2],
          ['my-orders-eu', 1],
          ['__consumer_offsets', 50],
        ]),
      ),
    ).toEqual({ 'orders-eu': 2 });
  });

  test('a list is trimmed, and topics that do not exist are left out', () => {
    const { topics, select } = subscriptionOf({ topics: ' a, b ,' });
    expect(topics).toEqual(['a', 'b']);
    expect(select(new Map([['b', 4]]))).toEqual({ b: 4 });
  });

  test('the group can be overridden as in Kafka Connect', () => {
    expect(sinkGroup('pg', {})).toBe('connect-pg');
    expect(sinkGroup('pg', { 'consumer.override.group.id': 'mine' })).toBe('mine');
  });
});
