import type { SourceRecord } from '../../connect/data/record.ts';
import { ConnectException } from '../../connect/errors.ts';
import type { TransactionContext } from '../../connect/source-task.ts';

/** Java's `NullPointerException`, for a border at no record. */
class NullPointerException extends ConnectException {
  override readonly javaClass: string = 'java.lang.NullPointerException';
}

/** Java's `IllegalStateException`: the task asks for two things that exclude each other. */
class IllegalStateException extends ConnectException {
  override readonly javaClass: string = 'java.lang.IllegalStateException';
}

/** Keeps what a task asks for until the worker comes to it (Kafka Connect's `WorkerTransactionContext`). */
export class WorkerTransactionContext implements TransactionContext {
  readonly #committable = new Set<SourceRecord>();
  readonly #abortable = new Set<SourceRecord>();
  #commitBatch = false;
  #abortBatch = false;

  commitTransaction(...border: readonly SourceRecord[]): void {
    if (border.length === 0) this.#commitBatch = true;
    else this.#committable.add(given(border[0]));
  }

  abortTransaction(...border: readonly SourceRecord[]): void {
    if (border.length === 0) this.#abortBatch = true;
    else this.#abortable.add(given(border[0]));
  }

  /** What is asked for at the end of the batch; it is asked for once. Throws IllegalStateException when both are. */
  takeBatch(): 'commit' | 'abort' | null {
    if (this.#commitBatch && this.#abortBatch) throw new IllegalStateException('Connector requested both commit and abort of same transaction');
    const asked = this.#abortBatch ? 'abort' : this.#commitBatch ? 'commit' : null;
    this.#abortBatch = false;
    this.#commitBatch = false;
    return asked;
  }

  /** The same of one record. */
  take(record: SourceRecord): 'commit' | 'abort' | null {
    const commit = this.#committable.delete(record);
    const abort = this.#abortable.delete(record);
    if (commit && abort)
      throw new IllegalStateException(
        `Connector requested both commit and abort of same record against topic/partition ${record.topic}/${record.kafkaPartition}`,
      );
    return abort ? 'abort' : commit ? 'commit' : null;
  }
}

function given(record: SourceRecord | undefined): SourceRecord {
  // A connector in JavaScript may hand over anything.
  if ((record ?? null) === null) throw new NullPointerException('Source record used to define transaction boundaries may not be null');
  return record as SourceRecord;
}
