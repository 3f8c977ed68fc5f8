import { readFile } from 'node:fs/promises';
import { getProperties } from 'properties-file';
import { StartupError } from './startup-error.ts';

/** A Kafka Connect worker's properties, as texts. */
export type WorkerProperties = Readonly<Record<string, string>>;

const jsonConverter = 'org.apache.kafka.connect.json.JsonConverter';
/** As in the sample files that come with Kafka: JSON with schemas for keys and values. */
export const sampleFileDefaults: WorkerProperties = { 'key.converter': jsonConverter, 'value.converter': jsonConverter };

/** Reads a worker properties file; without one, the defaults of Kafka's sample files. @throws StartupError */
export async function readWorkerProperties(path: string | null): Promise<WorkerProperties> {
  if (path === null) return sampleFileDefaults;
  const text = await readFile(path, 'utf8').catch((error) => {
    throw new StartupError(`The worker file ${path} cannot be read: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}.`);
  });
  const properties = parseProperties(text, `The worker file ${path}`);
  for (const key of Object.keys(sampleFileDefaults)) {
    if (!properties[key]) throw new StartupError(`The worker file ${path} has no ${key}; Kafka Connect's sample files have ${key}=${jsonConverter}.`);
  }
  return properties;
}

/** Parses text in Java's properties format. @throws StartupError that begins with `what` */
export function parseProperties(text: string, what: string): WorkerProperties {
  try {
    return getProperties(text);
  } catch (error) {
    throw new StartupError(`${what} is not a properties file: ${(error as Error).message}.`, 1, { cause: error });
  }
}
