import { describe, expect, test } from 'vitest';
import { Boxed, Schema, type SinkRecord, struct } from '../../../shared/connect/index.ts';
import { plugins } from '../../../shared/plugins.ts';
import { record } from '../apply.ts';

function apply(className: string, config: Record<string, string>, input: SinkRecord): SinkRecord | null {
  return plugins.transformation(`io.confluent.connect.transforms.${className}`).create(config).apply(input);
}

const order = struct({ id: Schema.INT64_SCHEMA, state: Schema.STRING_SCHEMA, customer: struct({ city: Schema.OPTIONAL_STRING_SCHEMA }, { optional: true }) });
const typed = (city: string | null = 'Ulm') => record({ valueSchema: order, value: { id: 7n, state: 'paid', customer: { city } } });
const plain = (entries: Record<string, unknown>) => record({ value: new Map(Object.entries(entries)) });

describe('Filter', () => {
  const include = (condition: string, more: Record<string, string> = {}) => ({ 'filter.condition': condition, 'filter.type': 'include', ...more });

  test.each([
    ["$[?(@.state == 'paid')]", true],
    ['$[?(@.state == "open")]', false],
    ['$[?(@.id > 5 && @.customer.city == "Ulm")]', true],
    ['$.customer[?(@.city == "Ulm" || @.city == "Bonn")]', true],
    ['$.customer[?(@.city in ["Bonn"])]', false],
    ['$.customer[?(@.nothing == 1)]', false],
    ['$.customer.city', true],
  ])('asks an object itself: %s', (condition, matches) => {
    expect(apply('Filter$Value', include(condition), typed()) !== null).toBe(matches);
    expect(apply('Filter$Value', { ...include(condition), 'filter.type': 'exclude' }, typed()) !== null).toBe(!matches);
  });

  test('asks the elements of a list, and maps without a schema', () => {
    const lines = plain({ lines: [new Map([['sku', 'a']]), new Map<string, unknown>([['n', new Boxed('INT32', 3)]])] });
    expect(apply('Filter$Value', include('$.lines[?(@.n == 3)]'), lines)).toBe(lines);
    expect(apply('Filter$Value', include('$.lines[?(@.n == 4)]'), lines)).toBeNull();
  });

  test('does with what is missing as missing.or.null.behavior says', () => {
    for (const input of [typed(null), record({ value: null })]) {
      const condition = '$.customer.city';
      expect(() => apply('Filter$Value', include(condition), input)).toThrow('missing.or.null.behavior is fail');
      expect(apply('Filter$Value', include(condition, { 'missing.or.null.behavior': 'include' }), input)).toBe(input);
      expect(apply('Filter$Value', include(condition, { 'missing.or.null.behavior': 'exclude' }), input)).toBeNull();
    }
  });

  test('refuses what is no path, and a value without fields', () => {
    expect(() => apply('Filter$Value', include('state == 1'), typed())).toThrow('filter.condition: Must be a JSON path');
    expect(() => apply('Filter$Key', include('$.a'), record({ key: 'text', keySchema: Schema.STRING_SCHEMA }))).toThrow('found: java.lang.String');
  });
});

describe('ExtractTopic', () => {
  test('takes the topic out of the value, the key and a header', () => {
    expect(apply('ExtractTopic$Value', { field: 'state' }, typed())?.topic).toBe('paid');
    expect(apply('ExtractTopic$Value', { field: '$["customer"]["city"]', 'field.format': 'JSON_PATH' }, typed())?.topic).toBe('Ulm');
    expect(apply('ExtractTopic$Value', { field: 'to' }, plain({ to: 'x' }))?.topic).toBe('x');
    expect(apply('ExtractTopic$Key', {}, record({ key: 'k', keySchema: Schema.STRING_SCHEMA }))?.topic).toBe('k');
    const headers = [
      { key: 'to', schema: null, value: 'first' },
      { key: 'to', schema: null, value: 'last' },
    ];
    expect(apply('ExtractTopic$Header', { field: 'to' }, record({ headers }))?.topic).toBe('last');
  });

  test('fails without one, or keeps the topic', () => {
    expect(() => apply('ExtractTopic$Value', { field: 'nothing' }, typed())).toThrow('missing or null');
    expect(() => apply('ExtractTopic$Value', { field: 'id' }, typed())).toThrow('java.lang.Long');
    expect(() => apply('ExtractTopic$Header', {}, typed())).toThrow('name of the header');
    expect(apply('ExtractTopic$Value', { field: 'nothing', 'skip.missing.or.null': 'true' }, typed())?.topic).toBe('orders');
  });
});

describe('TombstoneHandler', () => {
  test('drops tombstones or fails, and lets all others pass', () => {
    const tombstone = record({ value: null, valueSchema: order });
    expect(apply('TombstoneHandler', {}, tombstone)).toBeNull();
    expect(apply('TombstoneHandler', { behavior: 'ignore' }, tombstone)).toBeNull();
    expect(() => apply('TombstoneHandler', { behavior: 'fail' }, tombstone)).toThrow('A tombstone came from topic orders');
    const input = typed();
    expect(apply('TombstoneHandler', { behavior: 'fail' }, input)).toBe(input);
  });
});

describe('MessageTimestampRouter', () => {
  const config = {
    'topic.format': 'foo-${topic}-${timestamp}',
    'message.timestamp.format': 'yyyy-MM-dd',
    'topic.timestamp.format': 'yyyy.MM.dd',
    'message.timestamp.keys': 'timestamp,time,ts',
  };

  test('makes the first timestamp that it finds a part of the topic', () => {
    expect(apply('MessageTimestampRouter', config, plain({ time: '2019-08-06', ts: '2020-01-01' }))?.topic).toBe('foo-orders-2019.08.06');
  });

  test('fails where there is none, or one that does not fit', () => {
    expect(() => apply('MessageTimestampRouter', config, plain({ a: 1 }))).toThrow('message.timestamp.keys');
    expect(() => apply('MessageTimestampRouter', config, plain({ ts: 'soon' }))).toThrow('message.timestamp.format');
  });
});
