import { DataException, type Decimal, type Schema, type SinkRecord } from '../../../connect/index.ts';
import type { FieldsMetadata, SinkRecordField } from '../fields-metadata.ts';
import type { JdbcUrl } from '../jdbc-url.ts';
import { KeyOrder } from '../key-order.ts';
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
import { arrayLiteral, type ColumnEncoder, columnEncoder } from './postgresql-arrays.ts';

export type PostgresqlUrl = Extract<JdbcUrl, { dialect: 'PostgreSqlDatabaseDialect' }>;

/** One statement for all rows: an array for each column. */
export class PostgresqlRows implements BoundRows {
  readonly records: readonly SinkRecord[];
  readonly sql: string;
  /** An array for each column. */
  readonly values: readonly Buffer[];

  constructor(records: readonly SinkRecord[], sql: string, values: readonly Buffer[]) {
    this.records = records;
    this.sql = sql;
    this.values = values;
  }
}

/** A statement and what makes its parameters. */
interface Statement {
  readonly sql: string;
  readonly encoders: readonly ColumnEncoder[];
}

/**
 * PostgreSQL: types as Confluent's PostgreSqlDatabaseDialect has them. Rows of a batch travel as one array a column and are
 * written by one prepared statement, `INSERT … SELECT … FROM unnest(…)`.
 */
export class PostgresqlDialect extends Dialect {
  readonly name = 'PostgreSqlDatabaseDialect';
  readonly writesInBackground = true;
  /** Deferred constraints are checked with each statement, so that the row that breaks one is known. */
  readonly beginIsolation = ['BEGIN', 'SET CONSTRAINTS ALL IMMEDIATE'];
  readonly #url: PostgresqlUrl;

  constructor(settings: DialectSettings, url: PostgresqlUrl) {
    super(settings);
    this.#url = url;
  }

  override async connect(): Promise<DatabaseConnection> {
    const { connectPostgresql } = await import('./postgresql-connection.ts');
    return connectPostgresql(this.#url, this.settings, (table) => this.tableName(table));
  }

  override columnType(field: Pick<SinkRecordField, 'name' | 'schema'>): string {
    const { schema } = field;
    const logical = logicalTypeOf(schema);
    if (logical !== null) return logical;
    if (this.isTimestampField(field)) return 'TIMESTAMP';
    switch (schema.type) {
      case 'INT8':
      case 'INT16':
        return 'SMALLINT';
      case 'INT32':
        return 'INT';
      case 'INT64':
        return 'BIGINT';
      case 'FLOAT32':
        return 'REAL';
      case 'FLOAT64':
        return 'DOUBLE PRECISION';
      case 'BOOLEAN':
        return 'BOOLEAN';
      case 'STRING':
        return 'TEXT';
      case 'BYTES':
        return 'BYTEA';
      case 'ARRAY':
        if (schema.valueSchema !== null) return `${this.columnType({ name: field.name, schema: schema.valueSchema })}[]`;
        throw this.noColumnType(schema);
      default:
        throw this.noColumnType(schema);
    }
  }

  override writer(table: TableDefinition, fields: FieldsMetadata, insertMode: InsertMode): TableWriter {
    const { keyFields } = fields;
    const write = insertMode === 'update' ? this.#update(table, fields) : this.#insert(table, fields, insertMode === 'upsert');
    const remove = keyFields.length === 0 ? null : this.#delete(table, fields);
    const order = new KeyOrder(keyFields);
    const collapse = (records: readonly SinkRecord[]) => (keyFields.length === 0 ? records : order.lastOfEach(records));
    return {
      bind(records) {
        if (!records.some(isDeletion)) return bound(write, insertMode === 'insert' ? records : collapse(records));
        if (insertMode === 'upsert') {
          // What was last done to a row is what remains of it.
          const last = collapse(records);
          return [
            ...bound(remove, last.filter(isDeletion)),
            ...bound(
              write,
              last.filter((record) => !isDeletion(record)),
            ),
          ];
        }
        return runsOf(records).flatMap((run) =>
          isDeletion(run[0] as SinkRecord) ? bound(remove, collapse(run)) : bound(write, insertMode === 'insert' ? run : collapse(run)),
        );
      },
    };
  }

  protected override literal(schema: Schema, value: unknown): string {
    const { times } = this.settings;
    switch (logicalTypeOf(schema)) {
      case 'DECIMAL':
        return (value as Decimal).toPlainString();
      case 'DATE':
        return this.text(new Date(times.localDate((value as Date).getTime())).toISOString().slice(0, -14));
      case 'TIME':
        return this.text(new Date(times.local((value as Date).getTime())).toISOString().slice(-13, -1));
      case 'TIMESTAMP':
        return this.text(new Date(times.local((value as Date).getTime())).toISOString().slice(0, -1).replace('T', ' '));
      default:
    }
    if (value instanceof Uint8Array) return this.text(`\\x${Buffer.from(value).toString('hex')}`);
    if (schema.type === 'ARRAY') return this.text(arrayLiteral(schema, value));
    if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE';
    return typeof value === 'string' || !Number.isFinite(Number(value)) ? this.text(String(value)) : String(value);
  }

  #insert(table: TableDefinition, { keyFields, nonKeyFields }: FieldsMetadata, upsert: boolean): Statement {
    const source = this.#source(table, [...keyFields, ...nonKeyFields]);
    const target = this.tableName(table.id);
    let sql = `INSERT INTO ${target} (${source.columns.join(',')}) SELECT ${source.selected.join(',')} FROM ${source.unnest}`;
    if (upsert) {
      const changed = source.columns.slice(keyFields.length).map((column) => `${column}=EXCLUDED.${column}`);
      sql += ` ON CONFLICT (${source.columns.slice(0, keyFields.length).join(',')}) DO ${changed.length === 0 ? 'NOTHING' : `UPDATE SET ${changed.join(',')}`}`;
    }
    return { sql, encoders: source.encoders };
  }

  #update(table: TableDefinition, { keyFields, nonKeyFields }: FieldsMetadata): Statement | null {
    if (nonKeyFields.length === 0) return null;
    const source = this.#source(table, [...keyFields, ...nonKeyFields]);
    const changed = source.columns.slice(keyFields.length).map((column, i) => `${column}=${source.selected[keyFields.length + i]}`);
    return {
      sql: `UPDATE ${this.tableName(table.id)} AS t SET ${changed.join(',')} FROM ${source.unnest} WHERE ${source.match(keyFields.length)}`,
      encoders: source.encoders,
    };
  }

  #delete(table: TableDefinition, { keyFields }: FieldsMetadata): Statement {
    const source = this.#source(table, keyFields);
    return { sql: `DELETE FROM ${this.tableName(table.id)} AS t USING ${source.unnest} WHERE ${source.match(keyFields.length)}`, encoders: source.encoders };
  }

  #source(table: TableDefinition, fields: readonly SinkRecordField[]) {
    const parts = fields.map((field, i) => {
      const column = columnOf(table, field.name);
      if (column === undefined) throw new DataException(`${this.tableName(table.id)} has no column ${field.name}`);
      const { type, castType } = column;
      const encoder = columnEncoder(field, type, castType, this.settings.times);
      const value = `r.c${i + 1}${encoder.cast === null ? '' : `::${encoder.cast}`}`;
      return { column: this.identifier(column.name), encoder, value, key: encoder.cast === castType ? value : `r.c${i + 1}::${castType}` };
    });
    return {
      columns: parts.map(({ column }) => column),
      selected: parts.map(({ value }) => value),
      encoders: parts.map(({ encoder }) => encoder),
      unnest: `unnest(${parts.map(({ encoder }, i) => `$${i + 1}::${encoder.elementType}[]`).join(',')}) AS r(${parts.map((_, i) => `c${i + 1}`).join(',')})`,
      /** Compared in the column's own type, so that its index is of use. */
      match: (keys: number) =>
        parts
          .slice(0, keys)
          .map(({ column, key }) => `t.${column} = ${key}`)
          .join(' AND '),
    };
  }
}

function bound(statement: Statement | null, records: readonly SinkRecord[]): PostgresqlRows[] {
  if (statement === null || records.length === 0) return [];
  return [
    new PostgresqlRows(
      records,
      statement.sql,
      statement.encoders.map((encoder) => encoder.encode(records)),
    ),
  ];
}

function isDeletion({ value }: SinkRecord): boolean {
  return value === null || value === undefined;
}

/** Neighbours that are all deletions, or all none. */
function runsOf(records: readonly SinkRecord[]): SinkRecord[][] {
  const runs: SinkRecord[][] = [];
  for (const record of records) {
    const run = runs.at(-1);
    if (run !== undefined && isDeletion(run[0] as SinkRecord) === isDeletion(record)) run.push(record);
    else runs.push([record]);
  }
  return runs;
}
