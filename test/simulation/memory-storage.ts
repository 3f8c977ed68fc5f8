import type { Clock } from '../../shared/connect/clock.ts';
import { tableStorage } from '../../shared/storage/dynamodb/table-storage.ts';
import type { Storage } from '../../shared/storage/ports.ts';
import { type Fault, MemoryTable } from './memory-table.ts';

/** Everything that is kept, in memory: the stores that DynamoDB has, over a table that a test can disturb. */
export function createMemoryStorage(clock: Clock, options: { fault?: Fault; table?: MemoryTable } = {}): Storage {
  return tableStorage({ table: options.table ?? new MemoryTable(options.fault), clock, dueShards: 4 });
}
