import { copyMatch } from './lz4-frame.ts';

// A copy of three bytes makes 64 at most: nothing that says it becomes more than this is true.
const mostExpansion = 22;

/** What a block in snappy's raw format holds (format_description.txt of google/snappy). Throws an error that says what is wrong with it. */
export function decompressSnappyBlock(block: Buffer): Buffer {
  const end = block.length;
  let read = 0;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    if (read >= end || shift > 28) throw new Error('a snappy block is corrupt: its length does not end');
    const byte = block[read++] as number;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  if (length > end * mostExpansion) throw new Error(`a snappy block is corrupt: it cannot become ${length} bytes`);
  const target = Buffer.allocUnsafe(length);
  let write = 0;
  while (read < end) {
    const tag = block[read++] as number;
    const kind = tag & 3;
    if (kind === 0) {
      let literals = tag >> 2;
      if (literals >= 60) {
        const bytes = literals - 59;
        if (read + bytes > end) throw new Error('a snappy block is corrupt: it ends within a number');
        literals = block.readUIntLE(read, bytes);
        read += bytes;
      }
      literals++;
      const literalsEnd = read + literals;
      if (literalsEnd > end || write + literals > length) throw new Error('a snappy block is corrupt: literals beyond its end');
      if (literals > 48) {
        target.set(block.subarray(read, literalsEnd), write);
        write += literals;
        read = literalsEnd;
      } else while (read < literalsEnd) target[write++] = block[read++] as number;
      continue;
    }
    const bytes = kind === 3 ? 4 : kind;
    if (read + bytes > end) throw new Error('a snappy block is corrupt: it ends within a copy');
    const match = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    let offset: number;
    if (kind === 1) offset = ((tag & 0xe0) << 3) | (block[read] as number);
    else if (kind === 2) offset = (block[read] as number) | ((block[read + 1] as number) << 8);
    else offset = block.readUInt32LE(read);
    read += bytes;
    if (offset === 0 || offset > write || write + match > length) throw new Error('a snappy block is corrupt: a copy out of its bounds');
    write = copyMatch(target, write, offset, match);
  }
  if (write !== length) throw new Error('a snappy block is corrupt: it is shorter than it says');
  return target;
}
