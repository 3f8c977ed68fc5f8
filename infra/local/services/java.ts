import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { StartupError } from '../startup-error.ts';

const oldest = 17;

/**
 * The first Java of JAVA_HOME and PATH that is new enough for Kafka and DynamoDB Local.
 * @throws StartupError when there is none
 */
export async function findJava(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const candidates = [...(env.JAVA_HOME ? [join(env.JAVA_HOME, 'bin', 'java')] : []), 'java'];
  let tooOld: string | null = null;
  for (const java of candidates) {
    const version = await promisify(execFile)(java, ['-version'], { env }).then(
      ({ stderr, stdout }) => javaVersion(stderr + stdout),
      () => null,
    );
    if (version !== null && version >= oldest) return java;
    if (version !== null) tooOld ??= `Java ${version} (${java}) is too old`;
  }
  throw new StartupError(
    `${tooOld ?? 'Java is missing'}: install Java ${oldest} or later and put it on the PATH or into JAVA_HOME, or use servers that run already (--kafka HOST:PORT and --dynamodb URL).`,
  );
}

/** The major version in what `java -version` prints; null when it is not Java's. */
export function javaVersion(printed: string): number | null {
  const match = /version "(?:1\.)?(\d+)/.exec(printed);
  return match ? Number(match[1]) : null;
}
