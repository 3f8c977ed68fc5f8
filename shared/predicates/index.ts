import type { PredicateDefinition } from '../connect/index.ts';

/** Every predicate that ships with Sluice; a new one adds a line. */
export const predicates: readonly PredicateDefinition[] = [];
