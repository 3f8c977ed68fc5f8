import type { Logger } from '../connect/logger.ts';

/** Shorter values (a port, `yes`) stand in many texts that have nothing to do with them, and are no secrets. */
const shortest = 4;
/** From this length on a value is taken for a secret wherever it stands, below it only where it is a word of its own. */
const unmistakable = 8;

/**
 * The values that a run has read through config providers. What plugins and drivers say about them (`Invalid value … for
 * configuration …`) goes to the table, the REST API, the failure queue and the log: there the reference stands in their place.
 */
export class ResolvedSecrets {
  readonly #references = new Map<string, string>();
  #patterns: { readonly plain: RegExp; readonly written: RegExp } | null = null;

  /** `reference`: what the config says in place of the value. */
  add(value: string, reference: string): void {
    if (value.length < shortest || this.#references.has(value)) return;
    // Also as it stands in a URL or in JSON.
    for (const form of [value, encodeURIComponent(value.toWellFormed()), JSON.stringify(value).slice(1, -1)])
      if (!this.#references.has(form)) this.#references.set(form, reference);
    this.#patterns = null;
  }

  /** The text with references in place of values. */
  hide(text: string): string {
    if (this.#references.size === 0) return text;
    return text.replace(this.#pattern().written, (value) => this.#references.get(value) ?? value);
  }

  /** The same for a config that is to be stored and resolved again: only what cannot be there by chance. */
  restore(text: string): string {
    if (this.#references.size === 0) return text;
    return text.replace(this.#pattern().plain, (value) => this.#references.get(value) ?? value);
  }

  /** Hides values in the messages of an error and its causes, and returns the error. */
  hideIn<Thrown>(error: Thrown): Thrown {
    let current: unknown = this.#references.size === 0 ? null : error;
    for (let depth = 0; current instanceof Error && depth < 8; depth++) {
      const { message, stack } = current;
      if (this.hide(message) !== message) current.message = this.hide(message);
      if (stack !== undefined && this.hide(stack) !== stack) current.stack = this.hide(stack);
      current = current.cause;
    }
    return error;
  }

  /** A logger that hides values in messages, texts and errors. */
  logger(logger: Logger): Logger {
    const hidden = (fields: Record<string, unknown>) => Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, this.#hideAny(value, 0)]));
    const write = (level: keyof Logger) => (message: string, fields?: Record<string, unknown>) => {
      if (this.#references.size === 0) logger[level](message, fields);
      else logger[level](this.hide(message), fields && hidden(fields));
    };
    return { trace: write('trace'), debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  }

  #hideAny(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return this.hide(value);
    if (value instanceof Error) return this.hideIn(value);
    if (depth === 4 || typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((each) => this.#hideAny(each, depth + 1));
    if (Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, this.#hideAny(each, depth + 1)]));
  }

  #pattern() {
    // The longest first: one secret may be the beginning of another.
    const values = [...this.#references.keys()].sort((a, b) => b.length - a.length);
    this.#patterns ??= {
      plain: anyOf(values.filter((value) => value.length >= unmistakable).map(escaped)),
      written: anyOf(values.map((value) => (value.length >= unmistakable ? escaped(value) : `(?<!\\w)${escaped(value)}(?!\\w)`))),
    };
    return this.#patterns;
  }
}

function anyOf(patterns: readonly string[]): RegExp {
  return new RegExp(patterns.length === 0 ? '(?!)' : patterns.join('|'), 'g');
}

function escaped(value: string): string {
  return value.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
