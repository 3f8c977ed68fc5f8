import { type ConfigValue, ConnectException, type ConnectorValidation, defineSinkConnector, isConnectException, replicate } from '../../connect/index.ts';
import { dialectOf, parseJdbcUrl } from './jdbc-url.ts';
import { defaultKafkaPkNames, type JdbcSinkConfig, jdbcSinkConfig } from './sink.config.ts';

/**
 * Writes records as rows of tables: Confluent's JDBC sink, for PostgreSQL and SQLite.
 * `{"connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector", "topics": "orders", "connection.url": "jdbc:postgresql://db/shop",
 * "insert.mode": "upsert", "pk.mode": "record_key", "pk.fields": "id", "auto.create": "true"}`
 */
export const jdbcSink = defineSinkConnector({
  className: 'io.confluent.connect.jdbc.JdbcSinkConnector',
  version: '10.10.0',
  overview: 'Writes records as rows of a database, and creates and widens tables where that is allowed.',
  guarantees:
    'At least once; with insert.mode=upsert each record has its effect exactly once. Rows of one put are one transaction. Exactly once with sluice.exactly.once=true: the offsets are in the same transaction.',
  delivery: 'at-least-once; exactly-once when sluice.exactly.once=true',
  config: jdbcSinkConfig,
  validate,
  taskConfigs: (context) => replicate(context),
  isExactlyOnce,
  // The database is out of reach from where offsets are changed: it has to be done there.
  alterOffsets(config, offsets) {
    const [change] = offsets.filter(({ offset }) => offset !== null);
    if (change !== undefined && isExactlyOnce(config))
      throw new ConnectException(
        `The connector keeps its offsets in its database (sluice.exactly.once=true): change them there while it is stopped: UPDATE ${config['sluice.exactly.once.table'] ?? 'sluice_offsets'} SET kafka_offset = ${change.offset} WHERE connector = '${config['name'] ?? ''}' AND kafka_topic = '${change.partition.topic}' AND kafka_partition = ${change.partition.partition}`,
      );
    return false;
  },
  async createTask(config, context) {
    const { createJdbcSinkTask } = await import('./create-sink-task.ts');
    return createJdbcSinkTask(config, context);
  },
});

function isExactlyOnce(config: Readonly<Record<string, string>>): boolean {
  return config['sluice.exactly.once']?.trim().toLowerCase() === 'true';
}

/** Checks that need several keys, or the parts of one. The database itself is not asked: it may be out of reach from here. */
function validate({ value }: ConnectorValidation<JdbcSinkConfig>): void {
  const deletes = value('delete.enabled');
  const pkMode = value('pk.mode');
  const pkFields = value('pk.fields');
  const insertMode = value('insert.mode');
  if (isClean(deletes) && isClean(pkMode)) {
    const mode = String(pkMode.value).toLowerCase();
    if (deletes.value === true && mode !== 'record_key') {
      for (const each of [pkMode, deletes]) each.errorMessages.push('Deletes are only supported for pk.mode record_key');
    }
    const insert = String(insertMode.value).toLowerCase();
    if (isClean(insertMode) && mode === 'none' && (insert === 'upsert' || insert === 'update'))
      pkMode.errorMessages.push(
        `insert.mode=${insert} requires key field names to be known, check the primary key configuration: pk.mode must be one of kafka, record_key, record_value`,
      );
    const names = (pkFields.value ?? []) as readonly string[];
    if (mode === 'kafka' && names.length !== 0 && names.length !== 3)
      pkFields.errorMessages.push(
        `PK mode is KAFKA so there should either be no field names defined for defaults [${defaultKafkaPkNames.join(', ')}] to be applicable, or exactly 3, defined fields are: [${names.join(', ')}] (pk.fields)`,
      );
  }
  const quote = value('quote.sql.identifiers');
  if (isClean(quote) && !['always', 'never'].includes(String(quote.value).toLowerCase()))
    quote.errorMessages.push(`No matching QuoteMethod found for '${quote.value}' of quote.sql.identifiers: it is always or never`);
  const url = value('connection.url');
  const dialect = value('dialect.name');
  if (isClean(url) && isClean(dialect)) {
    attempt(url, () => {
      const parsed = parseJdbcUrl(String(url.value));
      attempt(dialect, () => dialectOf(parsed, String(dialect.value)));
    });
  }
}

function isClean({ errorMessages }: ConfigValue): boolean {
  return errorMessages.length === 0;
}

function attempt(answer: ConfigValue, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!isConnectException(error)) throw error;
    answer.errorMessages.push(error.message);
  }
}
