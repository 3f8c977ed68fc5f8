import { configDef, list, long, string } from '../config-def.ts';
import { atLeast, nonEmptyString, oneOfIgnoringCase, validator } from '../validators.ts';
import { connectorKeys, type Enrichment, uniqueAliases } from './connector-config.ts';

const TOPIC_CREATION = 'Topic Creation';
const EXACTLY_ONCE = 'Exactly Once Support';

const notNegative = atLeast(0);

/** The keys that every source connector has (Kafka's `SourceConnectorConfig`); see `topic-creation-config.ts` for `topic.creation.<group>.*`. */
export function sourceConnectorKeys(enrichment: Enrichment = {}) {
  return {
    ...connectorKeys(enrichment),
    'topic.creation.groups': list({
      default: [],
      validator: uniqueAliases('topic creation groups'),
      importance: 'LOW',
      doc: 'Names of groups of topics, each with its own settings for the topics that Connect creates. The group `default` always exists.',
      group: TOPIC_CREATION,
      orderInGroup: 1,
      width: 'LONG',
      displayName: 'Topic Creation Groups',
    }),
    'exactly.once.support': string({
      default: 'requested',
      validator: oneOfIgnoringCase('REQUIRED', 'REQUESTED'),
      importance: 'MEDIUM',
      doc: '`required`: the connector is refused unless it declares that it delivers each record exactly once with this config, and the worker has exactly-once support enabled. `requested`: that is not checked.',
      group: EXACTLY_ONCE,
      orderInGroup: 2,
      width: 'SHORT',
      displayName: 'Exactly once support',
    }),
    'transaction.boundary': string({
      default: 'poll',
      validator: oneOfIgnoringCase('INTERVAL', 'POLL', 'CONNECTOR'),
      importance: 'MEDIUM',
      doc: 'Where transactions end with exactly-once: after each batch that the task gives (`poll`), after a time (`interval`), or where the connector says (`connector`).',
      group: EXACTLY_ONCE,
      orderInGroup: 3,
      width: 'SHORT',
      displayName: 'Transaction Boundary',
    }),
    'transaction.boundary.interval.ms': long({
      default: null,
      validator: validator(notNegative.toString(), (name, value) => {
        if (value !== null) notNegative.ensureValid(name, value);
      }),
      importance: 'LOW',
      doc: 'Time between commits in milliseconds, with `transaction.boundary=interval`. Unset: `offset.flush.interval.ms` of the worker.',
      group: EXACTLY_ONCE,
      orderInGroup: 4,
      width: 'SHORT',
      displayName: 'Transaction boundary interval',
    }),
    'offsets.storage.topic': string({
      default: null,
      validator: nonEmptyString,
      importance: 'LOW',
      doc: 'In Kafka Connect, a topic for the offsets of this connector alone. Here offsets are in the table, whatever it says.',
      group: 'offsets.topic',
      orderInGroup: 1,
      width: 'LONG',
      displayName: 'Offsets topic',
    }),
  };
}

/** The framework's part of a source connector's config. */
export const sourceConnectorConfig = configDef(sourceConnectorKeys());
