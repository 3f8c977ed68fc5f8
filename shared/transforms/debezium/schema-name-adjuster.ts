/** `schema.name.adjustment.mode` and `field.name.adjustment.mode`. */
export const adjustmentModes = ['none', 'avro', 'avro_unicode'] as const;

/**
 * Makes names that Avro allows: what it does not is replaced by `_`, or by `_u` and its code. `dots` tells whether dots may
 * stay, as they may in the names of schemas.
 */
export function nameAdjuster(mode: string, { dots }: { dots: boolean }): (name: string) => string {
  const unicode = mode === 'avro_unicode';
  if (!unicode && mode !== 'avro') return (name) => name;
  const first = unicode ? /[a-zA-Z]/ : /[a-zA-Z_]/;
  const later = new RegExp(`${first.source.slice(0, -1)}0-9${dots ? '.' : ''}]`);
  const replaced = (character: string): string => {
    if (!unicode) return '_';
    const hex = character.charCodeAt(0).toString(16);
    return `_u${hex.length <= 2 ? `00${hex}` : hex}`;
  };
  return (name) => {
    let adjusted = '';
    for (let at = 0; at < name.length; at++) {
      const character = name[at] as string;
      if ((at === 0 ? first : later).test(character)) adjusted += character;
      // A digit that a name begins with stays, so that `1a` and `2a` remain two names.
      else adjusted += replaced(character) + (at === 0 && !unicode && /\p{Nd}/u.test(character) ? character : '');
    }
    return adjusted;
  };
}
