import { describe, expect, test } from 'vitest';
import { Boxed, Schema, schemaEquals, struct, timestampSchema } from '../../shared/connect/index.ts';
import { apply, record } from './apply.ts';

const order = struct({ id: Schema.INT32_SCHEMA, name: Schema.OPTIONAL_STRING_SCHEMA });
const typed = record({ valueSchema: order, value: { id: 1, name: 'x' } });
const plain = record({
  value: new Map<string, unknown>([
    ['id', 1],
    ['name', 'x'],
  ]),
});

describe('InsertField', () => {
  test('adds facts about the record to a struct', () => {
    const config = { 'topic.field': 'topic', 'offset.field': 'offset!', 'timestamp.field': 'at', 'static.field': 'by', 'static.value': 'me' };
    const result = apply('InsertField$Value', config, typed);
    expect(result?.value).toEqual({ id: 1, name: 'x', topic: 'orders', offset: 42n, at: new Date(1_700_000_000_123), by: 'me' });
    const { topic, offset, at, by } = {
      topic: Schema.OPTIONAL_STRING_SCHEMA,
      offset: Schema.INT64_SCHEMA,
      at: timestampSchema(true),
      by: Schema.OPTIONAL_STRING_SCHEMA,
    };
    expect(schemaEquals(result?.valueSchema ?? null, struct({ id: Schema.INT32_SCHEMA, name: Schema.OPTIONAL_STRING_SCHEMA, topic, offset, at, by }))).toBe(
      true,
    );
  });

  test('adds them to a map with the Java classes that they have', () => {
    const result = apply('InsertField$Value', { 'partition.field': 'p', 'timestamp.field': 'at' }, plain);
    expect(result?.value).toEqual(
      new Map<string, unknown>([
        ['id', 1],
        ['name', 'x'],
        ['p', new Boxed('INT32', 3)],
        ['at', 1_700_000_000_123],
      ]),
    );
  });

  test('does not change its input, and makes one schema for all records of one', () => {
    const config = { 'topic.field': 't' };
    apply('InsertField$Value', config, plain);
    expect(plain.value).toEqual(
      new Map<string, unknown>([
        ['id', 1],
        ['name', 'x'],
      ]),
    );
    expect(typed.value).toEqual({ id: 1, name: 'x' });
  });

  test('needs something to insert', () => {
    expect(() => apply('InsertField$Value', {}, plain)).toThrow('No field insertion configured');
  });
});

describe('ReplaceField', () => {
  test('drops and renames fields', () => {
    const result = apply('ReplaceField$Value', { exclude: 'name', renames: 'id:key' }, typed);
    expect(result?.value).toEqual({ key: 1 });
    expect(schemaEquals(result?.valueSchema ?? null, struct({ key: Schema.INT32_SCHEMA }))).toBe(true);
  });

  test('swaps two names', () => {
    expect(apply('ReplaceField$Value', { renames: 'id:name,name:id' }, plain)?.value).toEqual(
      new Map<string, unknown>([
        ['name', 1],
        ['id', 'x'],
      ]),
    );
  });

  test('fills nulls with defaults unless it is told not to', () => {
    const schema = struct({ a: new Schema({ type: 'INT32', optional: true, defaultValue: 7 }), b: Schema.OPTIONAL_STRING_SCHEMA });
    const input = record({ valueSchema: schema, value: { a: null, b: 'x' } });
    expect(apply('ReplaceField$Value', { exclude: 'b' }, input)?.value).toEqual({ a: 7 });
    expect(apply('ReplaceField$Value', { exclude: 'b', 'replace.null.with.default': 'false' }, input)?.value).toEqual({ a: null });
  });
});

describe('Cast', () => {
  test('converts fields and their schemas', () => {
    const result = apply('Cast$Value', { spec: 'id:string,name:boolean' }, typed);
    expect(result?.value).toEqual({ id: '1', name: false });
    expect(schemaEquals(result?.valueSchema ?? null, struct({ id: Schema.STRING_SCHEMA, name: Schema.OPTIONAL_BOOLEAN_SCHEMA }))).toBe(true);
  });

  test('wraps integers and cuts off fractions as Java does', () => {
    const cast = (type: string, value: unknown) => apply('Cast$Value', { spec: type }, record({ value }))?.value;
    expect(cast('int8', 300)).toEqual(new Boxed('INT8', 44));
    expect(cast('int32', 3e9 + 0.5)).toEqual(new Boxed('INT32', 2 ** 31 - 1));
    expect(cast('int64', -1.9)).toBe(-1);
    expect(cast('float64', '5')).toEqual(new Boxed('FLOAT64', 5));
  });

  test('tells the value that does not fit', () => {
    expect(() => apply('Cast$Value', { spec: 'int8' }, record({ value: '128' }))).toThrow('Value (128) was out of range for requested data type');
  });
});

describe('HoistField, ExtractField and ValueToKey', () => {
  test('wrap a value and take it out again', () => {
    const hoisted = apply('HoistField$Value', { field: 'line' }, record({ valueSchema: Schema.STRING_SCHEMA, value: 'x' }));
    expect(hoisted?.value).toEqual({ line: 'x' });
    const extracted = apply('ExtractField$Value', { field: 'line' }, hoisted as NonNullable<typeof hoisted>);
    expect(extracted).toMatchObject({ value: 'x', valueSchema: Schema.STRING_SCHEMA });
  });

  test('follow a path of syntax version 2', () => {
    const nested = record({ value: new Map([['a', new Map([['b.c', 5]])]]) });
    expect(apply('ExtractField$Value', { field: 'a.`b.c`', 'field.syntax.version': 'V2' }, nested)?.value).toBe(5);
  });

  test('make the key of fields of the value', () => {
    const result = apply('ValueToKey', { fields: 'name,id' }, typed);
    expect(Object.entries(result?.key as object)).toEqual([
      ['name', 'x'],
      ['id', 1],
    ]);
    expect(() => apply('ValueToKey', { fields: 'none' }, typed)).toThrow('Field does not exist: none');
  });
});

describe('Flatten, MaskField and SetSchemaMetadata', () => {
  test('bring nested fields to the top', () => {
    const schema = struct({ a: struct({ b: Schema.INT32_SCHEMA }, { optional: true }), c: Schema.STRING_SCHEMA });
    const result = apply('Flatten$Value', { delimiter: '_' }, record({ valueSchema: schema, value: { a: { b: 1 }, c: 'x' } }));
    expect(result?.value).toEqual({ a_b: 1, c: 'x' });
    expect(schemaEquals(result?.valueSchema ?? null, struct({ a_b: Schema.OPTIONAL_INT32_SCHEMA, c: Schema.STRING_SCHEMA }))).toBe(true);
  });

  test('mask with the zero of a type or a constant', () => {
    expect(apply('MaskField$Value', { fields: 'id,name' }, typed)?.value).toEqual({ id: 0, name: '' });
    expect(apply('MaskField$Value', { fields: 'id', replacement: '9' }, typed)?.value).toEqual({ id: 9, name: 'x' });
  });

  test('name the schema of a struct', () => {
    expect(apply('SetSchemaMetadata$Value', { 'schema.name': 'Order', 'schema.version': '2' }, typed)?.valueSchema).toMatchObject({
      name: 'Order',
      version: 2,
    });
  });
});
