import {
  type Converter,
  type ConverterDefinition,
  configDef,
  type HeaderConverter,
  type HeaderConverterDefinition,
  Schema,
  type SchemaAndValue,
  string,
} from '../connect/index.ts';
import { javaToString } from '../connect/java/java-value.ts';
import { CONVERTER_TYPE, VERSION } from './converter-keys.ts';
import { SerializationException } from './serialization-exception.ts';

const config = configDef({
  ...CONVERTER_TYPE,
  'converter.encoding': string({
    default: 'UTF-8',
    importance: 'HIGH',
    doc: 'Character set of the bytes: `UTF-8`, `ISO-8859-1`, `US-ASCII`, `UTF-16`, `UTF-16BE`, `UTF-16LE`.',
  }),
});

interface Charset {
  encode(text: string): Buffer;
  decode(bytes: Buffer): string;
}

const utf8: Charset = { encode: (text) => Buffer.from(text), decode: decodeUtf8 };

const charsets: ReadonlyMap<string, Charset> = new Map<string, Charset>(
  Object.entries({
    'utf-8': utf8,
    utf8,
    'iso-8859-1': singleByte(0xff, (bytes) => bytes.toString('latin1')),
    latin1: singleByte(0xff, (bytes) => bytes.toString('latin1')),
    'us-ascii': singleByte(0x7f, decodeAscii),
    ascii: singleByte(0x7f, decodeAscii),
    'utf-16': utf16({ bigEndian: true, mark: true }),
    'utf-16be': utf16({ bigEndian: true, mark: false }),
    'utf-16le': utf16({ bigEndian: false, mark: false }),
  }),
);

/** Any value as Java's text of it, and text back. What it reads has an optional schema. */
class StringConverter implements Converter, HeaderConverter {
  readonly #charset: Charset;

  constructor(raw: Readonly<Record<string, string>>) {
    const encoding = config.parse(raw)['converter.encoding'];
    const charset = charsets.get(encoding.toLowerCase());
    if (charset === undefined) throw new SerializationException(`Unsupported encoding ${encoding}`);
    this.#charset = charset;
  }

  fromConnectData(_topic: string, schema: Schema | null, value: unknown): Buffer | null {
    if (value === null || value === undefined) return null;
    return this.#charset.encode(typeof value === 'string' ? value : javaToString(schema, value));
  }

  toConnectData(_topic: string, bytes: Buffer | null): SchemaAndValue {
    return { schema: Schema.OPTIONAL_STRING_SCHEMA, value: bytes === null ? null : this.#charset.decode(bytes) };
  }

  fromConnectHeader(topic: string, _key: string, schema: Schema | null, value: unknown): Buffer | null {
    return this.fromConnectData(topic, schema, value);
  }

  toConnectHeader(topic: string, _key: string, bytes: Buffer | null): SchemaAndValue {
    return this.toConnectData(topic, bytes);
  }
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

function utf16({ bigEndian, mark }: { bigEndian: boolean; mark: boolean }): Charset {
  const decode = (bytes: Buffer, big: boolean): string => {
    const whole = Buffer.from(bytes.subarray(0, bytes.length & ~1));
    const text = (big ? whole.swap16() : whole).toString('utf16le').toWellFormed();
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

const info = {
  className: 'org.apache.kafka.connect.storage.StringConverter',
  version: VERSION,
  overview: 'Reads bytes as text and writes the text of any value.',
  config,
};

export const stringConverter: ConverterDefinition = {
  ...info,
  kind: 'converter',
  create: (raw, isKey) => new StringConverter({ ...raw, 'converter.type': isKey ? 'key' : 'value' }),
};

export const stringHeaderConverter: HeaderConverterDefinition = {
  ...info,
  kind: 'header_converter',
  create: (raw) => new StringConverter({ ...raw, 'converter.type': 'header' }),
};
