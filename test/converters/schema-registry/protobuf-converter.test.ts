import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  array,
  Decimal,
  dateSchema,
  decimalSchema,
  isConnectException,
  map,
  Schema,
  struct,
  timeSchema,
  timestampSchema,
} from '../../../shared/connect/index.ts';
import { protobufConverter } from '../../../shared/converters/schema-registry/protobuf/protobuf-converter.ts';
import { TestSchemaRegistry } from '../../kit/schema-registry.ts';
import { connectData, withDefaults } from './connect-data.ts';
import { failure, read, write } from './registry-converters.ts';

let registry: TestSchemaRegistry;
beforeAll(async () => {
  registry = await TestSchemaRegistry.start();
});
afterAll(() => registry.stop());

const converter = (config: Record<string, string> = {}) => protobufConverter.create({ 'schema.registry.url': registry.url, ...config }, false);

interface Reference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

/** A message of a schema that somebody else registered: `hex` begins with the place of the message within the file. */
function message(subject: string, proto: string, hex: string, references: readonly Reference[] = []): Buffer {
  const header = Buffer.alloc(5);
  header.writeInt32BE(registry.register(subject, proto, 'PROTOBUF', references), 1);
  return Buffer.concat([header, Buffer.from(hex.replaceAll(' ', ''), 'hex')]);
}

/** What is behind the magic byte and the id. */
const body = (bytes: Buffer | null) => bytes?.toString('hex', 5);

describe('what is written', () => {
  const schema = struct(
    {
      id: Schema.INT64_SCHEMA,
      name: Schema.OPTIONAL_STRING_SCHEMA,
      small: Schema.INT8_SCHEMA,
      price: decimalSchema(2),
      on: dateSchema(true),
      at: timestampSchema(),
      time: timeSchema(),
      tags: array(Schema.STRING_SCHEMA),
      counts: map(Schema.STRING_SCHEMA, Schema.INT32_SCHEMA, { name: 'counts' }),
      inner: struct({ x: Schema.FLOAT64_SCHEMA }, { name: 'com.example.Inner' }),
    },
    { name: 'com.example.Order' },
  );
  const value = {
    id: 9007199254740993n,
    name: null,
    small: 3,
    price: new Decimal(1234n, 2),
    on: new Date('2024-10-04T00:00:00Z'),
    at: new Date(1_700_000_000_123),
    time: new Date(3_661_001),
    tags: ['a', 'b'],
    counts: new Map([['k', 1]]),
    inner: { x: 1.5 },
  };

  test('the text of the schema is Confluent’s; the message begins with the place of its type', async () => {
    const bytes = await write(converter(), 'orders', schema, value);
    expect(registry.versions('orders-value')).toEqual([
      `syntax = "proto3";
package com.example;

import "confluent/type/decimal.proto";
import "google/type/date.proto";
import "google/protobuf/timestamp.proto";
import "google/type/timeofday.proto";

message Order {
  int64 id = 1;
  string name = 2;
  int32 small = 3 [(confluent.field_meta) = {
    params: [
      {
        key: "connect.type",
        value: "int8"
      }
    ]
  }];
  confluent.type.Decimal price = 4 [(confluent.field_meta) = {
    params: [
      {
        value: "2",
        key: "scale"
      }
    ]
  }];
  google.type.Date on = 5;
  google.protobuf.Timestamp at = 6;
  google.type.TimeOfDay time = 7;
  repeated string tags = 8;
  repeated countsEntry counts = 9;
  Inner inner = 10;

  message countsEntry {
    string key = 1;
    int32 value = 2;
  }
  message Inner {
    double x = 1;
  }
}
`,
    ]);
    expect(body(bytes)).toBe(
      [
        '00', // the first message
        '08 8180808080808010',
        '18 03',
        '22 08 0a0204d2 1004 1802',
        '2a 07 08e80f 100a 1804',
        '32 0b 0880e2cfaa06 10c0a9d33a',
        '3a 0a 0801 1001 1801 20c0843d',
        '42 01 61 42 01 62',
        '4a 05 0a016b 1001',
        '52 09 09 000000000000f83f',
      ]
        .join('')
        .replaceAll(' ', ''),
    );
    expect(registry.requests.find(({ method, path }) => method === 'POST' && path.startsWith('/subjects/orders-value/versions'))?.body).toContain(
      '"schemaType":"PROTOBUF"',
    );
  });

  test('what is read back has tags, and everything is optional', async () => {
    const back = await read(converter(), 'orders', await write(converter(), 'orders', schema, value));
    expect(back.value).toEqual({ ...value, name: '' });
    expect(back.schema).toMatchObject({ name: 'Order', version: 1, optional: false });
    expect(back.schema?.field('price')?.schema).toMatchObject({
      name: 'org.apache.kafka.connect.data.Decimal',
      version: 1,
      optional: true,
      parameters: { scale: '2', 'io.confluent.connect.protobuf.Tag': '4' },
    });
    expect(back.schema?.field('small')?.schema.type).toBe('INT8');
    expect(back.schema?.field('counts')?.schema.name).toBe('counts');
    const enhanced = await read(converter({ 'enhanced.protobuf.schema.support': 'true' }), 'orders', await write(converter(), 'orders', schema, value));
    expect([enhanced.schema?.name, enhanced.schema?.field('inner')?.schema.name]).toEqual(['com.example.Order', 'com.example.Order.Inner']);
  });

  test('nulls can be told with optional.for.nullables or wrapper.for.nullables', async () => {
    const optional = converter({ 'optional.for.nullables': 'true' });
    const nullable = struct({ a: Schema.OPTIONAL_INT32_SCHEMA, b: Schema.INT32_SCHEMA, c: Schema.OPTIONAL_STRING_SCHEMA }, { name: 'N' });
    const some = { a: null, b: 0, c: '' };
    const bytes = await write(optional, 'optional', nullable, some);
    expect(registry.versions('optional-value')).toEqual([
      'syntax = "proto3";\n\nmessage N {\n  optional int32 a = 1;\n  int32 b = 2;\n  optional string c = 3;\n}\n',
    ]);
    expect(body(bytes)).toBe('001a00');
    expect((await read(optional, 'optional', bytes)).value).toEqual(some);

    const wrapper = converter({ 'wrapper.for.nullables': 'true' });
    const wrapped = await write(wrapper, 'wrapped', nullable, some);
    expect(registry.versions('wrapped-value')[0]).toContain('google.protobuf.Int32Value a = 1;');
    expect(registry.versions('wrapped-value')[0]).toContain('import "google/protobuf/wrappers.proto";');
    expect(body(wrapped)).toBe('001a00');
    const back = await read(wrapper, 'wrapped', wrapped);
    expect(back.value).toEqual(some);
    expect(back.schema?.fields.map(({ schema: each }) => [each.type, each.optional])).toEqual([
      ['INT32', true],
      ['INT32', false],
      ['STRING', true],
    ]);
  });

  test('a value on its own is a wrapper message', async () => {
    const bytes = await write(converter(), 'lone', Schema.STRING_SCHEMA, 'hi');
    expect(body(bytes)).toBe('020e 0a026869'.replace(' ', ''));
    expect(await read(converter(), 'lone', bytes)).toMatchObject({ schema: { type: 'STRING' }, value: 'hi' });
    expect((await read(converter({ 'wrapper.for.raw.primitives': 'false' }), 'lone', bytes)).value).toEqual({ value: 'hi' });
  });

  test('enums and oneofs of Connect become those of Protobuf, and come back', async () => {
    const proto = `syntax = "proto3";
      message Shape {
        enum Colour { RED = 0; GREEN = 5; }
        Colour colour = 1;
        oneof size { int32 edge = 2; Circle circle = 3; }
        message Circle { double radius = 1; }
      }`;
    const bytes = message('shapes-value', proto, '00 0805 1a09 090000000000000440');
    for (const config of [{}, { 'generalized.sum.type.support': 'true' }] as Record<string, string>[]) {
      const one = converter(config);
      const { schema: shape, value: made } = await read(one, 'shapes', bytes);
      expect(made).toEqual({ size_0: { edge: null, circle: { radius: 2.5 } }, colour: 'GREEN' });
      const prefix = 'generalized.sum.type.support' in config ? 'org.apache.kafka.connect.data.Enum' : 'io.confluent.connect.protobuf.Enum';
      expect(shape?.field('colour')?.schema.parameters).toMatchObject({ [prefix]: 'Colour', [`${prefix}.RED`]: '0', [`${prefix}.GREEN`]: '5' });
      const topic = `shapes-${Object.keys(config).length}`;
      expect(body(await write(one, topic, shape, made))).toBe(body(bytes));
      expect(registry.versions(`${topic}-value`)[0]).toContain('oneof size {');
      expect(registry.versions(`${topic}-value`)[0]).toContain('enum Colour {\n    RED = 0;\n    GREEN = 5;\n  }');
    }
    expect((await read(converter({ 'int.for.enums': 'true' }), 'shapes', bytes)).value).toMatchObject({ colour: 5 });
    expect((await read(converter({ 'generate.index.for.unions': 'false' }), 'shapes', bytes)).value).toHaveProperty('size');
    expect((await read(converter({ 'flatten.unions': 'true' }), 'shapes', bytes)).value).toEqual({ edge: null, circle: { radius: 2.5 }, colour: 'GREEN' });
  });

  test('names that Protobuf does not allow are refused, or scrubbed', async () => {
    const odd = struct({ 'my-field': Schema.INT32_SCHEMA }, { name: 'odd.My Name' });
    expect((await failure(write(converter(), 'odd', odd, { 'my-field': 1 }))).join(' ')).toContain('not a valid identifier');
    const bytes = await write(converter({ 'scrub.invalid.names': 'true' }), 'odd', odd, { 'my-field': 1 });
    expect(registry.versions('odd-value')).toEqual(['syntax = "proto3";\npackage odd;\n\nmessage My_Name {\n  int32 my_field = 1;\n}\n']);
    expect((await read(converter(), 'odd', bytes)).value).toEqual({ my_field: 1 });
  });

  test('what Protobuf cannot say is an error of the record; a null is a tombstone', async () => {
    expect(await write(converter(), 'none', null, null)).toBeNull();
    const nested = struct({ a: array(array(Schema.INT32_SCHEMA)) }, { name: 'A' });
    expect((await failure(write(converter(), 'none', nested, { a: [[1]] }))).join(' ')).toContain('Array cannot be nested');
    expect((await failure(write(converter(), 'none', schema, { ...value, price: 'x' }))).join(' ')).toContain('Invalid type for Decimal');
    expect(registry.subjects()).not.toContain('none-key');
  });
});

describe('what is read', () => {
  test('every scalar type, packed and not, in whatever order', async () => {
    const types = ['int32', 'sint32', 'sfixed32', 'uint32', 'fixed32', 'int64', 'uint64', 'sint64', 'fixed64', 'sfixed64', 'float', 'double', 'bool', 'bytes'];
    const proto = `syntax = "proto3"; message All { ${types.map((type, at) => `${type} f${at} = ${at + 1};`).join(' ')} repeated sint32 list = 20; }`;
    const bytes = message(
      'all-value',
      proto,
      `00 a001 01 08 ffffffffffffffffff01 10 03 1d feffffff 20 ffffffff0f 2d ffffffff 30 80808080808080808001 38 ffffffffffffffffff01
       40 ffffffffffffffffff01 49 0100000000000080 51 ffffffffffffffff 5d 0000c03f 61 000000000000f8bf 68 01 72 02 0102 a201 02 0204`.replace(/\s/g, ''),
    );
    const { value, schema } = await read(converter(), 'all', bytes);
    expect(value).toEqual({
      f0: -1,
      f1: -2,
      f2: -2,
      f3: 4294967295n,
      f4: 4294967295n,
      f5: -9223372036854775808n,
      f6: -1n,
      f7: -9223372036854775808n,
      f8: -9223372036854775807n,
      f9: -1n,
      f10: 1.5,
      f11: -1.5,
      f12: true,
      f13: Buffer.from([1, 2]),
      list: [-1, 1, 2],
    });
    expect(schema?.field('f3')?.schema.parameters).toEqual({ 'io.confluent.connect.protobuf.Type': 'uint32', 'io.confluent.connect.protobuf.Tag': '4' });
    const again = await write(converter(), 'all-again', schema, value);
    expect(registry.versions('all-again-value')[0]).toContain('sfixed64 f9 = 10;');
    expect((await read(converter(), 'all-again', again)).value).toEqual(value);
  });

  test('the place of the message tells which one it is', async () => {
    const proto = 'syntax = "proto3"; message A { int32 a = 1; } message B { message C { string c = 1; } int32 b = 1; }';
    expect((await read(converter(), 'which', message('which-value', proto, '00 0801'))).value).toEqual({ a: 1 });
    expect((await read(converter(), 'which', message('which-value', proto, '0202 0801'))).value).toEqual({ b: 1 });
    expect((await read(converter(), 'which', message('which-value', proto, '040200 0a0178'))).value).toEqual({ c: 'x' });
    expect((await failure(read(converter(), 'which', message('which-value', proto, '0208 0801')))).length).toBeGreaterThan(0);
  });

  test('messages within themselves, imports, unknown fields, proto2', async () => {
    registry.register(
      'money',
      'syntax = "proto3"; package m; message Money { int64 units = 1; Currency currency = 2; } enum Currency { EUR = 0; USD = 1; }',
      'PROTOBUF',
    );
    const proto = `syntax = "proto3"; import "money.proto"; import "google/protobuf/timestamp.proto";
      message Node { m.Money price = 1; Node next = 2; repeated Node all = 3; google.protobuf.Timestamp at = 4; map<string, Node> by_name = 5; }`;
    const bytes = message('nodes-value', proto, '00 0a04 0805 1001 1202 0a00 1a00 2202 0801 2a05 0a0178 1200 7801', [
      { name: 'money.proto', subject: 'money', version: 1 },
    ]);
    const { schema, value } = await read(converter(), 'nodes', bytes);
    const empty = { price: null, next: null, all: [], at: null, by_name: new Map() };
    expect(value).toEqual({
      price: { units: 5n, currency: 'USD' },
      next: { ...empty, price: { units: 0n, currency: 'EUR' } },
      all: [empty],
      at: new Date(1000),
      by_name: new Map([['x', empty]]),
    });
    expect(schema?.field('next')?.schema.field('price')?.schema.type).toBe('STRUCT');

    const old = 'syntax = "proto2"; message Old { required int32 r = 1; optional int32 o = 2 [default = 7]; optional string s = 3; }';
    expect((await read(converter(), 'old', message('old-value', old, '00 0801'))).value).toEqual({ r: 1, o: null, s: null });
    expect((await read(converter({ 'optional.for.proto2': 'false' }), 'old', message('old-value', old, '00 0801'))).value).toEqual({ r: 1, o: 7, s: '' });
  });

  test('what is cut off or no Protobuf is an error of the record', async () => {
    const proto = 'syntax = "proto3"; message A { string a = 1; int64 b = 2; }';
    for (const hex of ['00 0a05 61', '00 10 ff', '00 0f', '']) {
      expect((await failure(read(converter(), 'cut', message('cut-value', proto, hex))))[0]).toBe('Failed to deserialize data for topic cut to Protobuf:');
    }
    expect((await failure(read(converter(), 'cut', message('cut-value', 'message {', '00')))).length).toBeGreaterThan(1);
  });
});

test('keys have a subject of their own; strategies name subjects by the message', async () => {
  const named = struct({ a: Schema.INT32_SCHEMA }, { name: 'com.example.Key' });
  await write(protobufConverter.create({ 'schema.registry.url': registry.url }, true), 'k', named, { a: 1 });
  const strategy = 'io.confluent.kafka.serializers.subject.TopicRecordNameStrategy';
  await write(converter({ 'value.subject.name.strategy': strategy }), 'k', named, { a: 1 });
  expect(registry.subjects()).toEqual(expect.arrayContaining(['k-key', 'k-com.example.Key']));
});

/** Unset plain fields, lists and maps have a value in Protobuf. */
function asRead(schema: Schema, value: unknown): unknown {
  if (value === null || value === undefined) {
    if (schema.name?.startsWith('org.apache.kafka')) return null;
    switch (schema.type) {
      case 'STRUCT':
        return null;
      case 'ARRAY':
        return [];
      case 'MAP':
        return new Map();
      case 'STRING':
        return '';
      case 'BYTES':
        return Buffer.alloc(0);
      case 'BOOLEAN':
        return false;
      case 'INT64':
        return 0n;
      default:
        return 0;
    }
  }
  if (Array.isArray(value)) return value.map((each) => asRead(schema.valueSchema as Schema, each));
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [key, asRead(schema.valueSchema as Schema, each)]));
  if (schema.type !== 'STRUCT') return value;
  return Object.fromEntries(schema.fields.map((field) => [field.name, asRead(field.schema, (value as Record<string, unknown>)[field.name])]));
}

test('whatever is written is read again', async () => {
  const one = converter();
  await fc.assert(
    fc.asyncProperty(connectData({ otherKeys: false, nestedArrays: false, defaults: false }), async ({ schema, value }) => {
      if (value === null || schema.type !== 'STRUCT') return;
      expect((await read(one, 'any', await write(one, 'any', schema, value))).value).toEqual(asRead(schema, withDefaults(schema, value)));
    }),
    { numRuns: 150 },
  );
});

test('whatever bytes there are, they are read or refused as a record error', async () => {
  const proto = 'syntax = "proto3"; message A { string a = 1; int64 b = 2; A c = 3; repeated double d = 4; map<string, A> e = 5; }';
  const one = converter();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), async (bytes) => {
      try {
        await read(one, 'fuzz', message('fuzz-value', proto, `00${Buffer.from(bytes).toString('hex')}`));
      } catch (error) {
        expect(isConnectException(error), String((error as Error).stack)).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});
