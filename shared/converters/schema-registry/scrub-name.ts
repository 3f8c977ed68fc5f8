/**
 * `scrub.invalid.names`: what is not allowed in a name becomes its URL encoding, as Java makes it, with `_` for `%`.
 * `valid`: names that stay; `badStart`: characters that no name begins with, before which an `x` is put.
 */
export function scrubbed(name: string, { valid, badStart }: { readonly valid: RegExp; readonly badStart: RegExp }): string {
  if (name === '' || valid.test(name)) return name;
  const encoded = encodeURIComponent(name)
    .replace(/%20/g, '+')
    .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return (badStart.test(encoded) ? `x${encoded}` : encoded).replace(/[^A-Za-z0-9_]/g, '_');
}
