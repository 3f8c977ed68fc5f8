import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RefusedSpecError, type RestApi } from './rest.ts';
import { type ConnectorFile, readConnectorFile } from './spec-files.ts';
import { StartupError } from './startup-error.ts';

/** Files that were given by name, and folders whose spec files count, those too that come later. */
export interface SpecPaths {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/** Divides what stands on the command line. What is not there counts as a file, and is missed when it is read. */
export async function specPaths(given: readonly string[]): Promise<SpecPaths> {
  const kinds = await Promise.all(given.map(async (path) => ((await stat(path).catch(() => null))?.isDirectory() ? 'folder' : 'file')));
  return { files: given.filter((_, index) => kinds[index] === 'file'), folders: given.filter((_, index) => kinds[index] === 'folder') };
}

/** The spec files that there are now: those given by name, then those of the folders by the alphabet. Hidden files and folders in folders are left out. */
export async function specFilesOf({ files, folders }: SpecPaths): Promise<string[]> {
  const listed = await Promise.all(
    folders.map(async (folder) => {
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
      const names = entries.filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
      return names
        .filter((name) => ['.json', '.properties'].includes(extname(name)))
        .sort()
        .map((name) => join(folder, name));
    }),
  );
  return [...new Set([...files, ...listed.flat()])];
}

/**
 * Reads all spec files. No two may describe the same connector.
 * @throws StartupError with a sentence for each file that is wrong
 */
export async function readSpecFiles(paths: SpecPaths): Promise<ConnectorFile[]> {
  const read = await Promise.allSettled((await specFilesOf(paths)).map(readConnectorFile));
  const found = read.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const wrong = read.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []));
  const other = wrong.find((error) => !(error instanceof StartupError));
  if (other) throw other;
  const doubles = found.flatMap((file, index) => {
    const first = found.slice(0, index).find(({ name }) => name === file.name);
    return first ? [describedTwice(file, first.path)] : [];
  });
  const messages = [...wrong.map(({ message }) => message), ...doubles];
  if (messages.length > 0) throw new StartupError(messages.join('\n'));
  return found;
}

function describedTwice({ path, name }: ConnectorFile, other: string): string {
  return `The spec file ${path} describes the connector '${name}', which ${other} describes: give one of them another name.`;
}

/** Kept for each file. */
interface Followed {
  /** Of the content that was dealt with; null: there was no file. */
  stamp: string | null;
  /** Another stamp that the last look saw: who writes a file may not be done with it. */
  seen: string | null | undefined;
  /** What runs. */
  applied: ConnectorFile | null;
  /** The last complaint: what is tried again is told once. */
  complaint: string | null;
}

export interface SpecWatcherOptions {
  readonly paths: SpecPaths;
  /** What was applied already. */
  readonly applied: readonly ConnectorFile[];
  readonly rest: Pick<RestApi, 'apply'>;
  readonly progress: (line: string) => void;
  readonly everyMs?: number;
}

/**
 * Follows spec files while Sluice runs: a changed file changes its connector, a new one in a folder makes one, a wrong one is told
 * and leaves everything as it is. It looks at files and does not wait for events of the file system: those get lost on network and container
 * mounts, and where editors and ConfigMaps put another file in the place of the old one. A file is read when two looks in a row
 * see it unchanged.
 */
export class SpecWatcher {
  readonly #options: SpecWatcherOptions;
  readonly #followed = new Map<string, Followed>();

  constructor(options: SpecWatcherOptions) {
    this.#options = options;
  }

  /** Looks until the signal comes; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.look();
        await sleep(this.#options.everyMs ?? 500, undefined, { signal });
      } catch (error) {
        if (signal.aborted) return;
        this.#options.progress(`Spec files cannot be followed: ${(error as Error).message}`);
        await sleep(5000, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** One look at all files. */
  async look(): Promise<void> {
    const { paths, applied } = this.#options;
    const first = this.#followed.size === 0;
    const files = new Set([...(await specFilesOf(paths)), ...applied.map(({ path }) => path), ...this.#followed.keys()]);
    for (const path of files) {
      const stamp = await stampOf(path);
      const known = this.#followed.get(path);
      const before = applied.find((each) => first && each.path === path) ?? null;
      const followed = known ?? { stamp: null, seen: undefined, applied: before, complaint: null };
      if (!known) this.#followed.set(path, followed);
      // It may have changed since it was read.
      if (before) Object.assign(followed, { stamp: (await isUnchanged(before)) ? stamp : 'read before' });
      if (stamp === followed.stamp) followed.seen = undefined;
      else if (stamp !== followed.seen) followed.seen = stamp;
      else await this.#settled(path, followed, stamp);
    }
  }

  async #settled(path: string, followed: Followed, stamp: string | null): Promise<void> {
    const done = stamp === null ? this.#gone(path, followed) : await this.#changed(path, followed);
    if (done) Object.assign(followed, { stamp, seen: undefined });
  }

  #gone(path: string, followed: Followed): boolean {
    const { applied } = followed;
    // Should it come back, it is applied whatever is in it.
    Object.assign(followed, { applied: null, complaint: null });
    const moved = [...this.#followed.values()].some((other) => applied && other.applied?.name === applied.name);
    if (applied && !moved)
      this.#options.progress(`The spec file ${path} is gone; its connector '${applied.name}' keeps running: DELETE /connectors/NAME ends it.`);
    return true;
  }

  /** False: try again. */
  async #changed(path: string, followed: Followed): Promise<boolean> {
    const { rest, progress } = this.#options;
    const before = followed.applied;
    try {
      const file = await readConnectorFile(path);
      for (const [other, { applied }] of this.#followed) {
        if (other !== path && applied?.name === file.name && (await stampOf(other)) !== null) throw new StartupError(describedTwice(file, other));
      }
      await rest.apply(file);
      Object.assign(followed, { applied: file, complaint: null });
      progress(`Applied ${file.name} of ${path}`);
      if (before && before.name !== file.name)
        progress(`The name in ${path} was '${before.name}' before; that connector keeps running beside '${file.name}': DELETE /connectors/NAME ends it.`);
      return true;
    } catch (error) {
      const complaint = error instanceof StartupError ? error.message : `The spec file ${path} could not be applied: ${(error as Error).message}`;
      if (complaint !== followed.complaint) progress(before ? `${complaint}\nThe connector '${before.name}' keeps running as it was.` : complaint);
      followed.complaint = complaint;
      return error instanceof StartupError && !(error instanceof RefusedSpecError && error.tryAgain);
    }
  }
}

/** Tells one content of a file from another without reading it; null: there is no such file. */
async function stampOf(path: string): Promise<string | null> {
  const found = await stat(path, { bigint: true }).catch(() => null);
  return found?.isFile() ? `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}` : null;
}

/** Whether a file still says what was read from it. */
async function isUnchanged(file: ConnectorFile): Promise<boolean> {
  const now = await readConnectorFile(file.path).catch(() => null);
  return JSON.stringify(now) === JSON.stringify(file);
}
