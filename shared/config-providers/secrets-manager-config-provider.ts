import { ConfigException, type ConfigProviderDefinition, configDef } from '../connect/index.ts';
import { awsServiceKeys, checkAllowed, parseReferencePart, shortestTtl } from './aws-service.ts';
import { parseSecret, secretsReader, secretValue } from './secrets-reader.ts';

const config = configDef(awsServiceKeys);

/**
 * `${secretsmanager:orders/db:password}` is the value of the key `password` in the JSON of the secret `orders/db`, as in AWS's
 * provider for Kafka. Its `get` rejects with ConfigException when the secret is not there, may not be read or is no JSON
 * object, with RetriableException when the service cannot be reached.
 */
export const secretsManagerConfigProvider: ConfigProviderDefinition = {
  kind: 'config_provider',
  className: 'com.amazonaws.kafka.config.providers.SecretsManagerConfigProvider',
  version: '0.4.0',
  overview: 'Reads values from secrets of AWS Secrets Manager that are JSON objects.',
  config,
  create(raw) {
    const settings = config.parse(raw);
    const ignore = settings.NotFoundStrategy === 'ignore';
    const secrets = secretsReader(settings);
    return {
      async get(path, keys) {
        if (path === '' || keys.size === 0) return { data: {} };
        const secret = parseReferencePart(path, true);
        checkAllowed(secret.name, settings['allowed.prefixes'], 'secret');
        const text = await secrets.get('secret', secret.name);
        if (text === null && !ignore) throw new ConfigException(`There is no secret ${secret.name} in Secrets Manager: check its name and the region`);
        const values = text === null ? {} : parseSecret(secret.name, text);
        const data: Record<string, string> = {};
        const ttls = [secret.ttlMs];
        for (const each of keys) {
          const key = parseReferencePart(each, false);
          ttls.push(key.ttlMs);
          const value = secretValue(values, key.name) ?? (ignore ? '' : undefined);
          if (value === undefined) throw new ConfigException(`The secret ${secret.name} has no key ${key.name}`);
          data[each] = value;
        }
        return { data, ...shortestTtl(ttls) };
      },
      close: () => secrets.close(),
    };
  },
};
