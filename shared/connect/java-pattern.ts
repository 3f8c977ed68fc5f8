/** A pattern could not be translated or compiled; the message shows where, as Java's does. */
export class PatternSyntaxException extends Error {
  override readonly name = 'PatternSyntaxException';
  readonly javaClass = 'java.util.regex.PatternSyntaxException';
  constructor(why: string, pattern: string, index: number) {
    super(`${why} near index ${index}\n${pattern}\n${' '.repeat(index)}^`);
  }
}

const posix: Readonly<Record<string, string>> = {
  Lower: 'a-z',
  Upper: 'A-Z',
  ASCII: '\\x00-\\x7f',
  Alpha: 'a-zA-Z',
  Digit: '0-9',
  Alnum: 'a-zA-Z0-9',
  Punct: '!-\\/:-@\\[-`\\{-~',
  Graph: '!-~',
  Print: ' -~',
  Blank: ' \\t',
  Cntrl: '\\x00-\\x1f\\x7f',
  XDigit: '0-9a-fA-F',
  Space: ' \\t\\n\\x0b\\f\\r',
};

/** Java's predefined classes that mean something else in JavaScript. */
const classes: Readonly<Record<string, string>> = {
  s: '[ \\t\\n\\x0b\\f\\r]',
  S: '[^ \\t\\n\\x0b\\f\\r]',
  h: '[ \\t\\xa0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000]',
  H: '[^ \\t\\xa0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000]',
  v: '[\\n\\x0b\\f\\r\\x85\\u2028\\u2029]',
  V: '[^\\n\\x0b\\f\\r\\x85\\u2028\\u2029]',
  a: '\\x07',
  e: '\\x1b',
};

const anchors: Readonly<Record<string, string>> = {
  A: '(?<![\\s\\S])',
  z: '(?![\\s\\S])',
  Z: '(?=\\n?(?![\\s\\S]))',
  R: '(?:\\r\\n|[\\n\\x0b\\f\\r\\x85\\u2028\\u2029])',
};

/** Characters that must be escaped in a class of a JavaScript expression with the `v` flag. */
const classSyntax = /[()[\]{}/\-\\|&!#$%*+,.:;<=>?@^`~]/;

/**
 * Compiles a `java.util.regex` pattern. Possessive quantifiers and atomic groups become greedy ones, which match the
 * same unless a match depends on their not giving back. Throws PatternSyntaxException.
 */
export function javaPattern(pattern: string, options: { fullMatch?: boolean; flags?: string } = {}): RegExp {
  try {
    const translated = new Translation(pattern).run();
    return new RegExp(options.fullMatch ? `^(?:${translated})$` : translated, `v${options.flags ?? ''}`);
  } catch (error) {
    if (error instanceof SyntaxError) throw new PatternSyntaxException(error.message.replace(/^.*\/v?[gimsy]*: /s, ''), pattern, 0);
    throw error;
  }
}

class Translation {
  readonly #pattern: string;
  #at = 0;
  #out = '';
  /** How many groups of inline flags are open at each depth; they end with the group around them. */
  readonly #flagGroups = [0];

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  run(): string {
    while (this.#at < this.#pattern.length) this.#next();
    return this.#out + ')'.repeat(this.#flagGroups.at(-1) ?? 0);
  }

  #next(): void {
    const rest = this.#pattern.slice(this.#at);
    const flags = /^\(\?([imsux]*(?:-[imsux]+)?)(\)|:)/.exec(rest);
    if (flags !== null && flags[1] !== '') {
      const known = (flags[1] as string).replace(/[ux]/g, '').replace(/-$/, '');
      this.#take((flags[0] as string).length, known === '' ? '(?:' : `(?${known}:`);
      if (flags[2] === ')') this.#flagGroups.push((this.#flagGroups.pop() ?? 0) + 1);
      else this.#flagGroups.push(0);
    } else if (rest.startsWith('(?>')) {
      this.#flagGroups.push(0);
      this.#take(3, '(?:');
    } else if (rest.startsWith('(')) {
      this.#flagGroups.push(0);
      this.#take(1, '(');
    } else if (rest.startsWith(')')) {
      const open = this.#flagGroups.pop() ?? 0;
      if (this.#flagGroups.length === 0) this.#fail(`Unmatched closing ')'`);
      this.#take(1, ')'.repeat(open + 1));
    } else if (rest.startsWith('[')) this.#out += this.#characterClass();
    else if (rest.startsWith('\\')) this.#out += this.#escape(false);
    else {
      const quantifier = /^(?:[*+?]|\{\d+(?:,\d*)?\})([+?]?)/.exec(rest);
      if (quantifier !== null) this.#take(quantifier[0].length, quantifier[1] === '+' ? quantifier[0].slice(0, -1) : quantifier[0]);
      else if (rest.startsWith('{')) this.#fail('Illegal repetition');
      else this.#take(1, /^[\]}/]/.test(rest) ? `\\${rest[0]}` : (rest[0] as string));
    }
  }

  #take(length: number, text: string): void {
    this.#at += length;
    this.#out += text;
  }

  /** JavaScript wants the sides of an intersection in brackets of their own. */
  #characterClass(): string {
    this.#at++;
    const negated = this.#pattern[this.#at] === '^';
    if (negated) this.#at++;
    const sides = [''];
    const add = (text: string) => sides.push((sides.pop() ?? '') + text);
    for (let first = true; ; first = false) {
      const next = this.#pattern[this.#at];
      if (next === undefined) this.#fail('Unclosed character class');
      if (next === ']' && !first) {
        this.#at++;
        const body = sides.length === 1 ? sides[0] : sides.map((side) => `[${side}]`).join('&&');
        return `[${negated ? '^' : ''}${body}]`;
      }
      if (next === '[') add(this.#characterClass());
      else if (next === '\\') add(this.#escape(true));
      else if (this.#pattern.startsWith('&&', this.#at)) {
        this.#at += 2;
        sides.push('');
      } else {
        this.#at++;
        const following = this.#pattern[this.#at];
        const range = next === '-' && sides.at(-1) !== '' && following !== undefined && !/[[\]]/.test(following);
        add(range ? '-' : classSyntax.test(next) ? `\\${next}` : next);
      }
    }
  }

  /** What follows a backslash. */
  #escape(inClass: boolean): string {
    const rest = this.#pattern.slice(this.#at);
    const quoted = /^\\Q([\s\S]*?)(?:\\E|$)/.exec(rest);
    const take = (length: number, text: string) => {
      this.#at += length;
      return text;
    };
    if (quoted !== null) return take(quoted[0].length, [...(quoted[1] as string)].map((each) => literal(each, inClass)).join(''));
    const property = /^\\([pP])(?:\{(\^?)([^}]+)\}|([A-Z]))/.exec(rest);
    if (property !== null) return take(property[0].length, this.#property(property));
    const octal = /^\\0([0-3]?[0-7]{1,2})/.exec(rest);
    if (octal !== null) return take(octal[0].length, `\\u{${Number.parseInt(octal[1] as string, 8).toString(16)}}`);
    const wide = /^\\x\{([0-9a-fA-F]+)\}/.exec(rest);
    if (wide !== null) return take(wide[0].length, `\\u{${wide[1]}}`);
    const next = rest[1];
    if (next === undefined) this.#fail('Unexpected internal error');
    if (classes[next] !== undefined) return take(2, classes[next]);
    if (!inClass && anchors[next] !== undefined) return take(2, anchors[next]);
    if (/[a-zA-Z0-9]/.test(next)) {
      if (!/[dDwWbBtnrfcxuk1-9]/.test(next)) this.#fail('Illegal/unsupported escape sequence');
      return take(2, `\\${next}`);
    }
    return take(2, literal(next, inClass));
  }

  #property([, p, caret, long, short]: RegExpExecArray): string {
    const negated = (p === 'P') !== (caret === '^');
    const name = (long ?? short ?? '').replace(/^(?:Is|General_Category=|gc=)(?=[A-Z])/, '');
    const ascii = posix[name];
    if (ascii !== undefined) return `[${negated ? '^' : ''}${ascii}]`;
    const block = /^(?:In|script=|sc=|block=|blk=)(.+)$/i.exec(name)?.[1];
    const java = { javaLowerCase: 'Lowercase', javaUpperCase: 'Uppercase', javaWhitespace: 'White_Space', Alphabetic: 'Alphabetic', Digit: 'Nd' }[name];
    const body = java ?? (block !== undefined ? `Script=${block}` : /^(?:[A-Z][a-z]?|Letter|Number)$/.test(name) ? name : `Script=${name}`);
    return `\\${negated ? 'P' : 'p'}{${body}}`;
  }

  #fail(why: string): never {
    throw new PatternSyntaxException(why, this.#pattern, Math.min(this.#at, Math.max(0, this.#pattern.length - 1)));
  }
}

function literal(text: string, inClass: boolean): string {
  if (inClass) return classSyntax.test(text) ? `\\${text}` : text;
  return /[\\^$.*+?()[\]{}|/]/.test(text) ? `\\${text}` : text;
}
