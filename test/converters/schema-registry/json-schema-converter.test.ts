import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Decimal, dateSchema, decimalSchema, map, Schema, struct, valueEquals } from '../../../shared/connect/index.ts';
import { jsonSchemaConverter } from '../../../shared/converters/schema-registry/json-schema/json-schema-converter.ts';
import { TestSchemaRegistry } from '../../kit/schema-registry.ts';
import { connectData, withDefaults } from './connect-data.ts';
import { failure, read, write } from './registry-converters.ts';

let registry: TestSchemaRegistry;
beforeAll(async () => {
  registry = await TestSchemaRegistry.start();
});
afterAll(() => registry.stop());

const converter = (config: Record<string, string> = {}) => jsonSchemaConverter.create({ 'schema.registry.url': registry.url, ...config }, false);

/** A message of a schema that somebody else registered. */
function message(subject: string, schema: unknown, body: string): Buffer {
  const header = Buffer.alloc(5);
  header.writeInt32BE(registry.register(subject, JSON.stringify(schema), 'JSON'), 1);
  return Buffer.concat([header, Buffer.from(body)]);
}

describe('what is written', () => {
  test('the message is JSON behind the id of a schema, whose text is Confluent’s', async () => {
    const schema = struct(
      {
        id: Schema.INT64_SCHEMA,
        price: decimalSchema(2),
        on: dateSchema(true),
        counts: map(Schema.STRING_SCHEMA, Schema.INT8_SCHEMA),
        ok: Schema.BOOLEAN_SCHEMA,
      },
      { name: 'Order', doc: 'an order' },
    );
    const value = { id: 9007199254740993n, price: new Decimal(1234n, 2), on: null, counts: new Map([['a', 1]]), ok: true };
    const bytes = (await write(converter(), 'orders', schema, value)) as Buffer;
    expect(bytes.toString('utf8', 5)).toBe('{"id":9007199254740993,"price":"BNI=","on":null,"counts":{"a":1},"ok":true}');
    expect(registry.versions('orders-value')).toEqual([
      '{"type":"object","title":"Order","description":"an order","properties":{"price":{"type":"string","title":"org.apache.kafka.connect.data.Decimal","connect.index":1,"connect.version":1,"connect.type":"bytes","connect.parameters":{"scale":"2"}},"counts":{"type":"object","connect.index":3,"connect.type":"map","additionalProperties":{"type":"integer","connect.type":"int8"}},"id":{"type":"integer","connect.index":0,"connect.type":"int64"},"ok":{"connect.index":4,"type":"boolean"},"on":{"connect.index":2,"oneOf":[{"type":"null"},{"type":"integer","title":"org.apache.kafka.connect.data.Date","connect.version":1,"connect.type":"int32"}]}}}',
    ]);
    const back = await read(converter(), 'orders', bytes);
    expect(valueEquals(back.value, value)).toBe(true);
    expect(back.schema?.fields.map(({ name }) => name)).toEqual(['id', 'price', 'on', 'counts', 'ok']);
    expect(registry.requests.find(({ method, path }) => method === 'POST' && path.startsWith('/subjects/orders-value/versions'))?.body).toContain(
      '"schemaType":"JSON"',
    );
  });

  test('additional properties may be forbidden, and decimals be numbers', async () => {
    const strict = converter({ 'object.additional.properties': 'false', 'decimal.format': 'NUMERIC' });
    const bytes = await write(strict, 'strict', struct({ d: decimalSchema(2) }), { d: new Decimal(1234n, 2) });
    expect(bytes?.toString('utf8', 5)).toBe('{"d":12.34}');
    expect(registry.versions('strict-value')[0]).toMatch(/^\{"type":"object","additionalProperties":false,/);
    expect(await read(strict, 'strict', bytes)).toMatchObject({ value: { d: new Decimal(1234n, 2) } });
  });

  test('values without a schema cannot be written; a null is a tombstone', async () => {
    expect(await write(converter(), 'loose', null, null)).toBeNull();
    expect((await failure(write(converter(), 'loose', null, 'x'))).slice(0, 2)).toEqual([
      'Converting Kafka Connect data to byte[] failed due to serialization error of topic loose: ',
      'Error serializing JSON message',
    ]);
  });
});

describe('what is read', () => {
  test('plain JSON Schema has longs and doubles; properties are optional where that is asked for', async () => {
    const schema = { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'number' }, c: { type: 'string' } }, required: ['a'] };
    const bytes = message('plain-value', schema, '{"a": 9007199254740993, "b": 1.5, "x": 0}');
    expect((await read(converter(), 'plain', bytes)).value).toEqual({ a: 9007199254740993n, b: 1.5, c: null });
    const { schema: asked } = await read(converter({ 'use.optional.for.nonrequired': 'true' }), 'plain', bytes);
    expect(asked?.fields.map((field) => [field.name, field.schema.type, field.schema.optional])).toEqual([
      ['a', 'INT64', false],
      ['b', 'FLOAT64', true],
      ['c', 'STRING', true],
    ]);
  });

  test('oneOf is a struct with a field for each member, whose JSON type tells which', async () => {
    const schema = { oneOf: [{ type: 'null' }, { type: 'string' }, { type: 'object', properties: { n: { type: 'integer' } } }] };
    const [text, object] = [message('one-of-value', schema, '"x"'), message('one-of-value', schema, '{"n":1}')];
    const back = await read(converter(), 'one-of', text);
    expect([back.schema?.name, back.value]).toEqual([
      'io.confluent.connect.json.OneOf',
      { 'io.confluent.connect.json.OneOf.field.0': 'x', 'io.confluent.connect.json.OneOf.field.1': null },
    ]);
    const generalized = converter({ 'generalized.sum.type.support': 'true' });
    const { schema: union, value } = await read(generalized, 'one-of', object);
    expect(value).toEqual({ connect_union_field_0: null, connect_union_field_1: { n: 1n } });
    expect((await write(generalized, 'one-of-again', union, value))?.toString('utf8', 5)).toBe('{"n":1}');
    expect(await failure(read(converter(), 'one-of', message('one-of-value', schema, 'true')))).toEqual(['Did not find matching oneof field for data']);
  });

  test('enums, references, allOf and defaults', async () => {
    const schema = {
      definitions: { point: { type: 'object', properties: { x: { type: 'integer' } } } },
      allOf: [
        { type: 'object', properties: { colour: { type: 'string', enum: ['RED', 'GREEN'] }, at: { $ref: '#/definitions/point' } } },
        { type: 'object', properties: { size: { type: 'integer', default: 3 } } },
      ],
    };
    const { schema: read1, value } = await read(converter(), 'mixed', message('mixed-value', schema, '{"colour":"RED","at":{"x":1}}'));
    expect(value).toEqual({ colour: 'RED', at: { x: 1n }, size: 3n });
    expect(read1?.field('colour')?.schema.parameters).toEqual({
      'io.confluent.connect.json.Enum': '',
      'io.confluent.connect.json.Enum.RED': 'RED',
      'io.confluent.connect.json.Enum.GREEN': 'GREEN',
    });
  });

  test('schemas of other subjects are found by their references', async () => {
    registry.register('point', '{"type":"object","properties":{"x":{"type":"integer"}}}', 'JSON');
    const schema = '{"type":"object","properties":{"p":{"$ref":"point.json"}}}';
    const header = Buffer.alloc(5);
    header.writeInt32BE(registry.register('lines-value', schema, 'JSON', [{ name: 'point.json', subject: 'point', version: 1 }]), 1);
    expect((await read(converter(), 'lines', Buffer.concat([header, Buffer.from('{"p":{"x":7}}')]))).value).toEqual({ p: { x: 7n } });
  });

  test('what does not fit is an error of the record', async () => {
    const object = { type: 'object', properties: {} };
    expect(await failure(read(converter(), 'bad', message('bad-value', object, '[1]')))).toEqual([
      'Structs should be encoded as JSON objects, but found ARRAY',
    ]);
    expect((await failure(read(converter(), 'bad', message('bad-value', object, '{"a'))))[0]).toBe(
      'Converting byte[] to Kafka Connect data failed due to serialization error of topic bad: ',
    );
  });
});

test('whatever is written is read again', async () => {
  const one = converter();
  await fc.assert(
    fc.asyncProperty(connectData(), async ({ schema, value }) => {
      if (value === null) return;
      const back = await read(one, 'any', await write(one, 'any', schema, value));
      expect(valueEquals(back.value, withDefaults(schema, value))).toBe(true);
    }),
    { numRuns: 150 },
  );
});
