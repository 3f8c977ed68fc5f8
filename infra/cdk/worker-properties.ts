import { restSettings } from '../../functions/rest-api/rest-settings.ts';
import { ConfigException } from '../../shared/connect/errors.ts';
import { sampleFileDefaults } from '../local/worker-file.ts';
import type { ConnectClusterProps } from './connect-cluster.ts';

/** Providers for the secrets of connectors, under the names that AWS's own examples have. */
const secretProviders = {
  'config.providers': 'secretsmanager,ssm',
  'config.providers.secretsmanager.class': 'com.amazonaws.kafka.config.providers.SecretsManagerConfigProvider',
  'config.providers.ssm.class': 'com.amazonaws.kafka.config.providers.SsmParamStoreConfigProvider',
};

/** The worker's properties: Kafka's keys, and the config providers of all. Connectors may read no secrets but those that are named: not Kafka's. Throws ConfigException where they would leave the REST API open, or not work. */
export function workerProperties({
  kafka,
  worker = {},
  secretPrefixes = [],
  secretsRequired = false,
  failureTopic,
  authentication,
}: Pick<ConnectClusterProps, 'kafka' | 'worker' | 'secretPrefixes' | 'secretsRequired' | 'failureTopic' | 'authentication'>): Record<string, string> {
  restSettings(worker);
  if (worker['rest.extension.classes'] && authentication?.kind === 'none')
    throw new ConfigException(
      `rest.extension.classes=${worker['rest.extension.classes']} is Java and cannot run here, and with authentication none everybody may do everything: leave authentication out for basic authentication`,
    );
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
