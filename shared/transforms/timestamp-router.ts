import { configDef, DataException, recordTransformation, string } from '../connect/index.ts';
import { SimpleDateFormat } from '../connect/java/simple-date-format.ts';
import { VERSION } from './transform-keys.ts';

/**
 * Makes the timestamp a part of the topic, so that each day has its own.
 * `{"transforms.t.type": "org.apache.kafka.connect.transforms.TimestampRouter", "transforms.t.topic.format": "${topic}-${timestamp}"}`
 */
export const timestampRouter = recordTransformation({
  className: 'org.apache.kafka.connect.transforms.TimestampRouter',
  version: VERSION,
  overview: "Makes the record's timestamp a part of its topic.",
  config: configDef({
    'topic.format': string({
      default: '${topic}-${timestamp}',
      importance: 'HIGH',
      doc: 'Format string which can contain <code>${topic}</code> and <code>${timestamp}</code> as placeholders for the topic and timestamp, respectively.',
    }),
    'timestamp.format': string({
      default: 'yyyyMMdd',
      importance: 'HIGH',
      doc: 'Format string for the timestamp that is compatible with <code>java.text.SimpleDateFormat</code>.',
    }),
  }),
  create({ 'topic.format': topicFormat, 'timestamp.format': pattern }) {
    // As in Kafka Connect, a wrong pattern is found out by the first record.
    let format: SimpleDateFormat | null = null;
    return (record) => {
      if (record.timestamp === null) throw new DataException(`Timestamp missing on record: topic ${record.topic}, partition ${record.kafkaPartition}`);
      format ??= new SimpleDateFormat(pattern);
      const timestamp = format.format(record.timestamp);
      return record.withTopic(topicFormat.replaceAll('${topic}', () => record.topic).replaceAll('${timestamp}', () => timestamp));
    };
  },
});
