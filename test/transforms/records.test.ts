import { describe, expect, test } from 'vitest';
import { Schema } from '../../shared/connect/index.ts';
import { apply, record } from './apply.ts';

const header = (key: string, value: unknown) => ({ key, schema: null, value });

describe('Transformations of topics', () => {
  test('RegexRouter needs a match of the whole topic, and replaces by groups', () => {
    expect(apply('RegexRouter', { regex: 'or(.*)', replacement: '$1-$110' }, record({}))?.topic).toBe('ders-ders10');
    expect(apply('RegexRouter', { regex: 'ord', replacement: 'x' }, record({}))?.topic).toBe('orders');
    expect(() => apply('RegexRouter', { regex: 'orders', replacement: '$1' }, record({}))).toThrow('No group 1');
  });

  test('TimestampRouter makes the day a part of the topic', () => {
    expect(apply('TimestampRouter', {}, record({}))?.topic).toBe('orders-20231114');
    expect(() => apply('TimestampRouter', {}, record({ timestamp: null }))).toThrow('Timestamp missing on record');
  });
});

describe('Transformations of headers', () => {
  const input = record({ headers: [header('a', 1), header('b', 2), header('a', 3)], value: new Map([['id', 7]]) });

  test('InsertHeader adds one, DropHeaders removes all of a name', () => {
    expect(apply('InsertHeader', { header: 'a', 'value.literal': '5' }, input)?.headers.at(-1)).toEqual({ key: 'a', schema: Schema.INT8_SCHEMA, value: 5 });
    expect(apply('DropHeaders', { headers: 'a' }, input)?.headers).toEqual([header('b', 2)]);
  });

  test('HeaderFrom moves a field into a header', () => {
    const result = apply('HeaderFrom$Value', { fields: 'id', headers: 'key', operation: 'move' }, input);
    expect(result?.headers.at(-1)).toEqual(header('key', 7));
    expect(result?.value).toEqual(new Map());
  });
});

describe('TimestampConverter', () => {
  const convert = (config: Record<string, string>, value: unknown) => apply('TimestampConverter$Value', config, record({ value }))?.value;

  test('writes and reads texts in a format', () => {
    expect(convert({ 'target.type': 'string', format: "yyyy-MM-dd'T'HH:mm" }, 1_700_000_000_123)).toBe('2023-11-14T22:13');
    expect(convert({ 'target.type': 'Timestamp', format: 'yyyy-MM-dd' }, '2024-02-30')).toEqual(new Date('2024-03-01'));
    expect(() => convert({ 'target.type': 'unix', format: 'yyyy' }, 'x')).toThrow('Could not parse timestamp: value (x) does not match pattern (yyyy)');
  });

  test('converts a field of a map, and Unix time in other units', () => {
    const config = { field: 'at', 'target.type': 'unix', 'unix.precision': 'seconds' };
    expect(convert(config, new Map([['at', new Date(5_999)]]))).toEqual(new Map([['at', 5]]));
  });
});
