/** Letters of one item: a bit for each offset, 8 KB. */
const perChunk = 65_536n;

/** The items that offsets belong to: their numbers, with the bits in each. */
export function chunksOf(offsets: readonly bigint[]): ReadonlyMap<bigint, readonly number[]> {
  const chunks = new Map<bigint, number[]>();
  for (const offset of offsets) {
    const chunk = offset / perChunk;
    const bits = chunks.get(chunk) ?? [];
    bits.push(Number(offset % perChunk));
    chunks.set(chunk, bits);
  }
  return chunks;
}

/** Bits as they are stored, with some more set. */
export function withBits(stored: unknown, bits: readonly number[]): string {
  const bytes = Buffer.alloc(Number(perChunk) / 8);
  if (typeof stored === 'string') Buffer.from(stored, 'base64').copy(bytes);
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] as number) | (1 << (bit & 7));
  return bytes.toString('base64');
}

/** Which of these offsets of a chunk are set. */
export function bitsIn(stored: unknown, chunk: bigint, bits: readonly number[]): bigint[] {
  if (typeof stored !== 'string') return [];
  const bytes = Buffer.from(stored, 'base64');
  return bits.filter((bit) => ((bytes[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0).map((bit) => chunk * perChunk + BigInt(bit));
}
