import { isUtf8 } from 'node:buffer';
import { JsonParseException } from './json-parser.ts';

/**
 * The text of JSON bytes between two places. UTF-8, and by its zero bytes or byte order mark UTF-16 and UTF-32, as RFC
 * 4627 tells them apart. Throws JsonParseException where bytes are no text.
 */
export function jsonText(bytes: Buffer, start = 0, end = bytes.length): string {
  if (start === 0 && (bytes[0] === 0 || bytes[1] === 0 || (bytes[0] as number) >= 0xef)) return wideText(bytes.subarray(0, end));
  const text = bytes.toString('utf8', start, end);
  return text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end)) ? wellFormedBeginning(text, bytes, start) : text;
}

/** What is before the first bytes that are no UTF-8, and characters that JSON has nowhere: behind the first value they do not count. */
function wellFormedBeginning(text: string, bytes: Buffer, start: number): string {
  let offset = start;
  for (let from = 0; ; ) {
    const at = text.indexOf('\ufffd', from);
    offset += Buffer.byteLength(text.slice(from, at));
    if (at === -1 || bytes[offset] !== 0xef || bytes[offset + 1] !== 0xbf || bytes[offset + 2] !== 0xbd) return `${text.slice(0, at)}\x7f\0`;
    offset += 3;
    from = at + 1;
  }
}

function wideText(bytes: Buffer): string {
  if (bytes.length < 4) return fewBytes(bytes);
  const first = bytes.toString('hex', 0, 4);
  if (first.startsWith('efbbbf')) return jsonText(bytes.subarray(3));
  if (first === '0000feff' || /^000000../.test(first)) return utf32(bytes, true);
  if (first === 'fffe0000' || /^..000000$/.test(first)) return utf32(bytes, false);
  if (first.startsWith('feff') || first.startsWith('00')) return utf16(Buffer.from(bytes.subarray(0, bytes.length & ~1)).swap16());
  if (first.startsWith('fffe') || /^..00/.test(first)) return utf16(bytes);
  return utf8(bytes);
}

/** Jackson looks for marks, and for UTF-32, where there are four bytes at least; for UTF-16 where there are two. */
function fewBytes(bytes: Buffer): string {
  if (bytes.length > 1 && bytes[0] === 0) return utf16(Buffer.from(bytes.subarray(0, 2)).swap16());
  if (bytes.length > 1 && bytes[1] === 0) return utf16(bytes);
  return utf8(bytes);
}

function utf8(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new JsonParseException('The bytes are no UTF-8');
  return bytes.toString('utf8');
}

function utf16(bytes: Buffer): string {
  return bytes.toString('utf16le').replace(/^\ufeff/, '');
}

function utf32(bytes: Buffer, bigEndian: boolean): string {
  let text = '';
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const code = bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
    if (code > 0x10ffff) throw new JsonParseException('The bytes are no UTF-32');
    text += String.fromCodePoint(code);
  }
  return text.replace(/^\ufeff/, '');
}
