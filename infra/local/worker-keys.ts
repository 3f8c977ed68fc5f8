import { suggestedName } from '../../shared/herder/unknown-keys.ts';
import type { WorkerProperties } from './worker-file.ts';

/** Keys of a Kafka Connect worker that do here what they do there. */
const honoured = [
  'access.control.allow.methods',
  'access.control.allow.origin',
  'admin.listeners',
  'bootstrap.servers',
  'config.providers',
  'connector.client.config.override.policy',
  'exactly.once.source.support',
  'group.id',
  'header.converter',
  'java.security.auth.login.config',
  'key.converter',
  'listeners',
  'offset.flush.interval.ms',
  'offset.flush.timeout.ms',
  'plugin.path',
  'response.http.headers.config',
  'rest.extension.classes',
  'security.protocol',
  'topic.creation.enable',
  'topic.tracking.allow.reset',
  'topic.tracking.enable',
  'value.converter',
];
/** Those that begin so go to plugins, to Kafka's clients, or are our own. */
const prefixes = /^(?:(?:producer|consumer|admin)\.(?!listeners)|(?:key|value|header)\.converter\.|config\.providers\.|sasl\.|ssl\.|sluice\.)/;
/** What workers among themselves, and their clients' sockets, need: nobody misses it. */
const needless =
  /^(?:client\.(?:id|dns\.lookup)|connect\.protocol|(?:config|offset|status)\.storage\.(?:partitions|replication\.factor)|(?:connections|heartbeat|metadata|receive|reconnect|request|send|session|socket|retry)\..*|inter\.worker\..*|metrics\.(?:num|sample|recording|context)\..*|plugin\.discovery|rebalance\.timeout\.ms|rest\.advertised\..*|scheduled\.rebalance\..*|worker\.(?:sync|unsync)\..*)$/;
/** Keys without effect whose users would wonder. */
const without: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:config\.storage\.topic|offset\.storage\.(?:topic|file\.filename)|status\.storage\.topic)$/,
    'connectors, offsets and states are kept in the table, and what is there already is not read',
  ],
  [/^metric\.reporters$/, 'reporters are Java and cannot run here; metrics are at /metrics, in the text format of Prometheus'],
  [/^task\.shutdown\.graceful\.timeout\.ms$/, 'tasks have five seconds to end when Sluice stops'],
  [/^(?:admin\.)?listeners\.https\./, 'Sluice on one machine speaks no TLS'],
];

/** Sentences about keys of a worker file that do nothing here: those that Kafka Connect would heed and users would miss, and those that nobody knows. */
export function worthTelling(worker: WorkerProperties): string[] {
  const keys = Object.keys(worker).filter((key) => !honoured.includes(key) && !prefixes.test(key) && !needless.test(key));
  const told = without.flatMap(([pattern, why]) => {
    const some = keys.filter((key) => pattern.test(key));
    return some.length === 0 ? [] : [`${some.join(', ')} of the worker file ${some.length === 1 ? 'does' : 'do'} nothing here: ${why}`];
  });
  const unknown = keys.filter((key) => !without.some(([pattern]) => pattern.test(key)));
  return [
    ...told,
    ...unknown.map((key) => {
      const meant = suggestedName(key, honoured);
      return `${key} of the worker file is no key of a worker and does nothing${meant === null ? '' : `; did you mean ${meant}?`}`;
    }),
  ];
}
