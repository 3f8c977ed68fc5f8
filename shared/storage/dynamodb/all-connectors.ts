import {
  type ConnectorRounds,
  type ConnectorStatus,
  type ConnectorStore,
  type ConnectorSummary,
  type CountedConnector,
  DamagedItemException,
} from '../ports.ts';
import {
  afterTasks,
  afterTopics,
  clusterPk,
  connectorOf,
  connectorPk,
  countedAttributes,
  countedPrefixes,
  countedSpecOf,
  countedTaskOf,
  isTask,
  namePrefix,
  offsetPrefix,
  sinkOffsetsSk,
  specSk,
  specSummaryOf,
  statusOf,
  summaryAttributes,
  summaryPrefixes,
  taskSummaryOf,
  topicPrefix,
} from './items.ts';
import type { Item, ItemTable, Key } from './table.ts';
import type { TableContext } from './table-storage.ts';

/** So many connectors are read one by one, all at once. */
const few = 25;
const queriesAtOnce = 50;
const connectorsPerSegment = 100;
const mostSegments = 16;
/** A page takes about as long as so many queries at once. */
const connectorsPerPage = 25;
const crowdedForMs = 10 * 60_000;

/** Names in order. */
export async function connectorNames(table: ItemTable): Promise<readonly string[]> {
  const items = await table.query({ pk: clusterPk, prefix: namePrefix, attributes: ['sk'] });
  return items.map(({ sk }) => (sk as string).slice(namePrefix.length));
}

/**
 * Reads what info and status of all connectors tell. A query for each costs a request for each; the pages of a scan have hundreds of connectors,
 * for about the same capacity, as long as the table holds little else. Where it does hold much else (offsets of sources), the scan
 * ends when it has read more pages than there is reason for, and the connectors are read one by one, now and for a while.
 */
export function summariesReader({ table, clock }: TableContext): ConnectorStore['summaries'] {
  let crowdedUntil = Number.NEGATIVE_INFINITY;
  return async ({ configs }) => {
    const names = await connectorNames(table);
    if (names.length > few && clock.now() >= crowdedUntil) {
      const scanned = await scan(table, names.length, configs);
      if (scanned !== null) return readable(scanned);
      crowdedUntil = clock.now() + crowdedForMs;
    }
    return readable(await queryEach(table, names, configs));
  };
}

/** Items of each connector; null: there are more pages than that many connectors should have. */
async function scan(table: ItemTable, connectors: number, configs: boolean): Promise<Iterable<readonly Item[]> | null> {
  const segments = Math.min(mostSegments, Math.ceil(connectors / connectorsPerSegment));
  let pages = 2 * segments + Math.ceil(connectors / connectorsPerPage);
  const found = new Map<string, Item[]>();
  const range = { prefixes: summaryPrefixes, attributes: summaryAttributes(configs), consistent: true };
  const walk = async (number: number) => {
    let after: Key | null = null;
    do {
      if (pages-- <= 0) return;
      const page: Awaited<ReturnType<ItemTable['page']>> = await table.page({ ...range, segment: { number, of: segments }, after });
      for (const item of page.items) {
        const name = connectorOf(item);
        const items = found.get(name);
        if (items === undefined) found.set(name, [item]);
        else items.push(item);
      }
      after = page.last && beyondOthers(page.last);
    } while (after !== null);
  };
  await Promise.all(Array.from({ length: segments }, (_, number) => walk(number)));
  return pages < 0 ? null : found.values();
}

async function queryEach(table: ItemTable, names: readonly string[], configs: boolean): Promise<Iterable<readonly Item[]>> {
  const found: (readonly Item[])[] = [];
  const attributes = summaryAttributes(configs);
  let next = 0;
  const lane = async () => {
    while (next < names.length) {
      const at = next++;
      found[at] = await table.query({ pk: connectorPk(names[at] as string), from: specSk, to: afterTasks, attributes });
    }
  };
  await Promise.all(Array.from({ length: Math.min(queriesAtOnce, names.length) }, lane));
  return found;
}

function readable(connectors: Iterable<readonly Item[]>): { connectors: readonly ConnectorSummary[]; unreadable: readonly string[] } {
  const [read, unreadable]: [ConnectorSummary[], string[]] = [[], []];
  for (const items of connectors) {
    try {
      const summary = summaryOf(items);
      if (summary !== null) read.push(summary);
    } catch (error) {
      if (!(error instanceof DamagedItemException)) throw error;
      unreadable.push(error.message);
    }
  }
  return { connectors: read, unreadable };
}

/** Null for what is left of one that was deleted. */
function summaryOf(items: readonly Item[]): ConnectorSummary | null {
  let spec: ConnectorSummary['spec'] | null = null;
  let status: ConnectorStatus | null = null;
  const tasks: ConnectorSummary['tasks'][number][] = [];
  for (const item of items) {
    if (item['sk'] === specSk) spec = specSummaryOf(item);
    else if (isTask(item)) tasks.push(taskSummaryOf(item));
    else status = statusOf(item);
  }
  return spec && { spec, status, tasks: tasks.sort((a, b) => a.task - b.task) };
}

/** A page each call, and no connector cut in two. */
export function connectorRounds({ table }: TableContext): ConnectorRounds {
  let after: Key | null = null;
  /** What was read of a connector that takes more than a page. */
  let begun: readonly Item[] = [];
  return {
    async next() {
      const { items, last } = await table.page({
        prefixes: countedPrefixes,
        attributes: countedAttributes,
        consistent: false,
        segment: { number: 0, of: 1 },
        after,
      });
      const all = [...begun, ...items];
      const cut = last !== null && last.sk < afterTasks ? all.findIndex(({ pk }) => pk === last.pk) : -1;
      after = last && beyondOthers(last);
      begun = [];
      if (cut === 0) {
        begun = all;
        return { connectors: [], last: false };
      }
      // It is read again from its beginning.
      if (cut > 0 && last !== null) after = { pk: last.pk, sk: sinkOffsetsSk };
      return { connectors: counted(cut < 0 ? all : all.slice(0, cut)), last: last === null };
    },
  };
}

function counted(items: readonly Item[]): CountedConnector[] {
  const connectors: CountedConnector[] = [];
  for (const group of Map.groupBy(items, ({ pk }) => pk).values()) {
    try {
      const spec = group.find(({ sk }) => sk === specSk);
      if (spec !== undefined) connectors.push({ spec: countedSpecOf(spec), tasks: group.filter(isTask).map(countedTaskOf) });
    } catch (error) {
      // The controller's looks tell of it.
      if (!(error instanceof DamagedItemException)) throw error;
    }
  }
  return connectors;
}

/** Where a scan that stopped here may go on without missing what it is for: behind all offsets of a source, behind all active topics. */
function beyondOthers({ pk, sk }: Key): Key {
  if (sk.startsWith(offsetPrefix)) return { pk, sk: sinkOffsetsSk };
  return sk.startsWith(topicPrefix) ? { pk, sk: afterTopics } : { pk, sk };
}
