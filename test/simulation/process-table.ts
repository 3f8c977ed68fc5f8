import { RetriableException } from '../../shared/connect/errors.ts';
import { ServerClock } from '../../shared/storage/dynamodb/server-clock.ts';
import type { Change, Condition, Item, ItemTable, Key, KeyRange, Operation, PageRange } from '../../shared/storage/dynamodb/table.ts';
import type { MemoryTable } from './memory-table.ts';
import type { SimProcess } from './world.ts';

/** Bugs in the table's part that a simulation must find: conditions that are left out. */
export interface TablePlants {
  /** Writes of a run are not conditional on its lease. */
  readonly noFence?: boolean;
  /** Offsets may be changed while tasks are there. */
  readonly offsetResetRace?: boolean;
  /** Leases are kept in the time of whoever looks at them. */
  readonly ownClocks?: boolean;
  /** An event that comes while a run is under way leaves no mark. */
  readonly lostWake?: boolean;
}

/**
 * The table as one process sees it: each request takes time, may be refused, may have been done although the answer was lost, and
 * is then done again, as AWS's clients do.
 */
export class ProcessTable implements ItemTable {
  readonly #table: MemoryTable;
  readonly #process: SimProcess;
  readonly #plants: TablePlants;
  readonly #onWrite: () => Promise<void>;
  /** What the process knows of the table's time from its answers. */
  readonly serverClock: ServerClock;

  constructor(table: MemoryTable, process: SimProcess, plants: TablePlants, onWrite: () => Promise<void>) {
    this.#table = table;
    this.#process = process;
    this.#plants = plants;
    this.#onWrite = onWrite;
    this.serverClock = new ServerClock(process.clock);
  }

  get(key: Key, attributes?: readonly string[]): Promise<Item | null> {
    return this.#request(() => this.#table.get(key, attributes));
  }

  query(range: KeyRange): Promise<readonly Item[]> {
    return this.#request(() => this.#table.query(range));
  }

  due(shard: string, now: number): Promise<readonly Item[]> {
    return this.#request(() => this.#table.due(shard, now));
  }

  page(range: PageRange): ReturnType<ItemTable['page']> {
    return this.#request(() => this.#table.page(range));
  }

  put(item: Item): Promise<void> {
    return this.#write(() => this.#table.put(item));
  }

  update(key: Key, change: Change, when: readonly Condition[], options?: { returnNew?: boolean }): Promise<Item | null> {
    const runUnderWay = when.some((condition) => !('anyOf' in condition) && condition.attribute === 'owner' && condition.is === 'present');
    if (this.#plants.lostWake === true && change.set?.['wokenAt'] !== undefined && runUnderWay) return Promise.resolve({});
    return this.#write(() => this.#table.update(key, change, this.#conditions(when), options));
  }

  transact(operations: readonly Operation[]): Promise<readonly number[]> {
    const kept = this.#plants.offsetResetRace === true ? operations.filter((operation) => !isStoppedGuard(operation)) : operations;
    const planted = kept.map((operation) =>
      operation.when === undefined ? operation : ({ ...operation, when: this.#conditions(operation.when) } as Operation),
    );
    // A transaction has a token, so that done twice it is done once.
    return this.#request(async () => {
      const refused = await this.#table.transact(planted);
      await this.#onWrite();
      return refused;
    });
  }

  #conditions(when: readonly Condition[]): readonly Condition[] {
    const left = (condition: Condition) => {
      const attribute = 'anyOf' in condition ? '' : condition.attribute;
      return !(this.#plants.noFence === true && (attribute === 'epoch' || attribute === 'owner') && 'value' in condition);
    };
    return when.filter(left);
  }

  async #request<T>(action: () => Promise<T>): Promise<T> {
    const { world, clock } = this.#process;
    const sentAt = clock.now();
    await this.#process.latency();
    if (world.fault(0.004)) throw new RetriableException('The table throttles');
    const result = await action();
    const second = Math.floor(world.now / 1_000) * 1_000;
    await this.#process.latency();
    this.serverClock.observe(sentAt, clock.now(), second);
    if (world.fault(0.004)) throw new RetriableException('The answer of the table was lost');
    return result;
  }

  #write<T>(action: () => Promise<T>): Promise<T> {
    return this.#request(async () => {
      let result = await action();
      await this.#onWrite();
      if (this.#process.world.fault(0.01)) {
        await this.#process.latency();
        result = await action();
        await this.#onWrite();
      }
      return result;
    });
  }
}

/** What keeps a change of offsets from a connector that was resumed meanwhile. */
function isStoppedGuard(operation: Operation): boolean {
  return (
    'check' in operation && operation.when.some((condition) => 'value' in condition && condition.attribute === 'targetState' && condition.value === 'STOPPED')
  );
}
