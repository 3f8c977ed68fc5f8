import { ConfigException, type ConfigProviderDefinition, configDef } from '../connect/index.ts';
import { awsError, awsServiceKeys, checkAllowed, clientOptions, lazily, parsePath } from './aws-service.ts';

const config = configDef(awsServiceKeys);

/**
 * `${ssm::/orders/db/password}` is a parameter of the Parameter Store, decrypted; the path of the reference is empty, the key is the name.
 * The SDK's client is loaded with the first parameter. Its `get` rejects with ConfigException when a parameter is not there or
 * may not be read, with RetriableException when the service cannot be reached.
 */
export const ssmParamStoreConfigProvider: ConfigProviderDefinition = {
  kind: 'config_provider',
  className: 'com.amazonaws.kafka.config.providers.SsmParamStoreConfigProvider',
  version: '0.4.0',
  overview: "Reads parameters of AWS Systems Manager's Parameter Store.",
  config,
  create(raw) {
    const settings = config.parse(raw);
    const client = lazily(async () => {
      const { SSMClient, GetParameterCommand } = await import('@aws-sdk/client-ssm');
      const ssm = new SSMClient(clientOptions(settings));
      return {
        get: async (name: string) => (await ssm.send(new GetParameterCommand({ Name: name, WithDecryption: true }))).Parameter?.Value,
        close: () => ssm.destroy(),
      };
    });
    return {
      async get(_path, keys) {
        const data: Record<string, string> = {};
        let shortest: number | undefined;
        for (const key of keys) {
          const { name, ttlMs } = parsePath(key);
          checkAllowed(name, settings['allowed.prefixes'], 'parameter');
          const value = await (await client.get()).get(name).catch((error: unknown) => {
            const told = awsError(error, 'parameter', name);
            if (told !== null) throw told;
            if (settings.NotFoundStrategy === 'ignore') return '';
            throw new ConfigException(`There is no parameter ${name} in the Parameter Store: check its name and the region`, { cause: error });
          });
          data[key] = value ?? '';
          if (ttlMs !== undefined) shortest = Math.min(shortest ?? ttlMs, ttlMs);
        }
        return shortest === undefined ? { data } : { data, ttlMs: shortest };
      },
      close: client.close,
    };
  },
};
