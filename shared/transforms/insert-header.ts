import { configDef, nonNull, recordTransformation, string } from '../connect/index.ts';
import { parseString } from '../connect/values/parse-string.ts';
import { VERSION } from './transform-keys.ts';

/**
 * Adds a header to every record; one of the same name stays beside it.
 * `{"transforms.t.type": "org.apache.kafka.connect.transforms.InsertHeader", "transforms.t.header": "source", "transforms.t.value.literal": "shop"}`
 */
export const insertHeader = recordTransformation({
  className: 'org.apache.kafka.connect.transforms.InsertHeader',
  version: VERSION,
  overview: 'Adds a header with a constant value.',
  config: configDef({
    header: string({ validator: nonNull, importance: 'HIGH', doc: 'The name of the header.' }),
    'value.literal': string({ validator: nonNull, importance: 'HIGH', doc: 'The literal value that is to be set as the header value on all records.' }),
  }),
  create({ header: key, 'value.literal': literal }) {
    const { schema, value } = parseString(literal) ?? { schema: null, value: null };
    const header = { key, schema, value };
    return (record) => record.withHeaders([...record.headers, header]);
  },
});
