import { ItemTooLargeException } from '../ports.ts';

/** Names of the key attributes and of the sparse index of what is due; the deployment makes the table with them. */
export const tableSchema = { partitionKey: 'pk', sortKey: 'sk', dueIndex: { name: 'due', partitionKey: 'dueShard', sortKey: 'dueAt' } } as const;

/** Most operations in one transaction, and most bytes (of 4 MB; the rest is room for what an estimate misses). */
export const transactionLimit = 100;
export const transactionBytes = 3_000_000;
/** Most bytes of one item. */
export const itemLimit = 400 * 1024;

export type Item = Readonly<Record<string, unknown>>;
export type Key = { readonly pk: string; readonly sk: string };

/** What must hold for a write to happen; `anyOf`: one of them. An item that is not there has no attributes. */
export type Condition =
  | { readonly attribute: string; readonly is: '=' | '<>' | '<' | '<='; readonly value: unknown }
  | { readonly attribute: string; readonly is: 'present' | 'missing' }
  | { readonly anyOf: readonly Condition[] };

export const equal = (attribute: string, value: unknown): Condition => ({ attribute, is: '=', value });
export const notEqual = (attribute: string, value: unknown): Condition => ({ attribute, is: '<>', value });
export const less = (attribute: string, value: number): Condition => ({ attribute, is: '<', value });
export const atMost = (attribute: string, value: number): Condition => ({ attribute, is: '<=', value });
export const present = (attribute: string): Condition => ({ attribute, is: 'present' });
export const missing = (attribute: string): Condition => ({ attribute, is: 'missing' });
export const anyOf = (...conditions: Condition[]): Condition => ({ anyOf: conditions });
/** Null stands for an attribute that is not there. */
export const same = (attribute: string, value: unknown): Condition => (value === null ? missing(attribute) : equal(attribute, value));

/**
 * What an update does to an item. `wake` gives it a mark that no write before had, which shows it to the controller;
 * every update without it takes the mark away, because the table's stream tells of each new image that has one.
 */
export interface Change {
  readonly set?: Item;
  readonly add?: Readonly<Record<string, number>>;
  readonly remove?: readonly string[];
  /** Entries of a map attribute that is there. */
  readonly entries?: { readonly attribute: string; readonly values: Item };
  readonly wake?: boolean;
}

/** One part of a transaction. `when` of a put, update or delete is about the item as it was. */
export type Operation =
  | { readonly put: Item; readonly when?: readonly Condition[] }
  | { readonly update: Key; readonly change: Change; readonly when: readonly Condition[] }
  | { readonly delete: Key; readonly when?: readonly Condition[] }
  | { readonly check: Key; readonly when: readonly Condition[] };

/** An attribute, or an entry of an attribute that is a map: only that is given, in the map. */
export type Projection = string | readonly [attribute: string, entry: string];

export interface KeyRange {
  readonly pk: string;
  /** Sort keys from `from` to `to`, both included, or those that begin with `prefix`. */
  readonly from?: string;
  readonly to?: string;
  readonly prefix?: string;
  readonly attributes?: readonly Projection[];
}

/** Items in a page at most, about a megabyte of ours: DynamoDB Local takes all that follows into memory unless it is told to stop. */
export const itemsPerPage = 1_000;

/** A page of the table in the order in which it keeps its partition keys; items of one partition key are next to each other, in the order of their sort keys. */
export interface PageRange {
  /** Those whose sort key begins with one of them. */
  readonly prefixes: readonly string[];
  readonly attributes: readonly Projection[];
  /** Divides the table into so many segments, and reads of this one. */
  readonly segment: { readonly number: number; readonly of: number };
  /** Begins after this key, whether it is there or not; null: at the beginning of the segment. */
  readonly after: Key | null;
  readonly consistent: boolean;
}

/** What the stores need of DynamoDB: few operations, each one atomic step. Values are JSON's and bigint; numbers come back exact. */
export interface ItemTable {
  /** Strongly consistent. */
  get(key: Key, attributes?: readonly string[]): Promise<Item | null>;
  /** All items of a range in the order of their sort keys, strongly consistent within a page of 1 MB. */
  query(range: KeyRange): Promise<readonly Item[]>;
  /** Items among the next megabyte and thousand, and the key of the last one that was looked at: null when the segment is at its end. One request. */
  page(range: PageRange): Promise<{ readonly items: readonly Item[]; readonly last: Key | null }>;
  /** Items of one shard of the sparse index whose time has come; eventually consistent. */
  due(shard: string, now: number): Promise<readonly Item[]>;
  put(item: Item): Promise<void>;
  /** Null when a condition refused it; else the item as it is now, or an empty one unless `returnNew` is set. */
  update(key: Key, change: Change, when: readonly Condition[], options?: { returnNew?: boolean }): Promise<Item | null>;
  /** All or nothing. Returns the indexes of operations whose condition refused it: none when it was applied. */
  transact(operations: readonly Operation[]): Promise<readonly number[]>;
}

/** Divides operations so that each part fits in one transaction beside `reserved` others. */
export function transactions<T extends Operation>(operations: readonly T[], reserved: number): T[][] {
  const parts: T[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const operation of operations) {
    const size = sizeOf('put' in operation ? operation.put : 'update' in operation ? operation.change : {});
    const last = parts.at(-1);
    if (last === undefined || last.length >= transactionLimit - reserved || bytes + size > transactionBytes) {
      parts.push([operation]);
      bytes = size;
    } else {
      last.push(operation);
      bytes += size;
    }
  }
  return parts;
}

/** About as DynamoDB counts: names and texts in UTF-8, numbers by their digits. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number' || typeof value === 'bigint') return Math.ceil(String(value).length / 2) + 1;
  if (typeof value !== 'object' || value === null) return 1;
  if (Array.isArray(value)) return value.reduce<number>((sum, each) => sum + 1 + sizeOf(each), 3);
  return Object.entries(value).reduce((sum, [key, each]) => sum + 1 + Buffer.byteLength(key) + sizeOf(each), 3);
}

/** Says whose item is too large, and what to do about it. */
export function itemTooLarge({ pk, sk }: Key, cause?: unknown): ItemTooLargeException {
  const connector = pk.replace(/^CONNECTOR#/, '');
  const [what, advice] = sk.startsWith('TASK#')
    ? [`task ${sk.slice('TASK#'.length)}`, 'raise tasks.max, so that each task has fewer partitions and a smaller config']
    : sk === 'SINKOFFSETS'
      ? ['all sink offsets', 'divide its topics among several connectors']
      : sk.startsWith('OFFSET#')
        ? ['one source offset', 'let the connector keep less in a source partition and its offset']
        : ['its config', 'move large values out of it, for example to a file or a config provider'];
  return new ItemTooLargeException(`Connector ${connector}: ${what} would take more than the 400 KB that one item of the table can hold; ${advice}`, { cause });
}
