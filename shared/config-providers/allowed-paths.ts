import { resolve, sep } from 'node:path';
import { ConfigException, configDef, string } from '../connect/index.ts';

/** The one key of the providers that read files (KIP-993). */
export const allowedPathsConfig = configDef({
  'allowed.paths': string({
    default: null,
    importance: 'LOW',
    doc: 'Folders and files, separated by commas, outside of which nothing is read. Unset: no limit.',
  }),
});

/** Resolves a path, and refuses one that is not below an allowed path. Returns null for it, as Kafka finds nothing there. */
export function allowedPath(raw: Readonly<Record<string, string>>): (path: string) => string | null {
  const list = allowedPathsConfig.parse(raw)['allowed.paths'];
  const allowed = list === null || list === '' ? null : list.split(',').map((each) => each.trim());
  for (const each of allowed ?? []) if (!each.startsWith('/')) throw new ConfigException(`Path ${each} is not absolute`);
  return (path) => {
    const absolute = resolve(path);
    if (allowed === null || allowed.some((each) => absolute === resolve(each) || absolute.startsWith(resolve(each) + sep))) return absolute;
    return null;
  };
}
