import { stripVTControlCharacters } from 'node:util';
import type { Command } from '../command.ts';
import { RestClient, restOptions } from '../rest-client.ts';
import type { ConnectorStatus } from '../wait.ts';

/** A table of connectors and their tasks; the exit code tells whether something failed. */
export const statusCommand: Command = {
  summary: 'Shows connectors with the states of their tasks; exit code 1 when one of them has failed.',
  usage: '[NAME…] [--url URL] [--user USER] [--trace] [--json]',
  options: { ...restOptions, trace: { type: 'boolean' }, json: { type: 'boolean' } },
  async run({ positionals, flags, env, print }) {
    const client = new RestClient({ flags, env });
    const all = await client.get<Record<string, { status: ConnectorStatus }>>('/connectors?expand=status');
    const missing = positionals.filter((name) => !Object.hasOwn(all, name));
    const names = positionals.length === 0 ? Object.keys(all).sort() : positionals.filter((name) => Object.hasOwn(all, name));
    const statuses = names.map((name) => (all[name] as { status: ConnectorStatus }).status);
    if (flags['json'] === true) print(JSON.stringify(statuses, null, 2));
    else for (const line of table(statuses, flags['trace'] === true)) print(line);
    for (const name of missing) print(`${name}: there is no such connector`);
    const failed = statuses.some(({ connector, tasks }) => [connector, ...tasks].some(({ state }) => state === 'FAILED'));
    return failed || missing.length > 0 ? 1 : 0;
  },
};

function table(statuses: readonly ConnectorStatus[], traces: boolean): string[] {
  if (statuses.length === 0) return ['There are no connectors'];
  const width = Math.max(9, ...statuses.map(({ name }) => name.length));
  const lines = [`${'CONNECTOR'.padEnd(width)}  TYPE    STATE       TASKS`];
  for (const { name, type, connector, tasks } of statuses) {
    const counts = Map.groupBy(tasks, ({ state }) => state);
    const text = [...counts].map(([state, some]) => `${some.length} ${state}`).join(', ') || 'none';
    lines.push(`${name.padEnd(width)}  ${type.padEnd(6)}  ${connector.state.padEnd(10)}  ${text}`);
    for (const failed of [connector, ...tasks].filter(({ state }) => state === 'FAILED')) {
      const trace = stripVTControlCharacters(failed.trace ?? '');
      const [first = ''] = trace.split('\n');
      lines.push(...(traces ? trace : first).split('\n').map((line) => `  ${line}`));
    }
  }
  return lines;
}
