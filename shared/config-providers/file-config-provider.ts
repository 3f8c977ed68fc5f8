import { readFile } from 'node:fs/promises';
import { getProperties } from 'properties-file';
import { ConfigException, type ConfigProviderDefinition } from '../connect/index.ts';
import { allowedPath, allowedPathsConfig } from './allowed-paths.ts';

/** Values from a `.properties` file: `${file:/run/secrets/db.properties:password}`. */
export const fileConfigProvider: ConfigProviderDefinition = {
  kind: 'config_provider',
  className: 'org.apache.kafka.common.config.provider.FileConfigProvider',
  version: '4.3.1',
  overview: 'Reads values from a properties file.',
  config: allowedPathsConfig,
  create(raw) {
    const resolvePath = allowedPath(raw);
    return {
      async get(path, keys) {
        const file = path === '' ? null : resolvePath(path);
        if (file === null) return { data: {} };
        let text: string;
        try {
          text = await readFile(file, 'utf8');
        } catch (cause) {
          throw new ConfigException(`Could not read properties from file ${path}`, { cause });
        }
        const properties = getProperties(text);
        return { data: Object.fromEntries([...keys].flatMap((key) => (Object.hasOwn(properties, key) ? [[key, properties[key] as string]] : []))) };
      },
    };
  },
};
