import { allOf, configDef, javaPattern, nonEmptyString, predicate, string, validRegex } from '../connect/index.ts';

/**
 * True for records whose topic a regular expression matches as a whole.
 * `{"predicates.p.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches", "predicates.p.pattern": "orders-.*"}`
 */
export const topicNameMatches = predicate({
  className: 'org.apache.kafka.connect.transforms.predicates.TopicNameMatches',
  version: '4.3.1',
  overview: 'Matches records whose topic matches a regular expression as a whole.',
  config: configDef({
    pattern: string({
      validator: allOf(nonEmptyString, validRegex),
      importance: 'MEDIUM',
      doc: "A Java regular expression for matching against the name of a record's topic.",
    }),
  }),
  create({ pattern }) {
    const whole = javaPattern(pattern, { fullMatch: true });
    return (record) => whole.test(record.topic);
  },
});
