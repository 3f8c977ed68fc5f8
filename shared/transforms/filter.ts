import { configDef, recordTransformation } from '../connect/index.ts';
import { VERSION } from './transform-keys.ts';

/**
 * Drops every record that reaches it: those that its predicate chooses.
 * `{"transforms.t.type": "org.apache.kafka.connect.transforms.Filter", "transforms.t.predicate": "isTombstone"}`
 */
export const filter = recordTransformation({
  className: 'org.apache.kafka.connect.transforms.Filter',
  version: VERSION,
  overview: 'Drops every record. It is meant to be used with a predicate that chooses which.',
  config: configDef({}),
  create: () => () => null,
});
