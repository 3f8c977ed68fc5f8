import type { TaggedSchema, TaggedValue } from '../tagged-values.ts';
import type { Random } from './random.ts';
import { fieldNames, instant, text } from './texts.ts';

/** A schema and a value in the vectors' form. */
export interface TaggedPair {
  readonly schema: TaggedSchema;
  readonly value: TaggedValue;
}

const numbers = ['int8', 'int16', 'int32', 'int64', 'float', 'double'] as const;
const primitives = [...numbers, 'boolean', 'string', 'bytes'] as const;
const logical = 'org.apache.kafka.connect.data';

/** A schema, nested so deep at most. */
export function schema(random: Random, depth: number): NonNullable<TaggedSchema> {
  const kind = random.int(0, 9);
  const base =
    depth > 0 && kind < 3
      ? container(random, depth)
      : kind === 3
        ? logicalSchema(random)
        : { type: random.pick(primitives), ...(random.chance(0.05) && { name: 'com.acme.Own' }), ...(random.chance(0.05) && { version: 2 }) };
  const documented = {
    ...base,
    optional: random.chance(0.45),
    ...(random.chance(0.05) && { doc: 'what it is' }),
    ...(!('parameters' in base) && random.chance(0.04) && { parameters: { owner: 'me' } }),
  };
  // A struct of Java knows its schema, which as a default is never equal to the one that it is the default of.
  if (!random.chance(0.15) || JSON.stringify(documented).includes('"struct"')) return documented;
  const fallback = value(random, documented, { nulls: 0, complete: true });
  return fallback === null ? documented : { ...documented, default: fallback };
}

function container(random: Random, depth: number): NonNullable<TaggedSchema> {
  const kind = random.int(0, 3);
  if (kind === 0) return { type: 'array', items: schema(random, depth - 1) };
  if (kind === 1) return { type: 'map', keys: random.chance(0.7) ? { type: 'string', optional: false } : schema(random, 0), values: schema(random, depth - 1) };
  return structSchema(random, depth);
}

/** A struct's schema. */
export function structSchema(random: Random, depth: number): NonNullable<TaggedSchema> {
  const names = random.some(fieldNames, random.int(random.chance(0.05) ? 0 : 1, 5));
  return {
    type: 'struct',
    optional: random.chance(0.2),
    ...(random.chance(0.3) && { name: random.pick(['com.acme.Order', 'Order', 'a.b.C']) }),
    ...(random.chance(0.2) && { version: random.int(1, 5) }),
    fields: names.map((field) => ({ field, ...schema(random, depth - 1) })),
  };
}

function logicalSchema(random: Random): NonNullable<TaggedSchema> {
  const version = random.chance(0.9) ? { version: 1 } : {};
  return random.oneOf<NonNullable<TaggedSchema>>(
    () => ({ type: 'bytes', name: `${logical}.Decimal`, ...version, parameters: { scale: String(random.pick([0, 1, 2, 2, 5, -2])) } }),
    () => ({ type: 'int32', name: `${logical}.Date`, ...version }),
    () => ({ type: 'int32', name: `${logical}.Time`, ...version }),
    () => ({ type: 'int64', name: `${logical}.Timestamp`, ...version }),
  );
}

interface ValueOptions {
  /** How often an optional value is null. */
  readonly nulls: number;
  /** Whether required fields always have a value. */
  readonly complete?: boolean;
}

/** A value that fits a schema, or null. */
export function value(random: Random, of: NonNullable<TaggedSchema>, options: ValueOptions = { nulls: 0.2 }): TaggedValue {
  if (of['optional'] === true && random.chance(options.nulls)) return null;
  const day = 86_400_000;
  switch (String(of['name'] ?? '').replace(`${logical}.`, '')) {
    case 'Decimal': {
      const scale = Number((of['parameters'] as { scale?: string } | undefined)?.scale ?? 0);
      return { decimal: { unscaled: String(random.bits(random.pick([8, 32, 64, 100]))), scale: random.chance(0.95) ? scale : scale + random.int(-2, 2) } };
    }
    case 'Date':
      return { date: String(random.chance(0.95) ? Math.floor(instant(random) / day) * day : instant(random)) };
    case 'Time':
      return { date: String(random.chance(0.95) ? random.int(0, day - 1) : instant(random)) };
    case 'Timestamp':
      return { date: String(instant(random)) };
  }
  switch (of['type']) {
    case 'array':
      return { list: random.list(random.int(0, 3), () => value(random, of['items'] as NonNullable<TaggedSchema>, options)) };
    case 'map': {
      const keys = of['keys'] as NonNullable<TaggedSchema>;
      const entries = random.list(
        random.int(0, 3),
        () => [value(random, keys, options), value(random, of['values'] as NonNullable<TaggedSchema>, options)] as const,
      );
      return { map: [...new Map(entries.map((entry) => [keyText(entry[0]), entry])).values()].filter(([key]) => !isMinusZero(key)) };
    }
    case 'struct': {
      const fields = of['fields'] as NonNullable<TaggedSchema>[];
      // What is unset within a nested struct Java finds out whenever such a struct is put into another.
      const missing = options.complete ? 0 : 0.02;
      return {
        struct: Object.fromEntries(
          fields.map((field) => {
            const unset = random.chance(missing) || ((!options.complete || field['optional'] === true) && field['default'] !== undefined && random.chance(0.2));
            return [field['field'] as string, unset ? null : value(random, field, { ...options, complete: true })];
          }),
        ),
      };
    }
    default:
      return primitive(random, of['type'] as (typeof primitives)[number]);
  }
}

function keyText(key: TaggedValue): string {
  return JSON.stringify(key);
}

/** JavaScript's maps have one key for 0 and -0. */
function isMinusZero(key: TaggedValue): boolean {
  return Object.values(key ?? {})[0] === '-0.0';
}

function primitive(random: Random, type: (typeof primitives)[number]): NonNullable<TaggedValue> {
  switch (type) {
    case 'int8':
      return { i8: Number(random.bits(8)) };
    case 'int16':
      return { i16: Number(random.bits(16)) };
    case 'int32':
      return { i32: Number(random.bits(32)) };
    case 'int64':
      return { i64: String(random.chance(0.3) ? instant(random) : random.bits(64)) };
    case 'float':
      return { f32: number(random.float()) };
    case 'double':
      return { f64: number(random.double()) };
    case 'boolean':
      return { bool: random.chance(0.5) };
    case 'string':
      return { str: text(random) };
    case 'bytes':
      return { bytes: Buffer.from(random.list(random.int(0, 6), () => random.int(0, 255))).toString('base64') };
  }
}

function number(value: number): string {
  return Object.is(value, -0) ? '-0.0' : String(value);
}

/** A value without a schema, as JSON or a source connector makes them. */
export function schemaless(random: Random, depth: number): TaggedValue {
  const kind = random.int(0, depth > 0 ? 15 : 11);
  if (kind === 0) return null;
  if (kind > 13) return { map: schemalessEntries(random, depth - 1, 0.03) };
  if (kind > 11) return { list: random.list(random.int(0, 3), () => schemaless(random, depth - 1)) };
  if (kind === 1)
    return random.oneOf<TaggedValue>(
      () => ({ date: String(instant(random)) }),
      () => ({ decimal: { unscaled: String(random.bits(70)), scale: random.int(-2, 4) } }),
      () => ({ bigint: String(random.bits(80)) }),
    );
  return primitive(random, random.pick(primitives));
}

function schemalessEntries(random: Random, depth: number, oddKeys: number): [TaggedValue, TaggedValue][] {
  if (random.chance(oddKeys)) {
    const entries = random.list(random.int(0, 2), () => [primitive(random, random.pick(numbers)), schemaless(random, depth)] as [TaggedValue, TaggedValue]);
    return [...new Map(entries.map((entry) => [keyText(entry[0]), entry])).values()].filter(([key]) => !isMinusZero(key));
  }
  return random.some(fieldNames, random.int(0, 5)).map((name) => [{ str: name }, schemaless(random, depth)]);
}

/** A key or a value of a record: with or without a schema, mostly something with fields. */
export function pair(random: Random): TaggedPair {
  if (random.chance(0.06)) return { schema: null, value: null };
  if (random.chance(0.4)) {
    return { schema: null, value: random.chance(0.85) ? { map: schemalessEntries(random, 2, 0) } : schemaless(random, 2) };
  }
  const of = random.chance(0.8) ? structSchema(random, 3) : schema(random, 2);
  return { schema: of, value: random.chance(0.03) ? null : value(random, of) };
}

/** A schema and a value for a converter: of one kind, of any kind, or one that does not fit the other. */
export function loosePair(random: Random): TaggedPair {
  return random.oneOf(
    () => pair(random),
    () => ({ schema: null, value: schemaless(random, 2) }),
    () => {
      const of = schema(random, 2);
      return { schema: of, value: value(random, of) };
    },
    () => {
      const of = schema(random, 0);
      return { schema: of, value: random.chance(0.7) ? value(random, of) : schemaless(random, 0) };
    },
  );
}
