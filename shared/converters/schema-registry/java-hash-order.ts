/**
 * Texts in the order in which Java's HashMap tells them when they were put in this order. Confluent's converters make JSON
 * Schema through such maps, and the registry tells schemas apart by their text; fields without an index are in this order.
 */
export function javaHashOrder<K extends string | null>(keys: readonly K[], initialCapacity = 16): K[] {
  let capacity = initialCapacity;
  while (keys.length > capacity * 0.75) capacity *= 2;
  return keys
    .map((key, at) => ({ key, at, bucket: spread(hashCode(key)) & (capacity - 1) }))
    .sort((one, other) => one.bucket - other.bucket || one.at - other.at)
    .map(({ key }) => key);
}

function hashCode(text: string | null): number {
  let hash = 0;
  if (text === null) return hash;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  return hash;
}

const spread = (hash: number): number => hash ^ (hash >>> 16);
