import {
  Boxed,
  ConfigException,
  type ConnectRecord,
  configDef,
  DataException,
  int64,
  keyOrValueTransformation,
  Schema,
  SchemaBuilderException,
  SinkRecord,
  string,
  timestampSchema,
} from '../connect/index.ts';
import { NestedFields, usesPaths } from './nested-fields.ts';
import { requireMap, requireStruct } from './requirements.ts';
import { cacheBySchema, fieldCopier, structLike } from './struct-fields.ts';
import { REPLACE_NULL_WITH_DEFAULT, VERSION } from './transform-keys.ts';

const purpose = 'field insertion';

const fieldDoc = (what: string) =>
  `Field name for ${what}${what.endsWith('>') ? '' : '. '}Suffix with <code>!</code> to make this a required field, or <code>?</code> to keep it optional (the default).`;
const fieldKey = (what: string) => string({ default: null, importance: 'MEDIUM', doc: fieldDoc(what) });

const config = configDef({
  'topic.field': fieldKey('Kafka topic'),
  'partition.field': fieldKey('Kafka partition'),
  'offset.field': fieldKey('Kafka offset - only applicable to sink connectors.<br/>'),
  'timestamp.field': fieldKey('record timestamp'),
  'static.field': fieldKey('static data field'),
  'static.value': string({ default: null, importance: 'MEDIUM', doc: 'Static field value, if field name configured.' }),
  ...REPLACE_NULL_WITH_DEFAULT,
});

/** One field to insert: its schema when there is one, and its values with and without. Null values of schemaless data are left out. */
interface Insertion {
  readonly name: string;
  readonly schema: Schema;
  typed(record: ConnectRecord): unknown;
  schemaless(record: ConnectRecord): unknown;
}

/**
 * Adds facts about the record, or a constant, to its key or value.
 * `{"transforms.t.type": "org.apache.kafka.connect.transforms.InsertField$Value", "transforms.t.topic.field": "source"}`
 */
export const insertField = keyOrValueTransformation({
  className: 'org.apache.kafka.connect.transforms.InsertField',
  version: VERSION,
  overview: 'Adds facts about the record (topic, partition, offset, timestamp) or a constant text as fields.',
  config,
  create(parsed, _side, raw) {
    const replaceNull = parsed['replace.null.with.default'];
    const insertions = insertionsOf(parsed);
    if (insertions.length === 0) throw new ConfigException('No field insertion configured');
    if (usesPaths(raw)) {
      const nested = new NestedFields({ purpose, replaceNull });
      for (const insertion of insertions) nested.add(insertion.name, insertion);
      return (side, record) => (side.value === null || side.value === undefined ? side : nested.apply(side, record));
    }
    const plan = cacheBySchema((schema) => ({
      copy: fieldCopier(
        schema.fields.map((field) => ({ field, name: field.name })),
        replaceNull,
      ),
      schema: structLike(schema, [...schema.fields, ...insertions.map(named)]),
    }));
    return (side, record) => {
      const { schema, value } = side;
      if (value === null || value === undefined) return side;
      if (schema === null) {
        const updated = new Map<string, unknown>(requireMap(value, purpose));
        for (const insertion of insertions) {
          const inserted = insertion.schemaless(record);
          if (inserted !== null) updated.set(insertion.name, inserted);
        }
        return { schema: null, value: updated };
      }
      const struct = requireStruct(schema, value, purpose);
      const { copy, schema: updatedSchema } = plan(schema);
      const updated = copy(struct);
      for (const insertion of insertions) updated[insertion.name] = insertion.typed(record);
      return { schema: updatedSchema, value: updated };
    };
  },
});

function insertionsOf(parsed: Readonly<Record<string, unknown>>): Insertion[] {
  const insertions: Insertion[] = [];
  const add = (key: string, schema: (optional: boolean) => Schema, typed: Insertion['typed'], schemaless: Insertion['typed'] = typed) => {
    const spec = parsed[key] as string | null;
    if (spec === null) return;
    const marked = spec.endsWith('!') || spec.endsWith('?');
    insertions.push({ name: marked ? spec.slice(0, -1) : spec, schema: schema(!spec.endsWith('!')), typed, schemaless });
  };
  const text = (optional: boolean) => (optional ? Schema.OPTIONAL_STRING_SCHEMA : Schema.STRING_SCHEMA);
  add('topic.field', text, (record) => record.topic);
  add(
    'partition.field',
    (optional) => (optional ? Schema.OPTIONAL_INT32_SCHEMA : Schema.INT32_SCHEMA),
    (record) => record.kafkaPartition,
    (record) => (record.kafkaPartition === null ? null : new Boxed('INT32', record.kafkaPartition)),
  );
  add(
    'offset.field',
    (optional) => (optional ? Schema.OPTIONAL_INT64_SCHEMA : Schema.INT64_SCHEMA),
    offsetOf,
    (record) => int64(offsetOf(record)),
  );
  add(
    'timestamp.field',
    timestampSchema,
    (record) => (record.timestamp === null ? null : new Date(record.timestamp)),
    (record) => record.timestamp,
  );
  const staticValue = parsed['static.value'];
  if (parsed['static.field'] !== null && staticValue === null) throw ConfigException.forValue('static.value', null, 'No value specified for static field');
  add('static.field', text, () => staticValue);
  return insertions;
}

function named({ name, schema }: Insertion): { name: string; schema: Schema } {
  if (name === '') throw new SchemaBuilderException('fieldName cannot be null.');
  return { name, schema };
}

function offsetOf(record: ConnectRecord): bigint {
  if (record instanceof SinkRecord) return record.kafkaOffset;
  throw new DataException(`Only SinkRecord supported for [${purpose}], found: org.apache.kafka.connect.source.SourceRecord`);
}
