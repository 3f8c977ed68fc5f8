import { ConfigException, configDef, int, long, string, validator } from '../../connect/index.ts';
import { quickstarts } from './quickstarts.ts';

const names = Object.keys(quickstarts);

/** Keys of Datagen, as in Confluent's connector. */
export const datagenConfig = configDef({
  'kafka.topic': string({ importance: 'HIGH', doc: 'Topic to which the records go.' }),
  'max.interval': long({ default: 500, importance: 'HIGH', doc: 'Longest pause between two records, in milliseconds; each pause is a random part of it.' }),
  iterations: int({ default: -1, importance: 'HIGH', doc: 'How many records each task makes; endless when below 1. The task fails when they are made.' }),
  'schema.string': string({ default: '', importance: 'HIGH', doc: 'Avro schema with arg.properties, as JSON.' }),
  'schema.filename': string({ default: '', importance: 'HIGH', doc: 'Path of a file with such a schema.' }),
  'schema.keyfield': string({ default: '', importance: 'HIGH', doc: "Field that becomes the key. Left out: the quickstart's own, or no key." }),
  quickstart: string({
    default: '',
    validator: validator(names.join(','), (name, value) => {
      if (value && !names.includes(String(value).toLowerCase())) throw new ConfigException(`${name} must be one out of ${names.join(',')}`);
    }),
    importance: 'HIGH',
    doc: 'Name of a data set that comes with the connector, in any case.',
  }),
  'random.seed': long({
    default: null,
    importance: 'LOW',
    doc: 'Number from which the data follow: the same number, the same data. Each task makes its own.',
  }),
});

/** The same for a task. */
export const datagenTaskConfig = datagenConfig.extend({
  'task.id': int({ importance: 'LOW', internal: true, doc: 'Set by the connector: which task this is.' }),
});

export type DatagenConfig = ReturnType<(typeof datagenConfig)['parse']>;
