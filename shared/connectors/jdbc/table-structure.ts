import { ConnectException, type Logger, type Schema } from '../../connect/index.ts';
import { columnOf, type DatabaseConnection, type Dialect, type TableDefinition } from './dialects/dialect.ts';
import { SqlException, TableAlterOrCreateException } from './errors.ts';
import type { FieldsMetadata, SinkRecordField } from './fields-metadata.ts';
import type { TableId } from './table-id.ts';

export interface TableStructureSettings {
  readonly autoCreate: boolean;
  readonly autoEvolve: boolean;
  /** JDBC's words for the kinds of tables that may be written to, in upper case. */
  readonly tableTypes: ReadonlySet<string>;
}

/** Tables as the database has them, created and widened where that is allowed: Confluent's DbStructure. */
export class TableStructure {
  readonly #dialect: Dialect;
  readonly #settings: TableStructureSettings;
  readonly #logger: Logger;
  readonly #definitions = new Map<string, TableDefinition>();

  constructor(dialect: Dialect, settings: TableStructureSettings, logger: Logger) {
    this.#dialect = dialect;
    this.#settings = settings;
    this.#logger = logger;
  }

  /** Looks at every table again. */
  forget(): void {
    this.#definitions.clear();
  }

  /**
   * A definition that has a column for every field. Null when there is no table and nothing but deletions to write.
   * Throws TableAlterOrCreateException when columns are missing and may not be added, ConnectException when the table is
   * missing and may not be created, SqlException.
   */
  async createOrAmendIfNecessary(
    connection: DatabaseConnection,
    table: TableId,
    fields: FieldsMetadata,
    onlyDeletions: boolean,
  ): Promise<TableDefinition | null> {
    let definition = await this.#definition(connection, table);
    if (definition === null) {
      if (onlyDeletions && this.#settings.autoCreate) return null;
      definition = await this.#create(connection, table, fields);
    }
    const { type } = definition;
    if (!this.#settings.tableTypes.has(type))
      throw new ConnectException(
        `${this.#dialect.tableName(definition.id)} is a ${type}, and table.types has only ${[...this.#settings.tableTypes].join(', ')}`,
      );
    const missing = missingFields(fields, definition);
    return missing.length === 0 ? definition : this.#amend(connection, table, definition, missing, fields);
  }

  async #definition(connection: DatabaseConnection, table: TableId): Promise<TableDefinition | null> {
    const name = this.#dialect.tableName(table);
    const known = this.#definitions.get(name);
    if (known !== undefined) return known;
    const found = await connection.describe(table);
    if (found !== null) this.#definitions.set(name, found);
    return found;
  }

  async #create(connection: DatabaseConnection, table: TableId, fields: FieldsMetadata): Promise<TableDefinition> {
    const name = this.#dialect.tableName(table);
    if (!this.#settings.autoCreate) throw new ConnectException(`Table ${name} is missing and auto-creation is disabled: create it, or set auto.create=true`);
    const sql = this.#dialect.createTable(table, fields.allFields);
    this.#logger.info(`Creating table with sql: ${sql}`);
    let failure: unknown = null;
    try {
      await connection.execute(sql);
    } catch (error) {
      if (!connection.open) throw error;
      failure = error;
    }
    // Another task may have been faster.
    const created = await this.#definition(connection, table);
    if (created !== null) return created;
    throw failure === null ? new ConnectException(`Table ${name} was created and cannot be seen: does the user have privileges on it?`) : asFatal(failure);
  }

  async #amend(
    connection: DatabaseConnection,
    table: TableId,
    definition: TableDefinition,
    missing: readonly SinkRecordField[],
    fields: FieldsMetadata,
  ): Promise<TableDefinition> {
    const name = this.#dialect.tableName(definition.id);
    const kind = definition.type;
    const capitalized = kind.charAt(0) + kind.slice(1).toLowerCase();
    const list = `[${missing.map(describeField).join(', ')}]`;
    if (kind === 'VIEW') throw new TableAlterOrCreateException(`${capitalized} ${name} is missing fields (${list}) and ALTER ${kind} is unsupported`);
    const required = missing.find(({ schema, isPrimaryKey }) => (isPrimaryKey || !schema.optional) && schema.defaultValue === null);
    if (required !== undefined)
      throw new TableAlterOrCreateException(
        `Cannot ALTER ${kind} ${name} to add missing field ${describeField(required)}, as the field is not optional and does not have a default value`,
      );
    if (!this.#settings.autoEvolve) throw new TableAlterOrCreateException(`${capitalized} ${name} is missing fields (${list}) and auto-evolution is disabled`);
    let failure: unknown = null;
    for (const sql of this.#dialect.alterTable(definition.id, missing)) {
      this.#logger.info(`Amending ${kind} to add missing fields with sql: ${sql}`);
      try {
        await connection.execute(sql);
      } catch (error) {
        if (!connection.open) throw error;
        failure = error;
      }
    }
    this.#definitions.delete(this.#dialect.tableName(table));
    const amended = await this.#definition(connection, table);
    if (amended === null) throw new ConnectException(`Table ${name} is missing and was there a moment ago`);
    const left = missingFields(fields, amended);
    if (left.length === 0) return amended;
    // Another task added some of the columns, and the statement that added them all was refused: add the others.
    if (left.length < missing.length) return this.#amend(connection, table, amended, left, fields);
    throw failure === null ? new TableAlterOrCreateException(`${capitalized} ${name} is missing fields (${list}) after they were added`) : asFatal(failure);
  }
}

/** The refusal of a statement that changes a table is no record's fault. */
function asFatal(error: unknown): unknown {
  if (!(error instanceof SqlException) || error.fate === 'connection' || error.fate === 'retry') return error;
  return new SqlException(error.message, 'fatal', error.state, { cause: error });
}

function missingFields({ allFields }: FieldsMetadata, definition: TableDefinition): SinkRecordField[] {
  return allFields.filter(({ name }) => columnOf(definition, name) === undefined);
}

function describeField({ name, schema, isPrimaryKey }: SinkRecordField): string {
  return `SinkRecordField{schema=${describeSchema(schema)}, name='${name}', isPrimaryKey=${isPrimaryKey}}`;
}

function describeSchema({ name, type }: Schema): string {
  return name === null ? `Schema{${type}}` : `Schema{${name}:${type}}`;
}
