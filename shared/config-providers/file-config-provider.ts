import { readFile } from 'node:fs/promises';
import { getProperties } from 'properties-file';
import { ConfigException, type ConfigProviderDefinition, configDef } from '../connect/index.ts';
import { ALLOWED_PATHS, AllowedPaths } from './allowed-paths.ts';

const config = configDef(ALLOWED_PATHS);

/** `${file:/path/to/secrets.properties:key}` is a value of a properties file. */
export const fileConfigProvider: ConfigProviderDefinition = {
  kind: 'config_provider',
  className: 'org.apache.kafka.common.config.provider.FileConfigProvider',
  version: '4.3.1',
  overview: 'Reads values from properties files.',
  config,
  create(raw) {
    const allowed = new AllowedPaths(config.parse(raw)['allowed.paths']);
    return {
      async get(path, keys) {
        const file = path === '' ? null : allowed.resolve(path);
        if (file === null) return { data: {} };
        const text = await readFile(file, 'utf8').catch((cause) => {
          throw new ConfigException(`Could not read properties from file ${path}`, { cause });
        });
        const properties = getProperties(text);
        return { data: Object.fromEntries([...keys].flatMap((key) => (Object.hasOwn(properties, key) ? [[key, properties[key] as string]] : []))) };
      },
    };
  },
};
