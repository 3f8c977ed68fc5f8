import { describe, expect, it } from 'vitest';
import { murmur2, nextStickyPartition, partitionForKey } from '../../shared/kafka/partitioner.ts';

describe('the partitioner', () => {
  // The vectors of Kafka's own UtilsTest.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %s as the Java client does', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });

  it('puts equal keys into the partition that the Java client chooses', () => {
    expect(partitionForKey(Buffer.from('foobar'), 10)).toBe((-790332482 & 0x7fffffff) % 10);
  });

  it('moves records without a key to another partition that has a leader', () => {
    for (let turn = 0; turn < 50; turn++) expect([2, 3]).toContain(nextStickyPartition([1, -1, 1, 1], 0));
    expect(nextStickyPartition([1], 0)).toBe(0);
  });
});
