import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { ConnectException } from '../connect/errors.ts';
import { decompressLz4 } from './lz4-frame.ts';
import { decompressSnappyBlock } from './snappy-block.ts';

/** Compression types of record batches by their number in a batch's attributes. */
export const compressionTypes = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type CompressionType = (typeof compressionTypes)[number];

type WebAssemblyCodecs = typeof import('@platformatic/wasm-utils/bundled');
let webAssembly: WebAssemblyCodecs | undefined;

// Broken input ends in a trap, which leaves the instance with less of its stack and memory for good, until in the end
// nothing can be compressed any more either. So the first one is the last: from then on the slower decoders do it.
let trapped = false;

/** True when batches of this type can be worked on now; otherwise await `loadCompression` first. */
export function compressionLoaded(type: CompressionType): boolean {
  return (type !== 'lz4' && type !== 'snappy') || webAssembly !== undefined;
}

/** Loads what a compression type needs: lz4 and snappy are WebAssembly, which nobody else should pay for at start. */
export async function loadCompression(type: CompressionType): Promise<void> {
  if (!compressionLoaded(type)) webAssembly = await import('@platformatic/wasm-utils/bundled');
}

/** Compresses the records of a batch. `loadCompression` was awaited. */
export function compress(type: CompressionType, records: Buffer): Buffer {
  switch (type) {
    case 'none':
      return records;
    case 'gzip':
      return gzipSync(records);
    case 'zstd':
      return zstdCompressSync(records);
    case 'lz4':
      return codecs().lz4Compress(records);
    case 'snappy':
      return compressSnappy(records);
  }
}

/** The records of a compressed batch. Throws ConnectException when the bytes are not of that type. */
export function decompress(type: CompressionType, bytes: Buffer): Buffer {
  try {
    switch (type) {
      case 'none':
        return bytes;
      case 'gzip':
        return gunzipSync(bytes);
      case 'zstd':
        return zstdDecompressSync(bytes);
      case 'lz4':
        return notEmpty(untrapped(codecs().lz4Decompress, decompressLz4, bytes));
      case 'snappy':
        return decompressSnappy(bytes);
    }
  } catch (error) {
    throw new ConnectException(`The ${type} data of a record batch cannot be decompressed: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

// Java clients write snappy in the block framing of xerial's snappy-java: magic, two version numbers, then length-prefixed blocks.
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const xerialHeader = Buffer.concat([xerialMagic, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])]);
const xerialBlockSize = 32 * 1024;

function compressSnappy(records: Buffer): Buffer {
  const parts: Buffer[] = [xerialHeader];
  for (let start = 0; start < records.length; start += xerialBlockSize) {
    const block = codecs().snappyCompress(records.subarray(start, start + xerialBlockSize));
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

function decompressSnappy(bytes: Buffer): Buffer {
  if (bytes.length < xerialHeader.length || !bytes.subarray(0, 8).equals(xerialMagic)) return snappyBlock(bytes);
  const parts: Buffer[] = [];
  let position = xerialHeader.length;
  while (position < bytes.length) {
    const length = bytes.readInt32BE(position);
    position += 4;
    if (length < 0 || position + length > bytes.length) throw new Error('a block is longer than what is there');
    parts.push(snappyBlock(bytes.subarray(position, position + length)));
    position += length;
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}

function snappyBlock(bytes: Buffer): Buffer {
  return notEmpty(untrapped(codecs().snappyDecompress, decompressSnappyBlock, bytes));
}

function untrapped(fast: (bytes: Buffer) => Buffer, safe: (bytes: Buffer) => Buffer, bytes: Buffer): Buffer {
  if (!trapped) {
    try {
      return fast(bytes);
    } catch {
      trapped = true;
    }
  }
  return safe(bytes);
}

// A compressed batch has at least one record; the WebAssembly functions answer broken input with nothing.
function notEmpty(bytes: Buffer): Buffer {
  if (bytes.length === 0) throw new Error('the data is corrupt');
  return bytes;
}

function codecs(): WebAssemblyCodecs {
  if (!webAssembly) throw new ConnectException('loadCompression was not awaited');
  return webAssembly;
}
