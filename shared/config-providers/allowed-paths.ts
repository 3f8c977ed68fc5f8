import { existsSync } from 'node:fs';
import { isAbsolute, normalize, sep } from 'node:path';
import { ConfigException, string } from '../connect/index.ts';

/** The key that limits what providers of files may read. */
export const ALLOWED_PATHS = {
  'allowed.paths': string({
    default: null,
    importance: 'HIGH',
    doc: 'Folders and files, with commas between, that may be read. Without it every path may be.',
  }),
};

/** Tells which paths may be read. Throws ConfigException for a path in `allowed.paths` that is not absolute or is not there. */
export class AllowedPaths {
  readonly #allowed: readonly string[] | null;

  constructor(allowed: string | null) {
    const paths = (allowed ?? '').split(',').flatMap((path) => (path.trim() === '' ? [] : [normalize(path.trim())]));
    for (const path of paths) {
      if (!isAbsolute(path)) throw new ConfigException(`Path ${path} is not absolute`);
      if (!existsSync(path)) throw new ConfigException(`Path ${path} does not exist`);
    }
    this.#allowed = paths.length === 0 ? null : paths;
  }

  /** The path without `..` in it, or null when it may not be read. */
  resolve(path: string): string | null {
    if (this.#allowed === null) return path;
    const normal = normalize(path);
    return this.#allowed.some((allowed) => normal === allowed || normal.startsWith(allowed.endsWith(sep) ? allowed : allowed + sep)) ? normal : null;
  }
}
