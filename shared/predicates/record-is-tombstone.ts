import { configDef, predicate } from '../connect/index.ts';

/**
 * True for records whose value is null, whatever its schema.
 * `{"predicates.p.type": "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone"}`
 */
export const recordIsTombstone = predicate({
  className: 'org.apache.kafka.connect.transforms.predicates.RecordIsTombstone',
  version: '4.3.1',
  overview: 'Matches records without a value.',
  config: configDef({}),
  create: () => (record) => record.value === null || record.value === undefined,
});
