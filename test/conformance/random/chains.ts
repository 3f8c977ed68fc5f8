import type { SmtCase } from '../smt.ts';
import { pair, schemaless, type TaggedPair } from './data.ts';
import { javaRegex, replacement } from './patterns.ts';
import type { Random } from './random.ts';
import { fieldNames, headerNames, instant, text, topics } from './texts.ts';

type Config = Record<string, string>;

/** What a plugin is configured with, given the fields that the record has at the start. */
type Configure = (random: Random, fields: readonly string[]) => Config;

const types = ['int8', 'int16', 'int32', 'int64', 'float32', 'float64', 'boolean', 'string'] as const;
const datePatterns = [
  'yyyy-MM-dd',
  'yyyy-MM-dd HH:mm:ss.SSS',
  "yyyy-MM-dd'T'HH:mm:ss.SSSX",
  'dd/MM/yy hh:mm a',
  'EEE, d MMM yyyy HH:mm:ss Z',
  'yyyyMMddHHmmss',
] as const;
const dateLetters = 'GyYMLwWDdFEuaHkKhmsSzZX';

const field = (random: Random, fields: readonly string[]): string => (random.chance(0.8) && fields.length > 0 ? random.pick(fields) : random.pick(fieldNames));
const fieldList = (random: Random, fields: readonly string[], low = 1): string =>
  [...new Set(random.list(random.int(low, 3), () => field(random, fields)))].join(',');
const maybe = (random: Random, probability: number, config: () => Config): Config => (random.chance(probability) ? config() : {});
const nullKey: Configure = (random) => maybe(random, 0.25, () => ({ 'replace.null.with.default': random.pick(['true', 'false', 'false', ' TRUE ']) }));

/** A pattern of `SimpleDateFormat`: a usual one, or letters in any number. */
export function datePattern(random: Random): string {
  if (random.chance(0.5)) return random.pick(datePatterns);
  const part = () =>
    random.chance(0.9)
      ? (random.pick([...dateLetters]) as string).repeat(random.pick([1, 1, 2, 2, 3, 4, 5]))
      : random.pick(["'T'", "''", "'o''clock'", 'é', '1', 'Q', "'"]);
  return random.list(random.int(1, 5), () => part() + random.pick(['', '-', ' ', '.', ':', '/'])).join('');
}

const transforms: Readonly<Record<string, Configure>> = {
  Cast: (random, fields) => ({
    spec: random.chance(0.8)
      ? random.list(random.int(1, 3), () => `${field(random, fields)}:${random.pick(types)}`).join(',')
      : random.pick([...types, ...types, 'bytes', 'nope', 'a:b:c', '', 'INT8', 'id:int32,string', 'id:', ':int8']),
  }),
  DropHeaders: (random) => ({ headers: random.some(headerNames, random.int(0, 2)).join(',') }),
  ExtractField: (random, fields) => ({
    field: random.chance(0.8) ? field(random, fields) : random.pick(['a.b', 'nested.a', '`a.b`', 'nested.`x y`.c', '`a', 'a.', '.a', 'nested.nested.id']),
    ...maybe(random, 0.4, () => ({ 'field.syntax.version': random.pick(['V1', 'V2', 'v2', 'V3']) })),
  }),
  Filter: () => ({}),
  Flatten: (random) => maybe(random, 0.5, () => ({ delimiter: random.pick(['_', '.', '', '--']) })),
  HeaderFrom: (random, fields) => {
    const names = fieldList(random, fields);
    const count = names.split(',').length + (random.chance(0.05) ? 1 : 0);
    return {
      fields: names,
      headers: random.list(count, () => random.pick(['h1', 'h2', 'from'])).join(','),
      operation: random.pick(['move', 'copy', 'move', 'copy', 'Move']),
    };
  },
  HoistField: (random) => ({ field: random.pick([...fieldNames, 'line']) }),
  InsertField: (random, fields) => ({
    ...maybe(random, 0.4, () => ({ 'topic.field': fieldMark(random, fields) })),
    ...maybe(random, 0.3, () => ({ 'partition.field': fieldMark(random, fields) })),
    ...maybe(random, 0.2, () => ({ 'offset.field': fieldMark(random, fields) })),
    ...maybe(random, 0.3, () => ({ 'timestamp.field': fieldMark(random, fields) })),
    ...maybe(random, 0.4, () => ({ 'static.field': fieldMark(random, fields), ...maybe(random, 0.95, () => ({ 'static.value': text(random) })) })),
  }),
  InsertHeader: (random) => ({ header: random.pick([...headerNames, ' spaced ']), 'value.literal': text(random) }),
  MaskField: (random, fields) => ({
    fields: fieldList(random, fields, 0),
    ...maybe(random, 0.5, () => ({ replacement: random.chance(0.5) ? random.pick(['0', '9', '1.5', 'xxx', '']) : text(random) })),
  }),
  RegexRouter: (random) => ({ regex: javaRegex(random), replacement: replacement(random) }),
  ReplaceField: (random, fields) => ({
    ...maybe(random, 0.4, () => ({ exclude: fieldList(random, fields, 0) })),
    ...maybe(random, 0.4, () => ({ include: fieldList(random, fields, 0) })),
    ...maybe(random, 0.5, () => ({
      renames: random
        .list(random.int(1, 2), () => `${field(random, fields)}:${random.chance(0.1) ? random.pick(fieldNames) : random.pick(['renamed', 'new', 'other', ''])}`)
        .join(','),
    })),
  }),
  SetSchemaMetadata: (random) => ({
    ...maybe(random, 0.6, () => ({ 'schema.name': random.pick(['com.acme.New', '', 'x']) })),
    ...maybe(random, 0.6, () => ({ 'schema.version': random.pick(['1', '7', '-1', 'x', '2147483648']) })),
  }),
  TimestampConverter: (random, fields) => ({
    ...maybe(random, 0.7, () => ({ field: field(random, fields) })),
    'target.type': random.pick(['string', 'unix', 'Date', 'Time', 'Timestamp', 'string', 'unix', 'date']),
    ...maybe(random, 0.7, () => ({ format: datePattern(random) })),
    ...maybe(random, 0.4, () => ({ 'unix.precision': random.pick(['seconds', 'milliseconds', 'microseconds', 'nanoseconds', 'minutes']) })),
  }),
  TimestampRouter: (random) => ({
    ...maybe(random, 0.6, () => ({
      'topic.format': random.pick(['${topic}', '${timestamp}', 'a-${topic}', '${topic}.${timestamp}-$1', '${topic}${topic}', '$', '\\${topic}']),
    })),
    ...maybe(random, 0.6, () => ({ 'timestamp.format': datePattern(random) })),
  }),
  ValueToKey: (random, fields) => ({ fields: fieldList(random, fields, 0) }),
};

const oneSided = new Set(['DropHeaders', 'Filter', 'InsertHeader', 'RegexRouter', 'TimestampRouter', 'ValueToKey']);
const withoutNullKey = new Set([...oneSided, 'Flatten', 'HoistField']);

const predicates: Readonly<Record<string, Configure>> = {
  HasHeaderKey: (random) => ({ name: random.pick(headerNames) }),
  RecordIsTombstone: () => ({}),
  TopicNameMatches: (random) => ({ pattern: javaRegex(random) }),
};

function fieldMark(random: Random, fields: readonly string[]): string {
  return (random.chance(0.9) ? random.pick(['topic', 'new', 'at', 'p']) : field(random, fields)) + random.pick(['', '', '!', '?']);
}

/** A case of kind smt: a record through one to four transformations, some of them behind predicates. */
export function chainCase(random: Random, id: string): Omit<SmtCase, 'expect'> {
  const connectorType = random.pick(['sink', 'source'] as const);
  const key = pair(random);
  const value = pair(random);
  const stages = random.list(random.pick([1, 1, 2, 3, 4]), () => random.pick(Object.keys(transforms)));
  const config: Config = { transforms: stages.map((_, at) => `t${at}`).join(',') };
  const used: string[] = [];
  stages.forEach((name, at) => {
    const below = (prefix: string, keys: Config) => {
      for (const [each, text] of Object.entries(keys)) config[`${prefix}.${each}`] = text;
    };
    const side = oneSided.has(name) ? '' : random.chance(0.25) ? '$Key' : '$Value';
    const fields = fieldsOf(side === '$Key' ? key : value);
    const configure = transforms[name] as Configure;
    const keys = { ...configure(random, fields), ...(withoutNullKey.has(name) ? {} : nullKey(random, fields)) };
    const kept = Object.entries(keys).filter(() => random.chance(0.99));
    below(`transforms.t${at}`, { type: `org.apache.kafka.connect.transforms.${name}${side}`, ...Object.fromEntries(kept) });
    if (random.chance(name === 'Filter' ? 0.9 : 0.15)) {
      const predicate = random.pick(Object.keys(predicates));
      used.push(`p${at}`);
      below(`transforms.t${at}`, {
        predicate: random.chance(0.98) ? `p${at}` : 'nobody',
        ...maybe(random, 0.5, () => ({ negate: random.pick(['true', 'false', ' true', 'no']) })),
      });
      below(`predicates.p${at}`, {
        type: `org.apache.kafka.connect.transforms.predicates.${predicate}`,
        ...(predicates[predicate] as Configure)(random, fields),
      });
    }
  });
  if (used.length > 0) config['predicates'] = used.join(',');
  return {
    id,
    kind: 'smt',
    connectorType,
    config,
    record: {
      topic: random.pick(topics),
      partition: connectorType === 'source' && random.chance(0.5) ? null : random.int(0, 9),
      ...(connectorType === 'sink' && { offset: String(random.int(0, 1_000_000)) }),
      timestamp: random.chance(0.1) ? null : String(random.chance(0.7) ? 1_700_000_000_123 + random.int(0, 1e9) : instant(random)),
      key,
      value,
      headers: random.list(random.int(0, 3), () => ({ key: random.pick(headerNames), ...header(random) })),
    },
  };
}

function header(random: Random): TaggedPair {
  return random.chance(0.5)
    ? { schema: { type: 'string', optional: random.chance(0.5) }, value: { str: text(random) } }
    : { schema: null, value: schemaless(random, 1) };
}

function fieldsOf({ schema, value }: TaggedPair): string[] {
  if (schema !== null) return ((schema['fields'] ?? []) as { field: string }[]).map((each) => each.field);
  return ((value?.['map'] ?? []) as [{ str?: string }, unknown][]).flatMap(([each]) => each.str ?? []);
}
