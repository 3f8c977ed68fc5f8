/** A pattern cannot be compiled; the message shows where, as Java's does. */
export class PatternSyntaxException extends Error {
  override readonly name = 'PatternSyntaxException';
  readonly javaClass = 'java.util.regex.PatternSyntaxException';
  constructor(why: string, pattern: string, index: number) {
    const caret = index >= 0 && index < pattern.length ? `\n${' '.repeat(index)}^` : '';
    super(`${why}${index < 0 ? '' : ` near index ${index}`}\n${pattern}${caret}`);
  }
}

/** What a pattern found. */
export interface JavaMatch {
  readonly index: number;
  /** The whole match, then the groups by their numbers; undefined where a group took no part. */
  readonly groups: readonly (string | undefined)[];
  /** Numbers of named groups. */
  readonly names: ReadonlyMap<string, number>;
}

/** A compiled pattern of `java.util.regex`. */
export interface JavaPattern {
  test(text: string): boolean;
  /** The first match (of the whole text with `fullMatch`), or null. */
  exec(text: string): JavaMatch | null;
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
};

const controls: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f', a: '\x07', e: '\x1b' };

const lineTerminator = '(?:\\r\\n|[\\n\\r\\x85\\u2028\\u2029])';
const end = '(?![\\s\\S])';
const word = '[_\\p{L}\\p{Nd}]';
const beforeLastTerminator = `(?:(?=${lineTerminator}?${end})(?<!\\r(?=\\n)))`;

/** Anchors stand in groups, so that a quantifier may follow. */
const anchors: Readonly<Record<string, string>> = {
  A: '(?:(?<![\\s\\S]))',
  z: `(?:${end})`,
  Z: beforeLastTerminator,
  b: `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`,
  B: `(?:(?<=${word})(?=${word})|(?<!${word})(?!${word}))`,
  R: lineTerminator,
};

/** Characters that must be escaped in a class of a JavaScript expression with the `v` flag. */
const classSyntax = /[()[\]{}/\-\\|&!#$%*+,.:;<=>?@^`~]/;

/**
 * Compiles a `java.util.regex` pattern into a JavaScript one that matches the same; `docs/transforms.md` tells the few
 * constructs that differ. Throws PatternSyntaxException.
 */
export function javaPattern(pattern: string, options: { fullMatch?: boolean } = {}): JavaPattern {
  const translation = new Translation(pattern);
  const translated = translation.run();
  const regex = compile(options.fullMatch ? `^(?:${translated})$` : translated, pattern);
  const { names, groups } = translation;
  return {
    test: (text) => regex.test(text),
    exec(text) {
      const found = regex.exec(text);
      return found && { index: found.index, names, groups: [found[0], ...Array.from({ length: groups }, (_, at) => found.groups?.[`g${at + 1}`])] };
    },
  };
}

function compile(translated: string, pattern: string): RegExp {
  try {
    return new RegExp(translated, 'v');
  } catch (error) {
    throw new PatternSyntaxException((error as Error).message.replace(/^.*\/v: /s, ''), pattern, 0);
  }
}

/** Flags that are on from here to the end of their group. */
interface Flags {
  readonly insensitive: boolean;
  readonly multiline: boolean;
  readonly dotall: boolean;
  readonly comments: boolean;
}

interface Group {
  /** Where its text begins in what is written. */
  readonly start: number;
  /** Flags to go back to behind it. */
  readonly flags: Flags;
  readonly close: string;
}

class Translation {
  readonly names = new Map<string, number>();
  groups = 0;
  readonly #pattern: string;
  readonly #open: Group[] = [];
  #at = 0;
  #out = '';
  /** Where the last thing begins that a quantifier may follow; null when there is none. */
  #last: number | null = null;
  #hidden = 0;
  #flags: Flags = { insensitive: false, multiline: false, dotall: false, comments: false };

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  run(): string {
    while (this.#at < this.#pattern.length) this.#next();
    if (this.#open.length > 0) throw new PatternSyntaxException('Unclosed group', this.#pattern, this.#pattern.length);
    return this.#out;
  }

  #next(): void {
    const next = this.#pattern[this.#at] as string;
    if (this.#flags.comments && /[\s#]/.test(next)) {
      this.#at += next === '#' ? (/^#[^\n\r\x85\u2028\u2029]*/.exec(this.#pattern.slice(this.#at))?.[0].length ?? 1) : 1;
      return;
    }
    switch (next) {
      case '(':
        this.#openGroup();
        break;
      case ')':
        this.#closeGroup();
        break;
      case '|':
        this.#take(1, '|');
        this.#last = null;
        break;
      case '[':
        this.#atom(this.#characterClass());
        break;
      case '\\':
        this.#escaped();
        break;
      case '.':
        this.#at++;
        this.#atom(this.#flags.dotall ? '[\\s\\S]' : '[^\\n\\r\\x85\\u2028\\u2029]');
        break;
      case '^':
        this.#at++;
        this.#atom(this.#flags.multiline ? `(?:(?<![\\s\\S])|(?<=${lineTerminator})(?<!\\r(?=\\n))(?=[\\s\\S]))` : '(?:(?<![\\s\\S]))');
        break;
      case '$':
        this.#at++;
        this.#atom(this.#flags.multiline ? `(?:(?=${lineTerminator}|${end})(?<!\\r(?=\\n)))` : beforeLastTerminator);
        break;
      case '*':
      case '+':
      case '?':
      case '{':
        this.#quantifier();
        break;
      default: {
        const character = String.fromCodePoint(this.#pattern.codePointAt(this.#at) as number);
        this.#at += character.length;
        this.#atom(this.#literal(character));
      }
    }
  }

  #take(length: number, text: string): void {
    this.#at += length;
    this.#out += text;
  }

  #atom(text: string): void {
    this.#last = this.#out.length;
    this.#out += text;
  }

  #openGroup(): void {
    const rest = this.#pattern.slice(this.#at);
    const enter = (length: number, text: string, close = ')', flags = this.#flags) => {
      this.#open.push({ start: this.#out.length, flags: this.#flags, close });
      this.#flags = flags;
      this.#last = null;
      this.#take(length, text);
    };
    const inline = /^\(\?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])/.exec(rest);
    if (inline !== null) {
      const flags = this.#changed(inline[1] as string, inline[2] ?? '');
      if (inline[3] === ':') enter(inline[0].length, '(?:', ')', flags);
      else {
        this.#flags = flags;
        this.#last = null;
        this.#at += inline[0].length;
      }
      return;
    }
    const named = /^\(\?<([a-zA-Z][a-zA-Z0-9]*)>/.exec(rest);
    if (named !== null) {
      const name = named[1] as string;
      if (this.names.has(name)) this.#fail(`Named capturing group <${name}> is already defined`);
      this.names.set(name, ++this.groups);
      enter(named[0].length, `(?<g${this.groups}>`);
      return;
    }
    const looking = /^\(\?<?[=!]/.exec(rest)?.[0];
    if (looking !== undefined) {
      enter(looking.length, `(?:${looking}`, '))');
      return;
    }
    if (rest.startsWith('(?>')) {
      const hidden = `h${++this.#hidden}`;
      enter(3, `(?:(?=(?<${hidden}>`, `))\\k<${hidden}>)`);
      return;
    }
    if (rest.startsWith('(?')) this.#fail(rest.startsWith('(?<') ? "named capturing group is missing trailing '>'" : 'Unknown inline modifier');
    enter(1, `(?<g${++this.groups}>`);
  }

  #changed(on: string, off: string): Flags {
    if (/[^idmsuxU]/.test(on + off)) this.#fail('Unknown inline modifier');
    const is = (letter: string, now: boolean): boolean => (now || on.includes(letter)) && !off.includes(letter);
    const { insensitive, multiline, dotall, comments } = this.#flags;
    return { insensitive: is('i', insensitive), multiline: is('m', multiline), dotall: is('s', dotall), comments: is('x', comments) };
  }

  #closeGroup(): void {
    const group = this.#open.pop();
    if (group === undefined) throw new PatternSyntaxException("Unmatched closing ')'", this.#pattern, this.#at - 1);
    this.#take(1, group.close);
    this.#flags = group.flags;
    this.#last = group.start;
  }

  #quantifier(): void {
    const rest = this.#pattern.slice(this.#at);
    const range = /^\{(\d+)(?:(,)(\d*))?\}/.exec(rest);
    if (rest.startsWith('{') && range === null) this.#fail('Illegal repetition');
    if (range?.[3] && Number(range[3]) < Number(range[1])) this.#fail('Illegal repetition range');
    const repeat = range?.[0] ?? (rest[0] as string);
    const mode = /^[+?]/.exec(rest.slice(repeat.length))?.[0] ?? '';
    if (this.#last === null) {
      if (range === null) this.#fail(`Dangling meta character '${rest[0]}'`);
      // Java repeats the empty text before a range that has nothing before it.
      this.#at += repeat.length + mode.length;
      return;
    }
    this.#at += repeat.length + mode.length;
    if (mode === '+') {
      const hidden = `h${++this.#hidden}`;
      this.#out = `${this.#out.slice(0, this.#last)}(?:(?=(?<${hidden}>${this.#out.slice(this.#last)}${repeat}))\\k<${hidden}>)`;
    } else if (repeat === '?' && this.#out[this.#last] === '(') {
      // In JavaScript a group may not be there for nothing, in Java it may.
      const group = this.#out.slice(this.#last);
      this.#out = `${this.#out.slice(0, this.#last)}${mode === '' ? `(?:${group}|)` : `(?:|${group})`}`;
    } else this.#out += repeat + mode;
    this.#last = null;
  }

  /** JavaScript wants the sides of an intersection in brackets of their own. */
  #characterClass(nested = false): string {
    this.#at++;
    const negated = this.#pattern[this.#at] === '^';
    if (negated) this.#at++;
    const sides = [''];
    const add = (text: string) => sides.push((sides.pop() ?? '') + text);
    for (let first = true; ; first = false) {
      const next = this.#pattern[this.#at];
      if (next === undefined) throw new PatternSyntaxException('Unclosed character class', this.#pattern, this.#pattern.length - 1);
      if (next === ']' && !first) {
        this.#at++;
        const filled = sides.filter((side) => side !== '');
        const body = filled.length === 1 ? filled[0] : filled.map((side) => `[${side}]`).join('&&');
        const whole = `[${negated ? '^' : ''}${body}]`;
        return this.#flags.insensitive && !nested ? `(?i:${whole})` : whole;
      }
      if (this.#flags.comments && /\s/.test(next)) this.#at++;
      else if (next === '[') add(this.#characterClass(true));
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

  #escaped(): void {
    const next = this.#pattern[this.#at + 1];
    const quoted = next === 'Q' ? /^\\Q([\s\S]*?)(?:\\E|$)/.exec(this.#pattern.slice(this.#at)) : null;
    if (quoted !== null) {
      this.#at += quoted[0].length;
      for (const each of quoted[1] as string) this.#atom(this.#literal(each));
    } else if (next === 'k') this.#atom(this.#namedReference());
    else if (/[1-9]/.test(next ?? '')) this.#atom(this.#numberedReference());
    else this.#atom(this.#escape(false));
  }

  #namedReference(): string {
    const name = /^\\k<([a-zA-Z][a-zA-Z0-9]*)>/.exec(this.#pattern.slice(this.#at));
    if (name === null) this.#fail("\\k is not followed by '<' for named capturing group");
    const group = this.names.get(name[1] as string);
    if (group === undefined) this.#fail(`named capturing group <${name[1]}> does not exist`);
    this.#at += name[0].length;
    return `\\k<g${group}>`;
  }

  /** More digits than the first belong to a reference only while there is such a group. A group that is not there never matches. */
  #numberedReference(): string {
    let length = 1;
    const digits = /^\\(\d+)/.exec(this.#pattern.slice(this.#at))?.[1] as string;
    while (length < digits.length && Number(digits.slice(0, length + 1)) <= this.groups) length++;
    this.#at += 1 + length;
    const group = Number(digits.slice(0, length));
    return group <= this.groups ? `\\k<g${group}>` : '(?:(?![\\s\\S])[\\s\\S])';
  }

  /** What follows a backslash and is one character or one class of them. */
  #escape(inClass: boolean): string {
    const rest = this.#pattern.slice(this.#at);
    const take = (length: number, text: string) => {
      this.#at += length;
      return text;
    };
    const character = (length: number, text: string) => take(length, inClass ? literalInClass(text) : this.#literal(text));
    const quoted = inClass ? /^\\Q([\s\S]*?)(?:\\E|$)/.exec(rest) : null;
    if (quoted !== null) return take(quoted[0].length, [...(quoted[1] as string)].map(literalInClass).join(''));
    const property = /^\\([pP])(?:\{(\^?)([^}]+)\}|([A-Z]))/.exec(rest);
    if (property !== null) return take(property[0].length, this.#property(property));
    const octal = /^\\0([0-3]?[0-7]{1,2})/.exec(rest);
    if (octal !== null) return character(octal[0].length, String.fromCodePoint(Number.parseInt(octal[1] as string, 8)));
    const hex = /^\\(?:x\{([0-9a-fA-F]+)\}|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))/.exec(rest);
    if (hex !== null) return character(hex[0].length, String.fromCodePoint(Number.parseInt((hex[1] ?? hex[2] ?? hex[3]) as string, 16)));
    const next = rest[1];
    if (next === undefined) this.#fail('Unexpected internal error');
    if (controls[next] !== undefined) return character(2, controls[next]);
    if (classes[next] !== undefined) return take(2, classes[next]);
    if (!inClass && anchors[next] !== undefined) return take(2, anchors[next]);
    if (/[dDwW]/.test(next)) return take(2, `\\${next}`);
    if (next === 'c' && rest[2] !== undefined) return character(3, String.fromCharCode(rest.charCodeAt(2) ^ 64));
    if (/[a-zA-Z0-9]/.test(next)) this.#fail('Illegal/unsupported escape sequence');
    return character(1 + String.fromCodePoint(rest.codePointAt(1) as number).length, String.fromCodePoint(rest.codePointAt(1) as number));
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

  /** A character as itself. Without regard to case only letters of ASCII have two forms. */
  #literal(character: string): string {
    if (this.#flags.insensitive && /[a-zA-Z]/.test(character)) return `[${character.toLowerCase()}${character.toUpperCase()}]`;
    return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
  }

  #fail(why: string): never {
    throw new PatternSyntaxException(why, this.#pattern, Math.min(this.#at, Math.max(0, this.#pattern.length - 1)));
  }
}

function literalInClass(character: string): string {
  return classSyntax.test(character) ? `\\${character}` : character;
}
