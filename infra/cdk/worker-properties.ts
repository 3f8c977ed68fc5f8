import { sampleFileDefaults } from '../local/worker-file.ts';
import type { ConnectClusterProps } from './connect-cluster.ts';

/** Providers for the secrets of connectors, under the names that AWS's own examples have. */
const secretProviders = {
  'config.providers': 'secretsmanager,ssm',
  'config.providers.secretsmanager.class': 'com.amazonaws.kafka.config.providers.SecretsManagerConfigProvider',
  'config.providers.ssm.class': 'com.amazonaws.kafka.config.providers.SsmParamStoreConfigProvider',
};

/** The worker's properties: Kafka's keys, and the config providers of all. Connectors may read no secrets but those that are named: not Kafka's. */
export function workerProperties({
  kafka,
  worker = {},
  secretPrefixes = [],
  secretsRequired = false,
  failureTopic,
}: Pick<ConnectClusterProps, 'kafka' | 'worker' | 'secretPrefixes' | 'secretsRequired' | 'failureTopic'>): Record<string, string> {
  const parts = [sampleFileDefaults, secretPrefixes.length > 0 ? secretProviders : {}, worker, kafka.worker];
  const providers = parts.flatMap((part: Readonly<Record<string, string>>) => (part['config.providers'] ?? '').split(',')).map((alias) => alias.trim());
  const aliases = [...new Set(providers.filter((alias) => alias !== ''))];
  return {
    ...Object.assign({}, ...parts),
    ...(secretsRequired ? { 'sluice.secrets.required': 'true' } : {}),
    ...(failureTopic === undefined ? {} : { 'sluice.failures.topic': failureTopic }),
    ...(aliases.length === 0 ? {} : { 'config.providers': aliases.join(','), 'sluice.secrets.allowed.prefixes': secretPrefixes.join(',') }),
  };
}
