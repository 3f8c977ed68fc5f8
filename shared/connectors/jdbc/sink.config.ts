import {
  atLeast,
  boolean,
  ConfigException,
  type ConfigOf,
  configDef,
  int,
  list,
  nonEmptyString,
  oneOf,
  type Recommender,
  string,
  type Validator,
  validator,
} from '../../connect/index.ts';
import { connectionConfig } from './connection.config.ts';
import { isTimeZone } from './time-zone.ts';

const writes = 'Writes';
const mapping = 'Data Mapping';
const ddl = 'DDL Support';
const retries = 'Retries';

/** The names of the three columns of `pk.mode=kafka` when `pk.fields` does not name them. */
export const defaultKafkaPkNames = ['__connect_topic', '__connect_partition', '__connect_offset'] as const;

/** One of these words, all in lower or all in upper case. */
function enumerator(...words: string[]): Validator {
  return validator(`[${words.join(', ')}]`, (name, value) => {
    const text = String(value);
    if (!words.includes(text) && !words.some((word) => word.toUpperCase() === text)) throw ConfigException.forValue(name, value, 'Invalid enumerator');
  });
}

const tableTypeWords = ['table', 'partitioned table', 'view'];
const tableTypes = validator(`[${tableTypeWords.join(', ')}]`, (name, value) => {
  const words = value as readonly string[] | null;
  if (words?.length === 0)
    throw ConfigException.forValue(name, value, `At least one value must be specified. Valid values are: [${tableTypeWords.join(', ')}]`);
  for (const word of words ?? []) enumerator(...tableTypeWords).ensureValid(name, word);
});

const timeZone = validator('Any valid JDK time zone', (name, value) => {
  if (value === null || isTimeZone(String(value))) return;
  throw ConfigException.forValue(
    name,
    value,
    'Invalid time zone. See the list of valid time zones at https://docs.oracle.com/javase/8/docs/api/java/time/ZoneId.html#shortIds',
  );
});

function recommend(words: readonly unknown[]): Recommender {
  return { validValues: () => words, visible: () => true };
}

const isRecordKey = (config: Readonly<Record<string, unknown>>) => String(config['pk.mode']).toLowerCase() === 'record_key';
const deletesNeedRecordKey: Recommender = {
  validValues: (_, config) => (isRecordKey(config) ? [true, false] : [false]),
  visible: (_, config) => isRecordKey(config),
};
const recordKeyForDeletes: Recommender = {
  validValues: (_, config) => (config['delete.enabled'] === true ? ['record_key'] : ['none', 'kafka', 'record_key', 'record_value']),
  visible: () => true,
};

/** Keys of the JDBC sink, as in `io.confluent.connect.jdbc.JdbcSinkConnector`. */
export const jdbcSinkConfig = configDef({
  ...connectionConfig,
  'insert.mode': string({
    default: 'insert',
    validator: enumerator('insert', 'upsert', 'update'),
    importance: 'HIGH',
    doc: '`insert` adds rows; `upsert` adds or replaces the row with the same primary key, so that a record that comes twice changes nothing; `update` changes rows that are there.',
    group: writes,
    width: 'MEDIUM',
    displayName: 'Insert Mode',
  }),
  'batch.size': int({
    default: 3000,
    validator: atLeast(0),
    importance: 'MEDIUM',
    doc: 'Most records in one statement. A call of the worker is one transaction, however many statements it takes.',
    group: writes,
    width: 'SHORT',
    displayName: 'Batch Size',
  }),
  'delete.enabled': boolean({
    default: false,
    importance: 'MEDIUM',
    doc: 'Take a record without value as the deletion of the row with its key. Needs `pk.mode=record_key`.',
    group: writes,
    width: 'SHORT',
    displayName: 'Enable deletes',
    recommender: deletesNeedRecordKey,
  }),
  'table.types': list({
    default: ['TABLE'],
    validator: tableTypes,
    importance: 'LOW',
    doc: 'Kinds of tables that may be written to: `TABLE`, `PARTITIONED TABLE`, `VIEW`.',
    group: writes,
    width: 'MEDIUM',
    displayName: 'Table Types',
    recommender: recommend(tableTypeWords),
  }),
  'replace.null.with.default': boolean({
    default: true,
    importance: 'LOW',
    doc: 'Write the default of its schema for a field that is null.',
    group: writes,
    width: 'MEDIUM',
    displayName: 'Replace null value with default value',
  }),
  'table.name.format': string({
    default: '${topic}',
    validator: nonEmptyString,
    importance: 'MEDIUM',
    doc: 'Name of the table; `${topic}` stands for the topic. A dot separates the schema from the table: `kafka.${topic}`.',
    group: mapping,
    width: 'LONG',
    displayName: 'Table Name Format',
  }),
  'pk.mode': string({
    default: 'none',
    validator: enumerator('none', 'kafka', 'record_key', 'record_value'),
    importance: 'HIGH',
    doc: 'Where the primary key comes from: `none`; `kafka` (topic, partition and offset); `record_key` (a primitive or a struct); `record_value` (fields of the value).',
    group: mapping,
    width: 'MEDIUM',
    displayName: 'Primary Key Mode',
    recommender: recordKeyForDeletes,
  }),
  'pk.fields': list({
    default: [],
    importance: 'MEDIUM',
    doc: `Names of the primary key's columns. With \`kafka\` three of them, by default \`${defaultKafkaPkNames.join(',')}\`; with \`record_key\` fields of the key, all when empty, or the name for a primitive key; with \`record_value\` fields of the value, all when empty.`,
    group: mapping,
    width: 'LONG',
    displayName: 'Primary Key Fields',
  }),
  'fields.whitelist': list({
    default: [],
    importance: 'MEDIUM',
    doc: 'Fields of the value that are written; all when empty. Columns of the primary key are written in any case.',
    group: mapping,
    width: 'LONG',
    displayName: 'Fields Whitelist',
  }),
  'db.timezone': string({
    default: 'UTC',
    validator: timeZone,
    importance: 'MEDIUM',
    doc: 'Time zone in which times without a zone are written.',
    group: mapping,
    width: 'MEDIUM',
    displayName: 'DB Time Zone',
  }),
  'date.timezone': string({
    default: 'DB_TIMEZONE',
    validator: enumerator('db_timezone', 'utc'),
    importance: 'LOW',
    doc: 'Time zone for dates: that of `db.timezone`, or `utc`, which leaves the day as it is in the record.',
    group: mapping,
    width: 'MEDIUM',
    displayName: 'Time Zone used for Date',
    recommender: recommend(['db_timezone', 'utc']),
  }),
  'timestamp.fields.list': list({
    default: [],
    importance: 'MEDIUM',
    doc: 'Fields of type INT64 or STRING that hold a time since the epoch, in the unit of `timestamp.precision.mode`, and become timestamps.',
    group: mapping,
    width: 'MEDIUM',
    displayName: 'Timestamp Fields Whitelist',
  }),
  'timestamp.precision.mode': string({
    default: 'MICROSECONDS',
    validator: enumerator('microseconds', 'nanoseconds'),
    importance: 'LOW',
    doc: 'Unit of the fields in `timestamp.fields.list`.',
    group: mapping,
    width: 'MEDIUM',
    displayName: 'Sink Timestamp Precision mode',
    recommender: recommend(['microseconds', 'nanoseconds']),
  }),
  'date.calendar.system': string({
    default: 'LEGACY',
    validator: oneOf('LEGACY', 'PROLEPTIC_GREGORIAN'),
    importance: 'LOW',
    doc: 'Calendar for days before 15 October 1582: `LEGACY` takes the Julian one, as older Java does, `PROLEPTIC_GREGORIAN` the Gregorian one throughout.',
    group: mapping,
    width: 'MEDIUM',
    displayName: 'Date Calendar System',
  }),
  'string.output.value.column.name': string({
    default: 'record_value',
    validator: nonEmptyString,
    importance: 'LOW',
    doc: 'Column for the value of records whose value is a plain string.',
    group: mapping,
    width: 'MEDIUM',
    displayName: 'String Value Column Name',
  }),
  'auto.create': boolean({
    default: false,
    importance: 'MEDIUM',
    doc: 'Create the table from the schema of the record when it is missing.',
    group: ddl,
    width: 'SHORT',
    displayName: 'Auto-Create',
  }),
  'auto.evolve': boolean({
    default: false,
    importance: 'MEDIUM',
    doc: 'Add columns that the table lacks, for fields that are optional or have a default. Columns are never dropped, and types never changed.',
    group: ddl,
    width: 'SHORT',
    displayName: 'Auto-Evolve',
  }),
  'quote.sql.identifiers': string({
    default: 'ALWAYS',
    importance: 'MEDIUM',
    doc: 'Whether names of tables and columns are quoted in SQL: `always` or `never`.',
    group: ddl,
    width: 'MEDIUM',
    displayName: 'Quote Identifiers',
    recommender: recommend(['always', 'never']),
  }),
  'mssql.use.merge.holdlock': boolean({
    default: true,
    importance: 'LOW',
    doc: 'For SQL Server only: MERGE takes the HOLDLOCK hint.',
    group: 'DML Support',
    width: 'MEDIUM',
    displayName: 'SQL Server - Use HOLDLOCK in MERGE',
  }),
  'max.retries': int({
    default: 10,
    validator: atLeast(0),
    importance: 'MEDIUM',
    doc: 'How often a write is tried again, when the database is the reason that it failed, before the task fails.',
    group: retries,
    width: 'SHORT',
    displayName: 'Maximum Retries',
  }),
  'retry.backoff.ms': int({
    default: 3000,
    validator: atLeast(0),
    importance: 'MEDIUM',
    doc: 'Pause before a write is tried again, in milliseconds.',
    group: retries,
    width: 'SHORT',
    displayName: 'Retry Backoff (millis)',
  }),
  'sluice.exactly.once': boolean({
    default: false,
    importance: 'MEDIUM',
    doc: 'Keep the offsets in the database, in the transactions of the rows: each record is written exactly once, whatever `insert.mode` is. Records of transactions that were aborted are left out (`consumer.override.isolation.level` is `read_committed` unless it is set).',
    group: 'Exactly Once',
    width: 'SHORT',
    displayName: 'Exactly once',
  }),
  'sluice.exactly.once.table': string({
    default: 'sluice_offsets',
    validator: nonEmptyString,
    importance: 'LOW',
    doc: 'The table that holds the offsets under `sluice.exactly.once=true`. It is created where it is missing.',
    group: 'Exactly Once',
    width: 'MEDIUM',
    displayName: 'Table of offsets',
  }),
  'trim.sensitive.log': boolean({
    default: false,
    importance: 'LOW',
    doc: 'Leave values of records out of the errors that the database gives.',
    internal: true,
  }),
});

/** The parsed config of the sink. */
export type JdbcSinkConfig = ConfigOf<typeof jdbcSinkConfig>;
