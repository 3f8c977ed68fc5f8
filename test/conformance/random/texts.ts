import type { Random } from './random.ts';

/** Names of fields: few, so that the keys of a chain often meet a field that is there. */
export const fieldNames = ['id', 'name', 'a', 'b', 'c', 'ts', 'amount', 'a.b', 'nested', 'ünï', 'x y', 'flag'] as const;
export const headerNames = ['h1', 'h2', 'H1', 'id', 'trace-id', ''] as const;
export const topics = ['orders', 'orders-v1', 'db.public.orders', 'ORDERS', 'a_b-1', 'orders.orders', 't', 'x-2024.01', 'ord\ners', 'örders', 'aaa'] as const;

/** Texts that mean something to one converter or another. */
const meaningful = [
  ...[
    '',
    ' ',
    'null',
    'true',
    'false',
    'TRUE',
    'tRuE',
    'True',
    'falsey',
    'NaN',
    'Infinity',
    '-Infinity',
    'nan',
    'x',
    'text',
    'hello world',
    'ünïcödé',
    '😀',
    '\u0000',
  ],
  ...['0', '-0', '1', '-1', '+1', '007', '127', '128', '-128', '-129', '255', '32767', '32768', '2147483647', '2147483648', '9223372036854775807'],
  ...[
    '9223372036854775808',
    '-9223372036854775808',
    '-9223372036854775809',
    '1.0',
    '1.5',
    '-0.0',
    '.5',
    '5.',
    '1e3',
    '1E3',
    '1e400',
    '1e-400',
    '1e39',
    '0x10',
    '0x1p3',
  ],
  ...[
    '1_000',
    '1,5',
    '1d',
    '1f',
    '12345678901234567890.5',
    '123456789.125',
    '3.4028235E38',
    '1.7976931348623157E308',
    '٣',
    '1 ',
    ' 1',
    '1\n',
    '--1',
    '1-',
    'e5',
    '1e',
    '1e+',
  ],
  ...[
    '2019-08-23',
    '2019-13-45',
    '1969-12-31',
    '14:34:54.346Z',
    '25:61:61.000Z',
    '2019-08-23T14:34:54.346Z',
    '2019-08-23T14:34:54.346+0200',
    '2019-08-23 14:34:54',
  ],
  ...[
    '0001-01-01',
    '10000-01-01',
    '1582-10-10',
    '1500-02-29T00:00:00.000Z',
    '1970-01-01',
    '2024-02-30',
    '2019-8-3',
    '14:34:54Z',
    '2019-08-23T14:34:54Z',
    '-2019-08-23',
  ],
  ...['"quoted"', '"', '\\"', 'a"b', "'single'", '"5"', '"a\\"b"', '"a', 'a"', '\\', '\\\\', '"null"', '"true"', '"2019-08-23"', '"a,b"', '"{}"'],
  ...[
    '[]',
    '[ ]',
    '[1]',
    '[1,2,3]',
    '[1, 2.5]',
    '[1,"a"]',
    '[1,,2]',
    '[,1]',
    '[1,]',
    '[1]x',
    '[1',
    'x[1]',
    '[[1],[2]]',
    '[[1],["a"]]',
    '[null,1]',
    '[null]',
    '[true,false]',
  ],
  ...[
    '[300,1]',
    '[1,3000000000]',
    '[1 2]',
    '[2019-08-23]',
    '["2019-08-23","x"]',
    '[a,b]',
    '[{}]',
    '[{"a":1}]',
    '[[],[1]]',
    '[1.5,2]',
    '[NaN]',
    '[true,1]',
    '["a", "b"]',
  ],
  ...[
    '{}',
    '{ }',
    '{"a":1}',
    '{"a":1,"b":70000}',
    '{"a":"x","b":1}',
    '{"a":{"b":{"c":1.5}}}',
    '{"a":1,}',
    '{"a":1',
    '{"a"}',
    '{a:1}',
    '{"a":null}',
    '{1:2}',
    '{"t":14:34:54.346Z}',
  ],
  ...[
    '{"a":[1,2]}',
    '{true:false}',
    '{"a":1,"a":2}',
    '{1:2,"b":3}',
    '{null:1}',
    '{"a" : 1 , "b" : 2}',
    '{,}',
    '{"a":,}',
    '{"a":[}',
    '{[1]:2}',
    '{"a":NaN}',
    '{1:1,300:300}',
  ],
];

/** Pieces that the grammar of `Values` is made of. */
const pieces = [
  '[',
  ']',
  '{',
  '}',
  ',',
  ':',
  '"',
  '\\',
  ' ',
  '1',
  '300',
  '1.5',
  'a',
  'null',
  'true',
  '"x"',
  '2019-08-23',
  '14:34:54.346Z',
  '-',
  '.',
  'e',
  '70000',
  'NaN',
  '\t',
];

/** A text of any kind. */
export function text(random: Random): string {
  return random.oneOf(
    () => random.pick(meaningful),
    () => random.pick(meaningful),
    () => random.pick(fieldNames),
    () => String(random.double()),
    () => String(random.bits(64)),
    () => literal(random, 3),
    () => random.list(random.int(1, 8), () => random.pick(pieces)).join(''),
    () =>
      String.fromCharCode(
        ...random.list(random.int(1, 6), () => random.pick([0x41, 0x7f, 0xe9, 0x20ac, 0xd83d, 0xde00, 0x2028, 0x1f, 0x22, 0x5c, random.int(0, 0xffff)])),
      ),
    () => dateText(random),
  );
}

/** A well-formed literal of lists, maps and what is in them, as `Values` parses it. */
function literal(random: Random, depth: number): string {
  const kind = random.int(0, depth > 0 ? 9 : 6);
  const space = random.chance(0.15) ? ' ' : '';
  if (kind > 7) return `[${random.list(random.int(0, 3), () => literal(random, depth - 1)).join(`,${space}`)}]`;
  if (kind > 6)
    return `{${random.list(random.int(0, 3), () => `${literal(random, random.chance(0.1) ? depth - 1 : 0)}${space}:${literal(random, depth - 1)}`).join(`,${space}`)}}`;
  return random.oneOf(
    () => `"${random.pick(fieldNames)}"`,
    () => `"${random.pick(['x', 'a\\"b', '1', 'true', 'null', '2019-08-23', 'a,b', '[', '}', ':'])}"`,
    () => String(random.bits(random.pick([8, 16, 32, 64, 80]))),
    () => String(random.double()),
    () => random.pick(['true', 'false', 'null', 'x']),
    () => dateText(random),
  );
}

/** A date as `Values` writes dates, or nearly so. */
function dateText(random: Random): string {
  const iso = new Date(instant(random)).toISOString();
  return random.oneOf(
    () => iso,
    () => iso.slice(0, 10),
    () => iso.slice(11),
    () => iso.replace('Z', random.pick(['+0000', '-0530', '', 'z', 'X'])),
    () => iso.replace(/\d/, () => String(random.int(0, 9))),
  );
}

/** Milliseconds since the epoch: today's world, the ends of days, long ago and far away. */
export function instant(random: Random): number {
  const day = 86_400_000;
  return random.oneOf(
    () => random.int(-2_000_000_000, 4_000_000_000) * 1000 + random.int(0, 999),
    () => random.int(-40_000, 40_000) * day,
    () => random.int(0, day - 1),
    () => random.pick([0, 1, -1, day, day - 1, -day, 1_700_000_000_123, 1_709_164_800_000, -62_135_596_800_000, 253_402_300_800_000]),
    () => random.int(-100_000_000, 100_000_000) * 600_000,
  );
}
