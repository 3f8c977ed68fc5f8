import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import artifactAddress from 'mvn-artifact-url';
import { StartupError } from './startup-error.ts';

export type ArtifactSetName = 'kafka' | 'kafka-tools' | 'dynamodb' | 'connect' | 'avro';

/** A file of a Maven repository. `platform` ("linux-x64"): only needed there. */
export interface Artifact {
  /** `group:artifact:version` or `group:artifact:version:extension`. */
  readonly artifact: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly platform?: string;
}

/** One program and all that it needs to run; `pin-artifacts.ts` writes `files` from the rest. */
export interface ArtifactSet {
  readonly title: string;
  readonly version: string;
  /** What is asked for; Maven adds what that depends on. */
  readonly roots: readonly string[];
  /** `group` or `group:artifact` of dependencies that never come to run here. */
  readonly without: readonly string[];
  /** Native libraries and the platform that each is for. */
  readonly natives: Readonly<Record<string, string>>;
  readonly files: readonly Artifact[];
}

export type Progress = (line: string) => void;

const downloadsAtOnce = 6;
const attempts = 3;
const stallMs = 30_000;

/** Where downloads are kept: `SLUICE_CACHE`, else the place that the XDG base directory specification names. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return env.SLUICE_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sluice');
}

export async function readArtifactSets(): Promise<Readonly<Record<ArtifactSetName, ArtifactSet>>> {
  return JSON.parse(await readFile(new URL('artifacts.json', import.meta.url), 'utf8'));
}

/**
 * The folder that holds every file of a set, downloaded now if need be. A file is in the folder only once its SHA-256 is
 * the pinned one, so that a later start need only look at sizes.
 * @throws StartupError when a file can neither be found nor downloaded
 */
export async function provideArtifacts(name: ArtifactSetName, progress: Progress, signal?: AbortSignal): Promise<string> {
  const set = (await readArtifactSets())[name];
  const files = set.files.filter((file) => !file.platform || file.platform === `${process.platform}-${process.arch}`);
  const list = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 8);
  const folder = join(cacheDirectory(), `${name}-${set.version}-${list}`);
  await mkdir(folder, { recursive: true }).catch((error) => {
    throw new StartupError(`The cache folder ${folder} cannot be made (${error.code}); set SLUICE_CACHE to a folder that can be written.`);
  });

  const present = await Promise.all(files.map(async (file) => (await sizeOf(join(folder, fileName(file)))) === file.bytes));
  const missing = files.filter((_, at) => !present[at]);
  if (missing.length === 0) return folder;

  const count = { files: files.length - missing.length, bytes: 0 };
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  count.bytes = total - missing.reduce((sum, file) => sum + file.bytes, 0);
  const tell = () => progress(`${set.title} ${set.version}: ${count.files} of ${files.length} files, ${megabytes(count.bytes)} of ${megabytes(total)} MB`);
  tell();
  const timer = setInterval(tell, 1000);
  try {
    const queue = [...missing].sort((a, b) => b.bytes - a.bytes);
    const aborter = new AbortController();
    const stop = AbortSignal.any([aborter.signal, ...(signal ? [signal] : [])]);
    const work = async () => {
      for (let file = queue.shift(); file; file = queue.shift()) {
        await provideFile(file, folder, stop, (bytes) => {
          count.bytes += bytes;
        });
        count.files++;
      }
    };
    const workers = Array.from({ length: downloadsAtOnce }, work);
    await Promise.all(workers).catch(async (error) => {
      aborter.abort();
      await Promise.allSettled(workers);
      signal?.throwIfAborted();
      throw new StartupError(
        `${set.title} ${set.version} could not be downloaded: ${reason(error)}. Check the network, or set MAVEN_REPOSITORY_URL to a Maven repository that this machine reaches.`,
        1,
        { cause: error },
      );
    });
  } finally {
    clearInterval(timer);
  }
  tell();
  return folder;
}

async function provideFile(file: Artifact, folder: string, signal: AbortSignal, onBytes: (bytes: number) => void): Promise<void> {
  const target = join(folder, fileName(file));
  const partial = `${target}.${process.pid}.part`;
  try {
    const local = join(homedir(), '.m2', 'repository', ...repositoryPath(file));
    if ((await sizeOf(local)) === file.bytes && (await sha256(local)) === file.sha256) {
      await copyFile(local, partial);
      onBytes(file.bytes);
    } else {
      await download(file, partial, signal, onBytes);
    }
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
}

async function download(file: Artifact, partial: string, signal: AbortSignal, onBytes: (bytes: number) => void): Promise<void> {
  const [groupId = '', artifactId = '', version = '', extension = 'jar'] = file.artifact.split(':');
  const repository = process.env.MAVEN_REPOSITORY_URL?.replace(/\/*$/, '/');
  const address = await artifactAddress.default({ groupId, artifactId, version, extension }, repository);
  for (let attempt = 1; ; attempt++) {
    let received = 0;
    try {
      const stalled = new AbortController();
      const timer = setTimeout(() => stalled.abort(new Error(`no data for ${stallMs / 1000} s`)), stallMs);
      const sum = createHash('sha256');
      const meter = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          timer.refresh();
          received += chunk.length;
          onBytes(chunk.length);
          sum.update(chunk);
          done(null, chunk);
        },
      });
      try {
        const both = AbortSignal.any([signal, stalled.signal]);
        const response = await fetch(address, { signal: both });
        if (!response.ok || !response.body) throw new Error(`${address} answers ${response.status}`);
        await pipeline(Readable.fromWeb(response.body), meter, createWriteStream(partial), { signal: both });
      } finally {
        clearTimeout(timer);
      }
      const actual = sum.digest('hex');
      if (actual !== file.sha256) throw new Error(`${address} has SHA-256 ${actual} instead of ${file.sha256}`);
      return;
    } catch (error) {
      onBytes(-received);
      if (attempt === attempts || signal.aborted) throw error;
    }
  }
}

/** The name of a file in a Maven repository and in the cache. */
export function fileName({ artifact }: Artifact): string {
  const [, name, version, extension = 'jar'] = artifact.split(':');
  return `${name}-${version}.${extension}`;
}

function repositoryPath(file: Artifact): string[] {
  const [group = '', name = '', version = ''] = file.artifact.split(':');
  return [...group.split('.'), name, version, fileName(file)];
}

/** SHA-256 of a file, in hex. */
export async function sha256(path: string): Promise<string> {
  const sum = createHash('sha256');
  await pipeline(createReadStream(path), sum);
  return sum.digest('hex');
}

async function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(
    (entry) => entry.size,
    () => null,
  );
}

function reason(error: unknown): string {
  const { message, cause } = error as Error & { cause?: Error & { code?: string } };
  return cause ? (cause.code ?? cause.message) : message;
}

const megabytes = (bytes: number) => Math.round(bytes / 1_000_000);
