import { configDef, keyOrValueTransformation, oneOfIgnoringCase, string } from '../connect/index.ts';
import { FieldPath } from './field-path.ts';
import { requireMapOrNull, requireStructOrNull } from './requirements.ts';
import { REPLACE_NULL_WITH_DEFAULT, VERSION } from './transform-keys.ts';

const purpose = 'field extraction';

/**
 * Replaces the key or value by one of its fields.
 * `{"transforms.t.type": "org.apache.kafka.connect.transforms.ExtractField$Key", "transforms.t.field": "id"}`
 */
export const extractField = keyOrValueTransformation({
  className: 'org.apache.kafka.connect.transforms.ExtractField',
  version: VERSION,
  overview: 'Replaces the key or value by one of its fields.',
  config: configDef({
    field: string({ importance: 'MEDIUM', doc: 'The field, or with `field.syntax.version` V2 the path to it.' }),
    ...REPLACE_NULL_WITH_DEFAULT,
    'field.syntax.version': string({
      default: 'V1',
      validator: oneOfIgnoringCase('V1', 'V2'),
      importance: 'HIGH',
      doc: '`V1`: `field` is a name. `V2`: names parted by dots lead into nested data; names with dots stand in backticks (KIP-821).',
    }),
  }),
  create({ field, 'field.syntax.version': version, 'replace.null.with.default': replaceNull }) {
    const path = new FieldPath(field, version.toUpperCase() as 'V1' | 'V2');
    return ({ schema, value }) => {
      if (schema === null) {
        const map = requireMapOrNull(value, purpose);
        return { schema: null, value: map === null ? null : path.valueInMap(map) };
      }
      const struct = requireStructOrNull(schema, value, purpose);
      const found = path.fieldOf(schema);
      // Java's IllegalArgumentException.
      if (found === undefined) throw new RangeError(`Unknown field: ${path.text}`);
      return { schema: found.schema, value: struct === null ? null : path.valueInStruct(schema, struct, replaceNull) };
    };
  },
});
