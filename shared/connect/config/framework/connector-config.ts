import { ConfigException } from '../../errors.ts';
import type { Plugins } from '../../plugins.ts';
import { boolean, className, int, list, long, string } from '../config-def.ts';
import { allOf, atLeast, nonEmptyStringWithoutControlChars, nonNull, oneOf, type Validator, validator } from '../validators.ts';
import { classesOf, classParser, converterClass, pluginVersion, versionOf } from './plugin-keys.ts';

const COMMON = 'Common';
const TRANSFORMS = 'Transforms';
const PREDICATES = 'Predicates';
const ERRORS = 'Error Handling';

/** What validation knows beyond the plain definition (`ConnectorConfig.enrichedConfigDef`). */
export interface Enrichment {
  /** Class names are looked up here; without it they stay texts. */
  readonly plugins?: Plugins;
  readonly connectorVersion?: string | null;
  readonly keyConverter?: ConverterDefaults;
  readonly valueConverter?: ConverterDefaults;
  readonly headerConverter?: ConverterDefaults;
  /** Whether the values that could be chosen are told. */
  readonly recommend?: boolean;
}

/** The converter that a connector gets when it names none, and the version that goes with what it names. */
export interface ConverterDefaults {
  readonly className: string | null;
  readonly version: string | null;
}

/** A list of aliases that names each once. */
export function uniqueAliases(kind: string): Validator {
  const unique = validator(`unique ${kind}`, (name, value) => {
    const aliases = value as readonly string[];
    if (new Set(aliases).size < aliases.length) throw ConfigException.forValue(name, value, 'Duplicate alias provided.');
  });
  return allOf(nonNull, unique);
}

const controlled = { Key: 'keys', Value: 'values', Header: 'header values' };

/** The keys that every connector has (Kafka's `ConnectorConfig`). */
export function connectorKeys(enrichment: Enrichment = {}) {
  const { plugins, recommend = false } = enrichment;
  const converter = (side: 'Key' | 'Value' | 'Header', kind: 'converter' | 'header_converter', javaInterface: string, defaults: string | null) =>
    className({
      default: defaults,
      importance: 'LOW',
      doc: `${javaInterface} class used to convert between Kafka Connect format and the serialized form that is written to Kafka. This controls the format of the ${controlled[side]} in messages written to or read from Kafka, and since this is independent of connectors it allows any connector to work with any serialization format. Examples of common formats include JSON and Avro.${side === 'Header' ? ' By default, the SimpleHeaderConverter is used to serialize header values to strings and deserialize them by inferring the schemas.' : ''}`,
      group: COMMON,
      width: 'SHORT',
      displayName: `${side} converter class`,
      ...(plugins && { validator: converterClass(plugins, kind, javaInterface), parse: classParser(plugins) }),
      ...(plugins && recommend && { recommender: classesOf(plugins, kind) }),
    });
  const converterVersion = (side: 'Key' | 'Value' | 'Header', kind: 'converter' | 'header_converter', version: string | null) =>
    string({
      default: version,
      validator: pluginVersion,
      importance: 'LOW',
      doc: `Version of the ${side.toLowerCase()} converter.`,
      group: COMMON,
      width: 'SHORT',
      displayName: `${side} converter version`,
      ...(plugins && recommend && { recommender: versionOf(plugins, [kind], `${side.toLowerCase()}.converter`) }),
    });
  return {
    name: string({
      validator: nonEmptyStringWithoutControlChars,
      importance: 'HIGH',
      doc: 'Globally unique name to use for this connector.',
      group: COMMON,
      width: 'MEDIUM',
      displayName: 'Connector name',
    }),
    'connector.class': string({
      importance: 'HIGH',
      doc: 'Name or alias of the class for this connector. Must be a subclass of org.apache.kafka.connect.connector.Connector. If the connector is org.apache.kafka.connect.file.FileStreamSinkConnector, you can either specify this full name,  or use "FileStreamSink" or "FileStreamSinkConnector" to make the configuration a bit shorter',
      group: COMMON,
      width: 'LONG',
      displayName: 'Connector class',
    }),
    'connector.plugin.version': string({
      default: enrichment.connectorVersion ?? null,
      validator: pluginVersion,
      importance: 'MEDIUM',
      doc: 'Version of the connector.',
      group: COMMON,
      width: 'MEDIUM',
      displayName: 'Connector version',
      ...(plugins && recommend && { recommender: versionOf(plugins, ['source', 'sink'], 'connector.class') }),
    }),
    'tasks.max': int({
      default: 1,
      validator: atLeast(1),
      importance: 'HIGH',
      doc: 'Maximum number of tasks to use for this connector.',
      group: COMMON,
      width: 'SHORT',
      displayName: 'Tasks max',
    }),
    'tasks.max.enforce': boolean({
      default: true,
      importance: 'LOW',
      doc: '(Deprecated) Whether to enforce that the tasks.max property is respected by the connector. By default, connectors that generate too many tasks will fail, and existing sets of tasks that exceed the tasks.max property will also be failed. If this property is set to false, then connectors will be allowed to generate more than the maximum number of tasks, and existing sets of tasks that exceed the tasks.max property will be allowed to run. This property is deprecated and will be removed in an upcoming major release.',
      group: COMMON,
      width: 'SHORT',
      displayName: 'Enforce tasks max',
    }),
    'key.converter': converter('Key', 'converter', 'Converter', enrichment.keyConverter?.className ?? null),
    'key.converter.plugin.version': converterVersion('Key', 'converter', enrichment.keyConverter?.version ?? null),
    'value.converter': converter('Value', 'converter', 'Converter', enrichment.valueConverter?.className ?? null),
    'value.converter.plugin.version': converterVersion('Value', 'converter', enrichment.valueConverter?.version ?? null),
    'header.converter': converter('Header', 'header_converter', 'HeaderConverter', enrichment.headerConverter?.className ?? null),
    'header.converter.plugin.version': converterVersion('Header', 'header_converter', enrichment.headerConverter?.version ?? null),
    transforms: list({
      default: [],
      validator: uniqueAliases('transformation aliases'),
      importance: 'LOW',
      doc: 'Aliases for the transformations to be applied to records.',
      group: TRANSFORMS,
      orderInGroup: 12,
      width: 'LONG',
      displayName: 'Transforms',
    }),
    predicates: list({
      default: [],
      validator: uniqueAliases('predicate aliases'),
      importance: 'LOW',
      doc: 'Aliases for the predicates used by transformations.',
      group: PREDICATES,
      orderInGroup: 13,
      width: 'LONG',
      displayName: 'Predicates',
    }),
    'config.action.reload': string({
      default: 'restart',
      validator: oneOf('none', 'restart'),
      importance: 'LOW',
      doc: "The action that Connect should take on the connector when changes in external configuration providers result in a change in the connector's configuration properties. A value of 'none' indicates that Connect will do nothing. A value of 'restart' indicates that Connect should restart/reload the connector with the updated configuration properties.The restart may actually be scheduled in the future if the external configuration provider indicates that a configuration value will expire in the future.",
      group: COMMON,
      orderInGroup: 14,
      width: 'MEDIUM',
      displayName: 'Reload Action',
    }),
    'errors.retry.timeout': long({
      default: 0,
      importance: 'MEDIUM',
      doc: 'The maximum duration in milliseconds that a failed operation will be reattempted. The default is 0, which means no retries will be attempted. Use -1 for infinite retries.',
      group: ERRORS,
      width: 'MEDIUM',
      displayName: 'Retry Timeout for Errors',
    }),
    'errors.retry.delay.max.ms': long({
      default: 60_000,
      importance: 'MEDIUM',
      doc: 'The maximum duration in milliseconds between consecutive retry attempts. Jitter will be added to the delay once this limit is reached to prevent thundering herd issues.',
      group: ERRORS,
      width: 'MEDIUM',
      displayName: 'Maximum Delay Between Retries for Errors',
    }),
    'errors.tolerance': string({
      default: 'none',
      validator: oneOf('none', 'all'),
      importance: 'MEDIUM',
      doc: "Behavior for tolerating errors during connector operation. 'none' is the default value and signals that any error will result in an immediate connector task failure; 'all' changes the behavior to skip over problematic records.",
      group: ERRORS,
      width: 'SHORT',
      displayName: 'Error Tolerance',
    }),
    'errors.log.enable': boolean({
      default: false,
      importance: 'MEDIUM',
      doc: "If true, write each error and the details of the failed operation and problematic record to the Connect application log. This is 'false' by default, so that only errors that are not tolerated are reported.",
      group: ERRORS,
      width: 'SHORT',
      displayName: 'Log Errors',
    }),
    'errors.log.include.messages': boolean({
      default: false,
      importance: 'MEDIUM',
      doc: "Whether to include in the log the Connect record that resulted in a failure. For sink records, the topic, partition, offset, and timestamp will be logged. For source records, the key and value (and their schemas), all headers, and the timestamp, Kafka topic, Kafka partition, source partition, and source offset will be logged. This is 'false' by default, which will prevent record keys, values, and headers from being written to log files.",
      group: ERRORS,
      width: 'SHORT',
      displayName: 'Log Error Details',
    }),
  };
}
