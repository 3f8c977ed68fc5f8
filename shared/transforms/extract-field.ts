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
    field: string({ importance: 'MEDIUM', doc: 'Field name to extract.' }),
    ...REPLACE_NULL_WITH_DEFAULT,
    'field.syntax.version': string({
      default: 'V1',
      validator: oneOfIgnoringCase('V1', 'V2'),
      importance: 'HIGH',
      doc: 'Defines the version of the syntax to access fields. If set to <code>V1</code>, then the field paths are limited to access the elements at the root level of the struct or map. If set to <code>V2</code>, the syntax will support accessing nested elements. To access nested elements, dotted notation is used. If dots are already included in the field name, then backtick pairs can be used to wrap field names containing dots. E.g. to access the subfield <code>baz</code> from a field named "foo.bar" in a struct/map the following format can be used to access its elements: "<code>foo.bar</code>.baz".',
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
