import type { TransformationDefinition } from '../connect/index.ts';
import { cast } from './cast.ts';
import { extractTopic } from './confluent/extract-topic.ts';
import { filter as confluentFilter } from './confluent/filter.ts';
import { messageTimestampRouter } from './confluent/message-timestamp-router.ts';
import { tombstoneHandler } from './confluent/tombstone-handler.ts';
import { byLogicalTableRouter } from './debezium/by-logical-table-router.ts';
import { extractNewRecordState } from './debezium/extract-new-record-state.ts';
import { eventRouter } from './debezium/outbox/event-router.ts';
import { dropHeaders } from './drop-headers.ts';
import { extractField } from './extract-field.ts';
import { filter } from './filter.ts';
import { flatten } from './flatten.ts';
import { headerFrom } from './header-from.ts';
import { hoistField } from './hoist-field.ts';
import { insertField } from './insert-field.ts';
import { insertHeader } from './insert-header.ts';
import { maskField } from './mask-field.ts';
import { regexRouter } from './regex-router.ts';
import { replaceField } from './replace-field.ts';
import { setSchemaMetadata } from './set-schema-metadata.ts';
import { timestampConverter } from './timestamp-converter.ts';
import { timestampRouter } from './timestamp-router.ts';
import { valueToKey } from './value-to-key.ts';

/** Every transformation that ships with Sluice; a new one adds a line. */
export const transformations: readonly TransformationDefinition[] = [
  ...cast,
  dropHeaders,
  ...extractField,
  filter,
  ...flatten,
  ...headerFrom,
  ...hoistField,
  ...insertField,
  insertHeader,
  ...maskField,
  regexRouter,
  ...replaceField,
  ...setSchemaMetadata,
  ...timestampConverter,
  timestampRouter,
  valueToKey,
  ...confluentFilter,
  ...extractTopic,
  messageTimestampRouter,
  tombstoneHandler,
  byLogicalTableRouter,
  eventRouter,
  extractNewRecordState,
];
