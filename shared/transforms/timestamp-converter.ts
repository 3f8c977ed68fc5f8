import {
  ConfigException,
  ConnectException,
  configDef,
  DATE,
  DataException,
  dateSchema,
  int64,
  keyOrValueTransformation,
  MILLIS_PER_DAY,
  oneOf,
  Schema,
  string,
  TIME,
  TIMESTAMP,
  timeSchema,
  timestampSchema,
} from '../connect/index.ts';
import { javaClassName, javaTypeOf, schemaText } from '../connect/java/java-value.ts';
import { ParseException, SimpleDateFormat } from '../connect/java/simple-date-format.ts';
import { NestedFields, usesPaths } from './nested-fields.ts';
import { fieldsOf, requireMap, requireStructOrNull, type StructValue } from './requirements.ts';
import { cacheBySchema, fieldValue, putField, structLike } from './struct-fields.ts';
import { REPLACE_NULL_WITH_DEFAULT, VERSION } from './transform-keys.ts';

const purpose = 'converting timestamp formats';

type TimestampType = 'string' | 'unix' | 'Date' | 'Time' | 'Timestamp';

const targetSchemas: Readonly<Record<TimestampType, readonly [required: Schema, optional: Schema]>> = {
  string: [Schema.STRING_SCHEMA, Schema.OPTIONAL_STRING_SCHEMA],
  unix: [Schema.INT64_SCHEMA, Schema.OPTIONAL_INT64_SCHEMA],
  Date: [dateSchema(), dateSchema(true)],
  Time: [timeSchema(), timeSchema(true)],
  Timestamp: [timestampSchema(), timestampSchema(true)],
};

const config = configDef({
  field: string({ default: '', importance: 'HIGH', doc: 'The field containing the timestamp, or empty if the entire value is a timestamp' }),
  'target.type': string({
    validator: oneOf('string', 'unix', 'Date', 'Time', 'Timestamp'),
    importance: 'HIGH',
    doc: 'The desired timestamp representation: string, unix, Date, Time, or Timestamp',
  }),
  format: string({
    default: '',
    importance: 'MEDIUM',
    doc: 'A SimpleDateFormat-compatible format for the timestamp. Used to generate the output when type=string or used to parse the input if the input is a string.',
  }),
  'unix.precision': string({
    default: 'milliseconds',
    validator: oneOf('nanoseconds', 'microseconds', 'milliseconds', 'seconds'),
    importance: 'LOW',
    doc: 'The desired Unix precision for the timestamp: seconds, milliseconds, microseconds, or nanoseconds. Used to generate the output when type=unix or used to parse the input if the input is a Long.Note: This SMT will cause precision loss during conversions from, and to, values with sub-millisecond components.',
  }),
  ...REPLACE_NULL_WITH_DEFAULT,
});

/**
 * Converts timestamps between texts, Unix time and Connect's logical types. Everything is in UTC.
 * `{"transforms.t.type": "org.apache.kafka.connect.transforms.TimestampConverter$Value", "transforms.t.field": "created", "transforms.t.target.type": "Timestamp"}`
 */
export const timestampConverter = keyOrValueTransformation({
  className: 'org.apache.kafka.connect.transforms.TimestampConverter',
  version: VERSION,
  overview: "Converts a timestamp between text, Unix time and Connect's Date, Time and Timestamp.",
  config,
  create({ field, 'target.type': targetType, format: pattern, 'unix.precision': precision, 'replace.null.with.default': replaceNull }, _side, raw) {
    const target = targetType as TimestampType;
    const format = dateFormat(pattern, target);
    const convert = (schema: Schema | null, value: unknown): unknown => {
      if (value === null || value === undefined) return null;
      const millis = toMillis(schema, value, format, precision);
      return fromMillis(millis, target, format, precision, schema !== null);
    };
    const schemaFor = (optional: boolean): Schema => targetSchemas[target][optional ? 1 : 0];
    if (usesPaths(raw) && field !== '') {
      const nested = new NestedFields({ purpose, replaceNull });
      nested.change(field, {
        schema: (own) => {
          // A wrong type is told even where there is no value.
          schemaType(own);
          return schemaFor(own.optional);
        },
        value: convert,
      });
      return (side, record) => (side.value === null || side.value === undefined ? side : nested.apply(side, record));
    }
    const convertFields = (schema: Schema, updated: Schema, struct: StructValue): Record<string, unknown> => {
      const converted: Record<string, unknown> = {};
      for (let at = 0; at < schema.fields.length; at++) {
        const each = schema.fields[at] as Schema['fields'][number];
        const value = fieldValue(each, struct, replaceNull);
        const own = (updated.fields[at] as Schema['fields'][number]).schema;
        if (each.name !== field) putField(converted, each.name, own, value);
        else {
          // A wrong type is told even where there is no value.
          schemaType(each.schema);
          putField(converted, each.name, own, convert(each.schema, value));
        }
      }
      return converted;
    };
    const plan = cacheBySchema((schema) => {
      const fields = fieldsOf(schema).map(({ name, schema: own }) => ({ name, schema: name === field ? schemaFor(own.optional) : own }));
      const updated = structLike(schema, fields).with({ optional: schema.optional });
      if (schema.defaultValue === null) return updated;
      return updated.with({ defaultValue: convertFields(schema, updated, schema.defaultValue as StructValue) });
    });
    return ({ schema, value }) => {
      if (schema === null) {
        if (value === null || value === undefined || field === '') return { schema: null, value: convert(null, value) };
        const map = requireMap(value, purpose);
        return { schema: null, value: new Map<string, unknown>(map).set(field, convert(null, map.get(field))) };
      }
      if (field === '') {
        const type = schemaType(schema);
        return { schema: schemaFor(schema.optional), value: type === null ? null : convert(schema, value) };
      }
      const struct = requireStructOrNull(schema, value, purpose);
      const updated = plan(schema);
      return { schema: updated, value: struct === null ? null : convertFields(schema, updated, struct) };
    };
  },
});

function dateFormat(pattern: string, target: TimestampType): SimpleDateFormat | null {
  const blank = /^\s*$/.test(pattern);
  if (blank && target === 'string') throw new ConfigException('TimestampConverter requires format option to be specified when using string timestamps');
  if (blank) return null;
  try {
    return new SimpleDateFormat(pattern);
  } catch (cause) {
    const why = `java.lang.IllegalArgumentException: ${(cause as Error).message}`;
    throw ConfigException.forValue(`TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps: ${pattern}`, why);
  }
}

/** What a schema says that a timestamp is. Throws ConnectException when it is none. */
function schemaType(schema: Schema): TimestampType {
  if (schema.name === TIMESTAMP) return 'Timestamp';
  if (schema.name === DATE) return 'Date';
  if (schema.name === TIME) return 'Time';
  if (schema.type === 'STRING') return 'string';
  if (schema.type === 'INT64') return 'unix';
  throw new ConnectException(`Schema ${schemaText(schema)} does not correspond to a known timestamp type format`);
}

function schemalessType(value: unknown): TimestampType {
  const type = javaTypeOf(null, value);
  if (type === 'DATE') return 'Timestamp';
  if (type === 'INT64') return 'unix';
  if (type === 'STRING') return 'string';
  throw new DataException(`TimestampConverter does not support class ${javaClassName(null, value)} objects as timestamps`);
}

function toMillis(schema: Schema | null, value: unknown, format: SimpleDateFormat | null, precision: string): number {
  const type = schema === null ? schemalessType(value) : schemaType(schema);
  const java = javaTypeOf(schema, value);
  if (type === 'string') {
    if (java !== 'STRING') throw new DataException(`Expected string timestamp to be a String, but found class ${javaClassName(schema, value)}`);
    if (format === null) throw new DataException('TimestampConverter needs the option format to read a timestamp that is a text');
    return parseText(format, value as string);
  }
  if (type === 'unix') {
    if (java !== 'INT64') throw new DataException(`Expected Unix timestamp to be a Long, but found class ${javaClassName(schema, value)}`);
    return fromUnix(BigInt(value as bigint), precision);
  }
  if (java !== 'DATE') throw new DataException(`Expected ${type} to be a java.util.Date, but found class ${javaClassName(schema, value)}`);
  return (value as Date).getTime();
}

function parseText(format: SimpleDateFormat, text: string): number {
  try {
    return format.parse(text);
  } catch (cause) {
    if (!(cause instanceof ParseException)) throw cause;
    throw new DataException(`Could not parse timestamp: value (${text}) does not match pattern (${format.pattern})`, { cause });
  }
}

function fromMillis(millis: number, target: TimestampType, format: SimpleDateFormat | null, precision: string, typed: boolean): unknown {
  const day = Math.floor(millis / MILLIS_PER_DAY) * MILLIS_PER_DAY;
  switch (target) {
    case 'string':
      return (format as SimpleDateFormat).format(millis);
    case 'unix': {
      const unix = toUnix(BigInt(millis), precision);
      return typed ? unix : int64(unix);
    }
    case 'Date':
      return new Date(day);
    case 'Time':
      return new Date(millis - day);
    case 'Timestamp':
      return new Date(millis);
  }
}

function fromUnix(unix: bigint, precision: string): number {
  if (precision === 'seconds') return Number(unix * 1000n);
  if (precision === 'microseconds') return Number(unix / 1000n);
  return Number(precision === 'nanoseconds' ? unix / 1_000_000n : unix);
}

/** Beyond the range of a long it stays at its end, as `TimeUnit` has it. */
function toUnix(millis: bigint, precision: string): bigint {
  if (precision === 'seconds') return millis / 1000n;
  const unix = precision === 'microseconds' ? millis * 1000n : precision === 'nanoseconds' ? millis * 1_000_000n : millis;
  const limit = 2n ** 63n;
  return unix >= limit ? limit - 1n : unix < -limit ? -limit : unix;
}
