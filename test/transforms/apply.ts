import { type Headers, NO_HEADERS, type Schema, SinkRecord } from '../../shared/connect/index.ts';
import { plugins } from '../../shared/plugins.ts';

/** A sink record of the topic `orders`, partition 3, offset 42. */
export function record(parts: {
  key?: unknown;
  keySchema?: Schema;
  value?: unknown;
  valueSchema?: Schema;
  headers?: Headers;
  timestamp?: number | null;
}): SinkRecord {
  const { key = null, keySchema = null, value = null, valueSchema = null, headers = NO_HEADERS, timestamp = 1_700_000_000_123 } = parts;
  return new SinkRecord('orders', 3, keySchema, key, valueSchema, value, 42n, timestamp, 'CreateTime', headers);
}

/** What a transformation, named by its short class name, makes of a record. */
export function apply(className: string, config: Record<string, string>, input: SinkRecord): SinkRecord | null {
  return plugins.transformation(`org.apache.kafka.connect.transforms.${className}`).create(config).apply(input);
}
