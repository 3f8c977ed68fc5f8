import { javaPattern } from '../../java-pattern.ts';
import { boolean, type ConfigValue, configDef, configValue, list, type RawConfig, short, string } from '../config-def.ts';
import { parseType } from '../parse-type.ts';
import { nonDuplicateValues, validRegex } from '../validators.ts';
import { connectorKeys, type Enrichment } from './connector-config.ts';

const COMMON = 'Common';
const ERRORS = 'Error Handling';

/** The keys that every sink connector has (Kafka's `SinkConnectorConfig`). */
export function sinkConnectorKeys(enrichment: Enrichment = {}) {
  return {
    ...connectorKeys(enrichment),
    topics: list({
      default: [],
      validator: nonDuplicateValues({ emptyAllowed: true }),
      importance: 'HIGH',
      doc: 'List of topics to consume, separated by commas',
      group: COMMON,
      orderInGroup: 4,
      width: 'LONG',
      displayName: 'Topics',
    }),
    'topics.regex': string({
      default: '',
      validator: validRegex,
      importance: 'HIGH',
      doc: 'Regular expression giving topics to consume. Under the hood, the regex is compiled to a <code>java.util.regex.Pattern</code>. Only one of topics or topics.regex should be specified.',
      group: COMMON,
      orderInGroup: 4,
      width: 'LONG',
      displayName: 'Topics regex',
    }),
    'errors.deadletterqueue.topic.name': string({
      default: '',
      importance: 'MEDIUM',
      doc: 'The name of the topic to be used as the dead letter queue (DLQ) for messages that result in an error when processed by this sink connector, or its transformations or converters. The topic name is blank by default, which means that no messages are to be recorded in the DLQ.',
      group: ERRORS,
      orderInGroup: 6,
      width: 'MEDIUM',
      displayName: 'Dead Letter Queue Topic Name',
    }),
    'errors.deadletterqueue.topic.replication.factor': short({
      default: 3,
      importance: 'MEDIUM',
      doc: "Replication factor used to create the dead letter queue topic when it doesn't already exist.",
      group: ERRORS,
      orderInGroup: 7,
      width: 'MEDIUM',
      displayName: 'Dead Letter Queue Topic Replication Factor',
    }),
    'errors.deadletterqueue.context.headers.enable': boolean({
      default: false,
      importance: 'MEDIUM',
      doc: 'If true, add headers containing error context to the messages written to the dead letter queue. To avoid clashing with headers from the original record, all error context header keys, all error context header keys will start with <code>__connect.errors.</code>',
      group: ERRORS,
      orderInGroup: 8,
      width: 'MEDIUM',
      displayName: 'Enable Error Context Headers',
    }),
  };
}

/** The framework's part of a sink connector's config. */
export const sinkConnectorConfig = configDef(sinkConnectorKeys());

/** The topics of a sink's config, each once, without empty names. */
export function sinkTopics(config: RawConfig): string[] {
  const topics = (parseType('topics', config.topics ?? null, 'LIST') as string[] | null) ?? [];
  return [...new Set(topics)].filter((topic) => topic !== '');
}

/** Checks that need several keys (Kafka's `SinkConnectorConfig.validate`): adds to the errors of `topics` and `topics.regex`. */
export function validateSinkTopics(config: RawConfig, values: Map<string, ConfigValue>): void {
  const { topics } = config;
  const pattern = config['topics.regex'];
  const deadLetterTopic = (config['errors.deadletterqueue.topic.name'] ?? '').trim();
  const hasTopics = (topics ?? '').trim() !== '';
  const hasPattern = (pattern ?? '').trim() !== '';
  const report = (name: string, message: string) => {
    const value = values.get(name) ?? configValue(name, config[name] ?? null);
    value.errorMessages.push(message);
    values.set(name, value);
  };
  if (hasTopics === hasPattern) {
    const message = hasTopics ? 'topics and topics.regex are mutually exclusive options, but both are set.' : 'Must configure one of topics or topics.regex';
    report('topics', message);
    report('topics.regex', message);
  }
  if (deadLetterTopic === '') return;
  const listed = sinkTopics(config);
  if (hasTopics && listed.includes(deadLetterTopic))
    report(
      'topics',
      `The DLQ topic '${deadLetterTopic}' may not be included in the list of topics ('topics=[${listed.join(', ')}]') consumed by the connector`,
    );
  if (hasPattern && matches(pattern as string, deadLetterTopic))
    report(
      'topics.regex',
      `The DLQ topic '${deadLetterTopic}' may not be matched by the regex for the topics ('topics.regex=${pattern}') consumed by the connector`,
    );
}

/** A pattern that is wrong in itself was told already. */
function matches(pattern: string, topic: string): boolean {
  try {
    return javaPattern(pattern, { fullMatch: true }).test(topic);
  } catch {
    return false;
  }
}
