import { ConnectException, type ConnectorValidation, defineSourceConnector } from '../../connect/index.ts';
import { type DatagenConfig, datagenConfig, datagenTaskConfig } from './source.config.ts';

const schemaKeys = ['schema.string', 'schema.filename', 'quickstart'] as const;

/**
 * Makes records up: Confluent's Datagen.
 * `{"connector.class": "io.confluent.kafka.connect.datagen.DatagenConnector", "kafka.topic": "users", "quickstart": "users"}`
 */
export const datagenSource = defineSourceConnector({
  className: 'io.confluent.kafka.connect.datagen.DatagenConnector',
  taskClass: 'io.confluent.kafka.connect.datagen.DatagenTask',
  version: '0.6.6',
  overview: 'Makes records up, after a bundled data set or an Avro schema of your own.',
  delivery: 'at-least-once; exactly-once when exactly.once.support=required',
  guarantees: 'At least once: the sequence goes on after the last stored offset, exactly as it would have.',
  config: datagenConfig,
  taskConfig: datagenTaskConfig,
  validate,
  taskConfigs: ({ rawConfig, maxTasks }) => Array.from({ length: maxTasks }, (_, task) => ({ ...rawConfig, 'task.id': String(task) })),
  exactlyOnceSupport: () => 'SUPPORTED',
  alterOffsets(_config, offsets) {
    for (const { partition, offset } of offsets) {
      if (offset === null) continue;
      if (!Number.isInteger(Number(partition['task.id'] ?? Number.NaN)))
        throw new ConnectException("Partition objects should contain the key 'task.id' with the number of a task");
      for (const key of ['task.generation', 'current.iteration', 'random.seed'])
        if (!/^-?\d+$/.test(String(offset[key]))) throw new ConnectException(`Offset objects should either be null or contain the key '${key}' with a number`);
    }
    return true;
  },
  async createTask(config, context) {
    const { DatagenTask } = await import('./source-task.ts');
    return new DatagenTask(config, context);
  },
});

async function validate({ config, value }: ConnectorValidation<DatagenConfig>): Promise<void> {
  if (config === null) return;
  const given = schemaKeys.filter((key) => config[key] !== '');
  if (given.length !== 1) {
    for (const key of given.length === 0 ? schemaKeys : given) value(key).errorMessages.push(`Must set exactly one of ${schemaKeys.join(', ')}`);
    return;
  }
  const [{ dataSetOf }, { generatorOf }, { connectSchemaOf }] = await Promise.all([
    import('./data-set.ts'),
    import('./generator.ts'),
    import('./avro-schema.ts'),
  ]);
  try {
    const { schema } = dataSetOf(config);
    generatorOf(schema);
    connectSchemaOf(schema);
  } catch (error) {
    const { message } = error as Error;
    const key = message.includes("'schema.keyfield'") ? 'schema.keyfield' : (given[0] as string);
    value(key).errorMessages.push(message.includes(key) ? message : `Invalid value for configuration ${key}: ${message}`);
  }
}
