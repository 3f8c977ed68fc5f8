/** A number with a fraction or an exponent, as text: what becomes of it depends on the type that it is read as. */
export class JsonDecimal {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  /** There is no zero below zero: Java reads decimals first. */
  toNumber(): number {
    return /[1-9]/.test(this.text.replace(/[eE].*/, '')) ? Number(this.text) : 0;
  }
}

/** The text is no JSON. */
export class JsonParseException extends Error {
  readonly javaClass: string = 'com.fasterxml.jackson.core.JsonParseException';
}

/** The text ends within a value. */
class JsonEOFException extends JsonParseException {
  override readonly javaClass = 'com.fasterxml.jackson.core.io.JsonEOFException';
}

export const maxDepth = 1000;
const maxNumberLength = 1000;
/** What must not follow `true`, `false` or `null`: parts of identifiers, and, by a slip of Jackson's, all that is not ASCII. */
const identifierPart = /[\w\x7f-\uffff]/;
const simpleEscapes: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const numberToken = /-?(\d+)(\.\d+)?([eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what JSON must escape
const plainCharacters = /[^"\\\u0000-\u001f]*/y;
const blanks = /[ \t\n\r]*/y;

/**
 * Reads JSON as Kafka's Jackson does: every digit of a number is kept, zeros may lead, and what follows the first value
 * is left unread. It is the slow way; `JSON.parse` serves wherever it cannot tell a difference.
 *
 * Objects become plain objects, or Maps with `maps`. Whole numbers become a number, or a bigint beyond 2^53; all others
 * JsonDecimal. Throws JsonParseException.
 */
export class JsonParser {
  readonly #text: string;
  readonly #maps: boolean;
  #depth = 0;
  /** Where the next character is. */
  at: number;

  constructor(text: string, options: { maps?: boolean; at?: number } = {}) {
    this.#text = text;
    this.#maps = options.maps ?? false;
    this.at = options.at ?? 0;
  }

  /** The value that begins here, or undefined when nothing but blanks is left. */
  root(): unknown {
    this.skipBlanks();
    return this.at === this.#text.length ? undefined : this.value();
  }

  skipBlanks(): void {
    blanks.lastIndex = this.at;
    blanks.test(this.#text);
    this.at = blanks.lastIndex;
  }

  value(): unknown {
    this.skipBlanks();
    switch (this.#text[this.at]) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case '"':
        return this.string();
      case 't':
        return this.#literal('true', true);
      case 'f':
        return this.#literal('false', false);
      case 'n':
        return this.#literal('null', null);
      default:
        return this.#number();
    }
  }

  #object(): unknown {
    const maps = this.#maps ? new Map<string, unknown>() : null;
    const plain: Record<string, unknown> = {};
    this.members((name) => {
      const value = this.value();
      if (maps !== null) maps.set(name, value);
      else if (name === '__proto__') Object.defineProperty(plain, name, { value, enumerable: true, configurable: true, writable: true });
      else plain[name] = value;
    });
    return maps ?? plain;
  }

  /** Goes through the members of the object that begins here; `read` is called where a value begins and must end behind it. */
  members(read: (name: string) => void): void {
    this.#enter();
    this.skipBlanks();
    if (this.#take('}')) {
      this.#leave();
      return;
    }
    do {
      this.skipBlanks();
      if (this.#text[this.at] !== '"') this.#fail();
      const name = this.string();
      // Half a surrogate pair is allowed in texts, and not in names.
      if (!name.isWellFormed()) this.#fail();
      this.skipBlanks();
      if (!this.#take(':')) this.#fail();
      this.skipBlanks();
      read(name);
      this.skipBlanks();
    } while (this.#take(','));
    if (!this.#take('}')) this.#fail();
    this.#leave();
  }

  #array(): unknown[] {
    const items: unknown[] = [];
    this.#enter();
    this.skipBlanks();
    if (!this.#take(']')) {
      do {
        items.push(this.value());
        this.skipBlanks();
      } while (this.#take(','));
      if (!this.#take(']')) this.#fail();
    }
    this.#leave();
    return items;
  }

  string(): string {
    this.at++;
    let value = '';
    for (;;) {
      plainCharacters.lastIndex = this.at;
      plainCharacters.test(this.#text);
      value += this.#text.slice(this.at, plainCharacters.lastIndex);
      this.at = plainCharacters.lastIndex;
      const next = this.#text[this.at++];
      if (next === '"') return value;
      if (next !== '\\') this.#fail();
      value += this.#escape();
    }
  }

  #escape(): string {
    const letter = this.#text[this.at++] ?? '';
    const simple = simpleEscapes[letter];
    if (simple !== undefined) return simple;
    const hex = this.#text.slice(this.at, this.at + 4);
    if (letter !== 'u' || !/^[0-9a-fA-F]{4}$/.test(hex)) this.#fail();
    this.at += 4;
    return String.fromCharCode(Number.parseInt(hex, 16));
  }

  #literal<T>(text: string, value: T): T {
    if (!this.#text.startsWith(text, this.at) || identifierPart.test(this.#text[this.at + text.length] ?? '')) this.#fail();
    this.at += text.length;
    return value;
  }

  #number(): unknown {
    numberToken.lastIndex = this.at;
    const match = numberToken.exec(this.#text);
    if (match === null || match[0].length > maxNumberLength) this.#fail();
    this.at += match[0].length;
    if (!(this.#depth === 0 ? /^[ \t\n\r]?$/ : /^[ \t\n\r,\]}]?$/).test(this.#text[this.at] ?? '')) this.#fail();
    const digits = (match[1] as string).replace(/^0+(?=\d)/, '');
    const text = match[0].startsWith('-') ? `-${digits}` : digits;
    if (match[2] !== undefined || match[3] !== undefined) return new JsonDecimal(`${text}${match[2] ?? ''}${match[3] ?? ''}`);
    const value = Number(text);
    if (!Number.isSafeInteger(value)) return BigInt(text);
    return value === 0 ? 0 : value;
  }

  #enter(): void {
    this.at++;
    if (++this.#depth > maxDepth) throw new JsonParseException(`JSON is nested deeper than ${maxDepth} levels`);
  }

  #leave(): void {
    this.#depth--;
  }

  #take(character: string): boolean {
    if (this.#text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  #fail(): never {
    const where = Math.min(this.at, this.#text.length);
    if (where >= this.#text.length) throw new JsonEOFException('The JSON text ends too early');
    throw new JsonParseException(`The text is no JSON at character ${where + 1}`);
  }
}
