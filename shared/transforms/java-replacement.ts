import { type JavaMatch, javaPattern } from '../connect/index.ts';

/**
 * Changes texts that a Java pattern matches as a whole (`Matcher.matches` and then `replaceFirst`): gives the new text, or
 * null where the pattern does not match. Throws PatternSyntaxException; a wrong replacement is found out by the first match, as RangeError.
 */
export function replaceMatching(pattern: string, replacement: string): (text: string) => string | null {
  const whole = javaPattern(pattern, { fullMatch: true });
  const first = javaPattern(pattern);
  return (text) => {
    if (!whole.test(text)) return null;
    const match = first.exec(text);
    if (match === null) return text;
    const rest = text.slice(match.index + (match.groups[0] as string).length);
    return text.slice(0, match.index) + expanded(replacement, match) + rest;
  };
}

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
