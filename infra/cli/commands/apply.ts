import { isDeepStrictEqual } from 'node:util';
import type { ConnectorHealth } from '../../../shared/herder/entities.ts';
import type { ConnectorFile } from '../../local/spec-files.ts';
import { type Command, CommandError } from '../command.ts';
import { invalidKeysOf, notesOf } from '../notes.ts';
import { messageOf, pathOf, RestClient, restOptions } from '../rest-client.ts';
import { readSpecs } from '../specs.ts';
import { type ConnectorStatus, waitUntilRunning } from '../wait.ts';

/** Brings connectors to what their files say; what is so already is left alone. */
export const applyCommand: Command = {
  summary: 'Creates or updates connectors from spec files, and waits until they run.',
  usage: 'FILE… [--url URL] [--user USER] [--no-wait] [--timeout SECONDS]',
  options: { ...restOptions, 'no-wait': { type: 'boolean' }, timeout: { type: 'string', default: '60' } },
  async run({ positionals, flags, env, print }) {
    const timeout = Number(flags['timeout']);
    if (!(timeout > 0)) throw new CommandError(`--timeout must be a number of seconds, not ${flags['timeout']}`);
    const specs = await readSpecs(positionals);
    const client = new RestClient({ flags, env });
    let failed = 0;
    const changed = new Map<string, ConnectorHealth | null>();
    for (const spec of specs) {
      const { result, error, notes, before } = await put(client, spec);
      if (error === null && result !== 'unchanged') changed.set(spec.name, before);
      print(error === null ? `${spec.name}: ${result}` : `${spec.name}: failed: ${error}`);
      for (const note of notes) print(`${spec.name}: ${note}`);
      if (error !== null) failed++;
    }
    if (flags['no-wait'] === true) return failed === 0 ? 0 : 1;
    for (const [name, before] of changed) {
      const status = () => client.get<ConnectorStatus>(pathOf(name, 'status'));
      const { ok, text } = await waitUntilRunning(status, () => healthOf(client, name), before, timeout * 1000);
      print(`${name}: ${text}`);
      if (!ok) failed++;
    }
    return failed === 0 ? 0 : 1;
  },
};

/** Null where there is no such connector, or the server has no health to tell. */
async function healthOf(client: RestClient, name: string): Promise<ConnectorHealth | null> {
  const { status, body } = await client.request('GET', pathOf(name, 'health'));
  return status === 200 ? (body as ConnectorHealth) : null;
}

interface Applied {
  readonly result: 'created' | 'updated' | 'unchanged';
  readonly error: string | null;
  readonly notes: readonly string[];
  /** The health of what was there and is changed. */
  readonly before: ConnectorHealth | null;
}

async function put(client: RestClient, { name, config, initialState }: ConnectorFile): Promise<Applied> {
  const current = await client.request('GET', pathOf(name, 'config'));
  if (current.status === 200 && isDeepStrictEqual(current.body, { ...config })) return { result: 'unchanged', error: null, notes: [], before: null };
  const created = current.status === 404;
  const before = created ? null : await healthOf(client, name);
  const answer =
    created && initialState !== null
      ? await client.request('POST', '/connectors', { name, config, initial_state: initialState })
      : await client.request('PUT', pathOf(name, 'config'), config);
  const notes = notesOf(answer);
  if (answer.status < 300) return { result: created ? 'created' : 'updated', error: null, notes, before };
  const invalid = invalidKeysOf(answer);
  const error = invalid.length > 0 ? invalid.join('\n  ') : (messageOf(answer.body) ?? `HTTP ${answer.status}`);
  return { result: 'updated', error, notes, before };
}
