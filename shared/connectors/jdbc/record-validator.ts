import { DataException, type Schema, type SinkRecord } from '../../connect/index.ts';
import { javaClassName } from '../../connect/java/java-value.ts';

export interface RecordValidatorSettings {
  readonly connector: string;
  readonly pkMode: string;
  readonly deleteEnabled: boolean;
  readonly fieldsWhitelist: ReadonlySet<string>;
  readonly timestampFields: ReadonlySet<string>;
}

/** Tells what a record lacks of what `pk.mode` and `delete.enabled` need; null when it has all. */
export type RecordValidator = (record: SinkRecord) => DataException | null;

/** Confluent's RecordValidator: the check of records before they are written, by config. */
export function recordValidator(settings: RecordValidatorSettings): RecordValidator {
  const { pkMode, deleteEnabled } = settings;
  const needsKey = pkMode === 'record_key' || deleteEnabled;
  const needsValue = pkMode === 'record_value' || pkMode === 'none' || !deleteEnabled;
  return (record) => {
    const { key, keySchema, value, valueSchema } = record;
    if (needsKey && (key === null || key === undefined || keySchema === null || keySchema.type === 'ARRAY' || keySchema.type === 'MAP'))
      return new DataException(
        `${configured(settings)} and therefore requires records with a non-null key and non-null Struct or primitive key schema, ` +
          `but found record at ${place(record)} with a ${valueName(keySchema, key)} key and ${schemaName(keySchema)} key schema.`,
      );
    if (value === null || value === undefined ? needsValue : valueSchema === null || (valueSchema.type !== 'STRUCT' && valueSchema.type !== 'STRING'))
      return new DataException(
        `${configured(settings)} and therefore requires records with a non-null Struct or String value and non-null Struct or String schema, ` +
          `but found record at ${place(record)} with a ${valueName(valueSchema, value)} value and ${schemaName(valueSchema)} value schema.`,
      );
    return valueSchema?.type === 'STRING' && value !== null ? stringConflict(settings) : null;
  };
}

function stringConflict({ connector, fieldsWhitelist, timestampFields }: RecordValidatorSettings): DataException | null {
  const conflicting = [...(fieldsWhitelist.size > 0 ? ['fields.whitelist'] : []), ...(timestampFields.size > 0 ? ['timestamp.fields.list'] : [])];
  if (conflicting.length === 0) return null;
  return new DataException(
    `Sink connector '${connector}' is configured with field-level options that are not applicable to String values: ${conflicting.join(', ')}. ` +
      'Remove these options, or have the upstream producer emit Struct values instead.',
  );
}

function configured({ connector, deleteEnabled, pkMode }: RecordValidatorSettings): string {
  return `Sink connector '${connector}' is configured with 'delete.enabled=${deleteEnabled}' and 'pk.mode=${pkMode}'`;
}

function place({ topic, kafkaPartition, kafkaOffset, timestamp }: SinkRecord): string {
  return `(topic='${topic}',partition=${kafkaPartition},offset=${kafkaOffset},timestamp=${timestamp})`;
}

function valueName(schema: Schema | null, value: unknown): string {
  if (value === null || value === undefined) return 'null';
  const name = javaClassName(schema, value);
  return name === '[B' ? 'byte[]' : name.slice(name.lastIndexOf('.') + 1);
}

function schemaName(schema: Schema | null): string {
  return schema === null ? 'null' : schema.type === 'STRUCT' ? 'Struct' : schema.type.toLowerCase();
}
