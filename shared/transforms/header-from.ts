import {
  ConfigException,
  type ConnectRecord,
  configDef,
  DataException,
  type Header,
  list,
  oneOf,
  recordTransformation,
  type SchemaAndValue,
  string,
  type TransformationDefinition,
  validator,
} from '../connect/index.ts';
import { schemaText } from '../connect/java/java-value.ts';
import { FieldPath } from './field-path.ts';
import { NestedFields, usesPaths } from './nested-fields.ts';
import { requireMap, requireStruct } from './requirements.ts';
import { cacheBySchema, fieldCopier, structLike } from './struct-fields.ts';
import { REPLACE_NULL_WITH_DEFAULT, VERSION } from './transform-keys.ts';

const nonEmptyList = validator('non-empty list', (name, value) => {
  if (value === null || (value as readonly string[]).length === 0) throw ConfigException.forValue(name, value, 'Empty list');
});

const config = configDef({
  fields: list({ validator: nonEmptyList, importance: 'HIGH', doc: 'Field names in the record whose values are to be copied or moved to headers.' }),
  headers: list({
    validator: nonEmptyList,
    importance: 'HIGH',
    doc: 'Header names, in the same order as the field names listed in the fields configuration property.',
  }),
  operation: string({
    validator: oneOf('move', 'copy'),
    importance: 'HIGH',
    doc: 'Either <code>move</code> if the fields are to be moved to the headers (removed from the key/value), or <code>copy</code> if the fields are to be copied to the headers (retained in the key/value).',
  }),
  ...REPLACE_NULL_WITH_DEFAULT,
});

/**
 * Moves or copies fields of the key or value into headers.
 * `{"transforms.t.type": "org.apache.kafka.connect.transforms.HeaderFrom$Value", "transforms.t.fields": "id", "transforms.t.headers": "id", "transforms.t.operation": "copy"}`
 */
export const headerFrom: readonly TransformationDefinition[] = (['key', 'value'] as const).map((side) =>
  recordTransformation({
    className: `org.apache.kafka.connect.transforms.HeaderFrom$${side === 'key' ? 'Key' : 'Value'}`,
    version: VERSION,
    overview: 'Moves or copies fields into headers.',
    config,
    create({ fields, headers, operation, 'replace.null.with.default': replaceNull }, raw) {
      if (fields.length !== headers.length) throw new ConfigException("'fields' config must have the same number of elements as 'headers' config.");
      const moved = new Set(operation === 'move' ? fields : []);
      const purpose = `header ${operation}`;
      const plan = cacheBySchema((schema) => {
        const source = schema.fields.filter(({ name }) => !moved.has(name)).map((field) => ({ field, name: field.name }));
        return {
          copy: fieldCopier(source, replaceNull),
          schema: structLike(
            schema,
            source.map(({ field }) => field),
          ),
        };
      });
      const version = usesPaths(raw) ? 'V2' : 'V1';
      const paths = fields.map((field) => new FieldPath(field, version));
      const nested = version === 'V2' ? new NestedFields({ purpose, replaceNull }) : null;
      for (const path of moved) nested?.change(path, { drop: true });
      const rest = (data: SchemaAndValue, record: ConnectRecord): SchemaAndValue => {
        const { schema, value } = data;
        if (nested !== null && moved.size > 0) return nested.apply(data, record);
        if (schema === null) return { schema, value: new Map([...requireMap(value, purpose)].filter(([name]) => !moved.has(name))) };
        const struct = requireStruct(schema, value, purpose);
        if (moved.size === 0) return { schema, value };
        const { copy, schema: updated } = plan(schema);
        return { schema: updated, value: copy(struct) };
      };
      const headersFrom = ({ schema, value }: SchemaAndValue): Header[] =>
        paths.map((path, at) => {
          const key = headers[at] as string;
          if (schema === null) return { key, schema: null, value: path.valueInMap(requireMap(value, purpose)) };
          const field = path.fieldOf(schema);
          if (field === undefined) throw new DataException(`Unknown field: ${path.text}`);
          const moved = path.valueInStruct(schema, requireStruct(schema, value, purpose), replaceNull);
          if (moved === null && !field.schema.optional) throw new DataException(`A null value requires an optional schema but was ${schemaText(field.schema)}`);
          return { key, schema: field.schema, value: moved };
        });
      return <R extends ConnectRecord>(record: R): R => {
        const data = side === 'key' ? { schema: record.keySchema, value: record.key } : { schema: record.valueSchema, value: record.value };
        const { schema, value } = rest(data, record);
        const updated = record.withHeaders([...record.headers, ...headersFrom(data)]);
        return side === 'key' ? updated.withKey(schema, value) : updated.withValue(schema, value);
      };
    },
  }),
);
