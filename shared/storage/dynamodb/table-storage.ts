import type { Clock } from '../../connect/clock.ts';
import type { Storage } from '../ports.ts';
import { clusterStore } from './cluster-store.ts';
import { connectorStore } from './connector-store.ts';
import { controlStore } from './control-store.ts';
import { offsetStore } from './offset-store.ts';
import { producerStore } from './producer-store.ts';
import { replayStore } from './replay-store.ts';
import { runStore } from './run-store.ts';
import type { ItemTable } from './table.ts';

/** What every store works with. `dueShards` must be the same wherever the table is used. */
export interface TableContext {
  readonly table: ItemTable;
  readonly clock: Clock;
  readonly dueShards: number;
  /** The time in which leases are kept, the same for all; left out: `clock`'s. */
  readonly leaseClock?: Pick<Clock, 'now'>;
}

/** The storage over a table, whoever keeps it: DynamoDB, or the memory of a simulation. */
export function tableStorage(context: TableContext): Storage {
  return {
    connectors: connectorStore(context),
    control: controlStore(context),
    runs: runStore(context),
    offsets: offsetStore(context),
    producers: producerStore(context),
    replays: replayStore(context),
    cluster: clusterStore(context),
  };
}
