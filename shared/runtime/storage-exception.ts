import { FencedException, type RunStore, UnavailableStorageException } from '../storage/ports.ts';

/** The table could not be reached or did not take a write, after its own retries: not the task's fault, so the run ends and the next one goes on. */
export class StorageException extends Error {
  override readonly name = 'StorageException';
}

/** True when the table is to blame, whoever asked it. */
export function isStorageTrouble(error: unknown): error is Error {
  return error instanceof StorageException || error instanceof UnavailableStorageException;
}

/** The same store, with errors told apart: FencedException as it is, everything else as StorageException. */
export function tellStorageErrors(runs: RunStore): RunStore {
  const guarded =
    <A extends unknown[], R>(what: string, call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      try {
        return await call(...args);
      } catch (error) {
        if (error instanceof FencedException) throw error;
        throw new StorageException(`${what} failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
    };
  return {
    acquire: guarded('Taking the lease', (request) => runs.acquire(request)),
    marks: (connector, task) => runs.marks(connector, task),
    commitSinkOffsets: guarded('Storing offsets', (task, offsets) => runs.commitSinkOffsets(task, offsets)),
    commitSourceOffsets: guarded('Storing offsets', (task, offsets) => runs.commitSourceOffsets(task, offsets)),
    release: guarded('Releasing the lease', (task, outcome) => runs.release(task, outcome)),
  };
}
