import { configDef, int, nonEmptyString, string } from '../../connect/index.ts';

/** Keys of FileStreamSource, as in Kafka. */
export const fileStreamSourceConfig = configDef({
  file: string({ default: null, importance: 'HIGH', doc: 'Path of the file to read. Required here: a function has no standard input.' }),
  topic: string({ validator: nonEmptyString, importance: 'HIGH', doc: 'Topic to which the lines go.' }),
  'batch.size': int({ default: 2000, importance: 'LOW', doc: 'Most lines that one poll gives.' }),
});
