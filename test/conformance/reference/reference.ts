import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Progress, provideArtifacts } from '../../../infra/local/artifacts.ts';
import { findJava } from '../../../infra/local/services/java.ts';

/** What the real classes did: the `expect` of a case, or why the case cannot even be made. */
export type Answer = Readonly<Record<string, unknown>> & { readonly broken?: string };

/** A running process with the classes of the real Kafka Connect 4.3.1 (`Reference.java`). */
export interface Reference {
  /** The answers to cases without `expect`, in their order. */
  answer(cases: readonly object[]): Promise<Answer[]>;
  /** Ends the process. */
  close(): Promise<void>;
}

/**
 * Starts the process in the locale, the time zone and the encoding of the vectors; its jars are downloaded if need be.
 * Throws StartupError without a Java development kit.
 */
export async function startReference(progress: Progress): Promise<Reference> {
  const [java, jars] = [await findJava(), await provideArtifacts('connect', progress)];
  const properties = ['user.language=en', 'user.country=US', 'user.timezone=UTC', 'file.encoding=UTF-8', 'org.slf4j.simpleLogger.defaultLogLevel=off'];
  const program = fileURLToPath(new URL('Reference.java', import.meta.url));
  const child = spawn(java, ['-Xmx600m', ...properties.map((each) => `-D${each}`), '-cp', join(jars, '*'), program]);
  return conversation(child);
}

function conversation(child: ChildProcessWithoutNullStreams): Reference {
  const waiting: { resolve(answer: Answer): void; reject(why: Error): void }[] = [];
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-4000);
  });
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(JSON.parse(line) as Answer));
  const closed = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => {
      for (const { reject } of waiting.splice(0)) reject(new Error(`The reference process ended: ${complaints}`));
      resolve();
    });
  });
  child.stdin.on('error', () => {
    // Its end is told by 'close'.
  });
  return {
    async answer(cases) {
      const answers = cases.map(() => new Promise<Answer>((resolve, reject) => waiting.push({ resolve, reject })));
      child.stdin.write(cases.map((each) => `${JSON.stringify(each)}\n`).join(''));
      return await Promise.all(answers);
    },
    async close() {
      child.stdin.end();
      await closed;
    },
  };
}
