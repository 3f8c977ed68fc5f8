import { ConnectException, DataException, Schema, type SinkRecord } from '../../connect/index.ts';
import { defaultKafkaPkNames } from './sink.config.ts';

/** A column of the target and where its value comes from. */
export interface SinkRecordField {
  readonly name: string;
  readonly schema: Schema;
  readonly isPrimaryKey: boolean;
  /** The value of a record for this column; null or undefined for NULL. */
  readonly read: (record: SinkRecord) => unknown;
}

/** What is written of records of one pair of schemas: Confluent's FieldsMetadata. */
export interface FieldsMetadata {
  readonly keyFields: readonly SinkRecordField[];
  readonly nonKeyFields: readonly SinkRecordField[];
  /** In the order in which a table is created: Kafka's coordinates, fields of the value, then others by name. */
  readonly allFields: readonly SinkRecordField[];
}

export interface FieldsSettings {
  readonly pkMode: 'none' | 'kafka' | 'record_key' | 'record_value';
  readonly pkFields: readonly string[];
  readonly fieldsWhitelist: ReadonlySet<string>;
  readonly stringValueColumn: string;
  readonly replaceNullWithDefault: boolean;
}

type Struct = Readonly<Record<string, unknown>>;

/**
 * Which columns records of these schemas have. `valueSchema` is null when there are only deletions. Throws ConnectException
 * when the config does not fit the schemas.
 */
export function fieldsMetadata(table: string, settings: FieldsSettings, keySchema: Schema | null, valueSchema: Schema | null): FieldsMetadata {
  if (valueSchema !== null && valueSchema.type !== 'STRUCT' && valueSchema.type !== 'STRING')
    throw new DataException('Value schema must be of type Struct or String');
  const keyFields = primaryKey(table, settings, keySchema, valueSchema);
  const nonKeyFields = valueFields(table, settings, keyFields, valueSchema);
  const all = new Map([...keyFields, ...nonKeyFields].map((field) => [field.name, field]));
  if (all.size === 0) throw new ConnectException(`No fields found using key and value schemas for table: ${table}`);
  const ofValue = valueSchema?.type === 'STRUCT' ? valueSchema.fields.map(({ name }) => name) : valueSchema === null ? [] : [settings.stringValueColumn];
  const order = new Set([...defaultKafkaPkNames, ...ofValue, ...[...all.keys()].sort()]);
  return { keyFields, nonKeyFields, allFields: [...order].flatMap((name) => all.get(name) ?? []) };
}

function primaryKey(table: string, settings: FieldsSettings, keySchema: Schema | null, valueSchema: Schema | null): SinkRecordField[] {
  switch (settings.pkMode) {
    case 'none':
      return [];
    case 'kafka':
      return kafkaKey(table, settings.pkFields);
    case 'record_key':
      return recordKey(table, settings.pkFields, keySchema);
    case 'record_value':
      return recordValue(table, settings.pkFields, valueSchema);
  }
}

function kafkaKey(table: string, pkFields: readonly string[]): SinkRecordField[] {
  const names = pkFields.length === 0 ? defaultKafkaPkNames : pkFields;
  const [topic, partition, offset] = names;
  if (names.length !== 3 || topic === undefined || partition === undefined || offset === undefined)
    throw new ConnectException(
      `PK mode for table '${table}' is KAFKA so there should either be no field names defined for defaults [${defaultKafkaPkNames.join(', ')}] to be applicable, ` +
        `or exactly 3, defined fields are: [${pkFields.join(', ')}]`,
    );
  return [
    { name: topic, schema: Schema.STRING_SCHEMA, isPrimaryKey: true, read: (record) => record.topic },
    { name: partition, schema: Schema.INT32_SCHEMA, isPrimaryKey: true, read: (record) => record.kafkaPartition },
    { name: offset, schema: Schema.INT64_SCHEMA, isPrimaryKey: true, read: (record) => record.kafkaOffset },
  ];
}

function recordKey(table: string, pkFields: readonly string[], schema: Schema | null): SinkRecordField[] {
  if (schema === null) throw new DataException(`PK mode for table '${table}' is RECORD_KEY, but record key schema is missing`);
  if (schema.type === 'STRUCT') return structFields(table, 'RECORD_KEY', 'key', pkFields, schema);
  if (schema.type === 'ARRAY' || schema.type === 'MAP') throw new DataException(`Key schema must be primitive type or Struct, but is of type: ${schema.type}`);
  const [name] = pkFields;
  if (name === undefined || pkFields.length !== 1)
    throw new ConnectException(
      `Need exactly one PK column defined since the key schema for records is a primitive type, defined columns are: [${pkFields.join(', ')}]`,
    );
  return [{ name, schema, isPrimaryKey: true, read: (record) => record.key }];
}

function recordValue(table: string, pkFields: readonly string[], schema: Schema | null): SinkRecordField[] {
  if (schema === null) throw new DataException(`PK mode for table '${table}' is RECORD_VALUE, but record value schema is missing`);
  if (schema.type !== 'STRUCT') throw new ConnectException('pk.mode record_value is not supported with String value schemas');
  return structFields(table, 'RECORD_VALUE', 'value', pkFields, schema);
}

function structFields(table: string, mode: string, side: 'key' | 'value', pkFields: readonly string[], schema: Schema): SinkRecordField[] {
  const names = pkFields.length === 0 ? schema.fields.map(({ name }) => name) : pkFields;
  return [...new Set(names)].map((name) => {
    const field = schema.field(name);
    if (field === undefined)
      throw new ConnectException(
        `PK mode for table '${table}' is ${mode} with configured PK fields [${pkFields.join(', ')}], but record ${side} schema does not contain field: ${name}`,
      );
    return { name, schema: field.schema, isPrimaryKey: true, read: side === 'key' ? keyReader(name, field.schema) : valueReader(name, field.schema, true) };
  });
}

function valueFields(table: string, settings: FieldsSettings, keyFields: readonly SinkRecordField[], schema: Schema | null): SinkRecordField[] {
  if (schema === null) return [];
  const keys = new Set(keyFields.map(({ name }) => name));
  if (schema.type === 'STRING') {
    const name = settings.stringValueColumn;
    if (keys.has(name))
      throw new ConnectException(`Configured string.output.value.column.name '${name}' conflicts with a primary key column for table '${table}'`);
    return [{ name, schema: Schema.OPTIONAL_STRING_SCHEMA, isPrimaryKey: false, read: (record) => record.value }];
  }
  const { fieldsWhitelist, replaceNullWithDefault } = settings;
  return schema.fields
    .filter(({ name }) => !keys.has(name) && (fieldsWhitelist.size === 0 || fieldsWhitelist.has(name)))
    .map((field) => ({ name: field.name, schema: field.schema, isPrimaryKey: false, read: valueReader(field.name, field.schema, replaceNullWithDefault) }));
}

function valueReader(name: string, { defaultValue }: Schema, useDefault: boolean): (record: SinkRecord) => unknown {
  if (useDefault && defaultValue !== null) return (record) => (record.value as Struct)[name] ?? defaultValue;
  return (record) => (record.value as Struct)[name];
}

function keyReader(name: string, { defaultValue }: Schema): (record: SinkRecord) => unknown {
  if (defaultValue !== null) return (record) => (record.key as Struct)[name] ?? defaultValue;
  return (record) => (record.key as Struct)[name];
}
