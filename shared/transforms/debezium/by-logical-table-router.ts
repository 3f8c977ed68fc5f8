import {
  boolean,
  ConnectException,
  type ConnectRecord,
  configDef,
  int,
  javaPattern,
  recordTransformation,
  Schema,
  type SchemaParts,
  string,
} from '../../connect/index.ts';
import { replaceMatching } from '../java-replacement.ts';
import type { StructValue } from '../requirements.ts';
import { putField } from '../struct-fields.ts';
import { isEnvelope, NullPointerException, structOf, VERSION } from './envelope.ts';
import { adjustmentModes, nameAdjuster } from './schema-name-adjuster.ts';

const purpose = 'Updating schema';

const config = configDef({
  'topic.regex': string({ default: null, importance: 'LOW', doc: 'Java regular expression that the whole topic of a table must match.' }),
  'topic.replacement': string({ default: null, importance: 'LOW', doc: 'The topic of the logical table; `$1` is what a group matched.' }),
  'key.enforce.uniqueness': boolean({ default: true, importance: 'LOW', doc: 'Whether a field with the old topic is added to the key.' }),
  'key.field.regex': string({ default: null, importance: 'LOW', doc: 'Pattern that takes that field out of the old topic.' }),
  'key.field.name': string({ default: '__dbz__physicalTableIdentifier', importance: 'LOW', doc: 'Name of that field.' }),
  'key.field.replacement': string({ default: null, importance: 'LOW', doc: 'What `key.field.regex` is replaced by; needed with it.' }),
  'schema.name.adjustment.mode': string({ default: 'none', importance: 'LOW', doc: 'How the names of schemas are made: `none`, `avro` or `avro_unicode`.' }),
  'logical.table.cache.size': int({ default: 16, importance: 'LOW', doc: 'Known, and of no effect: schemas are kept as long as they are used.' }),
});

/**
 * Brings the change events of several tables (shards) into one topic.
 * `{"transforms.t.type": "io.debezium.transforms.ByLogicalTableRouter", "transforms.t.topic.regex": "(.*)_shard\\d+", "transforms.t.topic.replacement": "$1"}`
 */
export const byLogicalTableRouter = recordTransformation({
  className: 'io.debezium.transforms.ByLogicalTableRouter',
  version: VERSION,
  overview: 'Brings the change events of several tables into one topic, and tells their keys apart.',
  config,
  create(parsed) {
    check(parsed);
    const route = replaceMatching(parsed['topic.regex'] as string, parsed['topic.replacement'] as string);
    const keyRegex = parsed['key.field.regex'];
    const identify = keyRegex === null || keyRegex.trim() === '' ? null : replaceMatching(keyRegex, parsed['key.field.replacement'] as string);
    const keyField = parsed['key.enforce.uniqueness'] ? parsed['key.field.name'] : null;
    const adjust = nameAdjuster(parsed['schema.name.adjustment.mode'].trim().toLowerCase(), { dots: true });
    const renamedKey = byTopic((schema, topic) => {
      const fields = keyField === null ? schema.fields : [...schema.fields, { name: keyField, schema: Schema.STRING_SCHEMA }];
      return withFields(schema, adjust(`${topic}.Key`), fields);
    });
    const renamedEvent = byTopic((schema, topic) => {
      const before = schema.field('before');
      if (before === undefined) throw new NullPointerException('The change event has no field before');
      const row = withFields(before.schema, adjust(`${topic}.Value`), before.schema.fields);
      const fields = schema.fields.map((field) => (isRow(field.name) ? { name: field.name, schema: row } : field));
      return withFields(schema, adjust(`${topic}.Envelope`), fields);
    });
    return <R extends ConnectRecord>(record: R): R => {
      const { topic: oldTopic, kafkaPartition, key, keySchema, valueSchema, value, timestamp } = record;
      const topic = route(oldTopic);
      if (topic === null || topic === '') return record;
      let [newKeySchema, newKey]: [Schema | null, Record<string, unknown> | null] = [null, null];
      if (key !== null && key !== undefined) {
        const old = structOf(keySchema, key, purpose);
        newKeySchema = renamedKey(old.schema, topic);
        newKey = copyInto(newKeySchema, old);
        if (keyField !== null) newKey[keyField] = identify?.(oldTopic) ?? oldTopic;
      }
      if (value === null || value === undefined || !isEnvelope(record))
        return record.newRecord(topic, kafkaPartition, newKeySchema, newKey, valueSchema, value, timestamp);
      const event = structOf(valueSchema, value, purpose);
      const newSchema = renamedEvent(event.schema, topic);
      return record.newRecord(topic, kafkaPartition, newKeySchema, newKey, newSchema, copyInto(newSchema, event), timestamp);
    };
  },
});

const isRow = (name: string): boolean => name === 'before' || name === 'after';

/** Debezium tells what is wrong in its log, and only this in the error. */
function check(parsed: Readonly<Record<string, unknown>>): void {
  const keyRegex = parsed['key.field.regex'] as string | null;
  const needsReplacement = keyRegex !== null && keyRegex.trim() !== '' && !((parsed['key.field.replacement'] as string | null) ?? '').trim();
  const knownMode = (adjustmentModes as readonly string[]).includes(String(parsed['schema.name.adjustment.mode']).trim().toLowerCase());
  const complete = isGiven(parsed['topic.regex']) && isGiven(parsed['topic.replacement']);
  if (!complete || needsReplacement || !knownMode || !isPattern(parsed['topic.regex'] as string) || (keyRegex !== null && !isPattern(keyRegex)))
    throw new ConnectException('Unable to validate config.');
}

function isGiven(text: unknown): boolean {
  return typeof text === 'string' && text.trim() !== '';
}

function isPattern(text: string): boolean {
  try {
    javaPattern(text);
    return true;
  } catch {
    return false;
  }
}

/** Makes a schema out of another one once for each topic. */
function byTopic(make: (schema: Schema, topic: string) => Schema): (schema: Schema, topic: string) => Schema {
  const known = new WeakMap<Schema, Map<string, Schema>>();
  return (schema, topic) => {
    let ofSchema = known.get(schema);
    if (ofSchema === undefined) {
      ofSchema = new Map();
      known.set(schema, ofSchema);
    }
    let made = ofSchema.get(topic);
    if (made === undefined) {
      made = make(schema, topic);
      ofSchema.set(topic, made);
    }
    return made;
  };
}

function withFields({ optional, version, doc, parameters }: Schema, name: string, fields: SchemaParts['fields']): Schema {
  return new Schema({ type: 'STRUCT', optional, name, version, doc, parameters, fields: fields ?? [] });
}

/** The values of a struct, or their defaults; also those of the row in it. */
function copyInto(target: Schema, { schema, struct }: { readonly schema: Schema; readonly struct: StructValue }): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const field of schema.fields) {
    const own = target.field(field.name)?.schema as Schema;
    const value = struct[field.name] ?? field.schema.defaultValue;
    const isRenamed = value !== null && own !== field.schema && own.type === 'STRUCT';
    putField(copy, field.name, own, isRenamed ? copyInto(own, structOf(field.schema, value, purpose)) : value);
  }
  return copy;
}
