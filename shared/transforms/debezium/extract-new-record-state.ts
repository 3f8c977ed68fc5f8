import {
  boolean,
  ConnectException,
  type ConnectRecord,
  configDef,
  DataException,
  type Header,
  recordTransformation,
  Schema,
  string,
  type Transformation,
  type TransformationDefinition,
  validator,
} from '../../connect/index.ts';
import { extractField } from '../extract-field.ts';
import { insertField } from '../insert-field.ts';
import { replaceField } from '../replace-field.ts';
import { fieldsOf } from '../requirements.ts';
import { putField, structLike } from '../struct-fields.ts';
import { isEnvelope, NullPointerException, structOf, typedValue, VERSION } from './envelope.ts';
import { FieldReference } from './field-reference.ts';

const modes = ['drop', 'tombstone', 'rewrite', 'rewrite-with-tombstone', 'delete-to-tombstone'];

/** Debezium tells what is wrong in its log, and only this in the error. */
const knownMode = validator(`one of ${modes.join(', ')}`, (_name, value) => {
  if (value !== null && !modes.includes(String(value).trim().toLowerCase())) throw new ConnectException('Unable to validate config.');
});

const config = configDef({
  'delete.tombstone.handling.mode': string({
    default: 'tombstone',
    importance: 'MEDIUM',
    doc: 'What becomes of deletions: `drop` both event and tombstone, `tombstone` (a record without value), `rewrite` (the old row with `__deleted`), `rewrite-with-tombstone`, `delete-to-tombstone` (without schema either).',
  }),
  'route.by.field': string({ default: '', importance: 'LOW', doc: 'Column whose value becomes the topic.' }),
  'add.fields.prefix': string({ default: '__', importance: 'LOW', doc: 'What the names of added fields begin with.' }),
  'add.fields': string({ default: '', importance: 'LOW', doc: 'Fields of the event that are added to the row: `op,table,source.ts_ms:WHEN`.' }),
  'add.headers.prefix': string({ default: '__', importance: 'LOW', doc: 'What the names of added headers begin with.' }),
  'add.headers': string({ default: '', importance: 'LOW', doc: 'Fields of the event that are added as headers.' }),
  'drop.fields.header.name': string({ default: null, importance: 'LOW', doc: 'Header with a list of columns that are dropped.' }),
  'drop.fields.from.key': boolean({ default: false, importance: 'LOW', doc: 'Whether they are dropped from the key too.' }),
  'drop.fields.keep.schema.compatible': boolean({ default: true, importance: 'LOW', doc: 'Whether only optional columns are dropped.' }),
  'replace.null.with.default': boolean({
    default: true,
    importance: 'LOW',
    doc: 'Whether a null counts as the default of its column where the row is rewritten.',
  }),
});

/**
 * Makes the row out of a change event of Debezium.
 * `{"transforms.t.type": "io.debezium.transforms.ExtractNewRecordState", "transforms.t.delete.tombstone.handling.mode": "rewrite"}`
 */
export const extractNewRecordState = recordTransformation({
  className: 'io.debezium.transforms.ExtractNewRecordState',
  version: VERSION,
  overview: 'Makes the row as it is now out of a change event of Debezium.',
  config,
  create(parsed) {
    knownMode.ensureValid('delete.tombstone.handling.mode', parsed['delete.tombstone.handling.mode']);
    const mode = parsed['delete.tombstone.handling.mode'].trim().toLowerCase();
    const rewrites = mode === 'rewrite' || mode === 'rewrite-with-tombstone';
    const fields = FieldReference.list(parsed['add.fields.prefix'], parsed['add.fields']);
    const headers = FieldReference.list(parsed['add.headers.prefix'], parsed['add.headers']);
    const routeBy = parsed['route.by.field'];
    const dropHeader = parsed['drop.fields.header.name'];
    const [after, before] = [valueSide(extractField, { field: 'after' }), valueSide(extractField, { field: 'before' })];
    const replaceNull = String(parsed['replace.null.with.default']);
    const marked = (deleted: string) =>
      valueSide(insertField, { 'static.field': '__deleted', 'static.value': deleted, 'replace.null.with.default': replaceNull });
    const [deleted, alive] = [marked('true'), marked('false')];

    const dropFields = <R extends ConnectRecord>(record: R): R => {
      const header = dropHeader === null || dropHeader.trim() === '' ? undefined : record.headers.find(({ key }) => key === dropHeader);
      if (header === undefined || header.value === null || header.value === undefined) return record;
      if (!Array.isArray(header.value)) throw new TypeError(`The header ${dropHeader} must be a list of names of fields`);
      const names = header.value as string[];
      if (names.length === 0) return record;
      const keepCompatible = parsed['drop.fields.keep.schema.compatible'];
      const keyed =
        parsed['drop.fields.from.key'] && record.key !== null ? without(replaceField[0], record, droppable(record.keySchema, names, keepCompatible)) : record;
      return without(replaceField[1], keyed, droppable(keyed.valueSchema, names, keepCompatible));
    };

    return <R extends ConnectRecord>(record: R): R | null => {
      const isTombstone = record.value === null || record.value === undefined;
      const valid = isEnvelope(record);
      const withHeaders = (valid || isTombstone) && headers.length > 0 ? record.withHeaders([...record.headers, ...headersOf(headers, record)]) : record;
      if (isTombstone) return mode === 'rewrite-with-tombstone' ? withHeaders : null;
      if (!valid) return record;
      const row = after(withHeaders);
      if (row.value !== null) {
        const current = rewrites && row.valueSchema?.type === 'STRUCT' ? alive(row) : row;
        return dropFields(
          addFields(fields, record, routeBy === '' ? current : routed(current, current.valueSchema, current.value, routeBy, 'CREATE / UPDATE')),
        );
      }
      const old = before(withHeaders);
      if (old.value === null || mode === 'drop') return null;
      const gone = rewrites
        ? old.valueSchema?.type === 'STRUCT'
          ? deleted(old)
          : old
        : mode === 'delete-to-tombstone'
          ? withHeaders.withValue(null, null)
          : row;
      const there = dropFields(routeBy === '' ? gone : routed(gone, old.valueSchema, old.value, routeBy, 'DELETE'));
      return there.value === null ? there : addFields(fields, record, there);
    };
  },
});

type Change = <R extends ConnectRecord>(record: R) => R;

function valueSide(pair: readonly TransformationDefinition[], parsed: Readonly<Record<string, string>>): Change {
  const transformation = (pair[1] as TransformationDefinition).create(parsed);
  return (record) => transformation.apply(record) as typeof record;
}

/** The topic that a column tells, unless it is blank. */
function routed<R extends ConnectRecord>(record: R, schema: Schema | null, value: unknown, column: string, purpose: string): R {
  const row = structOf(schema, value, `Read record to set topic routing for ${purpose}`);
  const topic = typedValue(row.schema, row.struct, column, 'STRING') as string | null;
  return topic === null || topic.trim() === '' ? record : record.withTopic(topic);
}

function headersOf(references: readonly FieldReference[], { valueSchema, value }: ConnectRecord): Header[] {
  if (value === null || value === undefined)
    return references.filter(({ field }) => field === 'op').map(({ newName }) => ({ key: newName, schema: Schema.STRING_SCHEMA, value: 'd' }));
  const event = structOf(valueSchema, value, 'source field insertion');
  return references.flatMap((reference) => {
    const schema = reference.schemaIn(event.schema);
    return schema === null ? [] : [{ key: reference.newName, schema, value: reference.valueIn(event.schema, event.struct) }];
  });
}

function addFields<R extends ConnectRecord>(references: readonly FieldReference[], original: ConnectRecord, unwrapped: R): R {
  const row = structOf(unwrapped.valueSchema, unwrapped.value, 'source field insertion');
  const event = structOf(original.valueSchema, original.value, 'source field insertion');
  // Debezium looks at the operation here, whether it needs it or not.
  typedValue(event.schema, event.struct, 'op', 'STRING');
  const added = references.flatMap((reference) => {
    const schema = reference.schemaIn(event.schema);
    return schema === null ? [] : [{ name: reference.newName, schema, value: reference.valueIn(event.schema, event.struct) }];
  });
  const schema = structLike(row.schema, [...row.schema.fields, ...added]);
  const struct: Record<string, unknown> = {};
  for (const field of row.schema.fields) putField(struct, field.name, field.schema, row.struct[field.name] ?? null);
  for (const { name, schema: own, value } of added) {
    // A struct is added without its fields, as Debezium has it, and so nothing fits.
    if (own.type === 'STRUCT' && value !== null) throw new DataException('Struct schemas do not match.');
    struct[name] = value;
  }
  return unwrapped.withValue(schema, struct);
}

function droppable(schema: Schema | null, names: readonly string[], keepCompatible: boolean): readonly string[] {
  if (!keepCompatible) return names;
  if (schema === null) throw new NullPointerException('Fields can be dropped from what has a schema only');
  return fieldsOf(schema)
    .filter((field) => field.schema.optional && names.includes(field.name))
    .map(({ name }) => name);
}

function without<R extends ConnectRecord>(definition: TransformationDefinition | undefined, record: R, names: readonly string[]): R {
  if (names.length === 0) return record;
  const transformation = (definition as TransformationDefinition).create({ exclude: names.join(',') }) as Transformation;
  return transformation.apply(record) as R;
}
