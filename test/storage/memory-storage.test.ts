import { describe } from 'vitest';
import { allConnectorsContract } from '../kit/all-connectors.ts';
import { ManualClock, storageContract } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';
import { MemoryTable } from '../simulation/memory-table.ts';

describe('the storage in memory', () => {
  const open = async () => {
    const clock = new ManualClock();
    const table = new MemoryTable();
    return { storage: createMemoryStorage(clock, { table }), clock, table };
  };
  storageContract(open);
  describe('of all connectors', () => allConnectorsContract(open));
});
