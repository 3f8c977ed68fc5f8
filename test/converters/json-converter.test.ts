import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { valueEquals } from '../../shared/connect/data/schema.ts';
import {
  array,
  Boxed,
  type ConverterDefinition,
  DataException,
  Decimal,
  decimalSchema,
  map,
  NO_HEADERS,
  Schema,
  struct,
  timestampSchema,
} from '../../shared/connect/index.ts';
import { jsonConverter } from '../../shared/converters/json/json-converter.ts';
import { schemaAndValue } from './generated-schemas.ts';

const converter = (config: Record<string, string> = {}, definition: ConverterDefinition = jsonConverter) => definition.create(config, false);
const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());

const order = struct(
  { id: Schema.INT64_SCHEMA, name: Schema.OPTIONAL_STRING_SCHEMA, price: decimalSchema(2, true), at: timestampSchema(true) },
  { name: 'Order' },
);
const value = { id: 9007199254740993n, name: 'a "b"\n', price: new Decimal(1050n, 2), at: new Date(5) };

describe('JsonConverter writes', () => {
  test('an envelope of schema and payload, keys in the order of Kafka Connect', () => {
    expect(text(converter().fromConnectData('t', order, value, NO_HEADERS))).toBe(
      '{"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"},{"type":"string","optional":true,"field":"name"},' +
        '{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"},"field":"price"},' +
        '{"type":"int64","optional":true,"name":"org.apache.kafka.connect.data.Timestamp","version":1,"field":"at"}],"optional":false,"name":"Order"},' +
        '"payload":{"id":9007199254740993,"name":"a \\"b\\"\\n","price":"BBo=","at":5}}',
    );
  });

  test('plain JSON without schemas.enable, decimals as numbers when they are asked for', () => {
    const plain = converter({ 'schemas.enable': 'false', 'decimal.format': 'numeric' });
    expect(text(plain.fromConnectData('t', order, { ...value, name: null }, NO_HEADERS))).toBe('{"id":9007199254740993,"name":null,"price":10.50,"at":5}');
  });

  test('floats as Java prints them, whether they have a schema or a box', () => {
    const plain = converter({ 'schemas.enable': 'false' });
    expect(text(plain.fromConnectData('t', array(Schema.FLOAT64_SCHEMA), [1, 1e7, 0.0001, Number.NaN], NO_HEADERS))).toBe('[1.0,1.0E7,1.0E-4,"NaN"]');
    expect(text(plain.fromConnectData('t', null, [1, 1.5, new Boxed('FLOAT64', 2), new Boxed('INT8', 3)], NO_HEADERS))).toBe('[1,1.5,2.0,3]');
  });

  test('nothing for a tombstone', () => {
    expect(converter().fromConnectData('t', null, null, NO_HEADERS)).toBeNull();
  });

  test('no value that its schema does not allow', () => {
    expect(() => converter().fromConnectData('t', Schema.INT32_SCHEMA, 'x', NO_HEADERS)).toThrow(
      new DataException('Invalid type for INT32: class java.lang.String'),
    );
    expect(() => converter().fromConnectData('t', order, { name: 'x' }, NO_HEADERS)).toThrow(
      'Conversion error: null value for field that is required and has no default value',
    );
  });
});

describe('JsonConverter reads', () => {
  const read = (json: string, config: Record<string, string> = {}) => converter(config).toConnectData('t', Buffer.from(json), NO_HEADERS);
  const plain = { 'schemas.enable': 'false' };

  test('the same Schema object for the same schema text, whatever comes between', () => {
    const json = converter();
    const write = converter();
    const one = write.fromConnectData('t', order, value, NO_HEADERS) as Buffer;
    const other = write.fromConnectData('t', Schema.STRING_SCHEMA, 'x', NO_HEADERS) as Buffer;
    const schemas = [one, other, one, one].map((bytes) => json.toConnectData('t', bytes, NO_HEADERS).schema);
    expect(schemas[2]).toBe(schemas[0]);
    expect(schemas[3]).toBe(schemas[0]);
    const schemaText = one.toString().slice('{"schema":'.length, one.toString().indexOf(',"payload":'));
    const reordered = json.toConnectData('t', Buffer.from(`{"payload": {"id": 1}, "schema": ${schemaText}}`), NO_HEADERS);
    expect(reordered.schema).toBe(schemas[0]);
  });

  test('every digit of long integers, with a schema and without', () => {
    expect(read('{"schema":{"type":"int64"},"payload":9007199254740993}').value).toBe(9007199254740993n);
    expect(read('{"a":9007199254740993,"b":5}', plain).value).toEqual(
      new Map<string, unknown>([
        ['a', 9007199254740993n],
        ['b', 5],
      ]),
    );
  });

  test('a fraction that is whole as a Double', () => {
    expect(read('[1,1.0,1e2,-0.0,1.5]', plain).value).toEqual([1, new Boxed('FLOAT64', 1), new Boxed('FLOAT64', 100), new Boxed('FLOAT64', 0), 1.5]);
  });

  test('texts that look like numbers as they are', () => {
    expect(read('{"a":"1.0","b":"x: 5e3, -0 "}', plain).value).toEqual(
      new Map([
        ['a', '1.0'],
        ['b', 'x: 5e3, -0 '],
      ]),
    );
  });

  test('fields called like what every object has', () => {
    const json =
      '{"schema":{"type":"struct","fields":[{"type":"string","optional":true,"field":"constructor"},{"type":"string","optional":true,"field":"a"}]},"payload":{"a":"x"}}';
    expect(read(json).value).toEqual({ constructor: null, a: 'x' });
  });

  test('no message without an envelope, and no text that is no JSON', () => {
    expect(() => read('{"a":1}')).toThrow(/requires "schema" and "payload" fields/);
    expect(() => read('{"schema":{"type":"int8"},"payload":1,"more":2}')).toThrow(/may not contain additional fields/);
    expect(() => read('[1,]', plain)).toThrow('Converting byte[] to Kafka Connect data failed due to serialization error: ');
  });

  test('all that follows a known schema with the same care', () => {
    const json = converter();
    const envelope = (payload: string) => Buffer.from(`{"schema":{"type":"int32"},"payload":${payload}`);
    expect(json.toConnectData('t', envelope('1}'), NO_HEADERS).value).toBe(1);
    expect(json.toConnectData('t', envelope('2} '), NO_HEADERS).value).toBe(2);
    expect(() => json.toConnectData('t', envelope('1,"x":{}}'), NO_HEADERS)).toThrow(/additional fields/);
    expect(() => json.toConnectData('t', envelope('1'), NO_HEADERS)).toThrow(/serialization error/);
  });
});

describe('JsonConverter', () => {
  test('reads back what it wrote, for generated schemas and values', () => {
    const json = converter();
    fc.assert(
      fc.property(schemaAndValue, ({ schema, value: original }) => {
        const bytes = json.fromConnectData('t', schema, original, NO_HEADERS) as Buffer;
        const read = json.toConnectData('t', bytes, NO_HEADERS);
        expect(json.fromConnectData('t', read.schema, read.value, NO_HEADERS)).toEqual(bytes);
        return valueEquals(read.value, original);
      }),
      { numRuns: 300 },
    );
  });

  test('reads plain JSON as JSON.parse does, but for the classes of numbers and those beyond 64 bits', () => {
    const plain = converter({ 'schemas.enable': 'false' });
    const bare = (read: unknown): unknown => {
      if (read instanceof Map) return Object.fromEntries([...read].map(([key, item]) => [key, bare(item)]));
      if (Array.isArray(read)) return read.map(bare);
      return read instanceof Boxed || typeof read === 'bigint' ? Number(read) : read;
    };
    const numbers = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true, min: -9e18, max: 9e18 }), fc.maxSafeInteger());
    const values = fc.object({ values: [numbers, fc.string(), fc.boolean(), fc.constant(null)], withNullPrototype: false });
    fc.assert(
      fc.property(values, fc.constantFrom(undefined, 1), (value, indent) => {
        const json = JSON.stringify(value, null, indent);
        const expected = JSON.stringify(JSON.parse(json, (_key, item) => (Object.is(item, -0) ? 0 : item)));
        expect(JSON.stringify(bare(plain.toConnectData('t', Buffer.from(json), NO_HEADERS).value))).toBe(expected);
      }),
    );
  });

  test('keeps maps with keys of any type', () => {
    const schema = map(Schema.INT32_SCHEMA, array(Schema.BYTES_SCHEMA));
    const original = new Map([
      [1, [Buffer.from('a')]],
      [2, []],
    ]);
    const json = converter();
    expect(json.toConnectData('t', json.fromConnectData('t', schema, original, NO_HEADERS) as Buffer, NO_HEADERS).value).toEqual(original);
  });
});
