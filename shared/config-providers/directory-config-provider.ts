import { readFile, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { ConfigException, type ConfigProviderDefinition, configDef } from '../connect/index.ts';
import { ALLOWED_PATHS, AllowedPaths } from './allowed-paths.ts';

const config = configDef(ALLOWED_PATHS);

/** `${dir:/path/to/secrets:password}` is the content of the file `password` in that folder, as secrets are mounted in Kubernetes. */
export const directoryConfigProvider: ConfigProviderDefinition = {
  kind: 'config_provider',
  className: 'org.apache.kafka.common.config.provider.DirectoryConfigProvider',
  version: '4.3.1',
  overview: 'Reads values from the files of a folder: a key is the name of a file, its content the value.',
  config,
  create(raw) {
    const allowed = new AllowedPaths(config.parse(raw)['allowed.paths']);
    return {
      async get(path, keys) {
        const folder = path === '' ? null : allowed.resolve(path);
        if (folder === null) return { data: {} };
        const data: Record<string, string> = {};
        for (const key of keys) {
          // A key is the name of a file: it does not lead out of the folder.
          if (key === '' || key === '..' || key.includes(sep) || !(await isFile(join(folder, key)))) continue;
          data[key] = await readFile(join(folder, key), 'utf8').catch((cause) => {
            throw new ConfigException(`Could not read file ${join(path, key)} for property ${key}`, { cause });
          });
        }
        return { data };
      },
    };
  },
};

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
