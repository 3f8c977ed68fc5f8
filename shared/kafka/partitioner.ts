/** Kafka's 32-bit murmur2 of a key, signed, as `org.apache.kafka.common.utils.Utils.murmur2` computes it. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
  let hash = 0x9747b28c ^ length;
  const whole = length & ~3;
  for (let index = 0; index < whole; index += 4) {
    let word = (bytes[index] as number) | ((bytes[index + 1] as number) << 8) | ((bytes[index + 2] as number) << 16) | ((bytes[index + 3] as number) << 24);
    word = Math.imul(word, 0x5bd1e995);
    word ^= word >>> 24;
    hash = Math.imul(hash, 0x5bd1e995) ^ Math.imul(word, 0x5bd1e995);
  }
  const rest = length & 3;
  if (rest === 3) hash ^= (bytes[whole + 2] as number) << 16;
  if (rest >= 2) hash ^= (bytes[whole + 1] as number) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ (bytes[whole] as number), 0x5bd1e995);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0x5bd1e995);
  return hash ^ (hash >>> 15);
}

/** The partition of a key among `count`, equal to the Java client's. */
export function partitionForKey(key: Uint8Array, count: number): number {
  return (murmur2(key) & 0x7fffffff) % count;
}

/** The next partition for records without a key: any that has a leader, another than the last where there is a choice (KIP-480). */
export function nextStickyPartition(leaders: readonly number[], last: number): number {
  const available: number[] = [];
  for (let partition = 0; partition < leaders.length; partition++) if ((leaders[partition] as number) >= 0 && partition !== last) available.push(partition);
  if (available.length === 0) return last >= 0 && last < leaders.length ? last : Math.floor(Math.random() * leaders.length);
  return available[Math.floor(Math.random() * available.length)] as number;
}
