import {
  ConnectException,
  type ConnectRecord,
  DataException,
  type Header,
  recordTransformation,
  Schema,
  type SchemaParts,
  SinkRecord,
} from '../../../connect/index.ts';
import { javaToString, schemaText } from '../../../connect/java/java-value.ts';
import { extractField } from '../../extract-field.ts';
import { replaceMatching } from '../../java-replacement.ts';
import type { StructValue } from '../../requirements.ts';
import { fieldGet, isEnvelope, NullPointerException, structOf, typedValue, VERSION } from '../envelope.ts';
import { nameAdjuster } from '../schema-name-adjuster.ts';
import { checkEventRouter, eventRouterConfig } from './event-router-config.ts';
import { expandJson } from './json-payload.ts';

/** A column that goes somewhere besides the payload. */
interface AdditionalField {
  readonly field: string;
  readonly placement: string;
  readonly alias: string;
}

interface Row {
  readonly schema: Schema;
  readonly struct: StructValue;
}

/**
 * Makes the events of an outbox table into records of their own topics.
 * `{"transforms.t.type": "io.debezium.transforms.outbox.EventRouter", "transforms.t.table.fields.additional.placement": "type:header:eventType"}`
 */
export const eventRouter = recordTransformation({
  className: 'io.debezium.transforms.outbox.EventRouter',
  version: VERSION,
  overview: 'Makes the events of an outbox table, as Debezium reads them, into records of their own topics.',
  config: eventRouterConfig,
  create(parsed, raw) {
    checkEventRouter(parsed);
    const [eventId, eventKey, payloadField] = [parsed['table.field.event.id'], parsed['table.field.event.key'], parsed['table.field.event.payload']];
    const additional = additionalFields(parsed['table.fields.additional.placement']);
    const onlyHeaders = !additional.some(({ placement }) => placement === 'envelope');
    const onMissing = parsed['table.fields.additional.error.on.missing'];
    const versionField = parsed['table.field.event.schema.version'];
    const routeBy = parsed['route.by.field'];
    const route = replaceMatching(parsed['route.topic.regex'], parsed['route.topic.replacement']);
    const after = extractField[1].create({ field: 'after' });
    const json = {
      keepNulls: parsed['table.json.payload.null.behavior'].trim().toLowerCase() === 'optional_bytes',
      fieldName: nameAdjuster((raw['field.name.adjustment.mode'] ?? 'none').trim().toLowerCase(), { dots: false }),
    };
    const versions = new Map<unknown, Schema>();
    const envelopes = new WeakMap<Schema, Schema>();
    const envelopeSchema = (payload: Schema, row: Row): Schema => {
      const version = versionField === null ? null : (typedValue(row.schema, row.struct, versionField, 'INT32') as number | null);
      const topic = typedValue(row.schema, row.struct, routeBy, 'STRING') as string | null;
      const known = versionField === null ? envelopes.get(payload) : versions.get(version);
      if (known !== undefined) return known;
      const fields = additional.filter(({ placement }) => placement === 'envelope');
      const made = new Schema({
        type: 'STRUCT',
        name: schemaName(row.schema.name, topic),
        version,
        fields: [{ name: 'payload', schema: payload }, ...named(fields, row.schema)],
      });
      if (versionField === null) envelopes.set(payload, made);
      else versions.set(version, made);
      return made;
    };

    return <R extends ConnectRecord>(record: R): R | null => {
      if (record.value === null || record.value === undefined) return null;
      if (!isEnvelope(record)) return record;
      const event = structOf(record.valueSchema, record.value, 'Detect Debezium Operation');
      const operation = typedValue(event.schema, event.struct, 'op', 'STRING');
      if (operation === null) throw new NullPointerException('The change event has no operation');
      if (operation === 'd') return null;
      if (operation === 'u') {
        if (parsed['table.op.invalid.behavior'].trim().toLowerCase() !== 'fatal') return null;
        throw new IllegalStateException(`Unexpected update message received ${javaToString(record.keySchema, record.key)}, fail.`);
      }
      const extracted = after.apply(record) as R;
      const row = structOf(extracted.valueSchema, extracted.value, 'Read Outbox Event');
      const field = row.schema.field(payloadField);
      if (field === undefined) throw new ConnectException(`Unable to find payload field ${payloadField} in event`);
      const timestamp = eventTimestamp(parsed['table.field.event.timestamp'], event, row);
      const id = fieldGet(row.schema, row.struct, eventId);
      let [payloadSchema, payload] = [field.schema, fieldGet(row.schema, row.struct, payloadField)];
      const headers: Header[] = [...record.headers, header('id', row.schema.field(eventId)?.schema as Schema, id)];
      if (parsed['table.expand.json.payload'] && typeof payload === 'string') {
        const expanded = expandJson(payloadField, payload, json);
        if (expanded !== undefined) [payloadSchema, payload] = [expanded.schema, expanded.value];
      }
      const isEmpty = payload === null || javaToString(payloadSchema, payload).trim() === '';
      const valueSchema = onlyHeaders ? payloadSchema : envelopeSchema(payloadSchema, row);
      const value: Record<string, unknown> = {};
      if (!onlyHeaders) put(value, 'payload', payloadSchema, payload);
      // A source leaves it to Kafka, a sink has it already.
      let partition = record instanceof SinkRecord ? record.kafkaPartition : null;
      for (const { field: name, placement, alias } of additional) {
        if (!onMissing && row.schema.field(name) === undefined) continue;
        if (placement === 'envelope') put(value, alias, row.schema.field(name)?.schema as Schema, fieldGet(row.schema, row.struct, name));
        else if (placement === 'header') {
          const own = fieldGet(row.schema, row.struct, name);
          headers.push(header(alias, row.schema.field(name)?.schema as Schema, own));
        } else if (placement === 'partition') partition = typedValue(row.schema, row.struct, name, 'INT32') as number | null;
        else throw new NullPointerException(`table.fields.additional.placement: ${name} goes to ${placement}, and can go to header, envelope or partition`);
      }
      const gone = isEmpty && parsed['route.tombstone.on.empty.payload'];
      const key = fieldGet(row.schema, row.struct, eventKey);
      const routed = typedValue(row.schema, row.struct, routeBy, 'STRING') as string | null;
      if (routed === null) throw new NullPointerException(`The column ${routeBy} is null, which decides on the topic`);
      const keySchema = row.schema.field(eventKey)?.schema ?? Schema.STRING_SCHEMA;
      const [schema, whole] = gone ? [null, null] : onlyHeaders ? [payloadSchema, payload] : [valueSchema, value];
      return record.newRecord(route(routed) ?? routed, partition, keySchema, key, schema, whole, timestamp, headers);
    };
  },
});

/** Java's IllegalStateException. */
class IllegalStateException extends Error {
  readonly javaClass = 'java.lang.IllegalStateException';
}

function additionalFields(texts: readonly string[] | null): AdditionalField[] {
  return (texts ?? []).map((text) => {
    const [field = '', placement = '', alias] = text.split(':').map((part) => part.trim());
    return { field, placement: placement.toLowerCase(), alias: alias ?? field };
  });
}

function named(fields: readonly AdditionalField[], schema: Schema): NonNullable<SchemaParts['fields']> {
  return fields.map(({ field, alias }) => {
    const found = schema.field(field);
    if (found === undefined) throw new NullPointerException(`The outbox table has no column ${field}, which table.fields.additional.placement names`);
    return { name: alias, schema: found.schema };
  });
}

/** The old name with the topic before its last part. */
function schemaName(name: string | null, topic: string | null): string | null {
  if (name === null) return topic;
  const dot = name.lastIndexOf('.');
  return `${name.slice(0, dot + 1)}${topic}.${name.slice(dot + 1)}`;
}

function header(key: string, schema: Schema, value: unknown): Header {
  if (value === null && !schema.optional) throw new DataException(`A null value requires an optional schema but was ${schemaText(schema)}`);
  return { key, schema, value };
}

function put(struct: Record<string, unknown>, name: string, schema: Schema, value: unknown): void {
  if (value === null && !schema.optional) throw new DataException(`Invalid value: null used for required field: "${name}", schema type: ${schema.type}`);
  struct[name] = value;
}

const divisors: Readonly<Record<string, bigint>> = {
  'io.debezium.time.Timestamp': 1n,
  'io.debezium.time.MicroTimestamp': 1000n,
  'io.debezium.time.NanoTimestamp': 1_000_000n,
};

/** Milliseconds: of the column, or of the event where the column is null or not asked for. */
function eventTimestamp(column: string | null, event: Row, row: Row): number | null {
  const ofEvent = (): number | null => {
    const millis = typedValue(event.schema, event.struct, 'ts_ms', 'INT64') as bigint | null;
    return millis === null ? null : Number(millis);
  };
  if (column === null) return ofEvent();
  const field = row.schema.field(column);
  if (field === undefined) throw new ConnectException(`Unable to find timestamp field ${column} in event`);
  const timestamp = typedValue(row.schema, row.struct, column, 'INT64') as bigint | Date | null;
  if (timestamp === null) return ofEvent();
  const { name, type } = field.schema;
  if (name === null) throw new ConnectException(`Unsupported field type ${type} (without logical schema name) for event timestamp`);
  const divisor = divisors[name];
  if (divisor === undefined) throw new ConnectException(`Unsupported field type ${name} for event timestamp`);
  return Number(BigInt(timestamp as bigint) / divisor);
}
