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
      doc: 'The new topic; `${topic}` and `${timestamp}` stand for the old one and for the timestamp.',
    }),
    'timestamp.format': string({ default: 'yyyyMMdd', importance: 'HIGH', doc: 'Pattern of `java.text.SimpleDateFormat` for the timestamp, in UTC.' }),
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
