import type { Random } from './random.ts';
import { topics } from './texts.ts';

/** Regular expressions as people write them to route topics, and some that Java reads in its own way. */
const usual = [
  ...[
    '(.*)',
    '.*',
    'orders',
    'ord(.*)',
    '(.*)-v(\\d+)',
    '([^.]+)\\.([^.]+)\\.([^.]+)',
    '(?<db>\\w+)\\.(?<schema>\\w+)\\.(?<table>\\w+)',
    '(?i)orders',
    '(?i:ORD)ers',
    '^orders$',
  ],
  ...[
    'db\\.(.*)',
    '\\Qorders\\E.*',
    '[a-z]+',
    '[a-z&&[^o]]+.*',
    '[\\w.-]+',
    '(a|b|o)(.*)',
    '(?:ord)(ers)',
    '.*+',
    '(?>or|ord)ers',
    '(.)\\1+.*',
    '(.)\\1*',
    'ord{1}ers',
    '(or)?(x)?.*',
  ],
  ...[
    '(?!orders).*',
    '(?=ord).*',
    '.*(?<=s)',
    '.*(?<!s)',
    '\\p{Alpha}+',
    '\\p{L}+',
    '\\p{Lower}*',
    '[\\p{Alpha}&&[^o]]+',
    '\\bord\\w+\\b',
    '(?x) o r d e r s # all',
    '(?s).*',
    '(?m)^ord$.*',
  ],
  ...[
    '',
    '(',
    ')',
    '[',
    '*',
    'a{2',
    'a{2,1}',
    '(?<1a>x)',
    '\\',
    '[z-a]',
    '(?z)',
    '\\k<x>',
    '(?<n>a)\\k<n>.*',
    'x|',
    '|x',
    '((a)|b|o|r|d|e|s)*',
    '([a-z]-?)+',
    '\\h*.*',
    '\\R?.*',
    'orders\\z',
    'orders\\Z',
  ],
];

/** A pattern of `java.util.regex`. */
export function javaRegex(random: Random): string {
  if (random.chance(0.6)) return random.pick(usual);
  return grown(random, 3);
}

function grown(random: Random, depth: number): string {
  return random.list(random.int(1, 4), () => piece(random, depth) + quantifier(random)).join('');
}

function piece(random: Random, depth: number): string {
  const letter = () => random.pick([...(random.pick(topics) as string)]);
  const kind = random.int(0, depth > 0 ? 12 : 6);
  if (kind > 6) {
    // A group that is repeated and matches nothing is gone through in another way than in JavaScript.
    const inner = () => random.pick(['o', 'r', '[a-z]', '\\w', '.', 'ord']) + grown(random, depth - 1);
    return random.oneOf(
      () => `(${inner()})`,
      () => `(?:${inner()})`,
      () => `(${inner()}|${inner()})`,
      () => `(?:${inner()}|${inner()})`,
      () => `(?=${inner()})`,
      () => `(?!${inner()})`,
      () => `(?i:${inner()})`,
      () => `(?>${inner()})`,
    );
  }
  return random.oneOf(
    () => (/[.]/.test(letter()) ? '\\.' : random.pick(['o', 'r', 'd', 'e', 's', '-', 'a', 'b', 'O'])),
    () => random.pick(['.', '\\w', '\\d', '\\s', '\\W', '\\D', '\\S', '\\b', '\\B', '^', '$', '\\.', '\\-']),
    () =>
      `[${random.pick(['', '^'])}${random.pick(['a-z', 'a-o', 'ord', '\\w', 'A-Z', '\\-', '.', 'a-z&&[^d]', 'a[o-s]', '^o'])}${random.pick(['', '.', 'x', '\\d'])}]`,
    () => random.pick(['ord', 'ers', 'orders', 'public', 'db']),
  );
}

function quantifier(random: Random): string {
  if (random.chance(0.5)) return '';
  return random.pick(['*', '+', '?', '{1,2}', '{2}', '{0,}', '*']) + random.pick(['', '', '?', '+']);
}

/** What takes the place of a match. */
export function replacement(random: Random): string {
  return random
    .list(random.int(0, 3), () => random.pick(['$0', '$1', '$2', '$10', '${n}', '${table}', 'x', '-', '.', '\\$', '\\\\', '$', '${', '\\', 'new']))
    .join('');
}
