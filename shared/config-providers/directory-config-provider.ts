import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ConfigException, type ConfigProviderDefinition } from '../connect/index.ts';
import { allowedPath, allowedPathsConfig } from './allowed-paths.ts';

/** Values from a folder with a file for each key, as Kubernetes mounts secrets: `${dir:/run/secrets:password}`. */
export const directoryConfigProvider: ConfigProviderDefinition = {
  kind: 'config_provider',
  className: 'org.apache.kafka.common.config.provider.DirectoryConfigProvider',
  version: '4.3.1',
  overview: 'Reads each value from a file of that name in a folder.',
  config: allowedPathsConfig,
  create(raw) {
    const resolvePath = allowedPath(raw);
    return {
      async get(path, keys) {
        const folder = path === '' ? null : resolvePath(path);
        const data: Record<string, string> = {};
        if (folder === null) return { data };
        for (const key of keys) {
          // A key is a file of this folder and never leads out of it.
          if (basename(key) !== key) continue;
          try {
            data[key] = await readFile(join(folder, key), 'utf8');
          } catch (cause) {
            if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw new ConfigException(`Could not read file ${join(path, key)}`, { cause });
          }
        }
        return { data };
      },
    };
  },
};
