import {
  ConfigException,
  type ConnectorContext,
  type ConnectorValidation,
  defineSourceConnector,
  type SourceConnectorDefinition,
  type SourceOffset,
  type SourcePartition,
  type TaskConfig,
} from '../../connect/index.ts';
import { csvConfig, type DirectoryConfig, structuredConfig, textConfig } from './config.ts';
import { StructuredSchemas, validateSchemas } from './structured-schemas.ts';

const packageName = 'com.github.jcustenborder.kafka.connect.spooldir';
const common = {
  version: '2.0.66',
  delivery: 'at-least-once; exactly-once when exactly.once.support=required',
  guarantees:
    'At least once, in order within a file: a file is moved only when its records are in Kafka, and after a failure it is read on from the stored offset.',
  taskConfigs,
  exactlyOnceSupport: () => 'SUPPORTED' as const,
  alterOffsets,
} as const;

/** CSV files: `"connector.class": "com.github.jcustenborder.kafka.connect.spooldir.SpoolDirCsvSourceConnector"`. */
export const spoolDirCsvSource = defineSourceConnector({
  ...common,
  className: `${packageName}.SpoolDirCsvSourceConnector`,
  taskClass: `${packageName}.SpoolDirCsvSourceTask`,
  overview: 'Reads rows of CSV files that are dropped into a folder, and moves the files away.',
  config: csvConfig,
  validate(validation) {
    validateFinishedPath(validation);
    validateSchemas(validation);
  },
  async createTask(config, context) {
    const [{ SpoolDirTask }, { CsvRecords }, { ValueParser }] = await Promise.all([
      import('./task.ts'),
      import('./csv-records.ts'),
      import('./value-parser.ts'),
    ]);
    const schemas = new StructuredSchemas(config);
    const values = new ValueParser(config['parser.timestamp.date.formats'], config['parser.timestamp.timezone'], context.clock.now());
    return new SpoolDirTask(
      config,
      context,
      (file, lastOffset) => new CsvRecords(file, lastOffset, config, schemas, values),
      (value) => schemas.timestampOf(value),
    );
  },
});

/** Files of JSON objects, as records with a schema. */
export const spoolDirJsonSource = defineSourceConnector({
  ...common,
  className: `${packageName}.SpoolDirJsonSourceConnector`,
  taskClass: `${packageName}.SpoolDirJsonSourceTask`,
  overview: 'Reads JSON objects from files that are dropped into a folder, as records with a schema, and moves the files away.',
  config: structuredConfig,
  validate(validation) {
    validateFinishedPath(validation);
    validateSchemas(validation);
  },
  async createTask(config, context) {
    const [{ SpoolDirTask }, { JsonRecords }, { ValueParser }] = await Promise.all([
      import('./task.ts'),
      import('./json-records.ts'),
      import('./value-parser.ts'),
    ]);
    const schemas = new StructuredSchemas(config);
    const values = new ValueParser(config['parser.timestamp.date.formats'], config['parser.timestamp.timezone'], context.clock.now());
    return new SpoolDirTask(
      config,
      context,
      (file, lastOffset) => new JsonRecords(file, lastOffset, config['file.buffer.size.bytes'], schemas, values),
      (value) => schemas.timestampOf(value),
    );
  },
});

/** Files of JSON values, each as its text. */
export const spoolDirSchemaLessJsonSource = defineSourceConnector({
  ...common,
  className: `${packageName}.SpoolDirSchemaLessJsonSourceConnector`,
  taskClass: `${packageName}.SpoolDirSchemaLessJsonSourceTask`,
  overview: 'Reads JSON values from files that are dropped into a folder, each as its text, and moves the files away.',
  config: textConfig,
  validate: validateFinishedPath,
  async createTask(config, context) {
    const [{ SpoolDirTask }, { JsonTextRecords }] = await Promise.all([import('./task.ts'), import('./json-records.ts')]);
    return new SpoolDirTask(
      config,
      context,
      (file, lastOffset) => new JsonTextRecords(file, lastOffset, config['file.charset'], config['file.buffer.size.bytes']),
    );
  },
});

/** Files of lines, each as its text. */
export const spoolDirLineDelimitedSource = defineSourceConnector({
  ...common,
  className: `${packageName}.SpoolDirLineDelimitedSourceConnector`,
  taskClass: `${packageName}.SpoolDirLineDelimitedSourceTask`,
  overview: 'Reads lines of text files that are dropped into a folder, and moves the files away.',
  config: textConfig,
  validate: validateFinishedPath,
  async createTask(config, context) {
    const [{ SpoolDirTask }, { LineRecords }] = await Promise.all([import('./task.ts'), import('./line-records.ts')]);
    return new SpoolDirTask(config, context, (file, lastOffset) => new LineRecords(file, lastOffset, config['file.charset'], config['file.buffer.size.bytes']));
  },
});

/** All of them. */
export const spoolDirSources: readonly SourceConnectorDefinition[] = [
  spoolDirCsvSource,
  spoolDirJsonSource,
  spoolDirLineDelimitedSource,
  spoolDirSchemaLessJsonSource,
];

function taskConfigs({ rawConfig, maxTasks }: ConnectorContext<unknown>): TaskConfig[] {
  return Array.from({ length: maxTasks }, (_, index) => ({ ...rawConfig, 'task.index': String(index), 'task.count': String(maxTasks) }));
}

function validateFinishedPath({ config, value }: ConnectorValidation<unknown>): void {
  const parsed = config as DirectoryConfig | null;
  if (parsed === null || parsed['finished.path'] !== '' || !parsed['cleanup.policy'].startsWith('MOVE')) return;
  const { message } = ConfigException.forValue('finished.path', '', `A folder is needed when cleanup.policy is ${parsed['cleanup.policy']}`);
  value('finished.path').errorMessages.push(message);
}

/** Offsets are `{"fileName": …}` -> `{"offset": n}`. */
function alterOffsets(_config: Readonly<Record<string, string>>, offsets: readonly { partition: SourcePartition; offset: SourceOffset | null }[]): boolean {
  for (const { partition, offset } of offsets) {
    if (offset === null) continue;
    if (typeof partition['fileName'] !== 'string') throw new ConfigException("Partition objects should contain the key 'fileName' with the name of a file");
    const at = offset['offset'];
    const whole = typeof at === 'bigint' || Number.isSafeInteger(at);
    if (!whole || Number(at) < 0)
      throw new ConfigException("Offset objects should either be null or contain the key 'offset' with a number that is not negative");
  }
  return true;
}
