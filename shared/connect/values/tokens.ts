const delimiters = /["\\,:[\]{}]/g;

/**
 * The text of a header in tokens: delimiters on their own, and what stands between them. A backslash takes a delimiter's
 * meaning away.
 */
export class Tokens {
  readonly text: string;
  #at = 0;
  #next: string | null = null;
  /** The token before this one. */
  previous: string | null = null;

  constructor(text: string) {
    this.text = text;
  }

  /** A place to go back to. */
  mark(): number {
    return this.#at - (this.#next?.length ?? 0);
  }

  rewind(place: number): void {
    this.#at = place;
    this.#next = null;
    this.previous = null;
  }

  hasNext(): boolean {
    return this.#next !== null || this.#at < this.text.length;
  }

  next(): string {
    this.previous = this.#next ?? this.#read();
    this.#next = null;
    return this.previous;
  }

  /** The text of so many tokens, or null when there are not as many; then nothing is taken. */
  take(count: number): string | null {
    const start = this.mark();
    for (let taken = 0; taken < count; taken++) {
      if (!this.hasNext()) {
        this.rewind(start);
        return null;
      }
      this.next();
    }
    return this.text.slice(start, this.#at);
  }

  /** Takes the next token that is not blank if it is this one. */
  consume(expected: string): boolean {
    if (this.#next === null) {
      if (!this.hasNext()) return false;
      this.#next = this.#read();
    }
    while (/^\s+$/.test(this.#next) && this.#at < this.text.length) this.#next = this.#read();
    if (trimmed(this.#next) !== expected) return false;
    this.previous = this.#next;
    this.#next = null;
    return true;
  }

  #read(): string {
    const start = this.#at;
    delimiters.lastIndex = start;
    let escaped = -1;
    for (let match = delimiters.exec(this.text); match !== null; match = delimiters.exec(this.text)) {
      if (match[0] === '\\') {
        if (escaped !== match.index) escaped = match.index + 1;
      } else if (escaped !== match.index) {
        this.#at = match.index === start ? start + 1 : match.index;
        return this.text.slice(start, this.#at);
      }
    }
    this.#at = this.text.length;
    return this.text.slice(start);
  }
}

/** Java's `String.trim`. */
export function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) <= 32) start++;
  while (end > start && text.charCodeAt(end - 1) <= 32) end--;
  return text.slice(start, end);
}
