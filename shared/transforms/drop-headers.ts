import { configDef, list, nonDuplicateValues, recordTransformation } from '../connect/index.ts';
import { VERSION } from './transform-keys.ts';

/**
 * Removes headers by name, each as often as it occurs.
 * `{"transforms.t.type": "org.apache.kafka.connect.transforms.DropHeaders", "transforms.t.headers": "trace,debug"}`
 */
export const dropHeaders = recordTransformation({
  className: 'org.apache.kafka.connect.transforms.DropHeaders',
  version: VERSION,
  overview: 'Removes all headers of some names.',
  config: configDef({
    headers: list({ validator: nonDuplicateValues({ emptyAllowed: false }), importance: 'HIGH', doc: 'The name of the headers to be removed.' }),
  }),
  create({ headers }) {
    const dropped = new Set(headers);
    return (record) =>
      record.headers.some(({ key }) => dropped.has(key)) ? record.withHeaders(record.headers.filter(({ key }) => !dropped.has(key))) : record;
  },
});
