import type { ConverterDefinition, HeaderConverterDefinition } from '../connect/index.ts';

/** Every converter that ships with Sluice; a new one adds a line. */
export const converters: readonly ConverterDefinition[] = [];

/** Those of them that also translate headers. */
export const headerConverters: readonly HeaderConverterDefinition[] = [];
