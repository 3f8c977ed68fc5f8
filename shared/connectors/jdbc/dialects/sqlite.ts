import { ConnectException, Decimal, type Schema, type SinkRecord } from '../../../connect/index.ts';
import type { FieldsMetadata, SinkRecordField } from '../fields-metadata.ts';
import type { JdbcUrl } from '../jdbc-url.ts';
import {
  type BoundRows,
  columnOf,
  type DatabaseConnection,
  Dialect,
  type DialectSettings,
  type InsertMode,
  logicalTypeOf,
  type TableDefinition,
  type TableWriter,
} from './dialect.ts';

/** What `node:sqlite` binds. */
export type SqliteValue = null | number | bigint | string | Uint8Array;
/** Makes a bindable value of a Connect value that is not null. */
type Convert = (value: unknown) => SqliteValue;

/** Where a value comes from, and how it is bound. */
export interface SqliteColumn {
  readonly read: SinkRecordField['read'];
  readonly convert: Convert;
}

/** SQL with a place for each column. */
export interface SqliteStatement {
  readonly sql: string;
  readonly columns: readonly SqliteColumn[];
}

/** Rows run one by one, in the order of their records. */
export class SqliteRows implements BoundRows {
  readonly records: readonly SinkRecord[];
  readonly write: SqliteStatement | null;
  readonly delete: SqliteStatement | null;

  constructor(records: readonly SinkRecord[], write: SqliteStatement | null, remove: SqliteStatement | null) {
    this.records = records;
    this.write = write;
    this.delete = remove;
  }
}

/** SQLite: types and statements as Confluent's SqliteDatabaseDialect has them, times as the JDBC driver stores them (milliseconds). */
export class SqliteDialect extends Dialect {
  readonly name = 'SqliteDatabaseDialect';
  readonly writesInBackground = false;
  readonly beginIsolation = ['BEGIN IMMEDIATE'];
  protected override readonly quote = '`';
  readonly #url: Extract<JdbcUrl, { dialect: 'SqliteDatabaseDialect' }>;

  constructor(settings: DialectSettings, url: Extract<JdbcUrl, { dialect: 'SqliteDatabaseDialect' }>) {
    super(settings);
    this.#url = url;
  }

  override async connect(): Promise<DatabaseConnection> {
    const { SqliteConnection } = await import('./sqlite-connection.ts');
    return new SqliteConnection(this.#url, this.settings);
  }

  override columnType(field: Pick<SinkRecordField, 'name' | 'schema'>): string {
    const { schema } = field;
    if (logicalTypeOf(schema) !== null || this.isTimestampField(field)) return 'NUMERIC';
    switch (schema.type) {
      case 'BOOLEAN':
      case 'INT8':
      case 'INT16':
      case 'INT32':
      case 'INT64':
        return 'INTEGER';
      case 'FLOAT32':
      case 'FLOAT64':
        return 'REAL';
      case 'STRING':
        return 'TEXT';
      case 'BYTES':
        return 'BLOB';
      default:
        throw this.noColumnType(schema);
    }
  }

  /** SQLite adds one column a statement. */
  override alterTable(table: TableDefinition['id'], fields: readonly SinkRecordField[]): string[] {
    return fields.flatMap((field) => super.alterTable(table, [field]));
  }

  override writer(table: TableDefinition, fields: FieldsMetadata, insertMode: InsertMode): TableWriter {
    const { keyFields, nonKeyFields } = fields;
    const own = (field: SinkRecordField) => this.identifier(columnOf(table, field.name)?.name ?? field.name);
    const columns = (all: readonly SinkRecordField[]) => all.map((field): SqliteColumn => ({ read: field.read, convert: this.#convert(field, table) }));
    const where = keyFields.map((field) => `${own(field)} = ?`).join(' AND ');
    const target = this.tableName(table.id);
    const all = [...keyFields, ...nonKeyFields];
    const values = `${target}(${all.map(own).join(',')}) VALUES(${all.map(() => '?').join(',')})`;
    const write: SqliteStatement | null =
      insertMode === 'update'
        ? nonKeyFields.length === 0
          ? null
          : {
              sql: `UPDATE ${target} SET ${nonKeyFields.map((field) => `${own(field)} = ?`).join(', ')} WHERE ${where}`,
              columns: columns([...nonKeyFields, ...keyFields]),
            }
        : { sql: `INSERT ${insertMode === 'upsert' ? 'OR REPLACE ' : ''}INTO ${values}`, columns: columns(all) };
    const remove = keyFields.length === 0 ? null : { sql: `DELETE FROM ${target} WHERE ${where}`, columns: columns(keyFields) };
    return { bind: (records) => [new SqliteRows(records, write, remove)] };
  }

  protected override literal(schema: Schema, value: unknown): string {
    const bound = this.#convert({ name: '', schema }, null)(value);
    if (bound instanceof Uint8Array) return `X'${Buffer.from(bound).toString('hex')}'`;
    if (typeof bound === 'string') return value instanceof Decimal ? bound : this.text(bound);
    return String(bound);
  }

  #convert(field: Pick<SinkRecordField, 'name' | 'schema'>, table: TableDefinition | null): Convert {
    const { schema, name } = field;
    const { times } = this.settings;
    if (this.isTimestampField(field))
      return (value) => {
        const micros = times.microseconds(name, value);
        return times.hybridInstant(Number((micros - (((micros % 1000n) + 1000n) % 1000n)) / 1000n));
      };
    switch (logicalTypeOf(schema)) {
      case 'DECIMAL':
        return (value) => (value as Decimal).toString();
      case 'TIME':
        return (value) => (value as Date).getTime();
      case 'DATE':
      case 'TIMESTAMP':
        return (value) => times.hybridInstant((value as Date).getTime());
      default:
    }
    const type = table === null ? undefined : columnOf(table, name)?.type;
    const integer: Convert = type === undefined || isNumeric(type) ? (value) => value as number : (value) => BigInt(value as number);
    switch (schema.type) {
      case 'INT8':
      case 'INT16':
      case 'INT32':
        return integer;
      case 'BOOLEAN':
        return (value) => integer(value ? 1 : 0);
      case 'INT64':
      case 'FLOAT32':
      case 'FLOAT64':
      case 'STRING':
      case 'BYTES':
        return (value) => value as SqliteValue;
      default:
        throw new ConnectException(`Unsupported source data type: ${schema.type}`);
    }
  }
}

/** Whether a column of this declared type turns 5.0 back into 5: node:sqlite binds every number as a floating one. */
function isNumeric(declared: string): boolean {
  const type = declared.toUpperCase();
  if (type.includes('INT')) return true;
  return type !== '' && !/CHAR|CLOB|TEXT|BLOB/.test(type);
}
