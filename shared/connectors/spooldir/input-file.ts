import type { Stats } from 'node:fs';
import { constants, copyFile, mkdir, open, readdir, readFile, rename, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, parse, sep } from 'node:path';
import { ConnectException, type Header, Schema, type SourceOffset, timestampSchema } from '../../connect/index.ts';

const timestamp = timestampSchema();

/** What of a file is told by the offset, beside how far it was read: another file of the same name is not taken for this one. */
interface Identity {
  readonly 'file.length': number;
  readonly 'file.last.modified': number;
}

/** A file of the input folder, as it was found there. */
export class InputFile {
  readonly path: string;
  readonly name: string;
  /** Folder within the input folder, null for the input folder itself. */
  readonly relativePath: string | null;
  readonly length: number;
  /** Milliseconds since the epoch. */
  readonly lastModified: number;
  readonly sourcePartition: { readonly fileName: string };
  readonly #identity: Identity;
  readonly #headers: readonly Header[];
  readonly #flag: string;

  constructor(inputPath: string, path: string, stats: Pick<Stats, 'size' | 'mtimeMs'>, processingExtension: string) {
    const { base, name } = parse(path);
    const folder = dirname(path);
    this.path = path;
    this.name = base;
    this.relativePath = folder === inputPath ? null : folder.slice(inputPath.length + 1);
    this.length = stats.size;
    this.lastModified = Math.floor(stats.mtimeMs);
    this.sourcePartition = { fileName: this.relativePath === null ? base : `${this.relativePath}/${base}` };
    this.#identity = { 'file.length': this.length, 'file.last.modified': this.lastModified };
    this.#flag = path + processingExtension;
    const text = (key: string, value: string): Header => ({ key, schema: Schema.STRING_SCHEMA, value });
    this.#headers = [
      text('file.name', base),
      text('file.name.without.extension', name),
      text('file.path', path),
      text('file.parent.dir.name', basename(folder)),
      { key: 'file.length', schema: Schema.INT64_SCHEMA, value: BigInt(this.length) },
      { key: 'file.offset', schema: Schema.INT64_SCHEMA, value: 0n },
      { key: 'file.last.modified', schema: timestamp, value: new Date(this.lastModified) },
      ...(this.relativePath === null ? [] : [text('file.relative.path', this.relativePath)]),
    ];
  }

  offset(offset: number): SourceOffset {
    return { offset, ...this.#identity };
  }

  /** How far this file was read, null for not at all. An offset that says nothing of the file counts for it. */
  lastOffset(stored: SourceOffset | null): number | null {
    if (stored === null || stored['offset'] === undefined || stored['offset'] === null) return null;
    for (const [key, mine] of Object.entries(this.#identity)) if (key in stored && Number(stored[key]) !== mine) return null;
    const offset = Number(stored['offset']);
    if (!Number.isSafeInteger(offset)) throw new ConnectException(`The stored offset of ${this.path} is not a number: ${JSON.stringify(stored['offset'])}`);
    return offset;
  }

  headers(offset: number): Header[] {
    const headers = this.#headers.slice();
    headers[5] = { key: 'file.offset', schema: Schema.INT64_SCHEMA, value: BigInt(offset) };
    return headers;
  }

  /** Whether another connector or program reads the file: then its flag stands there. One's own, left by a run that was killed, does not count. */
  async isTaken(owner: string): Promise<boolean> {
    const flag = await readFile(this.#flag, 'utf8').catch(ignoreMissing);
    return flag !== null && flag !== owner;
  }

  /** Puts the flag. */
  async take(owner: string): Promise<void> {
    const flag = await open(this.#flag, 'w');
    await flag.writeFile(owner);
    await flag.close();
  }

  /** Takes the flag away. */
  async release(): Promise<void> {
    await rm(this.#flag, { force: true });
  }

  /** Moves the file into a folder, under its relative path; a file of that name there is replaced. */
  async moveTo(folder: string): Promise<void> {
    const target = join(folder, this.relativePath ?? '', this.name);
    try {
      await mkdir(dirname(target), { recursive: true });
      await rename(this.path, target).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EXDEV') throw error;
        return this.#copyTo(target);
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && (await stat(this.path).catch(ignoreMissing)) === null) return;
      throw new ConnectException(`The file ${this.path} cannot be moved to ${target}: ${(error as Error).message}`, { cause: error });
    }
  }

  async delete(): Promise<void> {
    await rm(this.path, { force: true });
  }

  /** Removes the folders between the input folder and the file that are empty now. */
  async removeEmptyFolders(): Promise<void> {
    if (this.relativePath === null) return;
    let folder = dirname(this.path);
    for (let left = this.relativePath.split(sep).length; left > 0; left--) {
      if ((await readdir(folder)).length > 0) return;
      await rmdir(folder);
      folder = dirname(folder);
    }
  }

  /** To another file system: whole under another name first, so that nobody finds half a file. */
  async #copyTo(target: string): Promise<void> {
    const partial = `${target}.partial`;
    await copyFile(this.path, partial, constants.COPYFILE_FICLONE);
    const handle = await open(partial, 'r');
    await handle.sync();
    await handle.close();
    await rename(partial, target);
    await unlink(this.path);
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
