import { Schema } from './schema.ts';

/** Names of Connect's logical types, and makers of their schemas. */
export const DECIMAL = 'org.apache.kafka.connect.data.Decimal';
export const DATE = 'org.apache.kafka.connect.data.Date';
export const TIME = 'org.apache.kafka.connect.data.Time';
export const TIMESTAMP = 'org.apache.kafka.connect.data.Timestamp';
export const MILLIS_PER_DAY = 86_400_000;

/** Decimal with a fixed scale; values are `Decimal`. */
export function decimalSchema(scale: number, optional = false): Schema {
  return new Schema({ type: 'BYTES', name: DECIMAL, version: 1, optional, parameters: { scale: String(scale) } });
}

/** A day without time of day or zone; values are `Date` at midnight UTC. */
export const dateSchema = (optional = false): Schema => new Schema({ type: 'INT32', name: DATE, version: 1, optional });
/** A time of day; values are `Date` within 1970-01-01 UTC. */
export const timeSchema = (optional = false): Schema => new Schema({ type: 'INT32', name: TIME, version: 1, optional });
/** An instant with millisecond precision; values are `Date`. */
export const timestampSchema = (optional = false): Schema => new Schema({ type: 'INT64', name: TIMESTAMP, version: 1, optional });
