import { type ConnectorFile, readConnectorFile } from '../local/spec-files.ts';
import { CommandError } from './command.ts';

/** Reads the spec files of a command. Rejects with CommandError when there are none, with StartupError naming the file that is wrong. */
export async function readSpecs(files: readonly string[]): Promise<readonly ConnectorFile[]> {
  if (files.length === 0) throw new CommandError('Name at least one spec file: JSON in either of Kafka Connect’s forms, or .properties');
  return Promise.all(files.map((file) => readConnectorFile(file)));
}
