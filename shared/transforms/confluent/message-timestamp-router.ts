import { ConfigException, configDef, DataException, list, recordTransformation, string, validator } from '../../connect/index.ts';
import { ParseException, SimpleDateFormat } from '../../connect/java/simple-date-format.ts';
import { requireMap, requireStruct } from '../requirements.ts';
import { VERSION } from './confluent-version.ts';

const purpose = 'routing by the timestamp of the message';

const datePattern = validator('a pattern of java.text.SimpleDateFormat', (name, value) => {
  try {
    new SimpleDateFormat(String(value), 0);
  } catch (cause) {
    throw ConfigException.forValue(name, value, `Must be a pattern of java.text.SimpleDateFormat like yyyy-MM-dd: ${(cause as Error).message}`);
  }
});

/**
 * Makes a timestamp that is in the value a part of the topic.
 * `{"transforms.t.type": "io.confluent.connect.transforms.MessageTimestampRouter", "transforms.t.message.timestamp.keys": "time,ts", "transforms.t.message.timestamp.format": "yyyy-MM-dd"}`
 */
export const messageTimestampRouter = recordTransformation({
  className: 'io.confluent.connect.transforms.MessageTimestampRouter',
  version: VERSION,
  overview: 'Makes a timestamp out of the value a part of the topic.',
  config: configDef({
    'topic.format': string({
      default: '${topic}-${timestamp}',
      importance: 'HIGH',
      doc: 'Format string which can contain <code>${topic}</code> and <code>${timestamp}</code> as placeholders for the topic and timestamp, respectively.',
    }),
    'message.timestamp.format': string({
      default: "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
      validator: datePattern,
      importance: 'HIGH',
      doc: 'Pattern of `java.text.SimpleDateFormat` in which the value has it, in UTC unless it tells a zone.',
    }),
    'topic.timestamp.format': string({ default: 'yyyyMMdd', validator: datePattern, importance: 'HIGH', doc: 'Pattern in which the topic has it, in UTC.' }),
    'message.timestamp.keys': list({ importance: 'HIGH', doc: 'Fields of the value; the first that is there and not null tells the timestamp.' }),
  }),
  create({ 'topic.format': topicFormat, 'message.timestamp.format': read, 'topic.timestamp.format': write, 'message.timestamp.keys': keys }) {
    if (keys.length === 0) throw ConfigException.forValue('message.timestamp.keys', keys, 'Must name at least one field');
    const [messageFormat, topicTimestampFormat] = [new SimpleDateFormat(read), new SimpleDateFormat(write)];
    return (record) => {
      const { valueSchema: schema, value } = record;
      const fieldOf = (key: string): unknown => (schema === null ? requireMap(value, purpose).get(key) : requireStruct(schema, value, purpose)[key]) ?? null;
      const key = keys.find((each) => fieldOf(each) !== null);
      if (key === undefined) throw new DataException(`The value has none of the fields of message.timestamp.keys: ${keys.join(', ')}`);
      const timestamp = topicTimestampFormat.format(parse(messageFormat, String(fieldOf(key)), key));
      return record.withTopic(topicFormat.replaceAll('${topic}', () => record.topic).replaceAll('${timestamp}', () => timestamp));
    };
  },
});

function parse(format: SimpleDateFormat, text: string, key: string): number {
  try {
    return format.parse(text);
  } catch (cause) {
    if (!(cause instanceof ParseException)) throw cause;
    throw new DataException(`The field ${key} (${text}) does not match the pattern of message.timestamp.format (${format.pattern})`, { cause });
  }
}
