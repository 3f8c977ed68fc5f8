import { describe, expect, test } from 'vitest';
import { plugins } from '../../shared/plugins.ts';
import { TransformationChain } from '../../shared/runtime/transformation-chain.ts';
import { record } from '../transforms/apply.ts';

const base = 'org.apache.kafka.connect.transforms';
const chain = (config: Record<string, string>) => new TransformationChain(config, (kind, name) => plugins.find(kind, name) as never);

describe('A chain of transformations', () => {
  test('applies them in the order of the list, and tells their classes', () => {
    const made = chain({
      transforms: 'hoist,route',
      'transforms.hoist.type': `${base}.HoistField$Value`,
      'transforms.hoist.field': 'line',
      'transforms.route.type': 'RegexRouter',
      'transforms.route.regex': '.*',
      'transforms.route.replacement': 'new',
    });
    expect(made.stages.map(({ alias, className }) => [alias, className])).toEqual([
      ['hoist', `${base}.HoistField$Value`],
      ['route', `${base}.RegexRouter`],
    ]);
    expect(made.apply(record({ value: 'x' }))).toMatchObject({ topic: 'new', value: new Map([['line', 'x']]) });
  });

  test('asks a predicate, negated or not', () => {
    const config = {
      transforms: 'drop',
      'transforms.drop.type': 'Filter',
      'transforms.drop.predicate': 'tombstone',
      predicates: 'tombstone',
      'predicates.tombstone.type': `${base}.predicates.RecordIsTombstone`,
    };
    expect(chain(config).apply(record({ value: null }))).toBeNull();
    expect(chain(config).apply(record({ value: 1 }))?.value).toBe(1);
    expect(chain({ ...config, 'transforms.drop.negate': 'true' }).apply(record({ value: 1 }))).toBeNull();
  });

  test('is nothing without a list', () => {
    const input = record({ value: 1 });
    expect(chain({}).apply(input)).toBe(input);
  });

  test('names the key that is wrong', () => {
    expect(() => chain({ transforms: 'a' })).toThrow('Invalid value null for configuration transforms.a.type: Not a Transformation');
    expect(() => chain({ transforms: 'a', 'transforms.a.type': `${base}.HoistField$Value` })).toThrow(
      'Missing required configuration "transforms.a.field" which has no default value.',
    );
    expect(() => chain({ transforms: 'a,a' })).toThrow('Duplicate alias provided.');
  });
});
