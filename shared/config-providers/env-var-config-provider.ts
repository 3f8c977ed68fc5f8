import { ConfigException, type ConfigProviderDefinition, configDef, javaPattern, string } from '../connect/index.ts';

const config = configDef({
  'allowlist.pattern': string({ default: '.*', importance: 'MEDIUM', doc: 'Only environment variables whose whole name matches this pattern may be read.' }),
});

/** Values from environment variables (KIP-887): `${env:DB_PASSWORD}`. A path has no meaning here. */
export const envVarConfigProvider: ConfigProviderDefinition = {
  kind: 'config_provider',
  className: 'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
  version: '4.3.1',
  overview: 'Reads values from environment variables of the functions.',
  config,
  create(raw) {
    const allowed = javaPattern(config.parse(raw)['allowlist.pattern'], { fullMatch: true });
    return {
      async get(path, keys) {
        if (path !== '') throw new ConfigException(`Path is not supported for EnvVarConfigProvider, invalid value '${path}'`);
        const data: Record<string, string> = {};
        for (const key of keys) {
          const value = allowed.test(key) ? process.env[key] : undefined;
          if (value !== undefined) data[key] = value;
        }
        return { data };
      },
    };
  },
};
