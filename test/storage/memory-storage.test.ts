import { describe } from 'vitest';
import { ManualClock, storageContract } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';

describe('the storage in memory', () => {
  storageContract(async () => {
    const clock = new ManualClock();
    return { storage: createMemoryStorage(clock), clock };
  });
});
