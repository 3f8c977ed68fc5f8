import type { NullFieldIndicator } from './config.ts';

export interface CsvDialect {
  readonly separator: string;
  readonly quote: string;
  readonly escape: string;
  readonly strictQuotes: boolean;
  readonly ignoreLeadingWhitespace: boolean;
  readonly ignoreQuotations: boolean;
  readonly nullFields: NullFieldIndicator;
  readonly rfc4180: boolean;
}

/**
 * Cuts lines into fields as opencsv does, which existing files are written for: an escape character before anything but
 * a quote or itself is dropped, blanks before a quote are dropped, quotes within a field are kept. A quoted field may
 * go on over several lines: then `parse` returns null and the next line belongs to the same row.
 */
export class CsvParser {
  readonly #dialect: CsvDialect;
  readonly #nullIfBare: boolean;
  readonly #nullIfQuoted: boolean;
  #fields: (string | null)[] = [];
  /** The field that goes on in the next line. */
  #pending: string | null = null;
  #inField = false;

  constructor(dialect: CsvDialect) {
    this.#dialect = dialect;
    this.#nullIfBare = dialect.nullFields === 'EMPTY_SEPARATORS' || dialect.nullFields === 'BOTH';
    this.#nullIfQuoted = dialect.nullFields === 'EMPTY_QUOTES' || dialect.nullFields === 'BOTH';
  }

  /** What was read of a row whose end has not come. */
  get unfinished(): string | null {
    return this.#pending;
  }

  /** The fields of a row, or null when it goes on in the next line. */
  parse(line: string): (string | null)[] | null {
    const { quote, separator, escape: escapeChar, rfc4180, strictQuotes } = this.#dialect;
    if (this.#pending === null && !strictQuotes && !line.includes(quote) && (rfc4180 || !line.includes(escapeChar))) {
      const fields: (string | null)[] = line.split(separator);
      if (this.#nullIfBare) for (let i = 0; i < fields.length; i++) if (fields[i] === '') fields[i] = null;
      return fields;
    }
    return rfc4180 ? this.#parseRfc4180(line) : this.#parseEscaped(line);
  }

  #parseEscaped(line: string): (string | null)[] | null {
    const { separator, quote, escape: escapeChar, strictQuotes, ignoreLeadingWhitespace, ignoreQuotations } = this.#dialect;
    let field = this.#pending ?? '';
    let inQuotes = this.#pending !== null;
    let fromQuotes = inQuotes;
    this.#pending = null;
    for (let i = 0; i < line.length; i++) {
      const c = line[i] as string;
      const next = line[i + 1];
      const within = (inQuotes && !ignoreQuotations) || this.#inField;
      if (c === escapeChar && c !== quote) {
        if (!strictQuotes) this.#inField = true;
        if (within && (next === quote || next === escapeChar)) {
          field += next;
          i++;
        }
      } else if (c === quote) {
        if (within && next === quote) {
          field += quote;
          i++;
        } else {
          inQuotes = !inQuotes;
          if (field === '') fromQuotes = true;
          if (!strictQuotes && i > 2 && line[i - 1] !== separator && next !== undefined && next !== separator) {
            if (ignoreLeadingWhitespace && field !== '' && field.trim() === '') field = '';
            else field += quote;
          }
        }
        this.#inField = !this.#inField;
      } else if (c === separator && !(inQuotes && !ignoreQuotations)) {
        this.#end(field, fromQuotes);
        field = '';
        fromQuotes = false;
      } else if (!strictQuotes || (inQuotes && !ignoreQuotations)) {
        field += c;
        this.#inField = true;
        fromQuotes = true;
      }
    }
    if (inQuotes && !ignoreQuotations) return this.#goOn(field);
    this.#end(field, fromQuotes);
    return this.#row();
  }

  #parseRfc4180(line: string): (string | null)[] | null {
    const { separator, quote } = this.#dialect;
    let field = this.#pending ?? '';
    let inQuotes = this.#pending !== null;
    let quoted = inQuotes;
    this.#pending = null;
    for (let i = 0; i < line.length; i++) {
      const c = line[i] as string;
      if (c === quote && inQuotes && line[i + 1] === quote) {
        field += quote;
        i++;
      } else if (c === quote && inQuotes) inQuotes = false;
      else if (c === quote && field === '' && !quoted) {
        inQuotes = true;
        quoted = true;
      } else if (c === separator && !inQuotes) {
        this.#end(field, quoted);
        field = '';
        quoted = false;
      } else field += c;
    }
    if (inQuotes) return this.#goOn(field);
    this.#end(field, quoted);
    return this.#row();
  }

  #end(field: string, fromQuotes: boolean): void {
    this.#fields.push(field === '' && (fromQuotes ? this.#nullIfQuoted : this.#nullIfBare) ? null : field);
    this.#inField = false;
  }

  #goOn(field: string): null {
    this.#pending = `${field}\n`;
    return null;
  }

  #row(): (string | null)[] {
    const fields = this.#fields;
    this.#fields = [];
    return fields;
  }
}
