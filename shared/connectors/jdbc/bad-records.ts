import type { SinkRecord } from '../../connect/index.ts';
import type { BoundRows, DatabaseConnection } from './dialects/dialect.ts';
import { isRecordFault } from './errors.ts';
import type { RejectedRecord, Segment } from './record-batch.ts';

/** What the search for bad records needs of the task. */
export interface BadRecordSearch {
  /** SQL that begins the transaction. */
  readonly begin: readonly string[];
  /** Finds the table of a segment, and sets its writer. */
  resolve(segment: Segment): Promise<void>;
  /** Begins to write, within the transaction: when it says false, nothing is written. */
  first?(): Promise<boolean>;
  /** Told all bad records before the others are committed. */
  beforeCommit?(rejected: readonly RejectedRecord[]): Promise<void>;
  /** Told the bad records that are known so far. What it throws ends the search, and nothing is written. */
  onRejected(soFar: readonly RejectedRecord[]): void;
}

/**
 * Writes all records but the bad ones in one transaction: halves what fails, within savepoints, until each bad record is
 * alone. Returns the bad ones, in their order. Throws what is no record's fault; nothing is written then.
 */
export async function writeWithoutBadRecords(connection: DatabaseConnection, segments: readonly Segment[], search: BadRecordSearch): Promise<RejectedRecord[]> {
  const rejected: RejectedRecord[] = [];
  try {
    // Tables are created outside of the transaction: another task may create them as well.
    const resolved = await resolvable(segments, search, rejected);
    for (const sql of search.begin) await connection.execute(sql);
    if (search.first !== undefined && !(await search.first())) {
      await connection.execute('ROLLBACK');
      return rejected;
    }
    for (const segment of resolved) await writeHalving(connection, segment, segment.records, search, rejected);
    await search.beforeCommit?.(rejected);
    await connection.execute('COMMIT');
  } catch (error) {
    if (connection.open) await connection.execute('ROLLBACK').catch(() => {});
    throw error;
  }
  return rejected;
}

async function writeHalving(
  connection: DatabaseConnection,
  segment: Segment,
  records: readonly SinkRecord[],
  search: BadRecordSearch,
  rejected: RejectedRecord[],
): Promise<void> {
  const error = await tried(connection, segment, records);
  if (error === null) return;
  const [only] = records;
  if (records.length === 1 && only !== undefined) {
    rejected.push({ record: only, error });
    search.onRejected(rejected);
    return;
  }
  const half = records.length >> 1;
  await writeHalving(connection, segment, records.slice(0, half), search, rejected);
  await writeHalving(connection, segment, records.slice(half), search, rejected);
}

/** The segments that have a table to go to; records of the others are rejected. */
async function resolvable(segments: readonly Segment[], search: BadRecordSearch, rejected: RejectedRecord[]): Promise<Segment[]> {
  const resolved: Segment[] = [];
  for (const segment of segments) {
    try {
      if (segment.target.writer === undefined) await search.resolve(segment);
      resolved.push(segment);
    } catch (error) {
      if (!isRecordFault(error)) throw error;
      for (const record of segment.records) rejected.push({ record, error: error as Error });
      search.onRejected(rejected);
    }
  }
  return resolved;
}

/** Writes within a savepoint. Returns the error when a record is at fault. */
async function tried(connection: DatabaseConnection, { target }: Segment, records: readonly SinkRecord[]): Promise<Error | null> {
  let bound: readonly BoundRows[];
  try {
    bound = target.writer?.bind(records) ?? [];
  } catch (error) {
    if (isRecordFault(error)) return error as Error;
    throw error;
  }
  await connection.execute('SAVEPOINT sluice');
  try {
    for (const rows of bound) await connection.run(rows);
    await connection.execute('RELEASE SAVEPOINT sluice');
    return null;
  } catch (error) {
    if (!isRecordFault(error)) throw error;
    await connection.execute('ROLLBACK TO SAVEPOINT sluice');
    return error as Error;
  }
}
