import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

/**
 * Divides the worker's `plugin.path` into modules with plugins for Sluice (files, folders of packages, names of installed
 * packages) and the rest: folders with jars, which people's worker files name.
 */
export function readPluginPath(pluginPath: string | undefined, directory = process.cwd()): { modules: string[]; ignored: string[] } {
  const entries = (pluginPath ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean);
  const modules: string[] = [];
  const ignored: string[] = [];
  for (const entry of entries) {
    const module = moduleOf(entry, directory);
    if (module) modules.push(module);
    else ignored.push(entry);
  }
  return { modules, ignored };
}

function moduleOf(entry: string, directory: string): string | null {
  const path = resolve(directory, entry);
  if (/\.[cm]?[jt]s$/.test(entry)) return path;
  const require = createRequire(join(directory, 'package.json'));
  try {
    return existsSync(join(path, 'package.json')) ? require.resolve(path) : require.resolve(entry);
  } catch {
    return null;
  }
}
