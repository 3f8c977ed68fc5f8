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
      doc: 'Groups of configurations for topics created by source connectors',
      group: TOPIC_CREATION,
      orderInGroup: 1,
      width: 'LONG',
      displayName: 'Topic Creation Groups',
    }),
    'exactly.once.support': string({
      default: 'requested',
      validator: oneOfIgnoringCase('REQUIRED', 'REQUESTED'),
      importance: 'MEDIUM',
      doc: 'Permitted values are requested, required. If set to "required", forces a preflight check for the connector to ensure that it can provide exactly-once semantics with the given configuration. Some connectors may be capable of providing exactly-once semantics but not signal to Connect that they support this; in that case, documentation for the connector should be consulted carefully before creating it, and the value for this property should be set to "requested". Additionally, if the value is set to "required" but the worker that performs preflight validation does not have exactly-once support enabled for source connectors, requests to create or validate the connector will fail.',
      group: EXACTLY_ONCE,
      orderInGroup: 2,
      width: 'SHORT',
      displayName: 'Exactly once support',
    }),
    'transaction.boundary': string({
      default: 'poll',
      validator: oneOfIgnoringCase('INTERVAL', 'POLL', 'CONNECTOR'),
      importance: 'MEDIUM',
      doc: "Permitted values are: poll, interval, connector. If set to 'poll', a new producer transaction will be started and committed for every batch of records that each task from this connector provides to Connect. If set to 'connector', relies on connector-defined transaction boundaries; note that not all connectors are capable of defining their own transaction boundaries, and in that case, attempts to instantiate a connector with this value will fail. Finally, if set to 'interval', commits transactions only after a user-defined time interval has passed.",
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
      doc: "If 'transaction.boundary' is set to 'interval', determines the interval for producer transaction commits by connector tasks. If unset, defaults to the value of the worker-level 'offset.flush.interval.ms' property. It has no effect if a different transaction.boundary is specified.",
      group: EXACTLY_ONCE,
      orderInGroup: 4,
      width: 'SHORT',
      displayName: 'Transaction boundary interval',
    }),
    'offsets.storage.topic': string({
      default: null,
      validator: nonEmptyString,
      importance: 'LOW',
      doc: "The name of a separate offsets topic to use for this connector. If empty or not specified, the worker’s global offsets topic name will be used. If specified, the offsets topic will be created if it does not already exist on the Kafka cluster targeted by this connector (which may be different from the one used for the worker's global offsets topic if the bootstrap.servers property of the connector's producer has been overridden from the worker's). Only applicable in distributed mode; in standalone mode, setting this property will have no effect.",
      group: 'offsets.topic',
      orderInGroup: 1,
      width: 'LONG',
      displayName: 'Offsets topic',
    }),
  };
}

/** The framework's part of a source connector's config. */
export const sourceConnectorConfig = configDef(sourceConnectorKeys());
