import { configDef, recordTransformation, string, validRegex } from '../connect/index.ts';
import { replaceMatching } from './java-replacement.ts';
import { VERSION } from './transform-keys.ts';

/**
 * Changes the topic by a pattern that must match all of it.
 * `{"transforms.t.type": "org.apache.kafka.connect.transforms.RegexRouter", "transforms.t.regex": "(.*)-v1", "transforms.t.replacement": "$1"}`
 */
export const regexRouter = recordTransformation({
  className: 'org.apache.kafka.connect.transforms.RegexRouter',
  version: VERSION,
  overview: 'Changes the topic of a record where a regular expression matches all of its name.',
  config: configDef({
    regex: string({ validator: validRegex, importance: 'HIGH', doc: 'Regular expression to use for matching.' }),
    replacement: string({ importance: 'HIGH', doc: 'Replacement string.' }),
  }),
  create({ regex, replacement }) {
    const route = replaceMatching(regex, replacement);
    return (record) => {
      const topic = route(record.topic);
      return topic === null ? record : record.withTopic(topic);
    };
  },
});
