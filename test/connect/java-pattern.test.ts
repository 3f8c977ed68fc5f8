import { describe, expect, it } from 'vitest';
import { javaPattern } from '../../shared/connect/index.ts';

describe('Patterns of java.util.regex', () => {
  it.each([
    ['t.*', 'topic', true],
    ['(?i)ORDERS-[a-z&&[^q]]+', 'orders-abc', true],
    ['(?i)ORDERS-[a-z&&[^q]]+', 'orders-q', false],
    ['a(?i)B(c)d', 'aBCD', true],
    ['(a(?i)b)c', 'aBC', false],
    ['\\Qa.b\\E\\d{2,}+', 'a.b123', true],
    ['[\\w.-]+', 'a.b-c_d', true],
    ['\\p{Alpha}+\\p{Punct}', 'abc!', true],
    ['\\p{L}+', 'äö', true],
    ['(?<word>a)\\k<word>', 'aa', true],
    ['[^(]+', 'abc', true],
    ['[]a]+', ']a', true],
    ['a-b/c@d', 'a-b/c@d', true],
    ['(?>a+)b', 'aab', true],
    ['\\A\\h*x\\z', '\u00a0x', true],
    ['\\x{1F600}', '😀', true],
  ])('%s on %s: %s', (pattern, text, expected) => {
    expect(javaPattern(pattern, { fullMatch: true }).test(text)).toBe(expected);
  });

  it.each(['[', '(', 'a)', 'a{', '*a', '\\y'])('refuse %s and show it', (pattern) => {
    expect(() => javaPattern(pattern)).toThrow(`near index`);
  });

  it('tell where a class is not closed, word for word', () => {
    expect(() => javaPattern('[')).toThrow('Unclosed character class near index 0\n[\n^');
    // Behind the end there is nothing to point at.
    expect(() => javaPattern('(')).toThrow(/^Unclosed group near index 1\n\($/);
  });
});
