import { lz4Compress, snappyCompress } from '@platformatic/wasm-utils/bundled';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ConnectException } from '../../shared/connect/errors.ts';
import { compress, compressionTypes, decompress, loadCompression } from '../../shared/kafka/compression.ts';
import { decompressLz4 } from '../../shared/kafka/lz4-frame.ts';
import { decompressSnappyBlock } from '../../shared/kafka/snappy-block.ts';

beforeAll(() => loadCompression('lz4'));

/** From a few bytes to beyond the largest block, from noise to one byte repeated. */
const content = fc
  .tuple(
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 20 }),
    fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 2000 })),
  )
  .map(([parts, times]) => {
    const once = Buffer.concat(parts);
    return Buffer.alloc(Math.min(once.length * times, 5_000_000), once);
  });

describe.each([
  ['LZ4 frames', lz4Compress, decompressLz4],
  ['snappy blocks', snappyCompress, decompressSnappyBlock],
])('the decoder of %s without WebAssembly', (_, pack, unpack) => {
  it('gives what was compressed, of any size and kind', () => {
    fc.assert(
      fc.property(content, (bytes) => {
        expect(unpack(pack(bytes)).equals(bytes)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses broken data, or makes no more of it than it can hold', () => {
    const damage = fc.array(fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(content, damage, fc.option(fc.nat()), (bytes, changes, cut) => {
        const packed = pack(bytes);
        for (const { at, to } of changes) packed[at % packed.length] = to;
        const broken = cut === null ? packed : packed.subarray(0, cut % packed.length);
        try {
          expect(unpack(broken).length).toBeLessThanOrEqual(broken.length * 255);
        } catch (error) {
          expect((error as Error).message).toMatch(/LZ4|snappy/);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('compressed records', () => {
  it.each(compressionTypes.filter((type) => type !== 'none'))('in %s are still read and written after thousands of broken ones', (type) => {
    const records = Buffer.alloc(20_000, 'The quick brown fox jumps over the lazy dog. ');
    const broken = compress(type, records).subarray(0, 40);
    for (let count = 0; count < 5000; count++) expect(() => decompress(type, broken)).toThrow(ConnectException);
    expect(decompress(type, compress(type, records)).equals(records)).toBe(true);
  });
});
