import { ConfigException } from '../../connect/index.ts';
import type { JavaRandom } from './java-random.ts';

/** Makes a text that a regular expression matches. */
export type TextMaker = (random: JavaRandom) => string;

/** How many repetitions `*` and `+` go beyond their least. */
const unboundedRepeats = 10;
const codes = (from: string, to: string) =>
  Array.from({ length: to.charCodeAt(0) - from.charCodeAt(0) + 1 }, (_, at) => String.fromCharCode(from.charCodeAt(0) + at));
const printable = codes(' ', '~');
const named: Readonly<Record<string, readonly string[]>> = {
  d: codes('0', '9'),
  w: [...codes('a', 'z'), ...codes('A', 'Z'), ...codes('0', '9'), '_'],
  s: [' '],
  n: ['\n'],
  t: ['\t'],
};

/** Compiles a regular expression of literals, classes, groups, alternatives and quantifiers. Throws ConfigException for anything else. */
export function regexText(regex: string): TextMaker {
  const compiler = new Compiler(regex);
  return compiler.compile();
}

class Compiler {
  readonly #regex: string;
  #at = 0;

  constructor(regex: string) {
    this.#regex = regex;
  }

  compile(): TextMaker {
    const maker = this.#alternatives();
    if (this.#at < this.#regex.length) throw this.#wrong(`unexpected ${this.#regex[this.#at]}`);
    return maker;
  }

  #wrong(why: string): ConfigException {
    return new ConfigException(`The regex ${this.#regex} of arg.properties cannot be used: ${why} at ${this.#at}`);
  }

  #alternatives(): TextMaker {
    const choices = [this.#sequence()];
    while (this.#regex[this.#at] === '|') {
      this.#at++;
      choices.push(this.#sequence());
    }
    return choices.length === 1 ? (choices[0] as TextMaker) : (random) => (choices[random.nextInt(choices.length)] as TextMaker)(random);
  }

  #sequence(): TextMaker {
    const parts: TextMaker[] = [];
    while (this.#at < this.#regex.length && !'|)'.includes(this.#regex[this.#at] as string)) parts.push(this.#quantified(this.#atom()));
    return (random) => {
      let text = '';
      for (const part of parts) text += part(random);
      return text;
    };
  }

  #atom(): TextMaker {
    const c = this.#regex[this.#at++] as string;
    if (c === '(') {
      if (this.#regex.startsWith('?:', this.#at)) this.#at += 2;
      else if (this.#regex[this.#at] === '?') throw this.#wrong('a group with ?');
      const inner = this.#alternatives();
      if (this.#regex[this.#at++] !== ')') throw this.#wrong('a ) is missing');
      return inner;
    }
    if (c === '[') return oneOf(this.#class());
    if (c === '.') return oneOf(printable);
    if (c === '\\') return oneOf(this.#escaped());
    if (c === '^' || c === '$') return () => '';
    if ('*+?{'.includes(c)) throw this.#wrong(`nothing to repeat before ${c}`);
    return () => c;
  }

  #escaped(): readonly string[] {
    const c = this.#regex[this.#at++];
    if (c === undefined) throw this.#wrong('a character is missing after \\');
    if (/[a-zA-Z0-9]/.test(c) && named[c] === undefined) throw this.#wrong(`\\${c}`);
    return named[c] ?? [c];
  }

  #class(): readonly string[] {
    const negated = this.#regex[this.#at] === '^';
    if (negated) this.#at++;
    const members: string[] = [];
    for (let c = this.#regex[this.#at++]; c !== ']'; c = this.#regex[this.#at++]) {
      if (c === undefined) throw this.#wrong('a ] is missing');
      const first = c === '\\' ? this.#escaped() : [c];
      const end = this.#regex[this.#at + 1];
      if (first.length === 1 && this.#regex[this.#at] === '-' && end !== undefined && end !== ']') {
        this.#at += 2;
        members.push(...codes(first[0] as string, end));
      } else members.push(...first);
    }
    const allowed = negated ? printable.filter((each) => !members.includes(each)) : members;
    if (allowed.length === 0) throw this.#wrong('an empty class');
    return allowed;
  }

  #quantified(atom: TextMaker): TextMaker {
    const match = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})[?+]?/.exec(this.#regex.slice(this.#at));
    if (match === null) return atom;
    this.#at += match[0].length;
    const [, sign, least, comma, greatest] = match;
    const min = sign === undefined ? Number(least) : sign === '+' ? 1 : 0;
    const max = sign === '?' ? 1 : sign !== undefined || (comma && !greatest) ? min + unboundedRepeats : Number(comma ? greatest : least);
    if (max < min) throw this.#wrong(`{${least},${greatest}}`);
    return (random) => {
      let text = '';
      for (let left = min + random.nextInt(max - min + 1); left > 0; left--) text += atom(random);
      return text;
    };
  }
}

function oneOf(choices: readonly string[]): TextMaker {
  return (random) => choices[random.nextInt(choices.length)] as string;
}
