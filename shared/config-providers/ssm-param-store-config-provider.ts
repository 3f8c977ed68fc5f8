import { ConfigException, type ConfigProviderDefinition, configDef } from '../connect/index.ts';
import { awsServiceKeys, checkAllowed, type NamedReader, parseReferencePart, RegionalReader, shortestTtl } from './aws-service.ts';

const config = configDef(awsServiceKeys);

/**
 * `${ssm::/orders/db/password}` is a parameter of the Parameter Store, decrypted, as in AWS's provider for Kafka: the path of the
 * reference is empty, the key is the name. With a path, `${ssm:/orders/db:password}`, both are the name, as in its first versions. Its
 * `get` rejects with ConfigException when a parameter is not there or may not be read, with RetriableException when
 * the service cannot be reached.
 */
export const ssmParamStoreConfigProvider: ConfigProviderDefinition = {
  kind: 'config_provider',
  className: 'com.amazonaws.kafka.config.providers.SsmParamStoreConfigProvider',
  version: '0.4.0',
  overview: "Reads parameters of AWS Systems Manager's Parameter Store.",
  config,
  create(raw) {
    const settings = config.parse(raw);
    const parameters = new RegionalReader(settings, async (options): Promise<NamedReader> => {
      const { SSMClient, GetParameterCommand } = await import('@aws-sdk/client-ssm');
      const client = new SSMClient(options);
      return {
        get: async (name) => (await client.send(new GetParameterCommand({ Name: name, WithDecryption: true }))).Parameter?.Value,
        close: () => client.destroy(),
      };
    });
    return {
      async get(path, keys) {
        const folder = parseReferencePart(path, true);
        const data: Record<string, string> = {};
        const ttls = [folder.ttlMs];
        for (const each of keys) {
          const key = parseReferencePart(each, true);
          ttls.push(key.ttlMs);
          const name = folder.name === '' || key.name.startsWith('/') ? key.name : `${folder.name.replace(/\/$/, '')}/${key.name}`;
          checkAllowed(name, settings['allowed.prefixes'], 'parameter');
          const value = await parameters.get('parameter', name);
          if (value === null && settings.NotFoundStrategy === 'fail')
            throw new ConfigException(`There is no parameter ${name} in the Parameter Store: check its name and the region`);
          data[each] = value ?? '';
        }
        return { data, ...shortestTtl(ttls) };
      },
      close: () => parameters.close(),
    };
  },
};
