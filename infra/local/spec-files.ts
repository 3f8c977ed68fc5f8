import { readFile } from 'node:fs/promises';
import { StartupError } from './startup-error.ts';
import { parseProperties } from './worker-file.ts';

/** A connector as a spec file of Kafka Connect's standalone mode describes it. */
export interface ConnectorFile {
  readonly path: string;
  readonly name: string;
  readonly config: Readonly<Record<string, string>>;
  readonly initialState: string | null;
}

/**
 * Reads a spec file: a flat JSON object of config keys, `{"name", "config", "initial_state"}` as the REST API takes it
 * (KIP-980), or Java properties. As in Kafka Connect the content tells which, not the name of the file.
 * @throws StartupError
 */
export async function readConnectorFile(path: string): Promise<ConnectorFile> {
  const text = await readFile(path, 'utf8').catch((error) => {
    throw new StartupError(`The spec file ${path} cannot be read: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}.`);
  });
  return parseConnectorFile(path, text);
}

export function parseConnectorFile(path: string, text: string): ConnectorFile {
  const json = parseJson(path, text);
  if (json === null) return fromMap(path, parseProperties(text, `The spec file ${path}`), null);
  const { config } = json;
  if (typeof config !== 'object') return fromMap(path, texts(path, json), null);
  const unknown = Object.keys(json).find((key) => !['name', 'config', 'initial_state'].includes(key));
  if (unknown) throw new StartupError(`The spec file ${path} has the unknown key '${unknown}' beside 'config'; there may be 'name' and 'initial_state'.`);
  const { name, initial_state: initialState = null } = json;
  if (initialState !== null && !/^(running|paused|stopped)$/i.test(String(initialState))) {
    throw new StartupError(`The spec file ${path} has initial_state '${initialState}'; it must be RUNNING, PAUSED or STOPPED.`);
  }
  const connector = texts(path, (config ?? {}) as object);
  if (connector.name !== undefined && name !== undefined && connector.name !== name) {
    throw new StartupError(`The spec file ${path} has two names: '${name}', and '${connector.name}' in its config.`);
  }
  return fromMap(path, { ...connector, ...(typeof name === 'string' ? { name } : {}) }, initialState === null ? null : String(initialState).toUpperCase());
}

function fromMap(path: string, config: Readonly<Record<string, string>>, initialState: string | null): ConnectorFile {
  for (const key of ['name', 'connector.class']) {
    if (!config[key]) throw new StartupError(`The spec file ${path} has no ${key}.`);
  }
  return { path, name: config.name ?? '', config, initialState };
}

function parseJson(path: string, text: string): Record<string, unknown> | null {
  try {
    const json = JSON.parse(text);
    if (json !== null && typeof json === 'object' && !Array.isArray(json)) return json;
  } catch (error) {
    // What begins like JSON is meant as JSON: its mistake says more than what a properties file would make of it.
    if (!text.trimStart().startsWith('{')) return null;
    throw new StartupError(`The spec file ${path} is not valid JSON: ${(error as Error).message}.`, 1, { cause: error });
  }
  throw new StartupError(`The spec file ${path} must hold one JSON object.`);
}

/** JSON's numbers and booleans as texts, as Kafka Connect takes them. */
function texts(path: string, values: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => {
      if (value === null) return [];
      if (typeof value === 'object') throw new StartupError(`The spec file ${path} has something other than a text under '${key}'.`);
      return [[key, String(value)]];
    }),
  );
}
