import { configDef, DataException, list, nonDuplicateValues, recordTransformation, Schema } from '../connect/index.ts';
import { requireMap, requireStruct } from './requirements.ts';
import { cacheBySchema, copyFields } from './struct-fields.ts';
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
    fields: list({ validator: nonDuplicateValues({ emptyAllowed: false }), importance: 'HIGH', doc: 'Fields of the value that make the key, in this order.' }),
    ...REPLACE_NULL_WITH_DEFAULT,
  }),
  create({ fields, 'replace.null.with.default': replaceNull }) {
    const plan = cacheBySchema((schema) => {
      const source = fields.map((name) => {
        const field = schema.field(name);
        if (field === undefined) throw new DataException(`Field does not exist: ${name}`);
        return { field, name };
      });
      return { source, schema: new Schema({ type: 'STRUCT', fields: source.map(({ field, name }) => ({ name, schema: field.schema })) }) };
    });
    return (record) => {
      const { valueSchema, value } = record;
      if (valueSchema === null) {
        const map = requireMap(value, purpose);
        return record.withKey(null, new Map(fields.map((name) => [name, map.get(name) ?? null])));
      }
      const struct = requireStruct(valueSchema, value, purpose);
      const { source, schema } = plan(valueSchema);
      return record.withKey(schema, copyFields(source, struct, replaceNull));
    };
  },
});
