import { configDef, int, nonEmptyString, string } from '../../connect/index.ts';

/** Keys of FileStreamSource, as in Kafka. */
export const fileStreamSourceConfig = configDef({
  file: string({ default: null, importance: 'HIGH', doc: 'Source filename. If not specified, the standard input will be used' }),
  topic: string({ validator: nonEmptyString, importance: 'HIGH', doc: 'The topic to publish data to' }),
  'batch.size': int({ default: 2000, importance: 'LOW', doc: 'The maximum number of records the source task can read from the file each time it is polled' }),
});
