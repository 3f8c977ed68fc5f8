import { type Command, CommandError } from '../command.ts';
import { messageOf, pathOf, RestClient, restOptions } from '../rest-client.ts';

/** Deletes connectors by name. */
export const deleteCommand: Command = {
  summary: 'Deletes connectors.',
  usage: 'NAME… [--url URL] [--user USER]',
  options: restOptions,
  async run({ positionals, flags, env, print }) {
    if (positionals.length === 0) throw new CommandError('Name at least one connector');
    const client = new RestClient({ flags, env });
    let failed = 0;
    for (const name of positionals) {
      const { status, body } = await client.request('DELETE', pathOf(name));
      if (status < 300) print(`${name}: deleted`);
      else {
        failed++;
        print(`${name}: ${messageOf(body) ?? `HTTP ${status}`}`);
      }
    }
    return failed === 0 ? 0 : 1;
  },
};
