import type { ConfigProviderDefinition } from '../connect/index.ts';

/** Every config provider that ships with Sluice; a new one adds a line. */
export const configProviders: readonly ConfigProviderDefinition[] = [];
