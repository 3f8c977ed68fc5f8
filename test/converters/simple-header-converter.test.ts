import { describe, expect, test } from 'vitest';
import { dateSchema, Schema, schemaEquals } from '../../shared/connect/index.ts';
import { simpleHeaderConverter } from '../../shared/converters/simple-header-converter.ts';

const converter = simpleHeaderConverter.create({});
const read = (text: string) => converter.toConnectHeader('t', 'h', Buffer.from(text));

describe('SimpleHeaderConverter', () => {
  test('guesses the smallest type that a text fits', () => {
    expect(read('5')).toEqual({ schema: Schema.INT8_SCHEMA, value: 5 });
    expect(read('300')).toEqual({ schema: Schema.INT16_SCHEMA, value: 300 });
    expect(read('3000000000')).toEqual({ schema: Schema.INT64_SCHEMA, value: 3_000_000_000n });
    expect(read('0.5')).toEqual({ schema: Schema.FLOAT32_SCHEMA, value: 0.5 });
    expect(read('true')).toEqual({ schema: Schema.BOOLEAN_SCHEMA, value: true });
    expect(read('text')).toEqual({ schema: Schema.STRING_SCHEMA, value: 'text' });
  });

  test('reads dates, lists and maps', () => {
    const date = read('2019-08-23');
    expect(schemaEquals(date.schema, dateSchema())).toBe(true);
    expect(date.value).toEqual(new Date('2019-08-23T00:00:00Z'));
    expect(read('[1,300]').value).toEqual([1, 300]);
    expect(read('{"a":[true]}').value).toEqual(new Map([['a', [true]]]));
  });

  test('gives null for the text null and for no bytes', () => {
    expect(read('null')).toEqual({ schema: null, value: null });
    expect(converter.toConnectHeader('t', 'h', null)).toEqual({ schema: null, value: null });
  });

  test('writes values so that they are read again', () => {
    const value = new Map([['a', ['x', 'y"z']]]);
    const bytes = converter.fromConnectHeader('t', 'h', null, value) as Buffer;
    expect(bytes.toString()).toBe('{"a":["x","y\\"z"]}');
  });
});
