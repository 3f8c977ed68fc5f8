import type { Storage } from '../../../storage/ports.ts';

/** The storage as a task of a replay sees it: what tasks store of where they are is of those that read. */
export function quietStorage(storage: Storage): Storage {
  return {
    ...storage,
    runs: { ...storage.runs, commitSinkOffsets: async () => {}, commitSourceOffsets: async () => {} },
    connectors: { ...storage.connectors, addActiveTopics: async () => {} },
    // Nor has it anything to do with the offsets topic that an exactly-once source begins from.
    producers: { ...storage.producers, get: async () => null },
  };
}
