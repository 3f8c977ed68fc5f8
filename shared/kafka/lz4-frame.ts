/**
 * LZ4 frames (lz4_Frame_format.md 1.6) without WebAssembly, blocks that refer to earlier ones included. The frame's xxHash
 * sums are not looked at: the batch around it has its CRC-32C.
 */

const magic = 0x184d2204;
const dictionaryFlag = 1;
const contentSizeFlag = 8;
const blockSumFlag = 16;
const storedBlock = 0x80000000;

// Reads in range are numbers: said once here, so that the loops stay readable.
type Bytes = Uint8Array & { readonly [index: number]: number };

// Decoded here, then copied to the size that it has: the frame need not say. Kept for the next frame while it is small.
let scratch = Buffer.allocUnsafeSlow(128 * 1024);
const keptScratch = 4 * 1024 * 1024;

/** What a frame holds. Throws an error that says what is wrong with it. */
export function decompressLz4(frame: Buffer): Buffer {
  if (frame.length < 7 || frame.readUInt32LE(0) !== magic) throw new Error('it does not begin as an LZ4 frame does');
  const flags = frame[4] as number;
  const blockCode = ((frame[5] as number) >> 4) & 7;
  if (flags >> 6 !== 1) throw new Error(`the version of its LZ4 frame is ${flags >> 6}`);
  if ((flags & dictionaryFlag) !== 0) throw new Error('its LZ4 frame needs a dictionary');
  if (blockCode < 4) throw new Error(`the size of its LZ4 blocks has code ${blockCode}`);
  const largestBlock = 1 << (8 + 2 * blockCode);
  let position = (flags & contentSizeFlag) === 0 ? 7 : 15;
  let length = 0;
  for (;;) {
    if (position + 4 > frame.length) throw new Error('its LZ4 frame has no end');
    const word = frame.readUInt32LE(position);
    position += 4;
    if (word === 0) break;
    const stored = word >= storedBlock;
    const end = position + (stored ? word - storedBlock : word);
    if (end > frame.length) throw new Error('an LZ4 block is longer than what is there');
    if (end - position > largestBlock) throw new Error('an LZ4 block is longer than its frame allows');
    if (length + largestBlock > scratch.length) grow(length, Math.min(largestBlock, stored ? end - position : (end - position) * 255));
    if (stored) length += frame.copy(scratch, length, position, end);
    else length = decompressBlock(frame as Bytes, position, end, scratch as Bytes, length, Math.min(scratch.length, length + largestBlock));
    position = (flags & blockSumFlag) === 0 ? end : end + 4;
  }
  const content = Buffer.allocUnsafe(length);
  scratch.copy(content, 0, 0, length);
  if (scratch.length > keptScratch) scratch = Buffer.allocUnsafeSlow(128 * 1024);
  return content;
}

// A block can hold 255 times its size at most.
function grow(length: number, room: number): void {
  if (length + room <= scratch.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(scratch.length * 2, length + room));
  scratch.copy(larger, 0, 0, length);
  scratch = larger;
}

/** Decodes `source[from, end)` to `target[to, limit)`; where that ends. Matches may reach back into blocks before. */
function decompressBlock(source: Bytes, from: number, end: number, target: Bytes, to: number, limit: number): number {
  let read = from;
  let write = to;
  while (read < end) {
    const token = source[read++] as number;
    let literals = token >> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255 && read < end) {
        more = source[read++] as number;
        literals += more;
      }
    }
    const literalsEnd = read + literals;
    if (literalsEnd > end || write + literals > limit) throw new Error('an LZ4 block is corrupt: literals beyond its end');
    if (literals > 48) {
      target.set(source.subarray(read, literalsEnd), write);
      write += literals;
      read = literalsEnd;
    } else while (read < literalsEnd) target[write++] = source[read++] as number;
    // The last sequence has literals only.
    if (read === end) return write;
    if (read + 2 > end) throw new Error('an LZ4 block is corrupt: it ends within a match');
    const offset = (source[read] as number) | ((source[read + 1] as number) << 8);
    read += 2;
    let match = token & 15;
    if (match === 15) {
      let more = 255;
      while (more === 255 && read < end) {
        more = source[read++] as number;
        match += more;
      }
    }
    match += 4;
    const start = write - offset;
    if (offset === 0 || start < 0 || write + match > limit) throw new Error('an LZ4 block is corrupt: a match out of its bounds');
    write = copyMatch(target, write, offset, match);
  }
  throw new Error('an LZ4 block is corrupt: it ends with a match');
}

/** Repeats `length` bytes from `offset` before `write`; they may overlap, and then repeat themselves. Returns where they end. */
export function copyMatch(target: Uint8Array, write: number, offset: number, length: number): number {
  const end = write + length;
  if (length > 48 && offset >= length) {
    target.copyWithin(write, write - offset, end - offset);
    return end;
  }
  for (let at = write; at < end; at++) target[at] = target[at - offset] as number;
  return end;
}
