import { ConnectException, isConnectException } from '../../connect/index.ts';

/**
 * What becomes of a failed write.
 *
 * - `record`: a record is wrong in itself: it is found, and reported or told; the others are written
 * - `structure`: the table is not what it was taken for: it is looked at again, once
 * - `connection`: the connection was lost, or the database is going down: reconnect, then try again later
 * - `down`: the database cannot be reached, has no room, or refuses the user: nothing can be written now, and the task waits
 * - `retry`: another transaction or a passing state was in the way: try again later
 * - `fatal`: no retry will help, and no record is to blame: the task fails
 */
export type Fate = 'record' | 'structure' | 'connection' | 'down' | 'retry' | 'fatal';

/** The error of a database, as JDBC would name it. `state` is SQLSTATE, or SQLite's result code. */
export class SqlException extends ConnectException {
  override readonly javaClass: string = 'java.sql.SQLException';
  readonly fate: Fate;
  readonly state: string | null;

  constructor(message: string, fate: Fate, state: string | null, options?: { cause?: unknown }) {
    super(message, options);
    this.fate = fate;
    this.state = state;
  }
}

/** The table of a record is missing something, and may not be changed. */
export class TableAlterOrCreateException extends ConnectException {
  override readonly javaClass: string = 'io.confluent.connect.jdbc.sink.TableAlterOrCreateException';
}

/** A fault of a record that was found before the database saw it. */
export function isRecordFault(error: unknown): boolean {
  if (error instanceof SqlException) return error.fate === 'record';
  return error instanceof TableAlterOrCreateException || (isConnectException(error) && error.javaClass === 'org.apache.kafka.connect.errors.DataException');
}

/** SQLSTATEs and classes of them, most special first. Those that are not here are of no known kind: tried again, then fatal. */
const sqlStates: readonly (readonly [prefix: string, fate: Fate])[] = [
  ['08', 'connection'], // connection exceptions
  ['57P', 'connection'], // shutdown, crash, cannot connect now, idle session ended
  ['25006', 'connection'], // read-only: a standby, or a primary that was demoted
  ['25P03', 'connection'], // the session was ended while idle in a transaction
  ['21000', 'record'], // two rows of a statement are one to the database
  ['22', 'record'], // data exceptions: out of range, not a number, too long, a zero byte in text
  ['23', 'record'], // integrity constraints
  ['44', 'record'], // check option of a view
  ['54000', 'record'], // a value too large for an index
  ['P0', 'record'], // a trigger refuses the row
  ['42P01', 'structure'], // undefined table
  ['42703', 'structure'], // undefined column
  ['42804', 'structure'], // a column of another type than the values
  ['42846', 'structure'], // no cast from the values to the column's type
  ['42883', 'structure'], // no operator that compares the values with the column
  ['42P10', 'fatal'], // no unique index for ON CONFLICT
  ['42', 'fatal'], // syntax, types and privileges
  ['3F', 'fatal'], // no such schema
  ['0A', 'fatal'], // not supported
  ['40', 'retry'], // deadlock, serialization failure
  ['55', 'retry'], // lock not available
  ['57014', 'retry'], // statement timeout
  ['53', 'down'], // disk full, out of memory, too many connections
  ['58', 'down'], // I/O errors of the server
  ['28', 'down'], // the user is refused; its password may be another by now
];

/** What becomes of a write that failed with this SQLSTATE. */
export function fateOfSqlState(state: string): Fate {
  return sqlStates.find(([prefix]) => state.startsWith(prefix))?.[1] ?? 'retry';
}

/** SQLite's primary result codes (https://sqlite.org/rescode.html). */
const sqliteCodes: Readonly<Record<number, Fate>> = {
  1: 'structure', // SQLITE_ERROR: no such table, no such column
  3: 'fatal', // SQLITE_PERM
  5: 'retry', // SQLITE_BUSY
  6: 'retry', // SQLITE_LOCKED
  8: 'fatal', // SQLITE_READONLY
  10: 'connection', // SQLITE_IOERR
  11: 'fatal', // SQLITE_CORRUPT
  13: 'down', // SQLITE_FULL
  14: 'connection', // SQLITE_CANTOPEN
  17: 'structure', // SQLITE_SCHEMA
  18: 'record', // SQLITE_TOOBIG
  19: 'record', // SQLITE_CONSTRAINT
  20: 'record', // SQLITE_MISMATCH
  23: 'fatal', // SQLITE_AUTH
  25: 'fatal', // SQLITE_RANGE
  26: 'fatal', // SQLITE_NOTADB
};

/** What becomes of a write that failed with this result code, extended or not. */
export function fateOfSqliteCode(code: number): Fate {
  return sqliteCodes[code & 0xff] ?? 'retry';
}
