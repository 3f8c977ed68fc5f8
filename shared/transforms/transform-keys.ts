import { boolean } from '../connect/index.ts';

/** Kafka's own plugins carry the version of Kafka that they equal. */
export const VERSION = '4.3.1';

/** The key that decides what a transformation takes a null for that has a default (KIP-1040). */
export const REPLACE_NULL_WITH_DEFAULT = {
  'replace.null.with.default': boolean({
    default: true,
    importance: 'MEDIUM',
    doc: 'Whether to replace fields that have a default value and that are null to the default value. When set to true, the default value is used, otherwise null is used.',
  }),
};
