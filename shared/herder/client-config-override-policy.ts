import { parseType } from '../connect/config/parse-type.ts';
import { ConfigException } from '../connect/errors.ts';

/** Decides which keys of Kafka's clients a connector may set (KIP-458, KIP-1188). */
export interface ClientConfigOverridePolicy {
  readonly name: string;
  isAllowed(key: string): boolean;
}

const principal = new Set(['sasl.jaas.config', 'sasl.mechanism', 'security.protocol']);

/** The policy of the worker's `connector.client.config.override.policy`, by short name or class. Throws ConfigException for one that is not there. */
export function overridePolicy(worker: Readonly<Record<string, string>>): ClientConfigOverridePolicy {
  const named = (worker['connector.client.config.override.policy'] ?? 'All').trim();
  const name = named.replace(/^(?:.*\.)?(\w+)ConnectorClientConfigOverridePolicy$/, '$1');
  switch (name) {
    case 'All':
      return { name, isAllowed: () => true };
    case 'None':
      return { name, isAllowed: () => false };
    case 'Principal':
      return { name, isAllowed: (key) => principal.has(key) };
    case 'Allowlist': {
      const key = 'connector.client.config.override.allowlist';
      const allowed = new Set(parseType(key, worker[key] ?? '', 'LIST') as string[]);
      return { name, isAllowed: (each) => allowed.has(each) };
    }
    default:
      throw ConfigException.forValue('connector.client.config.override.policy', named, 'Expected All, None, Principal or Allowlist');
  }
}
