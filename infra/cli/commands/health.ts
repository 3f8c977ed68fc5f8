import { stripVTControlCharacters } from 'node:util';
import type { ConnectorHealth, TaskHealth } from '../../../shared/herder/entities.ts';
import { type Command, CommandError } from '../command.ts';
import { pathOf, RestClient, restOptions } from '../rest-client.ts';

/** How bad it must be for the exit code to say so. */
const levels: Readonly<Record<string, readonly string[]>> = { failed: ['failed'], degraded: ['failed', 'degraded', 'waiting'] };

/** How connectors are, in words. */
export const healthCommand: Command = {
  summary: 'Tells how connectors are and why; with --fail-on the exit code is 1 when one of them is so.',
  usage: '[NAME…] [--fail-on failed|degraded] [--url URL] [--user USER] [--json]',
  options: { ...restOptions, 'fail-on': { type: 'string' }, json: { type: 'boolean' } },
  async run({ positionals, flags, env, print }) {
    const level = flags['fail-on'];
    if (level !== undefined && !Object.hasOwn(levels, String(level))) throw new CommandError(`--fail-on must be failed or degraded, not ${level}`);
    const client = new RestClient({ flags, env });
    const names = positionals.length > 0 ? positionals : await client.get<string[]>('/connectors');
    const all: ConnectorHealth[] = [];
    for (const name of names) all.push(await client.get<ConnectorHealth>(pathOf(name, 'health')));
    if (flags['json'] === true) print(JSON.stringify(all, null, 2));
    else if (all.length === 0) print('There are no connectors');
    else for (const health of all) for (const line of told(health)) print(stripVTControlCharacters(line));
    const bad = level === undefined ? [] : (levels[String(level)] as readonly string[]);
    return all.some(({ health }) => bad.includes(health)) ? 1 : 0;
  },
};

function told({ name, health, reason, lag, lag_error: lagError, last_successful_run: success, last_error: error, tasks }: ConnectorHealth): string[] {
  const facts = [
    success === null ? null : `last successful run ${success}`,
    lag === null ? lagError && `lag unknown: ${lagError}` : `lag ${lag.records} ${lag.records === 1 ? 'record' : 'records'}, ${lag.seconds} s`,
    error === null ? null : `last error ${error.at}${error.task === null ? '' : `, task ${error.task}`}: ${error.message.split('\n', 1)[0]}`,
  ].filter((fact) => fact !== null);
  return [
    `${name}: ${health}. ${reason}`,
    ...facts.map((fact) => `  ${fact}`),
    ...tasks.filter(worthTelling).map((task) => `  task ${task.id}: ${task.health}. ${task.reason}`),
  ];
}

function worthTelling({ health }: TaskHealth): boolean {
  return health === 'failed' || health === 'degraded' || health === 'waiting';
}
