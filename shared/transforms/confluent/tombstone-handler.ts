import { configDef, DataException, oneOf, recordTransformation, string } from '../../connect/index.ts';
import { VERSION } from './confluent-version.ts';

/**
 * Drops tombstones, or fails.
 * `{"transforms.t.type": "io.confluent.connect.transforms.TombstoneHandler", "transforms.t.behavior": "ignore"}`
 */
export const tombstoneHandler = recordTransformation({
  className: 'io.confluent.connect.transforms.TombstoneHandler',
  version: VERSION,
  overview: 'Drops records without a value, or fails where there are any.',
  config: configDef({
    behavior: string({
      default: 'warn',
      validator: oneOf('ignore', 'warn', 'fail'),
      importance: 'MEDIUM',
      doc: 'What becomes of records whose value is null: `ignore` and `warn` drop them, `fail` is an error.',
    }),
  }),
  create({ behavior }) {
    return (record) => {
      if (record.value !== null && record.value !== undefined) return record;
      if (behavior === 'fail') throw new DataException(`A tombstone came from topic ${record.topic}, partition ${record.kafkaPartition}, and behavior is fail`);
      return null;
    };
  },
});
