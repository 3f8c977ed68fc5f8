import { readFileSync } from 'node:fs';
import { ConfigException, Decimal } from '../../connect/index.ts';
import type { AvroSchema } from './avro-schema.ts';
import type { JavaRandom } from './java-random.ts';
import { regexText } from './regex-text.ts';

/** Makes the value of the `iteration`-th record, from 0. The same random state and iteration give the same value. */
export type Generator = (random: JavaRandom, iteration: number) => unknown;

interface Limits {
  readonly min: number;
  readonly max: number;
}

/** Compiles a schema with its `arg.properties` (options, iteration, range, length, regex, prefix, suffix, odds, keys). Throws ConfigException. */
export function generatorOf(schema: AvroSchema): Generator {
  const { properties } = schema;
  if (properties['options'] !== undefined) return options(schema, properties['options']);
  if (properties['iteration'] !== undefined) return iterations(schema, properties['iteration'] as Record<string, unknown>);
  switch (schema.type) {
    case 'record': {
      const fields = schema.fields.map(({ name, schema: field }) => ({ name, make: generatorOf(field) }));
      return (random, iteration) => {
        const record: Record<string, unknown> = {};
        for (const { name, make } of fields) record[name] = make(random, iteration);
        return record;
      };
    }
    case 'array': {
      const item = generatorOf(schema.items as AvroSchema);
      const length = lengths(properties['length']);
      return (random, iteration) => Array.from({ length: length(random) }, () => item(random, iteration));
    }
    case 'map': {
      const key = texts((properties['keys'] ?? {}) as Record<string, unknown>);
      const value = generatorOf(schema.values as AvroSchema);
      const length = lengths(properties['length']);
      return (random, iteration) => new Map(Array.from({ length: length(random) }, () => [key(random), value(random, iteration)]));
    }
    case 'union': {
      const branches = schema.branches.map(generatorOf);
      return (random, iteration) => (branches[random.nextInt(branches.length)] as Generator)(random, iteration);
    }
    case 'enum':
      return (random) => schema.symbols[random.nextInt(schema.symbols.length)];
    case 'null':
      return () => null;
    case 'boolean': {
      const odds = typeof properties['odds'] === 'number' ? properties['odds'] : 0.5;
      return (random) => random.nextDouble() < odds;
    }
    case 'fixed':
      return (random) => bytes(random, schema.size ?? 0);
    case 'bytes': {
      if (schema.logicalType === 'decimal') return numbers(schema);
      const length = lengths(properties['length']);
      return (random) => bytes(random, length(random));
    }
    case 'string':
      return texts(properties);
    default:
      return numbers(schema);
  }
}

function numbers(schema: AvroSchema): Generator {
  const given = schema.properties['range'] as Partial<Limits> | undefined;
  const whole = schema.type === 'int' ? { min: -(2 ** 31), max: 2 ** 31 } : { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };
  const usual = schema.type === 'int' || schema.type === 'long' ? whole : { min: 0, max: 1 };
  const { min, max } = { ...usual, ...given };
  if (!(max > min)) throw new ConfigException(`range of arg.properties needs a max (${max}) above its min (${min})`);
  return (random) => ofType(schema, min + random.nextDouble() * (max - min));
}

/** A number as the type of the schema holds it. */
function ofType(schema: AvroSchema, value: number): unknown {
  switch (schema.logicalType) {
    case 'decimal':
      return new Decimal(BigInt(Math.floor(value * 10 ** (schema.scale ?? 0))), schema.scale ?? 0);
    case 'date':
      return new Date(Math.floor(value) * 86_400_000);
    case 'time-millis':
    case 'timestamp-millis':
      return new Date(Math.floor(value));
  }
  if (schema.type === 'long') return BigInt(Math.floor(value));
  return schema.type === 'int' ? Math.floor(value) : schema.type === 'float' ? Math.fround(value) : value;
}

/** Values that go on from record to record: `start`, `step`, back to `start` at `restart`, the first one `initial`. */
function iterations(schema: AvroSchema, { start, restart, step, initial }: Record<string, unknown>): Generator {
  if (schema.type === 'boolean') return (_random, iteration) => (start === true) === (iteration % 2 === 0);
  if (!['int', 'long', 'float', 'double', 'string'].includes(schema.type))
    throw new ConfigException(`iteration property can only be specified on numeric, boolean or string schemas, not ${schema.type} schema`);
  if (typeof start !== 'number') throw new ConfigException('iteration property must contain start field');
  if (step === 0) throw new ConfigException('step field of iteration property cannot be zero');
  if (start === restart) throw new ConfigException('start and restart fields of iteration property cannot be equal');
  const span = typeof restart === 'number' ? restart - start : Number.POSITIVE_INFINITY;
  const by = typeof step === 'number' ? step : Math.sign(span);
  if (Number.isFinite(span) && Math.sign(span) !== Math.sign(by))
    throw new ConfigException(`step field of iteration property must be ${span > 0 ? 'positive' : 'negative'} to go from start to restart`);
  const first = typeof initial === 'number' ? initial - start : 0;
  const prefix = String(schema.properties['prefix'] ?? '');
  const suffix = String(schema.properties['suffix'] ?? '');
  return (_random, iteration) => {
    const gone = first + by * iteration;
    const value = start + (Number.isFinite(span) ? gone % span : gone);
    return schema.type === 'string' ? `${prefix}${value}${suffix}` : ofType(schema, value);
  };
}

function options(schema: AvroSchema, given: unknown): Generator {
  const list = Array.isArray(given) ? given : readOptions(given);
  if (list.length === 0) throw new ConfigException('options property cannot be empty');
  const values = list.map((each) => optionOf(schema, each));
  return (random) => values[random.nextInt(values.length)];
}

/** `{"file": …, "encoding": "json"}`: a JSON value after the other, or an array of them. */
function readOptions(given: unknown): readonly unknown[] {
  const { file, encoding } = (given ?? {}) as Record<string, unknown>;
  if (typeof file !== 'string' || encoding !== 'json')
    throw new ConfigException('options property must be an array, or an object with a file and the encoding "json"');
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch {
    throw new ConfigException(`Unable to locate options file '${file}'`);
  }
  return text.startsWith('[') ? JSON.parse(text) : text.split(/\r?\n/).map((line) => JSON.parse(line));
}

function optionOf(schema: AvroSchema, option: unknown): unknown {
  const wrong = () => new ConfigException(`Invalid option for ${schema.type} schema: ${JSON.stringify(option)}`);
  switch (schema.type) {
    case 'record':
      if (typeof option !== 'object' || option === null) throw wrong();
      return Object.fromEntries(schema.fields.map(({ name, schema: field }) => [name, optionOf(field, (option as Record<string, unknown>)[name])]));
    case 'array':
      if (!Array.isArray(option)) throw wrong();
      return option.map((each) => optionOf(schema.items as AvroSchema, each));
    case 'map':
      if (typeof option !== 'object' || option === null) throw wrong();
      return new Map(Object.entries(option).map(([key, value]) => [key, optionOf(schema.values as AvroSchema, value)]));
    case 'union': {
      if (option === null || option === undefined) return null;
      return optionOf(schema.branches.find(({ type }) => type !== 'null') ?? schema, option);
    }
    case 'bytes':
    case 'fixed':
      if (typeof option === 'number') return ofType(schema, option);
      if (typeof option !== 'string') throw wrong();
      return Buffer.from(option);
    case 'string':
    case 'enum':
      if (typeof option !== 'string') throw wrong();
      return option;
    case 'boolean':
      if (typeof option !== 'boolean') throw wrong();
      return option;
    case 'null':
      return null;
    default:
      if (typeof option !== 'number') throw wrong();
      return ofType(schema, option);
  }
}

function texts(properties: Readonly<Record<string, unknown>>): (random: JavaRandom) => string {
  const { regex, options: choices, length, prefix = '', suffix = '' } = properties;
  if (Array.isArray(choices)) return (random) => String(choices[random.nextInt(choices.length)]);
  if (typeof regex !== 'string') {
    const count = lengths(length);
    return (random) => {
      let text = '';
      for (let left = count(random); left > 0; left--) text += String.fromCharCode(32 + random.nextInt(95));
      return `${prefix}${text}${suffix}`;
    };
  }
  const make = regexText(regex);
  const { min, max } = limits(length, { min: 0, max: Number.POSITIVE_INFINITY });
  const bounds = typeof length === 'number' ? { min: length, max: Number.POSITIVE_INFINITY } : { min, max };
  return (random) => {
    for (let attempt = 0; attempt < 1000; attempt++) {
      const text = make(random);
      if (text.length >= bounds.min && (text.length < bounds.max || text.length === bounds.min)) return `${prefix}${text}${suffix}`;
    }
    throw new ConfigException(`The regex ${regex} of arg.properties makes no text of the length ${JSON.stringify(length)}`);
  };
}

function limits(length: unknown, usual: Limits): Limits {
  return typeof length === 'number' ? { min: length, max: length + 1 } : { ...usual, ...(length as Partial<Limits> | undefined) };
}

/** How long: a number, or at least `min` and less than `max`. */
function lengths(length: unknown): (random: JavaRandom) => number {
  const { min, max } = limits(length, { min: 8, max: 16 });
  if (!(max > min) || min < 0) throw new ConfigException(`length of arg.properties needs a max (${max}) above its min (${min})`);
  return (random) => min + random.nextInt(max - min);
}

function bytes(random: JavaRandom, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.nextInt(256)));
}
