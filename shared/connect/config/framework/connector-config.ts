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

/** The keys that every connector has (Kafka's `ConnectorConfig`). */
export function connectorKeys(enrichment: Enrichment = {}) {
  const { plugins, recommend = false } = enrichment;
  const converter = (side: 'Key' | 'Value' | 'Header', kind: 'converter' | 'header_converter', javaInterface: string, defaults: string | null) =>
    className({
      default: defaults,
      importance: 'LOW',
      doc: `Class that translates the ${side.toLowerCase()}${side === 'Header' ? 's' : ''} of records between Connect's data and the bytes in Kafka. Without it the worker's converter is used; keys that begin with \`${side.toLowerCase()}.converter.\` configure it, and count only when it is named here.`,
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
      doc: `Version, or range of versions, of the ${side.toLowerCase()} converter.`,
      group: COMMON,
      width: 'SHORT',
      displayName: `${side} converter version`,
      ...(plugins && recommend && { recommender: versionOf(plugins, [kind], `${side.toLowerCase()}.converter`) }),
    });
  return {
    name: string({
      validator: nonEmptyStringWithoutControlChars,
      importance: 'HIGH',
      doc: 'Name of the connector, unique in the cluster.',
      group: COMMON,
      width: 'MEDIUM',
      displayName: 'Connector name',
    }),
    'connector.class': string({
      importance: 'HIGH',
      doc: 'Class of the connector: its full name, its simple name, or that without `Connector` at the end.',
      group: COMMON,
      width: 'LONG',
      displayName: 'Connector class',
    }),
    'connector.plugin.version': string({
      default: enrichment.connectorVersion ?? null,
      validator: pluginVersion,
      importance: 'MEDIUM',
      doc: 'Version of the connector, or a range of versions.',
      group: COMMON,
      width: 'MEDIUM',
      displayName: 'Connector version',
      ...(plugins && recommend && { recommender: versionOf(plugins, ['source', 'sink'], 'connector.class') }),
    }),
    'tasks.max': int({
      default: 1,
      validator: atLeast(1),
      importance: 'HIGH',
      doc: 'Most tasks that the connector may be divided into.',
      group: COMMON,
      width: 'SHORT',
      displayName: 'Tasks max',
    }),
    'tasks.max.enforce': boolean({
      default: true,
      importance: 'LOW',
      doc: 'Deprecated. Whether a connector that makes more tasks than `tasks.max` fails.',
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
      doc: 'Aliases of the transformations that every record passes, in this order.',
      group: TRANSFORMS,
      orderInGroup: 12,
      width: 'LONG',
      displayName: 'Transforms',
    }),
    predicates: list({
      default: [],
      validator: uniqueAliases('predicate aliases'),
      importance: 'LOW',
      doc: 'Aliases of the predicates that transformations may ask for.',
      group: PREDICATES,
      orderInGroup: 13,
      width: 'LONG',
      displayName: 'Predicates',
    }),
    'config.action.reload': string({
      default: 'restart',
      validator: oneOf('none', 'restart'),
      importance: 'LOW',
      doc: 'What happens when a config provider says that a value has changed or expires: `restart` takes the new value, `none` waits for the next change of the config.',
      group: COMMON,
      orderInGroup: 14,
      width: 'MEDIUM',
      displayName: 'Reload Action',
    }),
    'errors.retry.timeout': long({
      default: 0,
      importance: 'MEDIUM',
      doc: 'How long a failed operation is tried again, in milliseconds: 0 not at all, -1 without end.',
      group: ERRORS,
      width: 'MEDIUM',
      displayName: 'Retry Timeout for Errors',
    }),
    'errors.retry.delay.max.ms': long({
      default: 60_000,
      importance: 'MEDIUM',
      doc: 'Longest wait between two tries, in milliseconds. Once it is reached, waits are random below it.',
      group: ERRORS,
      width: 'MEDIUM',
      displayName: 'Maximum Delay Between Retries for Errors',
    }),
    'errors.tolerance': string({
      default: 'none',
      validator: oneOf('none', 'all'),
      importance: 'MEDIUM',
      doc: '`none`: the first record that cannot be converted or transformed fails the task. `all`: such records are skipped.',
      group: ERRORS,
      width: 'SHORT',
      displayName: 'Error Tolerance',
    }),
    'errors.log.enable': boolean({
      default: false,
      importance: 'MEDIUM',
      doc: 'Whether errors that are tolerated are logged too.',
      group: ERRORS,
      width: 'SHORT',
      displayName: 'Log Errors',
    }),
    'errors.log.include.messages': boolean({
      default: false,
      importance: 'MEDIUM',
      doc: 'Whether the log of an error tells the record that caused it: of a sink topic, partition, offset and timestamp, of a source key, value and headers as well.',
      group: ERRORS,
      width: 'SHORT',
      displayName: 'Log Error Details',
    }),
  };
}
