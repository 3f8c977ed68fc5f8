import {
  boolean,
  ConfigException,
  type ConnectRecord,
  configDef,
  DataException,
  oneOfIgnoringCase,
  recordTransformation,
  type SchemaAndValue,
  string,
  type TransformationDefinition,
} from '../../connect/index.ts';
import { javaClassName } from '../../connect/java/java-value.ts';
import { requireMap, requireStruct } from '../requirements.ts';
import { VERSION } from './confluent-version.ts';
import { JsonPath, plainData } from './json-path.ts';

const purpose = 'topic extraction';

const config = configDef({
  field: string({
    default: '',
    importance: 'MEDIUM',
    doc: 'Field that tells the topic, or the name of the header; empty: the whole key or value, which must be a text.',
  }),
  'field.format': string({
    default: 'PLAIN',
    validator: oneOfIgnoringCase('PLAIN', 'JSON_PATH'),
    importance: 'MEDIUM',
    doc: 'Whether `field` is a name (`PLAIN`) or a JSON path (`JSON_PATH`).',
  }),
  'skip.missing.or.null': boolean({ default: false, importance: 'LOW', doc: 'Whether a record without it keeps its topic. Otherwise it is an error.' }),
});

/**
 * Takes the topic out of the record.
 * `{"transforms.t.type": "io.confluent.connect.transforms.ExtractTopic$Value", "transforms.t.field": "kind"}`
 */
export const extractTopic: readonly TransformationDefinition[] = (['Key', 'Value', 'Header'] as const).map((side) =>
  recordTransformation({
    className: `io.confluent.connect.transforms.ExtractTopic$${side}`,
    version: VERSION,
    overview: 'Takes the topic of a record out of its key, value or a header.',
    config,
    create({ field, 'field.format': format, 'skip.missing.or.null': skip }) {
      if (side === 'Header' && field === '') throw ConfigException.forValue('field', field, 'Must be the name of the header that tells the topic');
      const path = side !== 'Header' && field !== '' && format.toUpperCase() === 'JSON_PATH' ? pathOf(field) : null;
      const find = (record: ConnectRecord): SchemaAndValue => {
        if (side === 'Header') return record.headers.findLast(({ key }) => key === field) ?? nothing;
        const data = side === 'Key' ? { schema: record.keySchema, value: record.key } : { schema: record.valueSchema, value: record.value };
        if (field === '' || data.value === null || data.value === undefined) return data;
        return path === null ? fieldOf(data, field) : { schema: null, value: path.find(plainData(data.schema, data.value)).values[0] ?? null };
      };
      return <R extends ConnectRecord>(record: R): R => {
        const { schema, value } = find(record);
        if (typeof value === 'string' && value !== '') return record.withTopic(value);
        const where = field === '' ? side.toLowerCase() : `${field} of the ${side.toLowerCase()}`;
        if (value !== null && value !== undefined && value !== '')
          throw new DataException(`The topic must be a text, and ${where} is of class ${javaClassName(schema, value)}`);
        if (skip) return record;
        throw new DataException(`There is no topic: ${where} is ${value === '' ? 'empty' : 'missing or null'} (see skip.missing.or.null)`);
      };
    },
  }),
);

const nothing: SchemaAndValue = { schema: null, value: null };

function fieldOf({ schema, value }: SchemaAndValue, name: string): SchemaAndValue {
  if (schema === null) return { schema: null, value: requireMap(value, purpose).get(name) ?? null };
  const struct = requireStruct(schema, value, purpose);
  const field = schema.field(name);
  return field === undefined ? nothing : { schema: field.schema, value: struct[name] ?? field.schema.defaultValue };
}

function pathOf(field: string): JsonPath {
  try {
    return new JsonPath(field);
  } catch (cause) {
    throw ConfigException.forValue('field', field, `Must be a JSON path like $["order"]["kind"] when field.format is JSON_PATH: ${(cause as Error).message}`);
  }
}
