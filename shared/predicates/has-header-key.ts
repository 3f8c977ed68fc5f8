import { configDef, nonEmptyString, predicate, string } from '../connect/index.ts';

/**
 * True for records that have a header of a name.
 * `{"predicates.p.type": "org.apache.kafka.connect.transforms.predicates.HasHeaderKey", "predicates.p.name": "trace"}`
 */
export const hasHeaderKey = predicate({
  className: 'org.apache.kafka.connect.transforms.predicates.HasHeaderKey',
  version: '4.3.1',
  overview: 'Matches records that have a header of this name.',
  config: configDef({ name: string({ validator: nonEmptyString, importance: 'MEDIUM', doc: 'The header name.' }) }),
  create:
    ({ name }) =>
    (record) =>
      record.headers.some(({ key }) => key === name),
});
