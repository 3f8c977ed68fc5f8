import { atLeast, ConfigException, type ConfigProviderDefinition, configDef, long, password, string } from '../connect/index.ts';
import { allowedPrefixesKey, checkAllowed } from './aws-service.ts';
import { parseSecret, secretsReader } from './secrets-reader.ts';

const config = configDef({
  'aws.region': string({ default: '', importance: 'HIGH', doc: 'Region of the service. Empty: that of the function.' }),
  'aws.access.key': string({ default: '', importance: 'HIGH', doc: 'Access key to log in with. Empty: the role of the function.' }),
  'aws.secret.key': password({ default: null, importance: 'HIGH', doc: 'Secret of the access key.' }),
  'secret.prefix': string({ default: '', importance: 'LOW', doc: 'Folder before the names of all secrets, such as `staging`.' }),
  'secret.ttl.ms': long({
    default: 300_000,
    validator: atLeast(1000),
    importance: 'LOW',
    doc: 'How long, in milliseconds, a secret is used before it is read again.',
  }),
  'aws.endpoint.url': string({ default: null, importance: 'LOW', doc: 'Address of the service, where it is not the usual one.' }),
  ...allowedPrefixesKey,
});

/**
 * The other provider of Secrets Manager that many Connect clusters have, Jeremy Custenborder's, under its own name and
 * keys: `${secretManager:orders/db:password}`. What is read, it reads again after `secret.ttl.ms`.
 */
export const custenborderSecretsManagerConfigProvider: ConfigProviderDefinition = {
  kind: 'config_provider',
  className: 'com.github.jcustenborder.kafka.config.aws.SecretsManagerConfigProvider',
  version: '0.1.2',
  overview: 'Reads values from secrets of AWS Secrets Manager that are JSON objects.',
  config,
  create(raw) {
    const settings = config.parse(raw);
    const accessKeyId = settings['aws.access.key'];
    const credentials = accessKeyId ? { accessKeyId, secretAccessKey: settings['aws.secret.key']?.value ?? '' } : undefined;
    const secrets = secretsReader({ region: settings['aws.region'], endpoint: settings['aws.endpoint.url'] }, credentials);
    const prefix = settings['secret.prefix'];
    return {
      async get(path, keys) {
        const name = prefix ? `${prefix}/${path}`.replace(/\/{2,}/g, '/') : path;
        checkAllowed(name, settings['allowed.prefixes'], 'secret');
        const text = await secrets.get('secret', name);
        if (text === null) throw new ConfigException(`Could not find secret '${name}'`);
        const values = parseSecret(name, text);
        const texts = [...keys].flatMap((key) => (typeof values[key] === 'string' ? [[key, values[key]] as const] : []));
        return { data: Object.fromEntries(texts), ttlMs: settings['secret.ttl.ms'] };
      },
      close: () => secrets.close(),
    };
  },
};
