import { describe, expect, it } from 'vitest';
import {
  boolean,
  type ConfigOf,
  className,
  configDef,
  convertToString,
  double,
  int,
  list,
  long,
  nonDuplicateValues,
  nonEmptyString,
  parseType,
  password,
  range,
  string,
} from '../../../shared/connect/index.ts';

const definition = configDef({
  topic: string({ importance: 'HIGH', doc: 'Topic.', validator: nonEmptyString }),
  size: int({ default: 10, importance: 'LOW', doc: 'Size.', validator: range(1, 100) }),
  fields: list({ default: [], importance: 'LOW', doc: 'Fields.', validator: nonDuplicateValues({ emptyAllowed: true }) }),
  secret: password({ default: null, importance: 'LOW', doc: 'Secret.' }),
});

const errorsOf = (config: Record<string, string | null>) =>
  Object.fromEntries(definition.validateAll(config).flatMap(({ name, errorMessages }) => (errorMessages.length > 0 ? [[name, errorMessages]] : [])));

describe('A ConfigDef', () => {
  it('parses texts into typed values and takes defaults', () => {
    const config: ConfigOf<typeof definition> = definition.parse({ topic: ' a ', fields: 'x , y,x', other: '1' });
    expect(config).toEqual({ topic: 'a', size: 10, fields: ['x', 'y'], secret: null });
  });

  it('stops at the first wrong key when it parses', () => {
    expect(() => definition.parse({ size: '0' })).toThrow('Missing required configuration "topic" which has no default value.');
    expect(() => definition.parse({ topic: 'a', size: '0' })).toThrow('Invalid value 0 for configuration size: Value must be at least 1');
    expect(() => definition.parse({ topic: 'a', size: '101' })).toThrow('Invalid value 101 for configuration size: Value must be no more than 100');
  });

  it('tells everything at once when it validates, also what a validator says of a value that is not there', () => {
    expect(errorsOf({ topic: '', size: 'x', fields: 'a,a' })).toEqual({
      topic: ['Invalid value  for configuration topic: String must be non-empty'],
      size: ['Invalid value x for configuration size: Not a number of type INT', 'Invalid value null for configuration size: Value must be non-null'],
      fields: ["Configuration 'fields' values must not be duplicated."],
    });
    expect(errorsOf({ topic: null, fields: null })).toEqual({ fields: ["Configuration 'fields' values must not be null."] });
  });

  it('asks recommenders once all values are known', () => {
    const dependent = configDef({
      format: string({ default: 'csv', importance: 'LOW', doc: 'Format.', dependents: ['delimiter', 'ghost'] }),
      delimiter: string({
        default: ',',
        importance: 'LOW',
        doc: 'Delimiter.',
        recommender: { validValues: () => [',', ';'], visible: (_name, { format }) => format === 'csv' },
      }),
    });
    expect(dependent.validateAll({ format: 'json' })).toMatchObject([
      { name: 'format' },
      { name: 'delimiter', recommendedValues: [',', ';'], visible: false },
      { name: 'ghost', errorMessages: ['ghost is referred in the dependents, but not defined.'], visible: false },
    ]);
  });

  it('counts places within groups, unless they are given', () => {
    const grouped = configDef({
      a: string({ importance: 'LOW', doc: '', group: 'One' }),
      b: string({ importance: 'LOW', doc: '', group: 'Two', orderInGroup: 7 }),
      c: string({ importance: 'LOW', doc: '', group: 'One' }),
      d: string({ importance: 'LOW', doc: '' }),
    });
    expect(['a', 'b', 'c', 'd'].map((name) => grouped.orderInGroup(name))).toEqual([1, 7, 2, -1]);
    expect(grouped.groups).toEqual(['One', 'Two']);
  });

  it('embeds another one: sorted, under a prefix and a group, with messages that name the short key', () => {
    const child = configDef({
      z: string({ default: '', importance: 'HIGH', doc: '' }),
      b: string({ default: '', importance: 'LOW', doc: '' }),
      a: int({ importance: 'LOW', doc: '', validator: range(1) }),
    });
    const parent = configDef({}).embed('t.x.', 'T: x', 2, child);
    expect(Object.keys(parent.keys)).toEqual(['t.x.a', 't.x.z', 't.x.b']);
    expect(parent.keys['t.x.b']).toMatchObject({ group: 'T: x', orderInGroup: 4, displayName: 'b' });
    expect(parent.validateAll({ 't.x.a': '0' })[0]?.errorMessages).toEqual(['Invalid value 0 for configuration a: Value must be at least 1']);
  });

  it('looks classes up where it is told to', () => {
    const classes = configDef({ type: className({ importance: 'HIGH', doc: '', parse: (_name, text) => `full.${text}` }) });
    expect(classes.parse({ type: 'Short' })).toEqual({ type: 'full.Short' });
  });
});

describe('Values', () => {
  it.each([
    ['INT', ' 7 ', 7],
    ['INT', '+7', 7],
    ['INT', '٣', 3],
    ['LONG', '-1', -1],
    ['DOUBLE', '1.5e3f', 1500],
    ['DOUBLE', '-Infinity', Number.NEGATIVE_INFINITY],
    ['BOOLEAN', ' TRUE', true],
    ['LIST', ' a ,\tb,', ['a', 'b', '']],
    ['LIST', ' ', []],
    ['STRING', ' x ', 'x'],
  ] as const)('of type %s are read from "%s"', (type, text, value) => {
    expect(parseType('k', text, type)).toEqual(value);
  });

  it.each([
    ['INT', '2147483648'],
    ['INT', '1.0'],
    ['INT', ''],
    ['SHORT', '32768'],
    ['LONG', '9223372036854775808'],
    ['DOUBLE', '1,5'],
  ] as const)('of type %s are refused: "%s"', (type, text) => {
    expect(() => parseType('k', text, type)).toThrow(`Invalid value ${text} for configuration k: Not a number of type ${type}`);
  });

  it('are printed as Java does', () => {
    const defaults = configDef({
      most: long({ default: Number(2n ** 63n - 1n), importance: 'LOW', doc: '' }),
      ratio: double({ default: 1, importance: 'LOW', doc: '' }),
      small: double({ default: 1e-5, importance: 'LOW', doc: '' }),
      names: list({ default: ['a', 'b'], importance: 'LOW', doc: '' }),
      on: boolean({ default: true, importance: 'LOW', doc: '' }),
      none: string({ importance: 'LOW', doc: '' }),
    });
    expect(Object.keys(defaults.keys).map((name) => defaults.defaultText(name))).toEqual(['9223372036854775807', '1.0', '1.0E-5', 'a,b', 'true', null]);
    expect(convertToString(12_345_678.9, 'DOUBLE')).toBe('1.23456789E7');
  });
});
