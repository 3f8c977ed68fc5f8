import type { Clock } from '../connect/clock.ts';
import { NotFoundException } from '../connect/errors.ts';
import type { ClusterStore } from '../storage/ports.ts';
import { BadRequestException } from './connect-rest-exception.ts';
import type { LoggerLevel } from './entities.ts';

const levels = new Set(['OFF', 'FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE', 'ALL']);
const defaultLevel = 'INFO';

/** Log levels by name of logger, for the whole cluster: runs read them from the table. */
export class Loggers {
  readonly #store: ClusterStore;
  readonly #clock: Clock;

  constructor(options: { store: ClusterStore; clock: Clock }) {
    this.#store = options.store;
    this.#clock = options.clock;
  }

  /** The loggers whose level was set, by name, and the root. */
  async all(): Promise<Readonly<Record<string, LoggerLevel>>> {
    const stored = await this.#store.logLevels();
    const named = Object.entries(stored).map(([name, { level, lastModified }]): [string, LoggerLevel] => [name, { level, last_modified: lastModified }]);
    const root: [string, LoggerLevel] = ['root', { level: defaultLevel, last_modified: null }];
    return Object.fromEntries([root, ...named].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  /** Throws NotFoundException for a logger that was never set. */
  async level(name: string): Promise<LoggerLevel> {
    const known = (await this.all())[/^root$/i.test(name) ? 'root' : name];
    if (known === undefined) throw new NotFoundException(`Logger ${name} not found.`);
    return known;
  }

  /**
   * Sets the level of a logger and of those below it. Returns the loggers whose level is another one now. Throws
   * BadRequestException without a level, NotFoundException for one that does not exist, as Kafka Connect does.
   */
  async setLevel(name: string, level: string | null | undefined): Promise<readonly string[]> {
    if (level === null || level === undefined) throw new BadRequestException("Desired 'level' parameter was not specified in request.");
    const normalized = level.toUpperCase();
    if (!levels.has(normalized)) throw new NotFoundException(`invalid log level '${level}'.`);
    const known = await this.all();
    const target = /^root$/i.test(name) ? 'root' : name;
    const affected = [...new Set([target, ...Object.keys(known).filter((each) => target === 'root' || each.startsWith(target))])].sort();
    const changed = affected.filter((each) => known[each]?.level !== normalized);
    for (const each of changed) await this.#store.setLogLevel(each, normalized, this.#clock.now());
    return changed;
  }
}
