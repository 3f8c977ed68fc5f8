import { env } from 'node:process';
import { ConfigException, type ConfigProviderDefinition, configDef, javaPattern, string } from '../connect/index.ts';

const config = configDef({
  'allowlist.pattern': string({
    default: null,
    importance: 'HIGH',
    doc: 'Java regular expression for the names of variables that may be read. Without it all may be.',
  }),
});

/** `${env:DB_PASSWORD}` is an environment variable. */
export const envVarConfigProvider: ConfigProviderDefinition = {
  kind: 'config_provider',
  className: 'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
  version: '4.3.1',
  overview: 'Reads values from environment variables.',
  config,
  create(raw) {
    const allowed = javaPattern(config.parse(raw)['allowlist.pattern'] ?? '.*', { fullMatch: true });
    return {
      async get(path, keys) {
        if (path !== '') throw new ConfigException(`Path is not supported for EnvVarConfigProvider, invalid value '${path}'`);
        const found = [...keys].flatMap((key) => (env[key] !== undefined && allowed.test(key) ? [[key, env[key]] as const] : []));
        return { data: Object.fromEntries(found) };
      },
    };
  },
};
