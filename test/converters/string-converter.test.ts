import { describe, expect, test } from 'vitest';
import { array, Boxed, NO_HEADERS, Schema, struct } from '../../shared/connect/index.ts';
import { stringConverter } from '../../shared/converters/string-converter.ts';

const converter = stringConverter.create({}, false);
const written = (schema: Schema | null, value: unknown) => converter.fromConnectData('t', schema, value, NO_HEADERS)?.toString();

describe('StringConverter', () => {
  test('reads text with an optional schema, and null', () => {
    expect(converter.toConnectData('t', Buffer.from('zoë😀'), NO_HEADERS)).toEqual({ schema: Schema.OPTIONAL_STRING_SCHEMA, value: 'zoë😀' });
    expect(converter.toConnectData('t', null, NO_HEADERS).value).toBeNull();
  });

  test("writes Java's text of any value", () => {
    const schema = struct({ a: Schema.INT8_SCHEMA, b: array(Schema.FLOAT64_SCHEMA), c: Schema.OPTIONAL_STRING_SCHEMA });
    expect(written(schema, { a: 1, b: [2, 0.5], c: null })).toBe('Struct{a=1,b=[2.0, 0.5]}');
    expect(
      written(
        null,
        new Map<string, unknown>([
          ['a', 1],
          ['b', new Boxed('FLOAT32', 1)],
        ]),
      ),
    ).toBe('{a=1, b=1.0}');
  });

  test('counts malformed bytes as Java does', () => {
    expect(converter.toConnectData('t', Buffer.from('61eda080ff62', 'hex'), NO_HEADERS).value).toBe('a\ufffd\ufffdb');
  });

  test('reads and writes other character sets, and refuses those that it does not know', () => {
    const latin = stringConverter.create({ 'converter.encoding': 'ISO-8859-1' }, true);
    expect(latin.fromConnectData('t', Schema.STRING_SCHEMA, 'né€', NO_HEADERS)).toEqual(Buffer.from([0x6e, 0xe9, 0x3f]));
    expect(() => stringConverter.create({ 'converter.encoding': 'nope' }, true)).toThrow('Unsupported encoding nope');
  });
});
