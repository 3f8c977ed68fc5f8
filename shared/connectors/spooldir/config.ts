import { atLeast, boolean, ConfigException, configDef, int, javaPattern, list, long, string, type Validator, validator } from '../../connect/index.ts';

const fileSystem = 'File System';
const general = 'General';
const timestamps = 'Timestamps';
const schemas = 'Schema';
const generation = 'Schema Generation';
const csv = 'CSV Parsing';

export type FileAttribute = 'NameAsc' | 'NameDesc' | 'LengthAsc' | 'LengthDesc' | 'LastModifiedAsc' | 'LastModifiedDesc';
export type NullFieldIndicator = 'EMPTY_SEPARATORS' | 'EMPTY_QUOTES' | 'BOTH' | 'NEITHER';

/** One of these texts, or a list of them. */
function named(kind: string, ...allowed: string[]): Validator {
  return validator(`Matches: \`\`${allowed.join('``, ``')}\`\``, (name, value) => {
    for (const each of Array.isArray(value) ? value : [value])
      if (!allowed.includes(each)) throw ConfigException.forValue(name, `'${each}' is not a valid value for ${kind}. Valid values are ${allowed.join(', ')}.`);
  });
}

const pattern = validator('a regular expression', (name, value) => {
  try {
    javaPattern(String(value));
  } catch (error) {
    throw ConfigException.forValue(name, value, (error as Error).message);
  }
});

const extension = validator('Matches regex( ^.*\\..+$ )', (name, value) => {
  if (!/^.*\..+$/.test(String(value))) throw ConfigException.forValue(name, `'${value}' does not match pattern '^.*\\..+$'.`);
});

const character = validator('the code of a character', (name, value) => {
  if (Number(value) < 0 || Number(value) > 0xffff) throw ConfigException.forValue(name, value, 'Value must be the code of a character, 0 to 65535');
});

const charset = validator('the name of a character set', (name, value) => {
  try {
    new TextDecoder(String(value));
  } catch {
    throw ConfigException.forValue(name, value, `Charset '${value}' is invalid for ${name}`);
  }
});

const timeZone = validator('A time zone, such as UTC or Europe/Berlin', (name, value) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: String(value) });
  } catch {
    throw ConfigException.forValue(name, value, 'Not a time zone, such as UTC or Europe/Berlin');
  }
});

/** Keys that all of the connectors have. */
export const directoryConfig = configDef({
  topic: string({ importance: 'HIGH', group: general, doc: 'Topic to which the records go.' }),
  'batch.size': int({ default: 1000, importance: 'LOW', group: general, doc: 'Most records that one poll gives.' }),
  'empty.poll.wait.ms': long({
    default: 500,
    validator: atLeast(1),
    importance: 'LOW',
    group: general,
    doc: 'How long a poll that finds nothing waits, in milliseconds.',
  }),
  'task.index': int({ default: 0, validator: atLeast(0), importance: 'LOW', group: general, internal: true, doc: 'Set by the connector: which task this is.' }),
  'task.count': int({ default: 1, validator: atLeast(1), importance: 'LOW', group: general, internal: true, doc: 'Set by the connector: how many there are.' }),
  'cleanup.policy': string({
    default: 'MOVE',
    validator: named('CleanupPolicy', 'NONE', 'DELETE', 'MOVE', 'MOVEBYDATE'),
    importance: 'MEDIUM',
    group: fileSystem,
    doc: 'What becomes of a file when all of its records are in Kafka: NONE leaves it, DELETE removes it, MOVE puts it into finished.path, MOVEBYDATE into a folder there that is named for the day on which the file was last written.',
  }),
  'input.path': string({ importance: 'HIGH', group: fileSystem, doc: 'Folder with the files to read. It must exist and be writable.' }),
  'finished.path': string({
    default: '',
    importance: 'HIGH',
    group: fileSystem,
    doc: 'Folder for files that are done. It must exist and be writable; needed with MOVE and MOVEBYDATE.',
  }),
  'error.path': string({ importance: 'HIGH', group: fileSystem, doc: 'Folder for files that cannot be read to their end. It must exist and be writable.' }),
  'input.file.pattern': string({
    validator: pattern,
    importance: 'HIGH',
    group: fileSystem,
    doc: 'Regular expression (java.util.regex) that the whole name of a file must match.',
  }),
  'halt.on.error': boolean({
    default: true,
    importance: 'HIGH',
    group: fileSystem,
    doc: 'Whether a file that cannot be read fails the task, or the next file is read.',
  }),
  'file.minimum.age.ms': long({
    default: 0,
    validator: atLeast(0),
    importance: 'LOW',
    group: fileSystem,
    doc: 'How long ago a file must have been written last, in milliseconds, before it is read.',
  }),
  'processing.file.extension': string({
    default: '.PROCESSING',
    validator: extension,
    importance: 'LOW',
    group: fileSystem,
    doc: 'What is added to the name of a file for the flag file that stands beside it while it is read.',
  }),
  'timestamp.mode': string({
    default: 'PROCESS_TIME',
    validator: named('TimestampMode', 'FIELD', 'FILE_TIME', 'PROCESS_TIME'),
    importance: 'MEDIUM',
    group: timestamps,
    doc: "Where the timestamp of a record comes from: FIELD, the field of timestamp.field; FILE_TIME, the file's last modification; PROCESS_TIME, the time of producing.",
  }),
  'files.sort.attributes': list({
    default: ['NameAsc'],
    validator: named('FileAttribute', 'NameAsc', 'NameDesc', 'LengthAsc', 'LengthDesc', 'LastModifiedAsc', 'LastModifiedDesc'),
    importance: 'LOW',
    group: fileSystem,
    doc: 'By what files are put in order, the most important first.',
  }),
  'task.partitioner': string({
    default: 'ByName',
    validator: named('TaskPartitioner', 'ByName'),
    importance: 'MEDIUM',
    group: fileSystem,
    doc: 'How files are divided among several tasks: by a hash of the name.',
  }),
  'input.path.walk.recursively': boolean({
    default: false,
    importance: 'LOW',
    group: fileSystem,
    doc: 'Whether folders within input.path are read too. The folder becomes the header file.relative.path and is kept when the file is moved.',
  }),
  'cleanup.policy.maintain.relative.path': boolean({
    default: false,
    importance: 'LOW',
    group: fileSystem,
    doc: 'Whether folders within input.path stay when their last file was moved or deleted.',
  }),
  'file.buffer.size.bytes': int({
    default: 131_072,
    validator: atLeast(1),
    importance: 'LOW',
    group: fileSystem,
    doc: 'How many bytes of a file are read at once.',
  }),
});

/** Keys of those that read text as it is. */
export const textConfig = directoryConfig.extend({
  'file.charset': string({ default: 'UTF-8', validator: charset, importance: 'LOW', doc: 'Character set of the files.' }),
});

/** Keys of those that make records with a schema. */
export const structuredConfig = directoryConfig.extend({
  'key.schema': string({ default: '', importance: 'HIGH', group: schemas, doc: 'Schema of the key, as JSON.' }),
  'value.schema': string({ default: '', importance: 'HIGH', group: schemas, doc: 'Schema of the value, as JSON.' }),
  'schema.generation.enabled': boolean({
    default: false,
    importance: 'MEDIUM',
    group: generation,
    doc: 'Whether schemas that are not given are made from each file: every field an optional STRING.',
  }),
  'schema.generation.key.fields': list({
    default: [],
    importance: 'MEDIUM',
    group: generation,
    doc: 'Fields that make up the key, when schemas are generated.',
  }),
  'schema.generation.key.name': string({
    default: 'com.github.jcustenborder.kafka.connect.model.Key',
    importance: 'MEDIUM',
    group: generation,
    doc: 'Name of the generated schema of the key.',
  }),
  'schema.generation.value.name': string({
    default: 'com.github.jcustenborder.kafka.connect.model.Value',
    importance: 'MEDIUM',
    group: generation,
    doc: 'Name of the generated schema of the value.',
  }),
  'parser.timestamp.timezone': string({
    default: 'UTC',
    validator: timeZone,
    importance: 'LOW',
    group: timestamps,
    doc: 'Time zone of dates in files that do not tell theirs.',
  }),
  'parser.timestamp.date.formats': list({
    default: ["yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd' 'HH:mm:ss"],
    importance: 'LOW',
    group: timestamps,
    doc: 'Patterns (java.text.SimpleDateFormat) of dates, tried in order.',
  }),
  'timestamp.field': string({
    default: '',
    importance: 'MEDIUM',
    group: timestamps,
    doc: 'Field of the value with the timestamp of the record, for timestamp.mode=FIELD; a Timestamp that is not optional.',
  }),
});

/** Keys of the one for CSV. */
export const csvConfig = structuredConfig.extend({
  'csv.skip.lines': int({ default: 0, validator: atLeast(0), importance: 'LOW', group: csv, doc: 'Lines to pass over at the beginning of a file.' }),
  'csv.separator.char': int({
    default: 44,
    validator: character,
    importance: 'LOW',
    group: csv,
    doc: 'Code of the character between fields: 44 a comma, 9 a tab.',
  }),
  'csv.quote.char': int({ default: 34, validator: character, importance: 'LOW', group: csv, doc: 'Code of the character around fields.' }),
  'csv.escape.char': int({
    default: 92,
    validator: character,
    importance: 'LOW',
    group: csv,
    doc: 'Code of the character that takes the meaning from the next one; one before any other character is dropped.',
  }),
  'csv.strict.quotes': boolean({ default: false, importance: 'LOW', group: csv, doc: 'Whether characters outside of quotes are dropped.' }),
  'csv.ignore.leading.whitespace': boolean({ default: true, importance: 'LOW', group: csv, doc: 'Whether blanks before a quote are dropped.' }),
  'csv.ignore.quotations': boolean({ default: false, importance: 'LOW', group: csv, doc: 'Whether separators and line ends count within quotes too.' }),
  'csv.keep.carriage.return': boolean({ default: false, importance: 'LOW', group: csv, doc: 'Whether a carriage return at the end of a line is kept.' }),
  'csv.verify.reader': boolean({ default: true, importance: 'LOW', group: csv, doc: 'Accepted; there is nothing to verify here.' }),
  'csv.null.field.indicator': string({
    default: 'NEITHER',
    validator: named('CSVReaderNullFieldIndicator', 'EMPTY_SEPARATORS', 'EMPTY_QUOTES', 'BOTH', 'NEITHER'),
    importance: 'LOW',
    group: csv,
    doc: 'Which empty fields are null: those without quotes, those of two quotes, both, or neither.',
  }),
  'csv.first.row.as.header': boolean({ default: false, importance: 'MEDIUM', group: csv, doc: 'Whether the first row names the columns.' }),
  'csv.file.charset': string({ default: 'UTF-8', validator: charset, importance: 'LOW', group: csv, doc: 'Character set of the files.' }),
  'csv.case.sensitive.field.names': boolean({ default: false, importance: 'LOW', doc: 'Accepted; names of columns always keep their case.' }),
  'csv.rfc.4180.parser.enabled': boolean({
    default: false,
    importance: 'LOW',
    doc: 'Whether files follow RFC 4180: no escape character, quotes are doubled within quotes.',
  }),
});

export type DirectoryConfig = ReturnType<(typeof directoryConfig)['parse']>;
export type StructuredConfig = ReturnType<(typeof structuredConfig)['parse']>;
export type CsvConfig = ReturnType<(typeof csvConfig)['parse']>;
