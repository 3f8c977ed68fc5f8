import type { SmtCase } from '../smt.ts';
import type { TaggedSchema, TaggedValue } from '../tagged-values.ts';
import type { TaggedPair } from './data.ts';
import type { Random } from './random.ts';

type Field = NonNullable<TaggedSchema> & { readonly field: string };
type Config = Record<string, string>;

const columnTypes = ['int32', 'string', 'bytes', 'boolean', 'double', 'int64'] as const;
const payloads = [
  ...['a', 'b', '', ' ', 'orders', 'Order 1', '{bad', '{"a":1,"b":"x","n":null}', '{"l":[{"p":1},{"p":2,"q":2.5}],"e":[],"big":12345678901,"t":true}'],
  ...['{"h":{"1z":1,"a-b":[1,2]},"f":1.0}', '{"o":[null,1]}', '{}', '{"a":{"b":{"c":"d"}}}', '{"s":["x","y"],"s2":[true]}'],
];

/** A change event of Debezium through one of its transformations. */
export function changeEventCase(random: Random, id: string): Omit<SmtCase, 'expect'> {
  const [name, configure] = random.pick(transformations);
  const isOutbox = name === 'outbox.EventRouter';
  // On a sink Debezium's outbox router fails for want of a partition.
  const connectorType = isOutbox ? 'source' : random.pick(['sink', 'source'] as const);
  const config: Config = { transforms: 't', 'transforms.t.type': `io.debezium.transforms.${name}` };
  for (const [key, values] of Object.entries(configure)) {
    const [probability, ...texts] = values;
    if (random.chance(probability)) config[`transforms.t.${key}`] = random.pick(texts);
  }
  return {
    id,
    kind: 'smt',
    connectorType,
    config,
    record: {
      topic: random.pick(['srv.db.t_shard1', 'orders', 't_s1']),
      partition: random.int(0, 3),
      ...(connectorType === 'sink' && { offset: '5' }),
      timestamp: '1700000000123',
      key: eventKey(random),
      value: random.chance(0.06) ? noEvent(random) : event(random, isOutbox),
      headers: [
        ...(random.chance(0.3)
          ? [{ key: 'drop', schema: { type: 'array', optional: true, items: { type: 'string', optional: false } }, value: dropped(random) }]
          : []),
        ...(random.chance(0.3) ? [{ key: 'h', schema: null, value: { str: 'v' } }] : []),
      ],
    },
  };
}

function dropped(random: Random): TaggedValue {
  return random.chance(0.2) ? null : { list: random.some(['id', 'name', 'a', 'k', 'zz'], 2).map((str) => ({ str })) };
}

function eventKey(random: Random): TaggedPair {
  const fields = [
    { field: 'id', type: 'int32', optional: false, default: { i32: 1 } },
    { field: 'k', type: 'string', optional: true },
  ];
  const schema = { type: 'struct', optional: false, name: 'srv.db.t.Key', fields };
  return random.oneOf<TaggedPair>(
    () => ({ schema, value: { struct: { id: { i32: 4 }, k: null } } }),
    () => ({ schema, value: { struct: { id: random.chance(0.8) ? { i32: 5 } : null, k: { str: 'x' } } } }),
    () => (random.chance(0.7) ? { schema: null, value: null } : { schema: { type: 'string', optional: false }, value: { str: 'k' } }),
  );
}

function noEvent(random: Random): TaggedPair {
  return random.pick<TaggedPair>([
    { schema: null, value: null },
    { schema: null, value: { map: [[{ str: 'a' }, { i32: 1 }]] } },
    { schema: { type: 'struct', optional: true, name: 'srv.Heartbeat', fields: [] }, value: { struct: {} } },
  ]);
}

function event(random: Random, isOutbox: boolean): TaggedPair {
  const columns = isOutbox ? outboxColumns(random) : tableColumns(random);
  const name = random.pick(['srv.db.t.Value', 'Value', null]);
  const row = { type: 'struct', optional: true, ...(name !== null && { name }), fields: columns };
  const source = [
    { field: 'version', type: 'string', optional: false },
    { field: 'ts_ms', type: 'int64', optional: false },
    { field: 'table', type: 'string', optional: true, default: { str: 'some' } },
    { field: 'snapshot', type: 'string', optional: true, doc: 'whether' },
  ];
  const transaction = [
    { field: 'id', type: 'string', optional: false },
    { field: 'total_order', type: 'int64', optional: false },
  ];
  const fields: Field[] = [
    { field: 'before', ...row },
    { field: 'after', ...row },
    { field: 'source', type: 'struct', optional: false, name: 'io.debezium.connector.postgresql.Source', fields: source },
    { field: 'op', type: 'string', optional: false },
    { field: 'ts_ms', type: 'int64', optional: true },
    ...(random.chance(0.6) ? [{ field: 'transaction', type: 'struct', optional: true, fields: transaction }] : []),
  ].filter(() => random.chance(0.995));
  const operation = random.pick(isOutbox ? ['c', 'c', 'c', 'c', 'r', 'd', 'u'] : ['c', 'c', 'c', 'u', 'd', 'd', 'r', 't']);
  const values: Record<string, TaggedValue> = Object.fromEntries(fields.map((field) => [field.field, column(random, field)]));
  const filled = (): TaggedValue => ({ struct: Object.fromEntries(columns.map((each) => [each.field, column(random, each)])) });
  if ('op' in values) values['op'] = { str: operation };
  if ('before' in values) values['before'] = 'ud'.includes(operation) ? filled() : null;
  if ('after' in values) values['after'] = 'dt'.includes(operation) ? null : filled();
  return {
    schema: { type: 'struct', optional: random.chance(0.1), name: 'srv.db.t.Envelope', ...(random.chance(0.3) && { version: 2 }), fields },
    value: { struct: values },
  };
}

function tableColumns(random: Random): Field[] {
  return random.some(['id', 'name', 'kind', 'a', 'b', 'op'], random.int(1, 5)).map((field) => {
    const type = random.pick(columnTypes);
    return { field, type, optional: random.chance(0.5), ...(type === 'int32' && random.chance(0.3) && { default: { i32: 7 } }) };
  });
}

function outboxColumns(random: Random): Field[] {
  const times = ['Timestamp', 'MicroTimestamp', 'NanoTimestamp', 'Other'].map((each) => `io.debezium.time.${each}`);
  const time = random.chance(0.85) ? { name: random.pick(times), version: 1 } : {};
  const columns: Field[] = [
    { field: 'id', type: 'string', optional: random.chance(0.1) },
    { field: 'aggregatetype', type: 'string', optional: random.chance(0.2) },
    { field: 'aggregateid', type: random.pick(['string', 'int32']), optional: random.chance(0.3) },
    { field: 'type', type: 'string', optional: true },
    { field: 'payload', type: random.pick(['string', 'string', 'string', 'bytes', 'int32']), optional: random.chance(0.4) },
    { field: 'ts', type: 'int64', optional: random.chance(0.3), ...time },
    { field: 'ver', type: 'int32', optional: true },
    { field: 'shard', type: 'int32', optional: true },
  ];
  return columns.filter(() => random.chance(0.98));
}

function column(random: Random, of: NonNullable<TaggedSchema>): TaggedValue {
  if (of['optional'] === true && random.chance(0.25)) return null;
  switch (of['type']) {
    case 'struct':
      return { struct: Object.fromEntries((of['fields'] as Field[]).map((field) => [field.field, column(random, field)])) };
    case 'int32':
      return { i32: random.int(0, 99) };
    case 'int64':
      return { i64: random.pick(['5', '1700000000123', '1700000000123456']) };
    case 'string':
      return { str: random.pick(payloads) };
    case 'bytes':
      return { bytes: 'AQI=' };
    case 'boolean':
      return { bool: random.chance(0.5) };
    default:
      return { f64: '1.5' };
  }
}

/** Keys of each transformation: how often one is set, and to what. */
type Choices = Readonly<Record<string, readonly [probability: number, ...texts: string[]]>>;

const extractNewRecordState: Choices = {
  'delete.tombstone.handling.mode': [0.8, 'drop', 'tombstone', 'rewrite', 'rewrite-with-tombstone', 'delete-to-tombstone', 'REWRITE', 'nope'],
  'add.fields': [
    0.5,
    'op',
    'op,table,source.ts_ms',
    'op:OP,source.ts_ms:TS',
    'transaction.id,total_order',
    '',
    'nope.x',
    'zzz',
    'a:b:c',
    'op ,  table ',
    'op,op',
    'source',
  ],
  'add.headers': [0.5, 'op', 'op,table', 'version:V', 'transaction.id', 'id', '', 'zzz', 'op:X,source.table', 'nix.a'],
  'add.fields.prefix': [0.15, '', 'x_'],
  'add.headers.prefix': [0.15, '', 'h_'],
  'route.by.field': [0.25, 'name', 'kind', 'a', 'missing'],
  'drop.fields.header.name': [0.4, 'drop', 'other', ''],
  'drop.fields.from.key': [0.4, 'true', 'false'],
  'drop.fields.keep.schema.compatible': [0.4, 'true', 'false'],
  'replace.null.with.default': [0.2, 'true', 'false'],
};

const byLogicalTableRouter: Choices = {
  'topic.regex': [0.98, '(.*)', 'srv\\.db\\.(.*)_shard\\d+', '(.*)_s(.*)', '[', 'orders'],
  'topic.replacement': [0.98, '$1', 'all.$1', '', 'x-$2', '1-a/b'],
  'key.enforce.uniqueness': [0.4, 'true', 'false'],
  'key.field.regex': [0.4, '(.*)_shard(\\d+)', '', '(.*)', '['],
  'key.field.replacement': [0.4, '$1', '$2', ' ', 'p-$1'],
  'key.field.name': [0.2, 'tbl', 'id'],
  'schema.name.adjustment.mode': [0.4, 'none', 'avro', 'avro_unicode', 'AVRO', 'bad'],
  'logical.table.cache.size': [0.1, '5', 'x'],
};

const eventRouter: Choices = {
  'table.field.event.id': [0.1, 'id', 'nix'],
  'table.field.event.key': [0.15, 'aggregateid', 'type', 'shard', 'nix'],
  'table.field.event.payload': [0.1, 'payload', 'type', 'nix'],
  'table.field.event.timestamp': [0.4, 'ts', 'nix', 'type'],
  'table.fields.additional.placement': [
    0.5,
    'type:header',
    'type:header:kind',
    'type:envelope',
    'ver:envelope:v,type:header',
    'shard:partition',
    'nix:header',
    'type:nowhere',
    'type',
    'a:b:c:d',
  ],
  'table.fields.additional.error.on.missing': [0.3, 'true', 'false'],
  'table.field.event.schema.version': [0.2, 'ver', 'nix'],
  'table.op.invalid.behavior': [0.3, 'warn', 'error', 'fatal', 'x', 'FATAL'],
  'table.expand.json.payload': [0.5, 'true'],
  'table.json.payload.null.behavior': [0.3, 'ignore', 'optional_bytes'],
  'field.name.adjustment.mode': [0.2, 'avro', 'avro_unicode'],
  'route.by.field': [0.2, 'type', 'aggregatetype', 'nix'],
  'route.topic.regex': [0.2, '(.*)rder(.*)', '(?<routedByValue>.*)', '['],
  'route.topic.replacement': [0.2, 'x.${routedByValue}', 'y-$1'],
  'route.tombstone.on.empty.payload': [0.4, 'true'],
};

const transformations: readonly (readonly [name: string, choices: Choices])[] = [
  ['ExtractNewRecordState', extractNewRecordState],
  ['ByLogicalTableRouter', byLogicalTableRouter],
  ['outbox.EventRouter', eventRouter],
];
