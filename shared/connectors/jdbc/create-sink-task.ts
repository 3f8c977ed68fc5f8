import type { SinkTaskContext } from '../../connect/index.ts';
import type { DialectSettings } from './dialects/dialect.ts';
import { dialectOf, parseJdbcUrl } from './jdbc-url.ts';
import type { JdbcSinkConfig } from './sink.config.ts';
import { JdbcSinkTask } from './sink-task.ts';
import { SinkTimes } from './sink-times.ts';

/** Makes the task of a config; the driver of its database is loaded with the first connection. Throws ConfigException. */
export async function createJdbcSinkTask(config: JdbcSinkConfig, context: SinkTaskContext): Promise<JdbcSinkTask> {
  const url = parseJdbcUrl(config['connection.url']);
  const settings = dialectSettings(config, context);
  dialectOf(url, config['dialect.name']);
  if (url.dialect === 'SqliteDatabaseDialect') {
    const { SqliteDialect } = await import('./dialects/sqlite.ts');
    return new JdbcSinkTask(config, new SqliteDialect(settings, url), context);
  }
  const { PostgresqlDialect } = await import('./dialects/postgresql.ts');
  return new JdbcSinkTask(config, new PostgresqlDialect(settings, url), context);
}

function dialectSettings(config: JdbcSinkConfig, { clock, logger }: SinkTaskContext): DialectSettings {
  const zone = config['db.timezone'];
  return {
    quoteIdentifiers: config['quote.sql.identifiers'].toLowerCase() !== 'never',
    times: new SinkTimes({
      zone,
      dateZone: config['date.timezone'].toLowerCase() === 'utc' ? 'UTC' : zone,
      legacyCalendar: config['date.calendar.system'] === 'LEGACY',
      timestampFields: new Set(config['timestamp.fields.list']),
      nanoseconds: config['timestamp.precision.mode'].toLowerCase() === 'nanoseconds',
    }),
    user: config['connection.user'],
    password: config['connection.password']?.value ?? null,
    trimErrors: config['trim.sensitive.log'],
    applicationName: 'sluice',
    clock,
    logger,
  };
}
