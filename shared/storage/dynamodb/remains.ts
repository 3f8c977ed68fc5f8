import { isTask, offsetsOf, sinkOffsetsKey, sinkOffsetsSk } from './items.ts';
import { equal, type Item, missing, type Operation } from './table.ts';

/** What stays of a connector when its tasks go, or all of it: its sink offsets, and the counters that must never go back. */
export interface Remains {
  readonly offsets: ReadonlyMap<string, bigint>;
  readonly generation: number;
  readonly epoch: number;
  /** Tells a change that came in between. Zero: nothing is stored yet. */
  readonly revision: number;
}

/** As stored, among items of a connector. */
export function remainsOf(items: readonly Item[]): Remains {
  const item = items.find(({ sk }) => sk === sinkOffsetsSk);
  return {
    offsets: offsetsOf(item?.['offsets']),
    generation: counter(item?.['generation']),
    epoch: counter(item?.['epoch']),
    revision: counter(item?.['revision']),
  };
}

/** As it is to be stored before tasks among the items are replaced or removed: what they have stored is newer than what was kept before. */
export function remainsAfter(items: readonly Item[], generation: unknown): Remains {
  const before = remainsOf(items);
  const tasks = items.filter(isTask);
  return {
    offsets: new Map([...before.offsets, ...tasks.flatMap((task) => [...offsetsOf(task['offsets'])])]),
    generation: Math.max(before.generation, counter(generation), ...tasks.map((task) => counter(task['generation']))),
    epoch: Math.max(before.epoch, ...tasks.map((task) => counter(task['epoch']))),
    revision: before.revision,
  };
}

/** What is no number, in an item that somebody has damaged, counts as nothing: such a connector can be deleted at least. */
function counter(value: unknown): number {
  const number = Number(value ?? 0);
  return Number.isSafeInteger(number) ? number : 0;
}

/** Stores it, unless somebody else did since it was read. */
export function keep(connector: string, { offsets, generation, epoch, revision }: Remains): Operation & { readonly put: Item } {
  return {
    put: { ...sinkOffsetsKey(connector), offsets: Object.fromEntries(offsets), generation, epoch, revision: revision + 1 },
    when: [revision === 0 ? missing('pk') : equal('revision', revision)],
  };
}
