import { configDef, string } from '../../connect/index.ts';

/** Keys of FileStreamSink, as in Kafka. */
export const fileStreamSinkConfig = configDef({
  file: string({
    default: null,
    importance: 'HIGH',
    doc: 'Path of the file to which lines are appended. Required here: a function has no standard output to read.',
  }),
});
