import type { StoredOffsets } from '../../../shared/herder/entities.ts';
import { type Command, CommandError } from '../command.ts';
import { pathOf, RestClient, restOptions } from '../rest-client.ts';
import type { ConnectorStatus } from '../wait.ts';

/** Where a connector goes on, or would; and, of a sink, the way back to a time. */
export const offsetsCommand: Command = {
  summary:
    'Shows the offsets that a connector goes on from, or would if it were created; --reset sets those of a stopped sink to a time.\n--restart stops the connector before, and resumes it afterwards if it ran.',
  usage: 'NAME [--reset TIME|earliest|latest [--restart]] [--url URL] [--user USER] [--json]',
  options: { ...restOptions, reset: { type: 'string' }, restart: { type: 'boolean' }, json: { type: 'boolean' } },
  async run({ positionals, flags, env, print }) {
    const [name, ...others] = positionals;
    if (name === undefined || others.length > 0) throw new CommandError('Name one connector');
    const client = new RestClient({ flags, env });
    if (flags['reset'] !== undefined) return reset(client, name, String(flags['reset']), flags['restart'] === true, print);
    const { offsets, group_error: groupError } = await client.get<StoredOffsets>(pathOf(name, 'offsets', 'stored'));
    if (flags['json'] === true) print(JSON.stringify(offsets, null, 2));
    else if (offsets.length === 0) print(`${name}: no offsets are stored`);
    else
      for (const { partition, offset, type, kept_in: keptIn } of offsets) print(`${type}  ${JSON.stringify(partition)}  ${JSON.stringify(offset)}  ${keptIn}`);
    if (groupError !== null) print(`The consumer group could not be asked: ${groupError}`);
    return 0;
  },
};

async function reset(client: RestClient, name: string, time: string, restart: boolean, print: (line: string) => void): Promise<number> {
  const before = restart ? (await client.get<ConnectorStatus>(pathOf(name, 'status'))).connector.state : null;
  if (restart) await client.done('PUT', pathOf(name, 'stop'));
  try {
    const body = (await client.done('POST', `${pathOf(name, 'offsets', 'reset')}?timestamp=${encodeURIComponent(time)}`)) as Pick<StoredOffsets, 'offsets'>;
    for (const { partition, offset } of body.offsets)
      print(`${name}: ${partition['kafka_topic']}-${partition['kafka_partition']} is set to ${offset?.['kafka_offset']}`);
  } finally {
    // Also when it was refused: a connector that ran goes on, from where it was.
    if (before !== null && before !== 'STOPPED' && before !== 'PAUSED') await client.done('PUT', pathOf(name, 'resume'));
    if (before === 'PAUSED') await client.done('PUT', pathOf(name, 'pause'));
  }
  return 0;
}
