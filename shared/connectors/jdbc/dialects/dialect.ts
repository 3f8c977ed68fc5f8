import type { Clock } from '../../../connect/clock.ts';
import { DATE, DECIMAL, TIME, TIMESTAMP } from '../../../connect/data/logical.ts';
import { ConnectException, type Logger, type Schema, type SinkRecord } from '../../../connect/index.ts';
import type { DialectName } from '../dialect-names.ts';
import type { FieldsMetadata, SinkRecordField } from '../fields-metadata.ts';
import type { SinkTimes } from '../sink-times.ts';
import { parseTableId, type TableId } from '../table-id.ts';

/** A column as the database has it. */
export interface ColumnDefinition {
  readonly name: string;
  /** The database's own name of the type. */
  readonly type: string;
  /** The same as SQL writes it in a cast, without length or precision. */
  readonly castType: string;
}

/** A table as the database has it. */
export interface TableDefinition {
  readonly id: TableId;
  /** JDBC's word for the kind: `TABLE`, `PARTITIONED TABLE`, `VIEW`, … */
  readonly type: string;
  readonly columns: ReadonlyMap<string, ColumnDefinition>;
}

export type InsertMode = 'insert' | 'upsert' | 'update';

/** Records bound to one statement, ready to be run by a connection of the same dialect. */
export interface BoundRows {
  readonly records: readonly SinkRecord[];
}

/** Writes records of one pair of schemas into one table; a record without value deletes. It outlives connections. */
export interface TableWriter {
  /** What to run for these records, in this order. Throws DataException when a value does not fit its column. */
  bind(records: readonly SinkRecord[]): readonly BoundRows[];
}

/** One connection. All methods throw SqlException. */
export interface DatabaseConnection {
  /** False once it is known to be lost. */
  readonly open: boolean;
  /** Asks the database whether it is still there; false when it does not answer in time. */
  isValid(timeoutMs: number): Promise<boolean>;
  /** Null when there is no such table. */
  describe(table: TableId): Promise<TableDefinition | null>;
  /** Runs SQL that returns nothing. */
  execute(sql: string): Promise<void>;
  /** Runs within the transaction that is open, or as one of its own. */
  run(rows: BoundRows): Promise<void>;
  /** Runs SQL within the transaction that is open, or as one of its own, and returns its rows. */
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** All in one transaction, durable when it resolves. `first` begins it: when it says false, nothing is written. */
  runAll(rows: readonly BoundRows[], first?: () => Promise<boolean>): Promise<void>;
  close(): Promise<void>;
}

/** What a dialect needs to know of the config. */
export interface DialectSettings {
  readonly quoteIdentifiers: boolean;
  readonly times: SinkTimes;
  readonly user: string | null;
  readonly password: string | null;
  /** Leave values of records out of errors. */
  readonly trimErrors: boolean;
  readonly applicationName: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How one kind of database wants its SQL. The defaults are standard SQL; a dialect says only what differs. */
export abstract class Dialect {
  abstract readonly name: DialectName;
  /** Writes may go on while the next records are converted. False where a write keeps the process busy itself. */
  abstract readonly writesInBackground: boolean;
  /** Begins the transaction in which bad records are looked for. */
  abstract readonly beginIsolation: readonly string[];
  protected readonly quote: string = '"';
  protected readonly settings: DialectSettings;

  constructor(settings: DialectSettings) {
    this.settings = settings;
  }

  abstract connect(): Promise<DatabaseConnection>;
  /** The SQL type of a column for this schema. Throws ConnectException for those that it has none for. */
  abstract columnType(field: Pick<SinkRecordField, 'name' | 'schema'>): string;
  abstract writer(table: TableDefinition, fields: FieldsMetadata, insertMode: InsertMode): TableWriter;
  /** A value of a schema's default as SQL. */
  protected abstract literal(schema: Schema, value: unknown): string;

  parseTable(name: string): TableId {
    return parseTableId(name, this.quote);
  }

  identifier(name: string): string {
    return this.settings.quoteIdentifiers ? this.quote + name.replaceAll(this.quote, this.quote + this.quote) + this.quote : name;
  }

  tableName({ catalog, schema, table }: TableId): string {
    return [catalog, schema, table].flatMap((part) => (part === null ? [] : this.identifier(part))).join('.');
  }

  createTable(table: TableId, fields: readonly SinkRecordField[]): string {
    const keys = fields.filter(({ isPrimaryKey }) => isPrimaryKey);
    const columns = fields.map((field) => this.columnSpec(field));
    if (keys.length > 0) columns.push(`PRIMARY KEY(${this.names(keys)})`);
    return `CREATE TABLE ${this.tableName(table)} (\n${columns.join(',\n')})`;
  }

  /** Statements that add these columns. */
  alterTable(table: TableId, fields: readonly SinkRecordField[]): string[] {
    return [`ALTER TABLE ${this.tableName(table)} ${fields.map((field) => `ADD ${this.columnSpec(field)}`).join(', ')}`];
  }

  protected columnSpec(field: SinkRecordField): string {
    const { schema, isPrimaryKey } = field;
    const column = `${this.identifier(field.name)} ${this.columnType(field)}`;
    if (schema.defaultValue !== null) return `${column} DEFAULT ${this.literal(schema, schema.defaultValue)}`;
    return `${column} ${schema.optional && !isPrimaryKey ? 'NULL' : 'NOT NULL'}`;
  }

  protected names(columns: readonly { readonly name: string }[]): string {
    return columns.map(({ name }) => this.identifier(name)).join(',');
  }

  /** A text as SQL. */
  text(value: string): string {
    return `'${value.replaceAll("'", "''")}'`;
  }

  protected noColumnType(schema: Schema): ConnectException {
    return new ConnectException(`${schema.name} (${schema.type}) type doesn't have a mapping to the SQL database column type`);
  }

  protected isTimestampField({ name, schema }: Pick<SinkRecordField, 'name' | 'schema'>): boolean {
    return (schema.type === 'INT64' || schema.type === 'STRING') && this.settings.times.timestampFields.has(name);
  }
}

/** The logical types that databases have types of their own for. */
export type LogicalType = 'DECIMAL' | 'DATE' | 'TIME' | 'TIMESTAMP';

const logicalTypes: Readonly<Record<string, LogicalType>> = { [DECIMAL]: 'DECIMAL', [DATE]: 'DATE', [TIME]: 'TIME', [TIMESTAMP]: 'TIMESTAMP' };

/** Null for schemas that are none of Connect's logical types. */
export function logicalTypeOf(schema: Schema): LogicalType | null {
  return schema.name === null ? null : (logicalTypes[schema.name] ?? null);
}

/** The table's own column for a field: of the same name, or of a name that differs in case alone. */
export function columnOf(table: TableDefinition, name: string): ColumnDefinition | undefined {
  const exact = table.columns.get(name);
  if (exact !== undefined) return exact;
  const lower = name.toLowerCase();
  const alike = [...table.columns.values()].filter((column) => column.name.toLowerCase() === lower);
  return alike.length === 1 ? alike[0] : undefined;
}
