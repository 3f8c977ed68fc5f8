import { readFile } from 'node:fs/promises';
import { plugins } from '../../../shared/plugins.ts';
import type { ConnectorFile } from '../../local/spec-files.ts';
import type { Size } from '../../topology.ts';
import { type Command, type CommandCall, CommandError } from '../command.ts';
import { type CostEstimate, type CostedConnector, estimateCost } from '../cost/model.ts';
import { listPrices, type Prices } from '../cost/prices.ts';
import { readSpecs } from '../specs.ts';

const sizes = ['small', 'medium', 'large'] as const;

/** What pipelines cost in a month; docs/cost.md has tables of it. */
export const costCommand: Command = {
  summary: `Computes what pipelines cost a month: on Sluice from measured durations, beside MSK Connect and workers of one's own, at list prices of us-east-1.
--gb-per-day is the payload of all specs together, divided evenly; records come during --active-hours, all the time.`,
  usage: 'SPEC… [--gb-per-day 1] [--record-bytes 1000] [--active-hours 24] [--size small|medium|large] [--prices FILE.json] [--json]',
  options: {
    'gb-per-day': { type: 'string', default: '1' },
    'record-bytes': { type: 'string', default: '1000' },
    'active-hours': { type: 'string', default: '24' },
    size: { type: 'string', default: 'medium' },
    prices: { type: 'string' },
    json: { type: 'boolean' },
  },
  async run(call) {
    const { positionals, flags, print } = call;
    const [gbPerDay, recordBytes, activeHours] = [number(call, 'gb-per-day', 0), number(call, 'record-bytes', 1), number(call, 'active-hours', 0, 24)];
    const size = sizes.find((each) => each === flags['size']);
    if (size === undefined) throw new CommandError(`--size must be one of ${sizes.join(', ')}, not ${flags['size']}`);
    const specs = await readSpecs(positionals);
    const share = { gbPerDay: gbPerDay / specs.length, recordBytes, activeHours };
    const connectors = specs.map((spec) => ({ ...costedConnector(spec), ...share }));
    const prices = await readPrices(flags['prices']);
    const estimate = estimateCost(connectors, { size, prices });
    if (flags['json'] === true) print(JSON.stringify({ connectors, size, ...estimate }, null, 2));
    else for (const line of bill(connectors, estimate, { gbPerDay, activeHours, size })) print(line);
    return 0;
  },
};

/** What a spec says of its cost: kind, tasks, how runs follow each other. */
export function costedConnector({
  name,
  config,
  path,
}: Pick<ConnectorFile, 'name' | 'config' | 'path'>): Omit<CostedConnector, 'gbPerDay' | 'recordBytes' | 'activeHours'> {
  const kind = kindOf(config['connector.class'] ?? '', path);
  const lingers = Number(config['sluice.idle.linger.ms'] ?? 1000) > 0;
  const byEvent = config['sluice.trigger'] === 'event';
  return {
    name,
    kind,
    jdbc: /jdbc/i.test(config['connector.class'] ?? ''),
    tasks: Number(config['tasks.max'] ?? 1),
    mode: config['sluice.trigger'] === 'continuous' || (lingers && !byEvent) ? 'continuous' : 'look',
    idlePollsPerDay: kind === 'sink' || byEvent ? null : pollsPerDay(config['sluice.schedule'] ?? ''),
  };
}

function kindOf(className: string, path: string): 'source' | 'sink' {
  try {
    return plugins.connector(className).kind;
  } catch (error) {
    throw new CommandError(`${path}: ${(error as Error).message}`);
  }
}

/** A look a minute starts those without a schedule. */
function pollsPerDay(schedule: string): number {
  const [, count = '', unit = ''] = /^rate\((\d+) (second|minute|hour|day)s?\)$/.exec(schedule) ?? [];
  const seconds = { second: 1, minute: 60, hour: 3600, day: 86_400 }[unit];
  if (seconds !== undefined) return 86_400 / Math.max(60, seconds * Number(count));
  return schedule === '' ? 1440 : 24;
}

function number({ flags }: CommandCall, name: string, least: number, most = Number.POSITIVE_INFINITY): number {
  const value = Number(flags[name]);
  if (Number.isFinite(value) && value >= least && value <= most) return value;
  throw new CommandError(
    `--${name} must be a number ${most === Number.POSITIVE_INFINITY ? `from ${least} on` : `from ${least} to ${most}`}, not ${flags[name]}`,
  );
}

async function readPrices(path: string | boolean | undefined): Promise<Prices> {
  if (typeof path !== 'string') return listPrices;
  let given: Record<string, unknown>;
  try {
    given = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    throw new CommandError(`The prices ${path} cannot be read: ${(error as Error).message}`);
  }
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(listPrices, name)) throw new CommandError(`${path}: there is no price ${name}; there are ${Object.keys(listPrices).join(', ')}`);
    if (typeof value !== 'number' || value < 0) throw new CommandError(`${path}: ${name} must be a number of dollars`);
  }
  return { ...listPrices, ...(given as Partial<Prices>) };
}

function bill(
  connectors: readonly CostedConnector[],
  { lines, total, mskConnect, ownCluster }: CostEstimate,
  { gbPerDay, activeHours, size }: { gbPerDay: number; activeHours: number; size: Size },
): string[] {
  const tasks = connectors.reduce((sum, each) => sum + each.tasks, 0);
  const always = connectors.filter(({ mode }) => mode === 'continuous').length;
  const money = (dollars: number) => `$${dollars.toFixed(2)}`.padStart(10);
  return [
    `${connectors.length} ${connectors.length === 1 ? 'connector' : 'connectors'}, ${tasks} ${tasks === 1 ? 'task' : 'tasks'}, ${gbPerDay} GB a day in ${activeHours} hours, size ${size}; dollars a month, us-east-1, list prices`,
    '',
    ...lines.map(({ what, dollars }) => `${what.padEnd(28)}${money(dollars)}`),
    `${'Sluice'.padEnd(28)}${money(total)}`,
    `${`MSK Connect, ${mskConnect.units} MCU`.padEnd(28)}${money(mskConnect.dollars)}`,
    `${`${ownCluster.workers} × m7g.large of your own`.padEnd(28)}${money(ownCluster.dollars)}`,
    ...(always > 0 && gbPerDay > 0
      ? [
          '',
          `${always === connectors.length ? 'All' : always} wait for the next record within their runs; with "sluice.idle.linger.ms": "0" a run a minute reads what came, for less.`,
        ]
      : []),
  ];
}
