import { ConnectException } from '../../connect/index.ts';

/** The name of a table. What was not given is null. */
export interface TableId {
  readonly catalog: string | null;
  readonly schema: string | null;
  readonly table: string;
}

/**
 * Reads `table`, `schema.table` or `catalog.schema.table`; a part in quotes may hold dots. Throws ConnectException on
 * anything else.
 */
export function parseTableId(text: string, quote: string): TableId {
  const parts: string[] = [];
  for (let at = 0; at <= text.length; ) {
    const quoted = text.startsWith(quote, at);
    const end = quoted ? text.indexOf(quote, at + 1) : text.indexOf('.', at);
    if (quoted && end < 0) throw new ConnectException(`The table name ${text} lacks a closing quote`);
    parts.push(text.slice(quoted ? at + 1 : at, end < 0 ? undefined : end));
    at = end < 0 ? text.length + 1 : quoted ? end + 2 : end + 1;
  }
  const [first, second, third] = parts;
  if (parts.length > 3 || parts.includes('') || first === undefined)
    throw new ConnectException(
      `'${text}' is no name of a table: it has the form table, schema.table or catalog.schema.table. See table.name.format, or put a RegexRouter before the sink`,
    );
  if (third !== undefined) return { catalog: first, schema: second ?? null, table: third };
  return second === undefined ? { catalog: null, schema: null, table: first } : { catalog: null, schema: first, table: second };
}
