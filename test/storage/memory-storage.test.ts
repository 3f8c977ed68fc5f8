import { describe } from 'vitest';
import { ManualClock, storageContract } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';
import { MemoryTable } from '../simulation/memory-table.ts';

describe('the storage in memory', () => {
  storageContract(async () => {
    const clock = new ManualClock();
    const table = new MemoryTable();
    return { storage: createMemoryStorage(clock, { table }), clock, table };
  });
});
