/** A character set of Java: what it lacks is written as `?`, what it cannot read becomes U+FFFD. */
export interface Charset {
  encode(text: string): Buffer;
  decode(bytes: Buffer): string;
}

const utf8: Charset = { encode: encodeUtf8, decode: decodeUtf8 };

const latin1 = singleByte(0xff, (bytes) => bytes.toString('latin1'));

const charsets: ReadonlyMap<string, Charset> = new Map<string, Charset>(
  Object.entries({
    'utf-8': utf8,
    utf8,
    'iso-8859-1': latin1,
    iso8859_1: latin1,
    latin1,
    'us-ascii': singleByte(0x7f, decodeAscii),
    ascii: singleByte(0x7f, decodeAscii),
    'utf-16': utf16({ bigEndian: true, mark: true }),
    'utf-16be': utf16({ bigEndian: true, mark: false }),
    'utf-16le': utf16({ bigEndian: false, mark: false }),
  }),
);

/** The character set of a name or alias of Java's, in any case; undefined when there is none. */
export function charsetOf(name: string): Charset | undefined {
  const known = charsets.get(name.toLowerCase());
  if (known !== undefined) return known;
  const table = /^(?:windows-125[0-8]|iso-8859-(?:[2-9]|1[356])|koi8-r|koi8-u)$/i.exec(
    name.replace(/^cp(?=125\d$)/i, 'windows-').replace(/^iso8859_(?=\d+$)/i, 'iso-8859-'),
  )?.[0];
  return table === undefined ? undefined : tableOf(table.toLowerCase());
}

/** UTF-8, half a surrogate pair as `?`. */
export function encodeUtf8(text: string): Buffer {
  return Buffer.from(text.isWellFormed() ? text : text.replace(loneSurrogate, '?'));
}

const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** A set of one byte a character. The Encoding Standard gives a meaning to bytes that have none in Java. */
function tableOf(name: string): Charset {
  const decoded = Array.from({ length: 256 }, (_, byte) => {
    const character = new TextDecoder(name).decode(Uint8Array.of(byte));
    return name.startsWith('windows') && character.charCodeAt(0) === byte && byte >= 0x80 && byte <= 0x9f ? '\ufffd' : character;
  });
  const encoded = new Map(decoded.map((character, byte) => [character, byte]));
  encoded.delete('\ufffd');
  return {
    encode: (text) => Buffer.from(Array.from(text, (character) => encoded.get(character) ?? 0x3f)),
    decode: (bytes) => Array.from(bytes, (byte) => decoded[byte]).join(''),
  };
}

/** Java counts an encoded surrogate (`ED A0..BF xx`) as one malformed character, where Node counts three. */
function decodeUtf8(bytes: Buffer): string {
  const text = bytes.toString('utf8', 0, bytes.length);
  if (!text.includes('\ufffd')) return text;
  let decoded = '';
  let from = 0;
  for (let at = 0; at + 2 < bytes.length; at++) {
    if (bytes[at] !== 0xed || (bytes[at + 1] as number) < 0xa0 || ((bytes[at + 1] as number) & 0xc0) !== 0x80 || ((bytes[at + 2] as number) & 0xc0) !== 0x80)
      continue;
    decoded += `${bytes.toString('utf8', from, at)}\ufffd`;
    from = at + 3;
    at += 2;
  }
  return decoded + bytes.toString('utf8', from, bytes.length);
}

function decodeAscii(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[\x80-\xff]/g, '\ufffd');
}

/** Characters that the set lacks are `?`, half pairs too. */
function singleByte(last: number, decode: (bytes: Buffer) => string): Charset {
  return {
    encode: (text) => Buffer.from(Array.from(text, (character) => ((character.codePointAt(0) as number) > last ? '?' : character)).join(''), 'latin1'),
    decode,
  };
}

/** Java takes what follows a lone first half of a pair for its second half, and both for one unreadable character. */
function javaWellFormed(text: string): string {
  if (text.isWellFormed()) return text;
  return text.replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udbff][\s\S]?|[\udc00-\udfff]/g, (found) =>
    found.isWellFormed() && found.length === 2 ? found : '\ufffd',
  );
}

function utf16({ bigEndian, mark }: { bigEndian: boolean; mark: boolean }): Charset {
  const decode = (bytes: Buffer, big: boolean): string => {
    const whole = Buffer.from(bytes.subarray(0, bytes.length & ~1));
    const text = javaWellFormed((big ? whole.swap16() : whole).toString('utf16le'));
    return bytes.length % 2 === 0 ? text : `${text}\ufffd`;
  };
  return {
    encode(text) {
      const bytes = Buffer.from(`${mark && text !== '' ? '\ufeff' : ''}${text.toWellFormed()}`, 'utf16le');
      return bigEndian ? bytes.swap16() : bytes;
    },
    decode(bytes) {
      if (mark && bytes[0] === 0xfe && bytes[1] === 0xff) return decode(bytes.subarray(2), true);
      if (mark && bytes[0] === 0xff && bytes[1] === 0xfe) return decode(bytes.subarray(2), false);
      return decode(bytes, bigEndian);
    },
  };
}
