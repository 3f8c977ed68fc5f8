import { ConfigException } from '../../../connect/index.ts';
import { SerializationException } from '../../serialization-exception.ts';

/** How the subject of a schema is named (Confluent's `SubjectNameStrategy`). */
export interface SubjectNames {
  /** Whether the name depends on the schema; a message's schema must be read without a subject then. */
  readonly usesSchema: boolean;
  /** `recordName`: the name of the schema's record or message, null when it has none. Throws SerializationException. */
  subject(topic: string, recordName: string | null): string;
}

const prefix = 'io.confluent.kafka.serializers.subject.';

/** The strategy that `key.subject.name.strategy` or `value.subject.name.strategy` names by its Java class. Throws ConfigException. */
export function subjectNames(className: string, isKey: boolean): SubjectNames {
  const key = `${isKey ? 'key' : 'value'}.subject.name.strategy`;
  const named = (recordName: string | null): string => {
    if (recordName !== null) return recordName;
    throw new SerializationException(`In configuration ${key} = ${className}, the message ${isKey ? 'key' : 'value'} must only be a record schema`);
  };
  switch (className) {
    case `${prefix}TopicNameStrategy`:
      return { usesSchema: false, subject: (topic) => `${topic}-${isKey ? 'key' : 'value'}` };
    case `${prefix}RecordNameStrategy`:
      return { usesSchema: true, subject: (_topic, recordName) => named(recordName) };
    case `${prefix}TopicRecordNameStrategy`:
      return { usesSchema: true, subject: (topic, recordName) => `${topic}-${named(recordName)}` };
    default:
      throw ConfigException.forValue(key, className, `It should be TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy of ${prefix.slice(0, -1)}`);
  }
}
