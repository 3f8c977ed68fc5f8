import { ConfigException, type ConfigProviderDefinition, configDef } from '../connect/index.ts';
import { awsError, awsServiceKeys, checkAllowed, clientOptions, lazily, parsePath } from './aws-service.ts';

const config = configDef(awsServiceKeys);

/**
 * `${secretsmanager:orders/db:password}` is the value of the key `password` in the JSON of the secret `orders/db`. The SDK's client is
 * loaded with the first secret. Its `get` rejects with ConfigException when the secret may not be read or is no JSON object,
 * with RetriableException when the service cannot be reached.
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
    const client = lazily(async () => {
      const { SecretsManagerClient, GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager');
      const made = new SecretsManagerClient(clientOptions(settings));
      return { get: async (name: string) => (await made.send(new GetSecretValueCommand({ SecretId: name }))).SecretString, close: () => made.destroy() };
    });
    return {
      async get(path, keys) {
        if (path === '' || keys.size === 0) return { data: {} };
        const { name, ttlMs } = parsePath(path);
        checkAllowed(name, settings['allowed.prefixes'], 'secret');
        const text = await (await client.get()).get(name).catch((error: unknown) => {
          const told = awsError(error, 'secret', name);
          if (told !== null) throw told;
          if (ignore) return null;
          throw new ConfigException(`There is no secret ${name} in Secrets Manager: check its name and the region`, { cause: error });
        });
        const values = text === null ? {} : valuesOf(name, text);
        const data: Record<string, string> = {};
        for (const key of keys) {
          const value = values[key];
          if (value !== undefined && value !== null) data[key] = typeof value === 'string' ? value : JSON.stringify(value);
          else if (ignore) data[key] = '';
          else throw new ConfigException(`The secret ${name} has no key ${key}`);
        }
        return ttlMs === undefined ? { data } : { data, ttlMs };
      },
      close: client.close,
    };
  },
};

function valuesOf(name: string, text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text ?? '');
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>;
  } catch {
    // What was in it is a secret: the parser's message would quote it.
  }
  throw new ConfigException(`The secret ${name} must be a JSON object of keys and values, as {"username": …, "password": …}`);
}
