import type { ConverterCase } from '../converter-case.ts';
import { loosePair } from './data.ts';
import type { Random } from './random.ts';
import { text } from './texts.ts';

const numbers = ['Short', 'Integer', 'Long', 'Float', 'Double', 'Boolean'] as const;
const targets = ['Boolean', 'Byte', 'Short', 'Integer', 'Long', 'Float', 'Double', 'List', 'Map', 'Date', 'Time', 'Timestamp', 'Decimal', 'String'] as const;
const types = ['int8', 'int16', 'int32', 'int64', 'float', 'double', 'boolean', 'string', 'bytes'] as const;
const logical = ['Decimal', 'Date', 'Time', 'Timestamp'].map((each) => `org.apache.kafka.connect.data.${each}`);

type Input = ConverterCase['input'];
type Bare = Omit<ConverterCase, 'expect'>;

/** A case of kind converter: something through a converter, a header converter or `Values`, in either direction. */
export function converterCase(random: Random, id: string): Bare {
  const base = { id, kind: 'converter' as const, isKey: random.chance(0.5), topic: 't', config: {} };
  return random.oneOf<Bare>(
    () => valuesCase(random, base),
    () => jsonCase(random, base),
    () => jsonCase(random, base),
    () => otherCase(random, base),
  );
}

type Base = Pick<Bare, 'id' | 'kind' | 'isKey' | 'topic' | 'config'>;

function valuesCase(random: Random, base: Base): Bare {
  const of = { ...base, class: 'org.apache.kafka.connect.data.Values' };
  if (random.chance(0.5)) return { ...of, direction: 'parseString', input: random.chance(0.02) ? null : text(random) };
  const direction = `convertTo${random.pick(targets)}`;
  const input = random.chance(0.4)
    ? { schema: random.chance(0.5) ? null : { type: 'string', optional: true }, value: { str: text(random) } }
    : looseInput(random);
  return { ...of, direction, input, ...(direction === 'convertToDecimal' && { scale: random.int(-1, 4) }) };
}

function jsonCase(random: Random, base: Base): Bare {
  const config: Record<string, string> = {
    ...(random.chance(0.5) && { 'schemas.enable': random.pick(['false', 'false', 'true', 'FALSE']) }),
    ...(random.chance(0.3) && { 'decimal.format': random.pick(['NUMERIC', 'numeric', 'BASE64', 'x']) }),
    ...(random.chance(0.2) && { 'replace.null.with.default': random.pick(['false', 'true']) }),
    ...(random.chance(0.02) && { 'schemas.cache.size': random.pick(['0', '5', 'x']) }),
    ...(random.chance(0.05) && {
      'schema.content': random.chance(0.9) ? JSON.stringify(jsonSchema(random, 2)) : random.pick(['', '{', 'null', '[]', '{"type":"x"}']),
    }),
  };
  return eitherWay(random, { ...base, class: 'org.apache.kafka.connect.json.JsonConverter', config }, () => jsonBytes(random));
}

function otherCase(random: Random, base: Base): Bare {
  const kind = random.int(0, 4);
  if (kind === 0) {
    const config: Record<string, string> = random.chance(0.3)
      ? { 'converter.encoding': random.pick(['UTF-8', 'ISO-8859-1', 'US-ASCII', 'UTF-16', 'UTF-16LE', 'utf8', 'windows-1252', 'nope', '']) }
      : {};
    return eitherWay(random, { ...base, class: 'org.apache.kafka.connect.storage.StringConverter', config }, () => textBytes(random));
  }
  if (kind === 1) {
    const of = { ...base, class: 'org.apache.kafka.connect.storage.SimpleHeaderConverter', header: 'h' };
    if (random.chance(0.5)) return { ...of, direction: 'toConnectHeader', input: bytesInput(random, () => textBytes(random)) };
    return { ...of, direction: 'fromConnectHeader', input: looseInput(random) };
  }
  if (kind === 2)
    return eitherWay(random, { ...base, class: 'org.apache.kafka.connect.converters.ByteArrayConverter' }, () => anyBytes(random, random.int(0, 10)));
  const length = random.chance(0.7) ? random.pick([1, 2, 4, 8]) : random.int(0, 9);
  return eitherWay(random, { ...base, class: `org.apache.kafka.connect.converters.${random.pick(numbers)}Converter` }, () => anyBytes(random, length));
}

function eitherWay(random: Random, of: Base & { class: string }, bytes: () => Buffer): Bare {
  const to = random.chance(0.5);
  const header = random.chance(0.15);
  return {
    ...of,
    direction: `${to ? 'to' : 'from'}Connect${header ? 'Header' : 'Data'}`,
    ...(header && { header: 'h' }),
    input: to ? bytesInput(random, bytes) : looseInput(random),
  };
}

function looseInput(random: Random): Input {
  return loosePair(random);
}

function bytesInput(random: Random, bytes: () => Buffer): Input {
  return { bytes: random.chance(0.03) ? null : bytes().toString('base64') };
}

function anyBytes(random: Random, length: number): Buffer {
  return Buffer.from(random.list(length, () => (random.chance(0.3) ? random.pick([0, 1, 0x7f, 0x80, 0xff, 0xf0]) : random.int(0, 255))));
}

/** Text in UTF-8, now and then broken. */
function textBytes(random: Random): Buffer {
  const bytes = Buffer.from(text(random));
  if (random.chance(0.2)) return Buffer.concat([bytes, anyBytes(random, random.int(1, 4)), bytes]);
  return bytes;
}

// Messages of JsonConverter

function jsonBytes(random: Random): Buffer {
  const written = random.oneOf(
    () => jsonText(random, 2),
    () => jsonText(random, 1),
    () => envelope(random),
    () => envelope(random),
    () => envelope(random),
  );
  const changed = random.chance(0.06) ? mutated(random, written) : written;
  if (random.chance(0.02)) return Buffer.from(`\ufeff${changed}`);
  // Half surrogate pairs in names count in UTF-8 only.
  if (random.chance(0.02) && changed.isWellFormed() && !/\\u[dD]/.test(changed)) return Buffer.from(changed, 'utf16le');
  return random.chance(0.02) ? Buffer.concat([Buffer.from(changed), anyBytes(random, 3)]) : Buffer.from(changed);
}

function mutated(random: Random, written: string): string {
  const at = random.int(0, written.length);
  const odd = random.pick(['', ',', '"', '{', ']', '\n', ' ', '\\', '0', '-', '.', 'e', '/*x*/', "'", 'NaN', '\u0001', '\ud800', '}', ':', '+']);
  return written.slice(0, at) + odd + written.slice(at + random.int(0, 1));
}

function envelope(random: Random): string {
  const of = jsonSchema(random, 2);
  const payload = random.chance(0.85) ? fitting(random, of, 2) : jsonText(random, 1);
  return `{"schema":${JSON.stringify(of)},"payload":${payload}}`;
}

/** A schema of an envelope, sometimes with parts of the wrong kind. */
function jsonSchema(random: Random, depth: number): Readonly<Record<string, unknown>> | null {
  if (random.chance(0.03)) return null;
  const kind = random.int(0, depth > 0 ? 8 : 5);
  const extras = {
    ...(random.chance(0.6) && { optional: random.chance(0.95) ? random.chance(0.5) : random.pick(['true', 1, null]) }),
    ...(random.chance(0.1) && { version: random.chance(0.8) ? random.int(1, 3) : random.pick(['3', 1.5, null, 2 ** 40]) }),
    ...(random.chance(0.1) && { name: random.chance(0.9) ? 'com.acme.X' : random.pick([5, null]) }),
    ...(random.chance(0.05) && { doc: random.pick(['a text', 7, null]) }),
    ...(random.chance(0.05) && { parameters: random.pick<unknown>([{ a: 'b' }, { a: 1 }, null, [], {}]) }),
    ...(random.chance(0.08) && { default: random.pick<unknown>([1, 'x', null, true, 1.5, [], {}]) }),
  };
  if (kind === 5) {
    const name = random.pick(logical);
    const type = name.endsWith('Decimal') ? 'bytes' : name.endsWith('Timestamp') ? 'int64' : 'int32';
    return {
      type: random.chance(0.95) ? type : 'string',
      name,
      version: 1,
      ...(name.endsWith('Decimal') && random.chance(0.95) && { parameters: { scale: String(random.int(0, 3)) } }),
      ...extras,
      ...(extras.name !== undefined && { name }),
    };
  }
  if (kind < 6) return { type: random.chance(0.97) ? random.pick(types) : random.pick(['float32', 'INT8', 'x', 5, null]), ...extras };
  if (kind === 6) return { type: 'array', ...(random.chance(0.97) && { items: jsonSchema(random, depth - 1) }), ...extras };
  if (kind === 7)
    return {
      type: 'map',
      keys: random.chance(0.6) ? { type: 'string' } : jsonSchema(random, 0),
      ...(random.chance(0.97) && { values: jsonSchema(random, depth - 1) }),
      ...extras,
    };
  const names = random.some(['a', 'b', 'c', 'id'], random.int(0, 3));
  return {
    type: 'struct',
    ...(random.chance(0.97) && { fields: names.map((field) => ({ ...(random.chance(0.99) && { field }), ...jsonSchema(random, depth - 1) })) }),
    ...extras,
  };
}

/** A payload that fits a schema, mostly. */
function fitting(random: Random, of: unknown, depth: number): string {
  const { type, optional, keys, values, items, fields, name } = (of ?? {}) as Record<string, unknown>;
  if (random.chance(optional === true ? 0.15 : 0.03)) return 'null';
  if (random.chance(0.05)) return jsonText(random, 0);
  if (name === 'org.apache.kafka.connect.data.Decimal') return random.chance(0.5) ? '"AQ=="' : jsonNumber(random);
  switch (type) {
    case 'boolean':
      return random.pick(['true', 'false']);
    case 'string':
      return JSON.stringify(text(random));
    case 'bytes':
      return JSON.stringify(
        random.chance(0.9) ? anyBytes(random, random.int(0, 5)).toString('base64') : random.pick(['AQ', 'A', '!!', 'AQ==\n', ' AQ==', 'A Q=', '-_-_']),
      );
    case 'array':
      return `[${random.list(random.int(0, 2), () => fitting(random, items, depth - 1)).join(',')}]`;
    case 'map':
      if ((keys as { type?: unknown } | null)?.type === 'string' && random.chance(0.8))
        return `{${random.list(random.int(0, 2), () => `${JSON.stringify(text(random))}:${fitting(random, values, depth - 1)}`).join(',')}}`;
      return `[${random.list(random.int(0, 2), () => `[${fitting(random, keys, 0)},${fitting(random, values, depth - 1)}${random.chance(0.02) ? ',1' : ''}]`).join(',')}]`;
    case 'struct':
      return `{${((fields ?? []) as { field?: string }[])
        .filter(() => random.chance(0.93))
        .map((each) => `${JSON.stringify(each.field ?? 'x')}:${fitting(random, each, depth - 1)}`)
        .join(',')}}`;
    default:
      return jsonNumber(random);
  }
}

function jsonNumber(random: Random): string {
  return random.oneOf(
    () => String(random.bits(random.pick([8, 16, 32, 64, 80]))),
    () =>
      random
        .double()
        .toString()
        .replace(/NaN|-?Infinity/, '1.0'),
    () =>
      random.pick([
        '0.0',
        '-0',
        '-0.0',
        '1e3',
        '1E400',
        '1.0',
        '100.00',
        '1e-400',
        '0.1e1',
        '12345678901234567890.5',
        '9223372036854775808',
        '1.9',
        '-1.9',
        '3e10',
      ]),
  );
}

/** Any JSON text. */
function jsonText(random: Random, depth: number): string {
  const kind = random.int(0, depth > 0 ? 7 : 4);
  const space = random.chance(0.1) ? random.pick([' ', '\n', '\t', '\r\n']) : '';
  if (kind > 5) {
    const key = () => JSON.stringify(random.chance(0.7) ? random.pick(['a', 'b', 'schema', 'payload', 'id']) : text(random));
    return `{${space}${random.list(random.int(0, 3), () => `${key()}${space}:${space}${jsonText(random, depth - 1)}`).join(',')}}`;
  }
  if (kind > 4) return `[${random.list(random.int(0, 3), () => jsonText(random, depth - 1)).join(`${space},`)}]`;
  return random.oneOf(
    () => jsonNumber(random),
    () => JSON.stringify(text(random)),
    () => random.pick(['true', 'false', 'null']),
    () =>
      random.pick([
        '"\\u00e9"',
        '"\\ud83d\\ude00"',
        '"\\/"',
        '"\\ud800"',
        '"a\\tb"',
        '',
        ' ',
        '012',
        '+1',
        '.5',
        '5.',
        'nul',
        'NaN',
        '"\\x"',
        '1 2',
        '[]]',
        '{"a":1}x',
        'TRUE',
        "'a'",
        '-',
        '--1',
        '1e',
        '""',
      ]),
  );
}
