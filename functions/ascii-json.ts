/** JSON with every character beyond printable ASCII escaped, for headers and for queues that refuse some characters. */
export function asciiJson(value: unknown, replacer?: (name: string, value: unknown) => unknown): string {
  return JSON.stringify(value, replacer).replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
