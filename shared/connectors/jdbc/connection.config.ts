import { atLeast, ConfigException, className, int, long, password, string, validator } from '../../connect/index.ts';
import { dialectNames } from './dialect-names.ts';

const group = 'Connection';
const defaultCredentialsProvider = 'io.confluent.connect.jdbc.util.DefaultJdbcCredentialsProvider';

const credentialsProvider = validator('Any class implementing: interface io.confluent.connect.jdbc.util.JdbcCredentialsProvider', (name, value) => {
  if (value === defaultCredentialsProvider) return;
  throw ConfigException.forValue(
    name,
    value,
    'Java classes cannot be loaded here. Leave the key out, and let a config provider give user and password: ${secretsmanager:…}',
  );
});

const known: readonly string[] = ['', ...dialectNames];
const dialectName = validator(`[${known.join(', ')}]`, (name, value) => {
  if (value === null || known.includes(String(value))) return;
  throw ConfigException.forValue(name, value, `Invalid enumerator. Dialects are ${dialectNames.join(' and ')}; left out, the JDBC URL decides`);
});

/** How a database is reached: keys of every JDBC connector. */
export const connectionConfig = {
  'connection.url': string({
    importance: 'HIGH',
    doc: 'JDBC URL of the database: `jdbc:postgresql://host:5432/database?sslmode=verify-full` or `jdbc:sqlite:/path/file.db`. It decides the dialect.',
    group,
    width: 'LONG',
    displayName: 'JDBC URL',
  }),
  'connection.user': string({ default: null, importance: 'HIGH', doc: 'Database user.', group, width: 'MEDIUM', displayName: 'JDBC User' }),
  'connection.password': password({
    default: null,
    importance: 'HIGH',
    doc: 'Password of the database user. Give a reference to a config provider, not the password itself.',
    group,
    width: 'MEDIUM',
    displayName: 'JDBC Password',
  }),
  'jdbc.credentials.provider.class': className({
    default: defaultCredentialsProvider,
    validator: credentialsProvider,
    importance: 'LOW',
    doc: 'Java class that supplies user and password. Only the default works here, which takes `connection.user` and `connection.password`.',
    group,
    width: 'LONG',
    displayName: 'JDBC Credentials Provider Class',
  }),
  'dialect.name': string({
    default: '',
    validator: dialectName,
    importance: 'LOW',
    doc: 'Dialect of SQL to use, where the one that follows from the JDBC URL is not right.',
    group,
    width: 'LONG',
    displayName: 'Database Dialect',
    recommender: { validValues: () => known, visible: () => true },
  }),
  'connection.attempts': int({
    default: 3,
    validator: atLeast(1),
    importance: 'LOW',
    doc: 'How often a connection is tried before the write counts as failed.',
    group,
    width: 'SHORT',
    displayName: 'JDBC connection attempts',
  }),
  'connection.backoff.ms': long({
    default: 10_000,
    importance: 'LOW',
    doc: 'Pause between two tries of a connection, in milliseconds.',
    group,
    width: 'SHORT',
    displayName: 'JDBC connection backoff in milliseconds',
  }),
} as const;
