import { describe, expect, test } from 'vitest';
import { Schema, type SinkRecord, schemaEquals, struct, timestampSchema } from '../../shared/connect/index.ts';
import { record, apply as transform } from './apply.ts';

const address = struct({ city: Schema.STRING_SCHEMA, zip: Schema.OPTIONAL_STRING_SCHEMA }, { optional: true, name: 'Address' });
const customer = struct({ name: Schema.STRING_SCHEMA, address, 'a.b': Schema.INT32_SCHEMA });
const order = struct({ id: Schema.INT64_SCHEMA, customer, at: Schema.STRING_SCHEMA });
const value = { id: 1n, customer: { name: 'Ann', address: { city: 'Ulm', zip: '89073' }, 'a.b': 5 }, at: '2024-02-29' };
const typed = record({ valueSchema: order, value });
const without = record({ valueSchema: order, value: { ...value, customer: { ...value.customer, address: null } } });

const map = (entries: Record<string, unknown>) => new Map(Object.entries(entries));
const plain = record({ value: map({ id: 1, customer: map({ name: 'Ann', address: map({ city: 'Ulm', zip: '89073' }), 'a.b': 5 }) }) });

const apply = (name: string, config: Record<string, string>, input: SinkRecord) => transform(name, { ...config, 'field.syntax.version': 'V2' }, input);
const at = (result: SinkRecord | null, ...path: string[]): unknown =>
  path.reduce<unknown>((inner, step) => (inner instanceof Map ? inner.get(step) : (inner as Record<string, unknown> | null)?.[step]), result?.value);

describe('Paths with field.syntax.version V2', () => {
  test('Cast changes fields within structs and maps, and leaves the rest as it is', () => {
    const result = apply('Cast$Value', { spec: 'customer.address.zip:int32,customer.`a.b`:string' }, typed);
    expect(at(result, 'customer')).toEqual({ name: 'Ann', address: { city: 'Ulm', zip: 89073 }, 'a.b': '5' });
    const expected = struct({ city: Schema.STRING_SCHEMA, zip: Schema.OPTIONAL_INT32_SCHEMA }, { optional: true, name: 'Address' });
    const found = result?.valueSchema?.field('customer')?.schema.field('address')?.schema ?? null;
    expect(schemaEquals(found, expected)).toBe(true);
    expect(at(apply('Cast$Value', { spec: 'customer.address.zip:int64' }, plain), 'customer', 'address', 'zip')).toBe(89073);
    expect(at(apply('Cast$Value', { spec: 'customer.address.zip:int32' }, without), 'customer', 'address')).toBeNull();
  });

  test('MaskField masks them', () => {
    for (const input of [typed, plain]) {
      const result = apply('MaskField$Value', { fields: 'customer.name,customer.address.zip', replacement: 'x' }, input);
      expect([at(result, 'customer', 'name'), at(result, 'customer', 'address', 'zip'), at(result, 'customer', 'address', 'city')]).toEqual(['x', 'x', 'Ulm']);
    }
  });

  test('ReplaceField drops, keeps and renames them', () => {
    for (const input of [typed, plain]) {
      const result = apply('ReplaceField$Value', { exclude: 'customer.address.zip', renames: 'customer.name:who' }, input);
      expect([at(result, 'customer', 'who'), at(result, 'customer', 'name'), at(result, 'customer', 'address', 'zip')]).toEqual(['Ann', undefined, undefined]);
      const kept = apply('ReplaceField$Value', { include: 'customer.address.city,id', renames: 'id:key' }, input);
      expect([at(kept, 'customer', 'address', 'city'), at(kept, 'customer', 'name'), at(kept, 'key') === undefined]).toEqual(['Ulm', undefined, false]);
    }
  });

  test('InsertField adds them where their struct is', () => {
    for (const input of [typed, plain]) {
      const result = apply('InsertField$Value', { 'topic.field': 'customer.address.from', 'static.field': 'by!', 'static.value': 'me' }, input);
      expect([at(result, 'customer', 'address', 'from'), at(result, 'by')]).toEqual(['orders', 'me']);
    }
    expect(at(apply('InsertField$Value', { 'topic.field': 'customer.address.from' }, without), 'customer', 'address')).toBeNull();
  });

  test('TimestampConverter converts them', () => {
    const dated = record({ valueSchema: struct({ meta: struct({ at: Schema.OPTIONAL_STRING_SCHEMA }) }), value: { meta: { at: '2024-02-29' } } });
    const result = apply('TimestampConverter$Value', { field: 'meta.at', 'target.type': 'Timestamp', format: 'yyyy-MM-dd' }, dated);
    expect(at(result, 'meta', 'at')).toEqual(new Date('2024-02-29'));
    expect(schemaEquals(result?.valueSchema?.field('meta')?.schema.field('at')?.schema ?? null, timestampSchema(true))).toBe(true);
  });

  test('HeaderFrom moves them, ValueToKey copies them under their own names', () => {
    for (const input of [typed, plain]) {
      const moved = apply('HeaderFrom$Value', { fields: 'customer.address.city', headers: 'city', operation: 'move' }, input);
      expect(moved?.headers).toMatchObject([{ key: 'city', value: 'Ulm' }]);
      expect([at(moved, 'customer', 'address', 'city'), at(moved, 'customer', 'address', 'zip')]).toEqual([undefined, '89073']);
      const keyed = apply('ValueToKey', { fields: 'customer.address.city,customer.name' }, input)?.key;
      expect(keyed instanceof Map ? Object.fromEntries(keyed) : keyed).toEqual({ city: 'Ulm', name: 'Ann' });
    }
    expect(() => apply('ValueToKey', { fields: 'customer.nothing' }, typed)).toThrow('Field does not exist: customer.nothing');
    expect(() => apply('HeaderFrom$Value', { fields: 'customer.x', headers: 'x', operation: 'copy' }, typed)).toThrow('Unknown field: customer.x');
  });

  test('HoistField wraps what `hoisted` leads to', () => {
    for (const input of [typed, plain]) {
      const result = apply('HoistField$Value', { field: 'inner', hoisted: 'customer.name' }, input);
      expect(at(result, 'customer', 'name', 'inner')).toBe('Ann');
    }
  });

  test('are names in version V1, and another version is refused', () => {
    expect(at(transform('MaskField$Value', { fields: 'customer.name', replacement: 'x' }, typed), 'customer', 'name')).toBe('Ann');
    expect(() => transform('Cast$Value', { spec: 'a:int8', 'field.syntax.version': 'V3' }, typed)).toThrow('field.syntax.version');
    expect(() => apply('Cast$Value', { spec: '`a:int8' }, typed)).toThrow('Incomplete backtick pair');
  });
});
