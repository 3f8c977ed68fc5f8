/** What ES2025 has and TypeScript's library does not know yet. */
const json = JSON as unknown as { rawJSON(text: string): object; isRawJSON(value: unknown): value is { readonly rawJSON: string } };

type Reviver = (this: unknown, name: string, value: unknown, context: { source?: string }) => unknown;

const numbersAsWritten: Reviver = (_name, value, { source }) => (typeof value === 'number' && source !== undefined ? json.rawJSON(source) : value);

/** Parses JSON such that `JSON.stringify` writes every number as it stood: `1.0` stays `1.0`. Throws SyntaxError. */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, numbersAsWritten as Parameters<typeof JSON.parse>[1]);
}

/** The text of a number that `parseExactly` read; null for anything else. */
export function numberText(value: unknown): string | null {
  return json.isRawJSON(value) ? value.rawJSON : null;
}
