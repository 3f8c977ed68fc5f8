import { createHash, randomUUID } from 'node:crypto';
import {
  type Change,
  type Condition,
  type Item,
  type ItemTable,
  itemLimit,
  itemsPerPage,
  itemTooLarge,
  type Key,
  type KeyRange,
  type Operation,
  type PageRange,
  type Projection,
  sizeOf,
  transactionLimit,
} from '../../shared/storage/dynamodb/table.ts';

/** Called before (`before update CONNECTOR#a TASK#0`) and after each step; what it throws is what the caller gets, and after the step it was done all the same. */
export type Fault = (operation: string) => Promise<void> | void;

/** DynamoDB ends a page where it has looked at so much. */
const pageBytes = 1024 * 1024;

/** The table in memory, as strict as DynamoDB: items are copied on their way in, nobody can change what comes out, and limits hold. */
export class MemoryTable implements ItemTable {
  readonly #items = new Map<string, Map<string, Item>>();
  readonly #fault: Fault;
  /** Told of each new image with a `wake`, as the table's stream does. */
  onWake: (item: Item) => void = () => {};
  /** Told of each item that is written, and what it was. */
  onStore: (before: Item | null, after: Item) => void = () => {};

  constructor(fault: Fault = () => {}) {
    this.#fault = fault;
  }

  get(key: Key, attributes?: readonly string[]): Promise<Item | null> {
    return this.#step(`get ${key.pk} ${key.sk}`, () => {
      const item = this.#find(key);
      return item === null ? null : projected(item, attributes);
    });
  }

  query({ pk, from = '', to, prefix, attributes }: KeyRange): Promise<readonly Item[]> {
    return this.#step(`query ${pk}`, () =>
      [...(this.#items.get(pk)?.values() ?? [])]
        .filter((item) => {
          const sk = item['sk'] as string;
          return prefix === undefined ? byBytes(sk, from) >= 0 && (to === undefined || byBytes(sk, to) <= 0) : sk.startsWith(prefix);
        })
        .sort((a, b) => byBytes(a['sk'] as string, b['sk'] as string))
        .map((item) => projected(item, attributes)),
    );
  }

  page({ prefixes, attributes, segment, after, consistent }: PageRange): ReturnType<ItemTable['page']> {
    return this.#step(`page ${segment.number}/${segment.of}${consistent ? ' consistent' : ''}`, () => {
      const placed = [...this.#items.keys()].filter((pk) => placeOf(pk) % segment.of === segment.number).sort(byPlace);
      const items: Item[] = [];
      let [bytes, looked] = [0, 0];
      for (const pk of placed) {
        if (after !== null && byPlace(pk, after.pk) < 0) continue;
        for (const item of [...(this.#items.get(pk)?.values() ?? [])].sort((a, b) => byBytes(a['sk'] as string, b['sk'] as string))) {
          const sk = item['sk'] as string;
          if (after?.pk === pk && byBytes(sk, after.sk) <= 0) continue;
          if (prefixes.some((prefix) => sk.startsWith(prefix))) items.push(projected(item, attributes));
          bytes += sizeOf(item);
          if (bytes >= pageBytes || ++looked >= itemsPerPage) return { items, last: { pk, sk } };
        }
      }
      return { items, last: null };
    });
  }

  due(shard: string, now: number): Promise<readonly Item[]> {
    return this.#step(`due ${shard}`, () =>
      [...this.#items.values()]
        .flatMap((items) => [...items.values()])
        .filter((item) => item['dueShard'] === shard && Number(item['dueAt']) <= now)
        .sort((a, b) => Number(a['dueAt']) - Number(b['dueAt']))
        .map((item) => projected(item)),
    );
  }

  put(item: Item): Promise<void> {
    return this.#step(`put ${item['pk']} ${item['sk']}`, () => this.#store(stored(item)));
  }

  update(key: Key, change: Change, when: readonly Condition[], { returnNew = false } = {}): Promise<Item | null> {
    return this.#step(`update ${key.pk} ${key.sk}`, () => {
      const found = this.#find(key);
      if (!holds(when, found)) return null;
      const item = changed(key, found, change);
      this.#store(item);
      return returnNew ? projected(item) : {};
    });
  }

  transact(operations: readonly Operation[]): Promise<readonly number[]> {
    const keys = operations.map(keyOf);
    return this.#step(`transact ${keys.map(({ pk, sk }) => `${pk} ${sk}`).join(', ')}`, () => {
      if (operations.length === 0 || operations.length > transactionLimit) throw new RangeError(`${operations.length} operations in a transaction`);
      if (new Set(keys.map(({ pk, sk }) => `${pk} ${sk}`)).size < keys.length) throw new RangeError('Two operations on one item in a transaction');
      const found = keys.map((key) => this.#find(key));
      const refused = operations.flatMap(({ when = [] }, index) => (holds(when, found[index] as Item | null) ? [] : [index]));
      if (refused.length > 0) return refused;
      const after = operations.map((operation, index) => {
        if ('put' in operation) return stored(operation.put);
        return 'update' in operation ? changed(operation.update, found[index] as Item | null, operation.change) : null;
      });
      for (const [index, operation] of operations.entries()) {
        if ('delete' in operation) this.#items.get(operation.delete.pk)?.delete(operation.delete.sk);
        else if (after[index]) this.#store(after[index]);
      }
      return [];
    });
  }

  async #step<T>(operation: string, action: () => T): Promise<T> {
    await this.#fault(`before ${operation}`);
    const result = action();
    await this.#fault(`after ${operation}`);
    return result;
  }

  #find({ pk, sk }: Key): Item | null {
    return this.#items.get(pk)?.get(sk) ?? null;
  }

  #store(item: Item): void {
    const { pk, sk } = item as Item & Key;
    const items = this.#items.get(pk) ?? new Map<string, Item>();
    this.onStore(items.get(sk) ?? null, item);
    items.set(sk, item);
    this.#items.set(pk, items);
    if (item['wake'] !== undefined) this.onWake(projected(item));
  }
}

/** A copy that nobody can change, checked as DynamoDB checks it; attributes that are undefined are left out. */
function stored(item: Item): Item {
  const key = item as Item & Key;
  if (!key.pk || !key.sk) throw new TypeError('An item needs a key');
  if (item['dueAt'] !== undefined && typeof item['dueAt'] !== 'number') throw new TypeError('dueAt must be a number: it is a key of the index');
  if ((item['dueAt'] === undefined) !== (item['dueShard'] === undefined)) throw new TypeError('dueAt and dueShard come and go together');
  const copy = withoutUndefined(item) as Item;
  if (sizeOf(copy) > itemLimit) throw itemTooLarge(key);
  return copy;
}

function changed(key: Key, found: Item | null, { set = {}, add = {}, remove = [], entries, wake = false }: Change): Item {
  const item: Record<string, unknown> = { ...found, ...key, ...set };
  for (const [name, by] of Object.entries(add)) item[name] = Number(item[name] ?? 0) + by;
  if (entries !== undefined) {
    if (item[entries.attribute] === undefined) throw new TypeError(`There is no map ${entries.attribute} to set an entry in`);
    item[entries.attribute] = { ...(item[entries.attribute] as object), ...entries.values };
  }
  for (const name of remove) delete item[name];
  if (wake) item['wake'] = randomUUID();
  else delete item['wake'];
  return stored(item);
}

function holds(when: readonly Condition[], item: Item | null): boolean {
  return when.every((condition) => {
    if ('anyOf' in condition) return condition.anyOf.some((each) => holds([each], item));
    const value = item?.[condition.attribute];
    if (!('value' in condition)) return (value === undefined) === (condition.is === 'missing');
    if (condition.is === '<>') return value === undefined || !sameValue(value, condition.value);
    if (value === undefined) return false;
    if (condition.is === '=') return sameValue(value, condition.value);
    const [left, right] = [Number(value), Number(condition.value)];
    return condition.is === '<' ? left < right : left <= right;
  });
}

/** Numbers are equal by their value, whatever JavaScript holds them in. */
function sameValue(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b || (isNumber(a) && isNumber(b) && String(a) === String(b));
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => sameValue((a as Item)[name], (b as Item)[name]));
}

const isNumber = (value: unknown) => typeof value === 'number' || typeof value === 'bigint';

/** What is stored is frozen: everybody may have it. */
function projected(item: Item, attributes?: readonly Projection[]): Item {
  if (attributes === undefined) return item;
  const some: Record<string, unknown> = {};
  for (const attribute of attributes) {
    const [name, entry] = typeof attribute === 'string' ? [attribute] : attribute;
    const value = item[name];
    if (entry === undefined) {
      if (value !== undefined) some[name] = value;
    } else if (typeof value === 'object' && value !== null && Object.hasOwn(value, entry)) {
      some[name] = { ...(some[name] as object | undefined), [entry]: (value as Item)[entry] };
    }
  }
  return some as Item;
}

/** Where a partition key stands in the table: anywhere, but always there. */
function placeOf(pk: string): number {
  return createHash('md5').update(pk).digest().readUInt32BE();
}

const byPlace = (a: string, b: string) => placeOf(a) - placeOf(b) || (a < b ? -1 : a > b ? 1 : 0);

/** Copies of the table's own, which were checked. */
const kept = new WeakSet<object>();

function frozen<T extends object>(copy: T): T {
  kept.add(copy);
  return Object.freeze(copy) as T;
}

function withoutUndefined(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || kept.has(value)) return value;
  if (Array.isArray(value)) return frozen(value.map(withoutUndefined));
  if (Object.getPrototypeOf(value) !== Object.prototype && Object.getPrototypeOf(value) !== null) throw new TypeError(`Not a plain object: ${String(value)}`);
  const copy: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(value)) if (each !== undefined) copy[key] = withoutUndefined(each);
  return frozen(copy);
}

function keyOf(operation: Operation): Key {
  if ('put' in operation) return operation.put as Item & Key;
  return 'update' in operation ? operation.update : 'delete' in operation ? operation.delete : operation.check;
}

/** Sort keys are in the order of their bytes. */
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
