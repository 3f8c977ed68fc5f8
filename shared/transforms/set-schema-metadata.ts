import { ConfigException, configDef, DataException, int, keyOrValueTransformation, type Schema, string } from '../connect/index.ts';
import { fieldsOf, type StructValue } from './requirements.ts';
import { cacheBySchema, fieldCopier } from './struct-fields.ts';
import { REPLACE_NULL_WITH_DEFAULT, VERSION } from './transform-keys.ts';

/**
 * Gives the schema of a struct another name or version.
 * `{"transforms.t.type": "org.apache.kafka.connect.transforms.SetSchemaMetadata$Value", "transforms.t.schema.name": "com.shop.Order"}`
 */
export const setSchemaMetadata = keyOrValueTransformation({
  className: 'org.apache.kafka.connect.transforms.SetSchemaMetadata',
  version: VERSION,
  overview: 'Sets name and version of the schema of a struct.',
  config: configDef({
    'schema.name': string({ default: null, importance: 'HIGH', doc: 'Schema name to set.' }),
    'schema.version': int({ default: null, importance: 'HIGH', doc: 'Schema version to set.' }),
    ...REPLACE_NULL_WITH_DEFAULT,
  }),
  create({ 'schema.name': name, 'schema.version': version, 'replace.null.with.default': replaceNull }) {
    if (name === null && version === null) throw new ConfigException('Neither schema name nor version configured');
    const plan = cacheBySchema((schema: Schema) => ({
      copy: fieldCopier(
        fieldsOf(schema).map((field) => ({ field, name: field.name })),
        replaceNull,
      ),
      schema: schema.with({ name: name ?? schema.name, version: version ?? schema.version }),
    }));
    return (side) => {
      const { schema, value } = side;
      if (schema === null) {
        if (value === null || value === undefined) return side;
        throw new DataException('Schema required for [updating schema metadata]');
      }
      const { copy, schema: updated } = plan(schema);
      return { schema: updated, value: value === null || value === undefined ? null : copy(value as StructValue) };
    };
  },
});
