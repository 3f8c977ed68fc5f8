import type { PredicateDefinition } from '../connect/index.ts';
import { hasHeaderKey } from './has-header-key.ts';
import { recordIsTombstone } from './record-is-tombstone.ts';
import { topicNameMatches } from './topic-name-matches.ts';

/** Every predicate that ships with Sluice; a new one adds a line. */
export const predicates: readonly PredicateDefinition[] = [hasHeaderKey, recordIsTombstone, topicNameMatches];
