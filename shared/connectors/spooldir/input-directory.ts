import { access, constants, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Clock, ConnectException, type JavaPattern, javaPattern, type Logger } from '../../connect/index.ts';
import type { DirectoryConfig, FileAttribute } from './config.ts';
import { InputFile } from './input-file.ts';

/** Finds the files that a task shall read. */
export class InputDirectory {
  readonly #config: DirectoryConfig;
  readonly #path: string;
  readonly #pattern: JavaPattern;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** What the flags of this connector's files say. */
  readonly owner: string;

  constructor(config: DirectoryConfig, connector: string, clock: Clock, logger: Logger) {
    this.#config = config;
    this.#path = resolve(config['input.path']);
    this.#pattern = javaPattern(config['input.file.pattern'], { fullMatch: true });
    this.#clock = clock;
    this.#logger = logger;
    this.owner = `sluice ${connector}`;
  }

  /** Throws ConnectException when a folder that is needed is not there or not writable. */
  async check(): Promise<void> {
    const { 'cleanup.policy': policy } = this.#config;
    const needed: ('input.path' | 'error.path' | 'finished.path')[] = ['input.path', 'error.path'];
    if (policy === 'MOVE' || policy === 'MOVEBYDATE') needed.push('finished.path');
    for (const key of needed) {
      const folder = resolve(this.#config[key]);
      const stats = await stat(folder).catch(() => null);
      if (!stats?.isDirectory()) throw new ConnectException(`Directory for '${key}' '${folder}' does not exist`);
      await access(folder, constants.W_OK).catch((cause) => {
        throw new ConnectException(`Directory for '${key}' '${folder}' is not writable`, { cause });
      });
    }
  }

  /** The files to be read now, in order; `known` says which of them the task has in hand or is done with. */
  async list(known: (file: InputFile) => boolean): Promise<InputFile[]> {
    const files: InputFile[] = [];
    for (const path of await this.#paths()) {
      const stats = await stat(path).catch(() => null);
      // It went away meanwhile.
      if (stats === null || !stats.isFile()) continue;
      const file = new InputFile(this.#path, path, stats, this.#config['processing.file.extension']);
      if (known(file) || this.#isYoung(file) || (await file.isTaken(this.owner))) continue;
      files.push(file);
    }
    return files.sort((a, b) => compare(a, b, this.#config['files.sort.attributes'] as readonly FileAttribute[]));
  }

  #isYoung({ lastModified }: InputFile): boolean {
    const minimumAge = this.#config['file.minimum.age.ms'];
    // Without one, a file server whose clock is ahead does not matter.
    return minimumAge > 0 && this.#clock.now() - lastModified < minimumAge;
  }

  async #paths(): Promise<string[]> {
    const recursive = this.#config['input.path.walk.recursively'];
    const { 'task.count': count, 'task.index': index, 'processing.file.extension': flag } = this.#config;
    const entries = await readdir(this.#path, { withFileTypes: true, recursive });
    const mine = entries.filter(({ name }) => !name.endsWith(flag) && this.#pattern.test(name) && (count === 1 || Math.abs(adler32(name)) % count === index));
    if (mine.length === 0) this.#logger.debug(`No files matching input.file.pattern were found in ${this.#path}`);
    return mine.filter((entry) => entry.isFile() || entry.isSymbolicLink()).map(({ parentPath, name }) => join(parentPath, name));
  }
}

function compare(a: InputFile, b: InputFile, attributes: readonly FileAttribute[]): number {
  for (const attribute of attributes) {
    const order = attribute.startsWith('Name')
      ? a.name < b.name
        ? -1
        : a.name > b.name
          ? 1
          : 0
      : attribute.startsWith('Length')
        ? a.length - b.length
        : a.lastModified - b.lastModified;
    if (order !== 0) return attribute.endsWith('Desc') ? -order : order;
  }
  return a.path < b.path ? -1 : 1;
}

/** The Adler-32 of a text in UTF-16 (little endian), as a signed number: the hash by which files are divided among tasks. */
export function adler32(text: string): number {
  let a = 1;
  let b = 0;
  for (const byte of Buffer.from(text, 'utf16le')) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  return (b << 16) | a;
}
