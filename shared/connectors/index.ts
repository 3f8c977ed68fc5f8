import type { ConnectorDefinition } from '../connect/index.ts';

/** Every connector that ships with Sluice; a new one adds a line. */
export const connectors: readonly ConnectorDefinition[] = [];
