import { ConfigException } from '../errors.ts';
import { boolean, type ConfigDef, configDef, int, long, type RawConfig, string } from './config-def.ts';
import { deadLetterKeys } from './dead-letter-config.ts';
import { atLeast, oneOf, validator } from './validators.ts';

const GROUP = 'Sluice';

/** Fields of EventBridge's cron expressions with what each may hold. */
const cronFields = [
  ['minutes', 0, 59, []],
  ['hours', 0, 23, []],
  ['day-of-month', 1, 31, []],
  ['month', 1, 12, ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']],
  ['day-of-week', 1, 7, ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']],
  ['year', 1970, 2199, []],
] as const;

/** `rate(5 minutes)` or `cron(0 6 * * ? *)`, as EventBridge takes them. Empty: at every look. */
const schedule = validator('rate(<value> <minute|hour|day…>) or cron(<minutes> <hours> <day-of-month> <month> <day-of-week> <year>)', (name, value) => {
  if (value === null || value === '') return;
  const text = String(value);
  const rate = /^rate\((\d+) (second|minute|hour|day)s?\)$/.exec(text);
  if (rate !== null && Number(rate[1]) > 0) return;
  const fields = /^cron\((.+)\)$/.exec(text)?.[1]?.trim().split(/\s+/);
  if (fields === undefined) throw ConfigException.forValue(name, text, 'Expected rate(…) with a positive number, such as rate(5 minutes), or cron(…)');
  if (fields.length !== cronFields.length)
    throw ConfigException.forValue(
      name,
      text,
      `Expected ${cronFields.length} fields (${cronFields.map(([field]) => field).join(' ')}), found ${fields.length}`,
    );
  for (const [index, [field, least, most, names]] of cronFields.entries()) checkCronField(name, text, fields[index] as string, { field, least, most, names });
});

interface CronField {
  readonly field: string;
  readonly least: number;
  readonly most: number;
  readonly names: readonly string[];
}

function checkCronField(name: string, text: string, given: string, { field, least, most, names }: CronField): void {
  const wrong = (why: string) => ConfigException.forValue(name, text, `${why} in the field ${field}`);
  const number = (part: string): number => {
    const named = names.indexOf(part.toUpperCase());
    if (named >= 0) return named + least;
    if (!/^\d+$/.test(part) || Number(part) < least || Number(part) > most) throw wrong(`'${part}' is not between ${least} and ${most}`);
    return Number(part);
  };
  for (const part of given.split(',')) {
    const [range, step, ...more] = part.split('/');
    if (more.length > 0 || (step !== undefined && !/^[1-9]\d*$/.test(step))) throw wrong(`'${part}' has no valid step`);
    if (range === '*' || (range === '?' && /^day/.test(field))) continue;
    if (field === 'day-of-month' && /^(?:L|LW|\d{1,2}W)$/i.test(range ?? '')) continue;
    const special = field === 'day-of-week' ? /^([^#]+)#([1-5])$|^(.*)L$/i.exec(range ?? '') : null;
    if (special !== null) {
      if ((special[1] ?? special[3]) !== '') number((special[1] ?? special[3]) as string);
      continue;
    }
    const [from, to, ...rest] = (range ?? '').split('-');
    if (rest.length > 0) throw wrong(`'${part}' is not a range`);
    number(from ?? '');
    if (to !== undefined) number(to);
  }
}

/**
 * Keys of our own. The real Kafka Connect ignores them, so that one JSON serves both; validation tells of them only
 * where a config has them.
 */
export const sluiceConfig = configDef({
  'sluice.schedule': string({
    default: '',
    validator: schedule,
    importance: 'MEDIUM',
    doc: 'When a source is run: `rate(5 minutes)` or `cron(0 6 * * ? *)` in UTC. Empty: at every look of the controller.',
    group: GROUP,
    width: 'MEDIUM',
    displayName: 'Schedule',
  }),
  'sluice.trigger': string({
    default: 'schedule',
    validator: oneOf('schedule', 'continuous', 'event'),
    importance: 'MEDIUM',
    doc: 'What starts a run: `schedule`, that the task is due; `continuous`, the end of the run before; `event`, an event from outside.',
    group: GROUP,
    width: 'SHORT',
    displayName: 'Trigger',
  }),
  'sluice.idle.linger.ms': long({
    default: 1_000,
    validator: atLeast(0),
    importance: 'MEDIUM',
    doc: 'How long a run waits for more after its last record, in milliseconds, before it ends.',
    group: GROUP,
    width: 'SHORT',
    displayName: 'Idle linger',
  }),
  'sluice.restart.max.attempts': int({
    default: 0,
    validator: atLeast(0),
    importance: 'MEDIUM',
    doc: 'How often in a row a task or connector that FAILED is restarted by itself. 0: never, as in Kafka Connect. Runs that crash or get lost always go on by themselves.',
    group: GROUP,
    width: 'SHORT',
    displayName: 'Restart attempts',
  }),
  'sluice.restart.backoff.ms': long({
    default: 10_000,
    validator: atLeast(0),
    importance: 'LOW',
    doc: 'How long after a failure the first automatic restart comes, in milliseconds; twice as long with every failure in a row.',
    group: GROUP,
    width: 'SHORT',
    displayName: 'Restart backoff',
  }),
  'sluice.restart.backoff.max.ms': long({
    default: 600_000,
    validator: atLeast(0),
    importance: 'LOW',
    doc: 'The longest time between a failure and its automatic restart, in milliseconds.',
    group: GROUP,
    width: 'SHORT',
    displayName: 'Longest restart backoff',
  }),
  'sluice.circuit.open.after.ms': long({
    default: 30_000,
    validator: atLeast(0),
    importance: 'LOW',
    doc: 'How long a run goes on trying while its external system asks for it again and again (RetriableException), in milliseconds, before the task waits without running. A system that is known to be out of order is not waited for.',
    group: GROUP,
    width: 'SHORT',
    displayName: 'Time before a circuit opens',
  }),
  'sluice.circuit.backoff.ms': long({
    default: 5_000,
    validator: atLeast(0),
    importance: 'LOW',
    doc: 'How long a task whose external system is out of order waits before it tries again, in milliseconds; twice as long after each try in vain.',
    group: GROUP,
    width: 'SHORT',
    displayName: 'Circuit backoff',
  }),
  'sluice.circuit.backoff.max.ms': long({
    default: 300_000,
    validator: atLeast(0),
    importance: 'LOW',
    doc: 'The longest time between two tries of a task whose external system is out of order, in milliseconds.',
    group: GROUP,
    width: 'SHORT',
    displayName: 'Longest circuit backoff',
  }),
  'sluice.circuit.timeout.ms': long({
    default: -1,
    validator: atLeast(-1),
    importance: 'MEDIUM',
    doc: 'How long an external system may be out of order before its task FAILS, in milliseconds. -1: for as long as it takes. 0: the task never waits, and fails as in Kafka Connect.',
    group: GROUP,
    width: 'SHORT',
    displayName: 'Circuit timeout',
  }),
  'sluice.secrets.required': boolean({
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether values of type PASSWORD must be references to config providers; one that is written out is refused. Also a property of the worker, for all its connectors.',
    group: GROUP,
    width: 'SHORT',
    displayName: 'Secrets required',
  }),
  ...deadLetterKeys,
});

/** The part of the definition whose keys a config has. */
export function sluiceKeysOf(config: RawConfig): ConfigDef {
  return configDef(Object.fromEntries(Object.entries(sluiceConfig.keys).filter(([name]) => Object.hasOwn(config, name))));
}

/** Keys that begin with `sluice.` and mean nothing: a typo in one of ours must not pass in silence. */
export function unknownSluiceKeys(config: RawConfig): string[] {
  return Object.keys(config).filter((name) => name.startsWith('sluice.') && !Object.hasOwn(sluiceConfig.keys, name));
}
