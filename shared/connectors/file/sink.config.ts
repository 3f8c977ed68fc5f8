import { configDef, string } from '../../connect/index.ts';

/** Keys of FileStreamSink, as in Kafka. */
export const fileStreamSinkConfig = configDef({
  file: string({
    default: null,
    importance: 'HIGH',
    doc: 'Destination filename. If not specified, the standard output will be used',
  }),
});
