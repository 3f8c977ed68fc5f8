import { configDef, keyOrValueTransformation, string, struct } from '../connect/index.ts';
import { NestedFields, usesPaths } from './nested-fields.ts';
import { cacheBySchema, putField, requireComplete } from './struct-fields.ts';
import { VERSION } from './transform-keys.ts';

/**
 * Wraps the whole key or value as the one field of a struct, or of a map when there is no schema.
 * `{"transforms.t.type": "org.apache.kafka.connect.transforms.HoistField$Value", "transforms.t.field": "line"}`
 */
export const hoistField = keyOrValueTransformation({
  className: 'org.apache.kafka.connect.transforms.HoistField',
  version: VERSION,
  overview: 'Wraps the whole key or value as the one field of a struct, or of a map when there is no schema.',
  config: configDef({ field: string({ importance: 'MEDIUM', doc: 'Field name for the single field that will be created in the resulting Struct or Map.' }) }),
  create({ field }, _side, raw) {
    const hoisted = cacheBySchema((schema) => struct({ [field]: schema }));
    if (usesPaths(raw) && raw['hoisted']) {
      const nested = new NestedFields({ purpose: 'hoisting', replaceNull: true });
      nested.change(raw['hoisted'], { schema: hoisted, value: (schema, value) => (schema === null ? new Map([[field, value ?? null]]) : { [field]: value }) });
      return (side, record) => (side.value === null || side.value === undefined ? side : nested.apply(side, record));
    }
    return ({ schema, value }) => {
      if (schema === null) return { schema: null, value: new Map([[field, value ?? null]]) };
      requireComplete(schema, value);
      const wrapped: Record<string, unknown> = {};
      putField(wrapped, field, schema, value ?? null);
      return { schema: hoisted(schema), value: wrapped };
    };
  },
});
