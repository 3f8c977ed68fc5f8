/** The entries whose key begins with a prefix, without it. */
export function withPrefix(config: Readonly<Record<string, string>>, prefix: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(config)) if (name.startsWith(prefix)) found[name.slice(prefix.length)] = value;
  return found;
}

/** Keys of a connector's Kafka client: the worker's (`consumer.*`), then the connector's own (`consumer.override.*`, KIP-458). */
export function clientOverrides(
  client: 'producer' | 'consumer' | 'admin',
  worker: Readonly<Record<string, string>>,
  config: Readonly<Record<string, string>>,
): Record<string, string> {
  return { ...withPrefix(worker, `${client}.`), ...withPrefix(config, `${client}.override.`) };
}
