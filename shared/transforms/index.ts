import type { TransformationDefinition } from '../connect/index.ts';

/** Every transformation that ships with Sluice; a new one adds a line. */
export const transformations: readonly TransformationDefinition[] = [];
