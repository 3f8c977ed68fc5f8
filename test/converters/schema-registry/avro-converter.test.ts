import avsc from 'avsc';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { array, Decimal, dateSchema, decimalSchema, map, Schema, schemaEquals, struct, timestampSchema, valueEquals } from '../../../shared/connect/index.ts';
import { avroConverter } from '../../../shared/converters/schema-registry/avro/avro-converter.ts';
import { TestSchemaRegistry } from '../../kit/schema-registry.ts';
import { connectData, withDefaults } from './connect-data.ts';
import { failure, read, write } from './registry-converters.ts';

let registry: TestSchemaRegistry;
beforeAll(async () => {
  registry = await TestSchemaRegistry.start();
});
afterAll(() => registry.stop());

const converter = (config: Record<string, string> = {}, isKey = false) => avroConverter.create({ 'schema.registry.url': registry.url, ...config }, isKey);

/** A message of a schema that somebody else registered. */
function message(subject: string, schema: unknown, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeInt32BE(registry.register(subject, JSON.stringify(schema)), 1);
  return Buffer.concat([header, body]);
}

const order = struct({
  id: Schema.INT64_SCHEMA,
  price: decimalSchema(2),
  at: timestampSchema(),
  day: dateSchema(true),
  tags: array(Schema.STRING_SCHEMA),
  counts: map(Schema.STRING_SCHEMA, Schema.INT32_SCHEMA),
});
const value = {
  id: 9007199254740993n,
  price: new Decimal(-1234n, 2),
  at: new Date(1_700_000_000_123),
  day: null,
  tags: ['a', 'ü'],
  counts: new Map([['x', 1]]),
};

describe('what is written', () => {
  test('a message is a zero byte, the id of its schema, and Avro, which another implementation reads', async () => {
    const bytes = (await write(converter(), 'orders', order, value)) as Buffer;
    const [text] = registry.versions('orders-value') as [string];
    expect(bytes[0]).toBe(0);
    expect(registry.register('orders-value', text)).toBe(bytes.readInt32BE(1));
    const { id, ...others } = avsc.Type.forSchema(JSON.parse(text), {
      wrapUnions: 'always',
      registry: { long: longAsText },
    }).fromBuffer(bytes.subarray(5));
    expect([String(id), { ...others }]).toEqual([
      '9007199254740993',
      { price: Buffer.from('fb2e', 'hex'), at: 1700000000123, day: null, tags: ['a', 'ü'], counts: { x: 1 } },
    ]);
  });

  test('the schema is told as Confluent tells it, in the same text', async () => {
    const schema = new Schema({
      type: 'STRUCT',
      fields: [
        { name: 'a', schema: new Schema({ type: 'INT8', optional: true, defaultValue: 5 }) },
        { name: 'd', schema: decimalSchema(2) },
      ],
    });
    const bytes = (await write(converter(), 'golden', schema, { a: null, d: new Decimal(1234n, 2) })) as Buffer;
    expect(registry.versions('golden-value')).toEqual([
      '{"type":"record","name":"ConnectDefault","namespace":"io.confluent.connect.avro","fields":[{"name":"a","type":[{"type":"int","connect.default":5,"connect.type":"int8"},"null"],"default":5},{"name":"d","type":{"type":"bytes","scale":2,"precision":64,"connect.version":1,"connect.parameters":{"scale":"2"},"connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"}}]}',
    ]);
    expect(bytes.subarray(5).toString('hex')).toBe('000a0404d2');
  });

  test('a null is a tombstone and registers nothing; a null where none is allowed is an error', async () => {
    expect(await write(converter(), 'tombstones', Schema.OPTIONAL_STRING_SCHEMA, null)).toBeNull();
    expect(await write(converter(), 'tombstones', null, null)).toBeNull();
    expect(await failure(write(converter(), 'tombstones', Schema.STRING_SCHEMA, null))).toEqual(['Found null value for non-optional schema']);
    expect(registry.subjects()).not.toContain('tombstones-value');
  });

  test('a wrong value is an error of the record and registers nothing', async () => {
    expect(await failure(write(converter(), 'wrong', struct({ id: Schema.INT32_SCHEMA }), { id: 'x' }))).toEqual([
      'Invalid type for INT32: class java.lang.String',
    ]);
    expect(registry.subjects()).not.toContain('wrong-value');
  });

  test('keys have a subject of their own; other strategies name subjects by the record', async () => {
    const named = struct({ id: Schema.INT32_SCHEMA }, { name: 'com.example.Order' });
    await write(converter({}, true), 'named', named, { id: 1 });
    const strategy = (name: string) => ({ 'value.subject.name.strategy': `io.confluent.kafka.serializers.subject.${name}` });
    await write(converter(strategy('RecordNameStrategy')), 'named', named, { id: 1 });
    const bytes = await write(converter(strategy('TopicRecordNameStrategy')), 'named', named, { id: 1 });
    expect(registry.subjects()).toEqual(expect.arrayContaining(['named-key', 'com.example.Order', 'named-com.example.Order']));
    expect(await read(converter(strategy('TopicRecordNameStrategy')), 'named', bytes)).toMatchObject({ value: { id: 1 } });
    expect(await failure(write(converter(strategy('RecordNameStrategy')), 'named', Schema.STRING_SCHEMA, 'x'))).toEqual([
      'Failed to serialize Avro data from topic named:',
      'In configuration value.subject.name.strategy = io.confluent.kafka.serializers.subject.RecordNameStrategy, the message value must only be a record schema',
    ]);
    expect(() => converter({ 'value.subject.name.strategy': 'MyStrategy' })).toThrow('Invalid value MyStrategy for configuration value.subject.name.strategy');
  });

  test('a schema is asked for once, however many records and equal schema objects there are', async () => {
    const one = converter();
    const make = () => struct({ once: Schema.STRING_SCHEMA });
    await write(one, 'once', make(), { once: 'a' });
    const before = registry.requests.length;
    const schema = make();
    for (let at = 0; at < 10; at++) await write(one, 'once', schema, { once: String(at) });
    expect(registry.requests.length).toBe(before);
  });

  test('without auto.register.schemas a schema must be there', async () => {
    const strict = converter({ 'auto.register.schemas': 'false' });
    const schema = struct({ there: Schema.STRING_SCHEMA });
    const [first, second, third] = await failure(write(strict, 'there', schema, { there: 'x' }));
    expect([first, third]).toEqual(['Failed to serialize Avro data from topic there:', "Subject 'there-value' not found.; error code: 40401"]);
    expect(second).toMatch(/^Error retrieving Avro schema\{"type":"record"/);
    const bytes = await write(converter(), 'there', schema, { there: 'x' });
    expect(await write(strict, 'there', schema, { there: 'x' })).toEqual(bytes);
  });

  test('with use.latest.version records are written with the latest version, which must be able to read them', async () => {
    const latest = (config = {}) => converter({ 'auto.register.schemas': 'false', 'use.latest.version': 'true', ...config });
    const fields = [
      { name: 'more', type: 'string', default: 'none' },
      { name: 'id', type: 'long' },
    ];
    registry.register('latest-value', JSON.stringify({ type: 'record', name: 'R', namespace: 'n', fields }));
    const schema = struct({ id: Schema.INT64_SCHEMA }, { name: 'n.R' });
    const bytes = (await write(latest(), 'latest', schema, { id: 7n })) as Buffer;
    expect(bytes.subarray(5)).toEqual(Buffer.from([8, ...Buffer.from('none'), 14]));
    const other = struct({ id: Schema.STRING_SCHEMA }, { name: 'n.R' });
    expect(await failure(write(latest(), 'latest', other, { id: 'x' }))).toContain(
      "Incompatible schema of type 'AVRO'. Set latest.compatibility.strict=false to disable this check.",
    );
  });
});

describe('what is read', () => {
  test('the version of the subject is the version of the schema, and all is as it was written', async () => {
    const bytes = await write(converter(), 'orders', order, value);
    const back = await read(converter(), 'orders', bytes);
    expect(schemaEquals(back.schema, order.with({ version: 1 }))).toBe(true);
    expect(valueEquals(back.value, value)).toBe(true);
  });

  test('micros and local timestamps are plain longs, as Confluent has them; times and dates are logical', async () => {
    const fields = [
      { name: 'micros', type: { type: 'long', logicalType: 'timestamp-micros' } },
      { name: 'time', type: { type: 'int', logicalType: 'time-millis' } },
      { name: 'uuid', type: { type: 'string', logicalType: 'uuid' } },
    ];
    const { schema, value } = await read(
      converter(),
      'micros',
      message('micros-value', { type: 'record', name: 'M', fields }, Buffer.from([2, 4, 2, ...Buffer.from('u')])),
    );
    expect(schema?.field('micros')?.schema).toEqual(Schema.INT64_SCHEMA);
    expect(value).toEqual({ micros: 1n, time: new Date(2), uuid: 'u' });
  });

  test('unions are structs with a field for each type, and find their way back', async () => {
    const union = ['null', 'string', 'int', { type: 'record', name: 'R', namespace: 'n', fields: [{ name: 'x', type: 'boolean' }] }];
    const schema = { type: 'record', name: 'U', fields: [{ name: 'u', type: union }] };
    const body = (...bytes: number[]) => message('unions-value', schema, Buffer.from(bytes));
    const plain = converter();
    expect((await read(plain, 'unions', body(4, 10))).value).toEqual({ u: { string: null, int: 5, R: null } });
    const enhanced = converter({ 'enhanced.avro.schema.support': 'true' });
    const record = await read(enhanced, 'unions', body(6, 1));
    expect(record.value).toEqual({ u: { string: null, int: null, 'n.R': { x: true } } });
    expect(record.schema?.field('u')?.schema).toMatchObject({ name: 'io.confluent.connect.avro.Union', optional: true });
    expect((await write(enhanced, 'unions-again', record.schema, record.value))?.subarray(5)).toEqual(Buffer.from([6, 1]));
    const generalized = converter({ 'generalized.sum.type.support': 'true' });
    expect((await read(generalized, 'unions', body(0))).value).toEqual({ u: null });
    expect((await read(generalized, 'unions', body(2, 2, 97))).value).toEqual({
      u: { connect_union_field_1: 'a', connect_union_field_2: null, connect_union_field_3: null },
    });
  });

  test('enums are texts, and stay enums with enhanced.avro.schema.support', async () => {
    const colour = { type: 'enum', name: 'Colour', namespace: 'n', symbols: ['RED', 'GREEN'] };
    const bytes = message('enums-value', colour, Buffer.from([2]));
    const enhanced = converter({ 'enhanced.avro.schema.support': 'true' });
    const { schema, value } = await read(enhanced, 'enums', bytes);
    expect([schema?.type, schema?.parameters?.['io.confluent.connect.avro.Enum.GREEN'], value]).toEqual(['STRING', 'GREEN', 'GREEN']);
    await write(enhanced, 'enums-again', schema, value);
    await write(converter(), 'enums-plain', schema, value);
    expect(registry.versions('enums-again-value')[0]).toMatch(/^\{"type":"enum","name":"Colour","namespace":"n"/);
    expect(registry.versions('enums-plain-value')[0]).toMatch(/^\{"type":"string"/);
    expect(await failure(write(enhanced, 'enums-again', schema, 'BLUE'))).toEqual([
      'Failed to serialize Avro data from topic enums-again:',
      'Error serializing Avro message',
      "enum value 'BLUE' is not in the enum symbol set: [RED, GREEN]",
    ]);
  });

  test('a record may be within itself', async () => {
    const node = {
      type: 'record',
      name: 'Node',
      fields: [
        { name: 'value', type: 'int' },
        { name: 'next', type: ['null', 'Node'] },
      ],
    };
    const bytes = message('lists-value', node, Buffer.from([2, 2, 4, 2, 6, 0]));
    const { schema, value } = await read(converter(), 'lists', bytes);
    expect(value).toEqual({ value: 1, next: { value: 2, next: { value: 3, next: null } } });
    const again = (await write(converter(), 'lists-again', schema, value)) as Buffer;
    expect(again.subarray(5)).toEqual(bytes.subarray(5));
    expect(schema?.field('next')?.schema.field('next')?.schema.optional).toBe(true);
  });

  test('types of other subjects are found by their references', async () => {
    registry.register('address', JSON.stringify({ type: 'record', name: 'Address', namespace: 'n', fields: [{ name: 'city', type: 'string' }] }));
    const person = JSON.stringify({ type: 'record', name: 'Person', namespace: 'n', fields: [{ name: 'home', type: 'n.Address' }] });
    const header = Buffer.alloc(5);
    header.writeInt32BE(registry.register('people-value', person, 'AVRO', [{ name: 'n.Address', subject: 'address', version: 1 }]), 1);
    const { value } = await read(converter(), 'people', Buffer.concat([header, Buffer.from([4, 66, 66])]));
    expect(value).toEqual({ home: { city: 'BB' } });
  });

  test('with use.latest.version what was written with an older version is read into the latest', async () => {
    const one = { type: 'record', name: 'V', fields: [{ name: 'id', type: { type: 'long', 'connect.doc': 'the id' } }] };
    const two = { ...one, fields: [{ name: 'extra', type: 'string', default: 'new' }, ...one.fields] };
    const bytes = message('evolved-value', one, Buffer.from('feffffffffffffffff01', 'hex'));
    registry.register('evolved-value', JSON.stringify(two));
    expect((await read(converter({ 'use.latest.version': 'true' }), 'evolved', bytes)).value).toEqual({ extra: 'new', id: 9223372036854775807n });
    expect((await read(converter(), 'evolved', bytes)).value).toEqual({ id: 9223372036854775807n });
  });

  test('values without a schema are records of Anything, and come back without one', async () => {
    const loose = new Map<unknown, unknown>([
      ['name', 'x'],
      ['list', [1, 2.5, true, null, 9007199254740993n]],
    ]);
    const bytes = await write(converter(), 'loose', null, loose);
    expect(await read(converter(), 'loose', bytes)).toEqual({ schema: null, value: loose });
  });

  test('bytes that are no message of the registry are told so', async () => {
    expect(await failure(read(converter(), 'bad', Buffer.from('{"id": 1}')))).toEqual([
      'Failed to deserialize data for topic bad to Avro:',
      'Error deserializing schema ID',
      'Unknown magic byte!',
    ]);
    expect(await failure(read(converter(), 'bad', Buffer.from([0, 0, 0, 99, 99])))).toEqual([
      'Failed to deserialize data for topic bad to Avro:',
      'Error retrieving Avro value schema for id 25443',
      'Schema 25443 not found; error code: 40403',
    ]);
    const short = message('bad-value', { type: 'record', name: 'S', fields: [{ name: 's', type: 'string' }] }, Buffer.from([20, 65]));
    expect((await failure(read(converter(), 'bad', short))).slice(0, 1)).toEqual(['Failed to deserialize data for topic bad to Avro:']);
    expect(await failure(read(converter(), 'other', short))).toContain("Subject 'other-value' not found.; error code: 40401");
  });

  test('a null is no schema and no value', async () => {
    expect(await read(converter(), 'nulls', null)).toEqual({ schema: null, value: null });
  });
});

test('whatever is written is read again', async () => {
  const one = converter({ 'enhanced.avro.schema.support': 'true' });
  await fc.assert(
    fc.asyncProperty(connectData(), async ({ schema, value }) => {
      if (value === null) return;
      const bytes = await write(one, 'any', schema, value);
      const back = await read(one, 'any', bytes);
      expect(valueEquals(back.value, withDefaults(schema, value))).toBe(true);
      expect(back.schema?.type).toBe(schema.type);
    }),
    { numRuns: 150 },
  );
});

const longAsText = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => String(bytes.readBigInt64LE()),
  toBuffer: () => Buffer.alloc(8),
  fromJSON: String,
  toJSON: Number,
  isValid: (text: unknown) => typeof text === 'string',
  compare: () => 0,
});
