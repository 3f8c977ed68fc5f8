import { configDef, type JavaMatch, javaPattern, recordTransformation, string, validRegex } from '../connect/index.ts';
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
    regex: string({ validator: validRegex, importance: 'HIGH', doc: 'Java regular expression that the whole topic must match.' }),
    replacement: string({ importance: 'HIGH', doc: 'What takes its place; `$1` or `${name}` is what a group matched.' }),
  }),
  create({ regex, replacement }) {
    const whole = javaPattern(regex, { fullMatch: true });
    const first = javaPattern(regex);
    return (record) => {
      if (!whole.test(record.topic)) return record;
      const match = first.exec(record.topic);
      if (match === null) return record;
      const rest = record.topic.slice(match.index + (match.groups[0] as string).length);
      return record.withTopic(record.topic.slice(0, match.index) + expanded(replacement, match) + rest);
    };
  },
});

/** Java's replacement texts: `\x` is x, `$12` the highest group of those digits that there is. Throws RangeError, as Java's IllegalArgumentException. */
function expanded(replacement: string, { groups, names }: JavaMatch): string {
  let text = '';
  for (let at = 0; at < replacement.length; at++) {
    const character = replacement[at] as string;
    if (character === '\\') {
      at++;
      if (at === replacement.length) throw new RangeError('character to be escaped is missing');
      text += replacement[at];
    } else if (character === '$') {
      const named = /^\{([a-zA-Z][a-zA-Z0-9]*)\}/.exec(replacement.slice(at + 1));
      if (named !== null) {
        const group = names.get(named[1] as string);
        if (group === undefined) throw new RangeError(`No group with name {${named[1]}}`);
        text += groups[group] ?? '';
        at += named[0].length;
      } else {
        const digits = groupDigits(replacement.slice(at + 1), groups.length - 1);
        text += groups[Number(digits)] ?? '';
        at += digits.length;
      }
    } else text += character;
  }
  return text;
}

/** The digits of a group's number: more than the first only while there is such a group. */
function groupDigits(text: string, groups: number): string {
  let digits = /^\d/.exec(text)?.[0];
  if (digits === undefined) throw new RangeError(text === '' ? 'Illegal group reference: group index is missing' : 'Illegal group reference');
  if (Number(digits) > groups) throw new RangeError(`No group ${digits}`);
  while (/\d/.test(text[digits.length] ?? '') && Number(digits + text[digits.length]) <= groups) digits += text[digits.length];
  return digits;
}
