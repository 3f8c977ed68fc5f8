import { isUtf8 } from 'node:buffer';
import { JsonParseException } from './json-parser.ts';

/**
 * The text of JSON bytes between two places. UTF-8, and by its zero bytes or byte order mark UTF-16 and UTF-32, as RFC
 * 4627 tells them apart. Throws JsonParseException where bytes are no text.
 */
export function jsonText(bytes: Buffer, start = 0, end = bytes.length): string {
  if (start === 0 && (bytes[0] === 0 || bytes[1] === 0 || (bytes[0] as number) >= 0xef)) return wideText(bytes.subarray(0, end));
  const text = bytes.toString('utf8', start, end);
  if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end))) throw new JsonParseException('The bytes are no UTF-8');
  return text;
}

function wideText(bytes: Buffer): string {
  const first = bytes.toString('hex', 0, 4);
  if (first.startsWith('efbbbf')) return jsonText(bytes.subarray(3));
  if (first === '0000feff' || /^000000../.test(first)) return utf32(bytes, true);
  if (first === 'fffe0000' || /^..000000$/.test(first)) return utf32(bytes, false);
  if (first.startsWith('feff') || first.startsWith('00')) return utf16(Buffer.from(bytes.subarray(0, bytes.length & ~1)).swap16());
  if (first.startsWith('fffe') || /^..00/.test(first)) return utf16(bytes);
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
