import { type ConnectRecord, configDef, DataException, list, nonDuplicateValues, recordTransformation, Schema } from '../connect/index.ts';
import { FieldPath } from './field-path.ts';
import { usesPaths } from './nested-fields.ts';
import { requireMap, requireStruct } from './requirements.ts';
import { cacheBySchema, fieldCopier, putField } from './struct-fields.ts';
import { REPLACE_NULL_WITH_DEFAULT, VERSION } from './transform-keys.ts';

const purpose = 'copying fields from value to key';

/**
 * Makes the key out of fields of the value.
 * `{"transforms.t.type": "org.apache.kafka.connect.transforms.ValueToKey", "transforms.t.fields": "id"}`
 */
export const valueToKey = recordTransformation({
  className: 'org.apache.kafka.connect.transforms.ValueToKey',
  version: VERSION,
  overview: 'Makes a new key out of fields of the value.',
  config: configDef({
    fields: list({
      validator: nonDuplicateValues({ emptyAllowed: false }),
      importance: 'HIGH',
      doc: 'Field names on the record value to extract as the record key.',
    }),
    ...REPLACE_NULL_WITH_DEFAULT,
  }),
  create({ fields, 'replace.null.with.default': replaceNull }, raw) {
    if (usesPaths(raw)) return nestedValueToKey(fields, replaceNull);
    const plan = cacheBySchema((schema) => {
      const source = fields.map((name) => {
        const field = schema.field(name);
        if (field === undefined) throw new DataException(`Field does not exist: ${name}`);
        return { field, name };
      });
      return {
        copy: fieldCopier(source, replaceNull),
        schema: new Schema({ type: 'STRUCT', fields: source.map(({ field, name }) => ({ name, schema: field.schema })) }),
      };
    });
    return (record) => {
      const { valueSchema, value } = record;
      if (valueSchema === null) {
        const map = requireMap(value, purpose);
        return record.withKey(null, new Map(fields.map((name) => [name, map.get(name) ?? null])));
      }
      const struct = requireStruct(valueSchema, value, purpose);
      const { copy, schema } = plan(valueSchema);
      return record.withKey(schema, copy(struct));
    };
  },
});

/** The key gets the names of the fields themselves, without the way to them. */
function nestedValueToKey(fields: readonly string[], replaceNull: boolean): <R extends ConnectRecord>(record: R) => R {
  const paths = fields.map((field) => new FieldPath(field, 'V2'));
  const keySchema = cacheBySchema((schema) => {
    const found = paths.map((path) => {
      const field = path.fieldOf(schema);
      if (field === undefined) throw new DataException(`Field does not exist: ${path.text}`);
      return { name: path.name, schema: field.schema };
    });
    return new Schema({ type: 'STRUCT', fields: found });
  });
  return (record) => {
    const { valueSchema, value } = record;
    if (valueSchema === null) {
      const map = requireMap(value, purpose);
      return record.withKey(null, new Map(paths.map((path) => [path.name, path.valueInMap(map)])));
    }
    const struct = requireStruct(valueSchema, value, purpose);
    const schema = keySchema(valueSchema);
    const key: Record<string, unknown> = {};
    for (const [at, path] of paths.entries())
      putField(key, path.name, schema.fields[at]?.schema as Schema, path.valueInStruct(valueSchema, struct, replaceNull));
    return record.withKey(schema, key);
  };
}
