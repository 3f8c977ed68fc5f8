import { boolean, ConfigException, type ConfigOf, configDef, javaPattern, list, string } from '../../../connect/index.ts';

/** The keys of the outbox event router. */
export const eventRouterConfig = configDef({
  'table.field.event.id': string({ default: 'id', importance: 'LOW', group: 'Table', doc: 'Column with the id of the event, which becomes the header `id`.' }),
  'table.field.event.key': string({ default: 'aggregateid', importance: 'LOW', group: 'Table', doc: 'Column with the key of the record.' }),
  'table.field.event.type': string({ default: 'type', importance: 'LOW', group: 'Table', doc: 'Known, and of no effect, as in Debezium.' }),
  'table.field.event.payload': string({ default: 'payload', importance: 'LOW', group: 'Table', doc: 'Column with the value of the record.' }),
  'table.field.event.timestamp': string({
    default: null,
    importance: 'MEDIUM',
    group: 'Table',
    doc: "Column with the timestamp of the record; without it, it is the event's.",
  }),
  'table.fields.additional.placement': list({
    default: null,
    importance: 'HIGH',
    group: 'Table',
    doc: 'Further columns and where they go: `type:header,version:envelope:v,shard:partition`.',
  }),
  'table.fields.additional.error.on.missing': boolean({
    default: true,
    importance: 'MEDIUM',
    group: 'Table',
    doc: 'Whether it is an error when such a column is missing.',
  }),
  'table.field.event.schema.version': string({ default: null, importance: 'LOW', group: 'Table', doc: "Column with the version of the value's schema." }),
  'table.op.invalid.behavior': string({
    default: 'warn',
    importance: 'MEDIUM',
    group: 'Table',
    doc: 'What becomes of updates in the outbox: dropped (`warn`, `error`) or an error (`fatal`).',
  }),
  'table.expand.json.payload': boolean({ default: false, importance: 'MEDIUM', group: 'Table', doc: 'Whether a payload that is JSON becomes a struct.' }),
  'table.json.payload.null.behavior': string({
    default: 'ignore',
    importance: 'MEDIUM',
    group: 'Table',
    doc: 'Whether nulls in such a payload are left out (`ignore`) or become optional bytes.',
  }),
  'route.by.field': string({ default: 'aggregatetype', importance: 'HIGH', group: 'Router', doc: 'Column that decides on the topic.' }),
  'route.topic.regex': string({
    default: '(?<routedByValue>.*)',
    importance: 'LOW',
    group: 'Router',
    doc: 'Pattern that the value of that column must match.',
  }),
  'route.topic.replacement': string({
    default: 'outbox.event.${routedByValue}',
    importance: 'HIGH',
    group: 'Router',
    doc: 'The topic; `${routedByValue}` is the value of that column.',
  }),
  'route.tombstone.on.empty.payload': boolean({ default: false, importance: 'HIGH', group: 'Router', doc: 'Whether an empty payload becomes a tombstone.' }),
});

/** Checks what Debezium checks only when the transformation is made. Throws ConfigException. */
export function checkEventRouter(config: ConfigOf<typeof eventRouterConfig>): void {
  const placement = config['table.fields.additional.placement'];
  if (placement?.some((each) => ![2, 3].includes(each.replace(/:+$/, '').split(':').length)))
    fail(
      'table.fields.additional.placement',
      placement.join(','),
      `A comma-separated list of valid String pairs or trios is expected but got: [${placement.join(', ')}]`,
    );
  try {
    javaPattern(config['route.topic.regex']);
  } catch (cause) {
    fail('route.topic.regex', config['route.topic.regex'], `A valid regular expressions is expected, but ${(cause as Error).message}`);
  }
  oneOf(config, 'table.op.invalid.behavior', ['warn', 'error', 'fatal']);
  oneOf(config, 'table.json.payload.null.behavior', ['ignore', 'optional_bytes']);
}

function oneOf(config: Readonly<Record<string, unknown>>, name: string, allowed: readonly string[]): void {
  const value = String(config[name]);
  if (!allowed.includes(value.trim().toLowerCase())) fail(name, value, `Value must be one of ${allowed.join(', ')}`);
}

function fail(name: string, value: string, why: string): never {
  throw ConfigException.forValue(name, value, `The '${name}' value is invalid: ${why}`);
}
