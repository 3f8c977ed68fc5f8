import { describe, expect, test } from 'vitest';
import { type CsvDialect, CsvParser } from '../../../shared/connectors/spooldir/csv-parser.ts';

const parse = (text: string, dialect: Partial<CsvDialect> = {}) => {
  const parser = new CsvParser({
    separator: ',',
    quote: '"',
    escape: '\\',
    strictQuotes: false,
    ignoreLeadingWhitespace: true,
    ignoreQuotations: false,
    nullFields: 'NEITHER',
    rfc4180: false,
    ...dialect,
  });
  const rows = text.split('\n').map((line) => parser.parse(line));
  return rows.filter((row) => row !== null);
};

describe('fields are cut as opencsv cuts them', () => {
  test.each<[string, string, (string | null)[], Partial<CsvDialect>?]>([
    ['plain fields, blanks kept', 'a, b ,,c', ['a', ' b ', '', 'c']],
    ['quotes around a separator', '"a,b",c', ['a,b', 'c']],
    ['doubled quotes', '"say ""hi""",x', ['say "hi"', 'x']],
    ['an escaped quote', '"say \\"hi\\"",x', ['say "hi"', 'x']],
    ['an escape character before another is dropped', 'C:\\temp,x', ['C:temp', 'x']],
    ['an escaped escape character', '"a\\\\b",x', ['a\\b', 'x']],
    ['blanks before a quote are dropped', 'abc,  "d",e', ['abc', 'd', 'e']],
    ['blanks before a quote are kept when told so', 'abc,  "d,",e', ['abc', '  "d,', 'e'], { ignoreLeadingWhitespace: false }],
    ['quotes within a field', 'abc,d"e"f,g', ['abc', 'd"e"f', 'g']],
    ['only what is quoted, when quotes are strict', '"abc",d"efg"h', ['abc', 'efg'], { strictQuotes: true }],
    ['RFC 4180 keeps escape characters', 'C:\\temp,"a""b"', ['C:\\temp', 'a"b'], { rfc4180: true }],
    ['bare empty fields are null', ',"",a', [null, '', 'a'], { nullFields: 'EMPTY_SEPARATORS' }],
    ['quoted empty fields are null', ',"",a', ['', null, 'a'], { nullFields: 'EMPTY_QUOTES' }],
    ['both are null', ',"",a', [null, null, 'a'], { nullFields: 'BOTH' }],
    ['without quotes too', ',a', [null, 'a'], { nullFields: 'BOTH' }],
  ])('%s', (_, line, expected, dialect) => {
    expect(parse(line, dialect)).toEqual([expected]);
  });

  test.each([false, true])('a quoted field goes on over lines (RFC 4180: %s)', (rfc4180) => {
    expect(parse('a,"b\n\nc",d\ne,f,g', { rfc4180 })).toEqual([
      ['a', 'b\n\nc', 'd'],
      ['e', 'f', 'g'],
    ]);
  });
});
