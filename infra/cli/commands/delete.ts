import { type Command, CommandError } from '../command.ts';
import { messageOf, pathOf, RestClient, restOptions } from '../rest-client.ts';

/** Deletes connectors by name. */
export const deleteCommand: Command = {
  summary: 'Deletes connectors. Their offsets stay, so that others of these names go on from there; --purge-offsets removes them, too.',
  usage: 'NAME… [--purge-offsets] [--url URL] [--user USER]',
  options: { ...restOptions, 'purge-offsets': { type: 'boolean' } },
  async run({ positionals, flags, env, print }) {
    if (positionals.length === 0) throw new CommandError('Name at least one connector');
    const client = new RestClient({ flags, env });
    const purge = flags['purge-offsets'] === true;
    let failed = 0;
    for (const name of positionals) {
      const error = await remove(client, name, purge);
      if (error === null) print(`${name}: deleted${purge ? ', with its offsets' : ''}`);
      else {
        failed++;
        print(`${name}: ${error}`);
      }
    }
    return failed === 0 ? 0 : 1;
  },
};

/** What went wrong, or null. In steps that Kafka Connect knows, too; what was cut off goes on with the same command. */
async function remove(client: RestClient, name: string, purge: boolean): Promise<string | null> {
  const steps = [
    ...(purge
      ? ([
          ['PUT', 'stop'],
          ['DELETE', 'offsets'],
        ] as const)
      : []),
    ['DELETE'] as const,
  ];
  for (const [method, ...path] of steps) {
    const { status, body } = await client.request(method, pathOf(name, ...path));
    if (status >= 300) return messageOf(body) ?? `HTTP ${status}`;
  }
  return null;
}
